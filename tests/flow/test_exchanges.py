"""Every exchange of policies/exchanges runs through the real gateway, and what comes out is exact."""
import os

import pytest

import gateway
from stage import exchange


@pytest.fixture(autouse=True)
def our_programs_first(monkeypatch):
    folders = [str(program.parent) for program in (gateway.SLUISD, gateway.SLUIS, gateway.AUDIT)]
    monkeypatch.setenv("PATH", ":".join([*folders, os.environ["PATH"]]))
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        monkeypatch.setenv(name, gateway.ENVIRONMENT[name])


@pytest.mark.parametrize("name", exchange.names())
def test_an_exchange_is_released_reduced_and_refused(name, tmp_path):
    stage = exchange.Stage(name, tmp_path / "node", threads=2)
    try:
        stage.start()
        verdicts = exchange.perform(stage)
    finally:
        status = stage.stop()
        gateway.check_sanitizers(stage.log_text())
    assert status == 0, stage.log_text()
    assert set(verdicts) == {"released", "reduced", "refused"}
