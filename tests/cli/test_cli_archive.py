"""`sluis ledger archive` and `restore`: a ledger is copied while it grows, and put back."""
import os
import shutil
import stat
import time

import pytest

from cli_node import Node, run
from gateway import AUDIT, WAIT_S


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


def test_a_manifest_whose_signature_was_changed_is_not_restored(grown, tmp_path):
    archive = tmp_path / "archive"
    assert grown.sluis("ledger", "archive", archive).code == 0
    file = archive / "manifest"
    text = file.read_text(encoding="utf-8")
    at = text.rindex(" ") + 21  # in the base64 of the signature, past the hash of the key
    other = "B" if text[at] == "A" else "A"
    lose(grown)
    file.write_text(text[:at] + other + text[at + 1:], encoding="utf-8")
    done = grown.sluis("ledger", "restore", archive)
    assert done.code != 0 and "is not signed by a key of the ledger" in done.err
    assert not list(grown.ledger.glob("*.seg"))
    file.write_text(text, encoding="utf-8")
    assert grown.sluis("ledger", "restore", archive).code == 0


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


# --- what goes wrong, and what then stands there ---------------------------------------------------

RESTORING = "ledger.restoring"


def damage(archive, word=b'"granted"', nth=2):
    """In the receipt where the word stands for the nth time."""
    file = sorted(archive.glob("*.seg"))[-1]
    data = bytearray(file.read_bytes())
    at = -1
    for _ in range(nth + 1):
        at = data.index(word, at + 1)
    data[at + 1] ^= 1
    file.write_bytes(data)
    return file.name


@pytest.fixture
def archived(grown, tmp_path):
    """With a last checkpoint on another path, and the disk lost."""
    text = grown.config.read_text(encoding="utf-8")
    grown.config.write_text(text + f"ledger:\n  last_checkpoint: {tmp_path}/last.checkpoint\n")
    grown.put("last")
    assert (tmp_path / "last.checkpoint").exists()
    assert grown.sluis("ledger", "archive", tmp_path / "archive").code == 0
    lose(grown)
    return grown, tmp_path / "archive"


def test_damage_in_an_archive_is_named_and_not_called_an_older_copy(archived):
    node, archive = archived
    name = damage(archive)
    done = node.sluis("ledger", "restore", archive)
    assert done.code == 74 and "older copy" not in done.err
    assert f"{name} in the archive {archive} is damaged at byte" in done.err
    assert "receipt 2 was changed" in done.err and "The first 2 receipts hold" in done.err


def test_an_archive_that_was_cut_is_not_called_an_older_copy(archived):
    node, archive = archived
    file = sorted(archive.glob("*.seg"))[-1]
    data = bytearray(file.read_bytes())
    at = data.rindex(b"SLB1")
    data[at:] = bytes(len(data) - at)
    file.write_bytes(data)
    done = node.sluis("ledger", "restore", archive)
    assert done.code == 74 and "older copy" not in done.err
    assert "holds 5 receipts, and its manifest tells of 6" in done.err and "was cut off" in done.err


def test_an_older_archive_is_called_one(archived, tmp_path):
    node, archive = archived
    assert node.sluis("ledger", "restore", archive).code == 0
    node.put("newest")
    lose(node)
    done = node.sluis("ledger", "restore", archive)
    assert done.code == 74 and "it is an older copy" in done.err
    assert "ends after 6 receipts" in done.err and "knows of 7" in done.err


def test_a_restore_that_failed_at_once_leaves_nothing(archived):
    node, archive = archived
    before = set(os.listdir(node.state))
    damage(archive)
    done = node.sluis("ledger", "restore", archive)
    assert done.code == 74 and "stays in" not in done.err
    assert set(os.listdir(node.state)) == before


def test_a_state_folder_that_is_not_there_is_made(archived, tmp_path):
    node, archive = archived
    state = tmp_path / "new-state"
    done = node.sluis("ledger", "restore", archive, "-o", state, "--key", node.vkey)
    assert done.code == 0, done.err
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert run(AUDIT, "verify", state, "--key", node.vkey).code == 0
    assert "index" not in os.listdir(state) and "sluis ledger index" in done.out


@pytest.mark.parametrize("wrong", ["damage", "no-key", "no-archive"])
def test_a_state_folder_that_was_made_in_vain_goes_again(archived, tmp_path, wrong):
    node, archive = archived
    if wrong == "damage":
        damage(archive)
    key = tmp_path / "nowhere" if wrong == "no-key" else node.vkey
    source = tmp_path / "nothing" if wrong == "no-archive" else archive
    done = node.sluis("ledger", "restore", source, "-o", tmp_path / "new-state", "--key", key)
    assert done.code == 74 and "sluis init" not in done.err
    assert not (tmp_path / "new-state").exists()


def test_a_state_folder_whose_parent_is_not_there_is_named(archived, tmp_path):
    node, archive = archived
    done = node.sluis("ledger", "restore", archive, "-o", tmp_path / "no/such", "--key", node.vkey)
    assert done.code == 74 and f"the state folder {tmp_path}/no/such can't be made" in done.err


# --- lists of heads --------------------------------------------------------------------------------

@pytest.fixture
def headed(node, tmp_path):
    """With the lists of two epochs, archived and lost. An epoch ends with the next receipt."""
    text = node.config.read_text(encoding="utf-8")
    node.config.write_text(text + "  epoch_ms: 1000\n")
    deadline, number = time.monotonic() + WAIT_S, 0
    while len(list((node.ledger / "heads").glob("*.heads"))) < 2:
        node.put(f"person{number}")
        number += 1
        assert time.monotonic() < deadline
    node.put("last")
    archive = tmp_path / "archive"
    assert node.sluis("ledger", "archive", archive).code == 0
    return node, archive


def test_lists_of_heads_are_archived_and_come_back(headed):
    node, archive = headed
    before = {file.name: file.read_bytes() for file in (node.ledger / "heads").iterdir()}
    listed = run(AUDIT, "list", node.ledger, "--key", node.vkey).out
    n_heads = listed.count("  heads   ")
    assert n_heads >= 2
    assert len(list((archive / "heads").glob("*.heads"))) == n_heads
    lose(node)
    assert node.sluis("ledger", "restore", archive).code == 0
    for name, content in list(before.items())[:n_heads]:
        assert (node.ledger / "heads" / name).read_bytes() == content
    assert run(AUDIT, "list", node.ledger, "--key", node.vkey).out == listed
    done = run(AUDIT, "verify", node.ledger, "--key", node.vkey)
    assert f"of {n_heads} epochs" in done.out
    node.put("another")
    assert run(AUDIT, "verify", node.ledger, "--key", node.vkey).code == 0


@pytest.mark.parametrize("wrong", ["changed", "gone"])
def test_a_list_that_is_damaged_in_the_archive_is_named(headed, wrong):
    node, archive = headed
    lose(node)
    file = sorted((archive / "heads").glob("*.heads"))[1]
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    if wrong == "gone":
        file.unlink()
    else:
        file.write_bytes(data)
    done = node.sluis("ledger", "restore", archive)
    assert done.code == 74 and "older copy" not in done.err
    assert (file.name if wrong == "gone" else "the list of heads of epoch 1") in done.err
    assert str(archive) in done.err
    assert RESTORING not in os.listdir(node.state)
