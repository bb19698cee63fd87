"""`sluis ledger archive` and `restore`: a ledger is copied while it grows, and put back."""
import shutil

import pytest

from cli_node import Node, run
from gateway import AUDIT


@pytest.fixture
def grown(node):
    for number in range(5):
        node.put(f"person{number}")
    return node


def lose(node):
    """The disk with ledger and index is gone; keys and store are not."""
    shutil.rmtree(node.ledger)
    shutil.rmtree(node.state / "index")


def test_an_archive_made_while_sluisd_runs_is_a_ledger(busy, tmp_path):
    archive = tmp_path / "archive"
    assert busy.sluis("ledger", "archive", archive).code == 0
    done = run(AUDIT, "verify", archive, "--key", busy.vkey)
    assert done.code == 0 and done.out.startswith("valid\n")
    assert run(AUDIT, "list", archive, "--key", busy.vkey).out == \
        run(AUDIT, "list", busy.ledger, "--key", busy.vkey).out


def test_an_archive_follows_what_is_new(grown, tmp_path):
    archive = tmp_path / "archive"
    for n_receipts in (5, 6, 6):
        while len(grown.sluis("subject", "list").out.splitlines()) < n_receipts:
            grown.put(f"person{n_receipts}")
        assert grown.sluis("ledger", "archive", archive).code == 0
        found = run(AUDIT, "verify", archive, "--key", grown.vkey)
        assert f"receipts    {n_receipts}\n" in found.out


def test_a_lost_ledger_comes_back_and_goes_on(grown, tmp_path):
    archive = tmp_path / "archive"
    before = run(AUDIT, "list", grown.ledger, "--key", grown.vkey).out
    assert grown.sluis("ledger", "archive", archive).code == 0
    lose(grown)
    assert grown.sluis("ledger", "restore", archive).code == 0
    assert run(AUDIT, "list", grown.ledger, "--key", grown.vkey).out == before
    assert "receipt 5" in grown.put("another").out
    assert run(AUDIT, "verify", grown.ledger, "--key", grown.vkey).code == 0


def test_an_archive_that_is_behind_the_store_lets_nothing_start(grown, tmp_path):
    archive = tmp_path / "archive"
    assert grown.sluis("ledger", "archive", archive).code == 0
    grown.put("newer")
    lose(grown)
    grown.sluis("ledger", "restore", archive)
    done = grown.sluis("policy", "put", grown.write_policy("another"))
    assert done.code != 0 and done.err != ""


def test_nothing_is_overwritten(grown, tmp_path):
    archive = tmp_path / "archive"
    assert grown.sluis("ledger", "archive", archive).code == 0
    before = {file.name: file.read_bytes() for file in grown.ledger.glob("*.seg")}
    done = grown.sluis("ledger", "restore", archive)
    assert done.code != 0 and "ledger" in done.err
    assert grown.sluis("ledger", "archive", grown.ledger).code != 0
    assert {file.name: file.read_bytes() for file in grown.ledger.glob("*.seg")} == before


@pytest.mark.parametrize("name", ["manifest", "segment"])
def test_an_archive_that_was_changed_is_refused(grown, tmp_path, name):
    archive = tmp_path / "archive"
    assert grown.sluis("ledger", "archive", archive).code == 0
    file = archive / "manifest" if name == "manifest" else next(archive.glob("*.seg"))
    data = bytearray(file.read_bytes())
    data[data.index(b"gateway" if name == "manifest" else b'"granted"') + 1] ^= 1
    file.write_bytes(data)
    lose(grown)
    done = grown.sluis("ledger", "restore", archive)
    assert done.code != 0 and done.err != ""
    assert not list(grown.ledger.glob("*.seg"))


def test_the_archive_of_another_ledger_is_refused(grown, tmp_path):
    other = Node(tmp_path / "other")
    other.put("somebody")
    archive = tmp_path / "archive"
    assert other.sluis("ledger", "archive", archive).code == 0
    assert grown.sluis("ledger", "archive", archive).code != 0
    assert run(AUDIT, "verify", archive, "--key", other.vkey).code == 0
    lose(grown)
    assert grown.sluis("ledger", "restore", archive).code != 0


def test_a_place_that_is_not_there_is_named(grown, tmp_path):
    for command in (("archive", tmp_path / "no/such/place"), ("restore", tmp_path / "nothing")):
        done = grown.sluis("ledger", *command)
        assert done.code != 0 and str(command[1]) in done.err
