"""Every exchange of policies/exchanges runs through the real gateway, and what comes out is exact."""
import os
import pathlib
import re

import pytest

import exchange
import gateway
from stage import Stage, folder_of, names, perform

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def our_programs_first(monkeypatch):
    folders = [str(program.parent) for program in (gateway.SLUISD, gateway.SLUIS, gateway.AUDIT)]
    monkeypatch.setenv("PATH", ":".join([*folders, os.environ["PATH"]]))
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        monkeypatch.setenv(name, gateway.ENVIRONMENT[name])


def played(source, folder):
    stage = Stage(source, folder, threads=2)
    try:
        stage.start()
        verdicts = perform(stage)
    finally:
        status = stage.stop()
        gateway.check_sanitizers(stage.log_text())
    assert status == 0, stage.log_text()
    return verdicts


@pytest.mark.parametrize("name", names())
def test_an_exchange_is_released_reduced_and_refused(name, tmp_path):
    assert set(played(folder_of(name), tmp_path / "node")) == {"released", "reduced", "refused"}


def test_the_page_about_the_exchanges_tells_what_comes_out():
    assert (ROOT / "docs/exchanges.md").read_text(encoding="utf-8") == exchange.page()


def test_a_new_exchange_needs_only_the_files_that_the_docs_show(tmp_path):
    """Follows docs/new-exchange.md to the letter: each file is a block under its name."""
    text = (ROOT / "docs/new-exchange.md").read_text(encoding="utf-8")
    files = re.findall(r"^`([a-z.]+)`[^\n]*\n\n```[a-z]+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    source = tmp_path / "library-reads"
    source.mkdir()
    for name, content in files:
        (source / name).write_text(content, encoding="utf-8")
    assert {name for name, _ in files} == {"gateway.yaml", "policy.yaml", "daan.yaml", "app.json",
                                           "play.yaml"}
    assert set(played(source, tmp_path / "node")) == {"released", "reduced", "refused"}
