"""Every exchange of policies/exchanges runs through the real gateway, and what comes out is exact."""
import os
import pathlib
import re

import pytest

import exchange
import gateway

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def our_programs_first(monkeypatch):
    folders = [str(program.parent) for program in (gateway.SLUISD, gateway.SLUIS, gateway.AUDIT)]
    monkeypatch.setenv("PATH", ":".join([*folders, os.environ["PATH"]]))
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        monkeypatch.setenv(name, gateway.ENVIRONMENT[name])


PAGE = (ROOT / "docs/exchanges.md").read_text(encoding="utf-8")


def check(stage):
    gateway.check_sanitizers(stage.said)
    assert stage.status == 0, stage.said
    assert set(stage.verdicts) == {"released", "reduced", "refused"}


@pytest.mark.parametrize("name", exchange.names())
def test_an_exchange_is_released_reduced_and_refused_as_its_page_says(name):
    text, stage = exchange.section(name)
    check(stage)
    assert text in PAGE


def test_the_page_lists_every_exchange_and_no_other():
    assert PAGE.startswith(exchange.table())
    assert re.findall("^## (.*)$", PAGE, re.MULTILINE) == exchange.names()


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
    check(exchange.play(str(source)))
