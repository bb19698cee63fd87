"""sluis-audit: what is given in the wrong place is named, with what belongs there; no file is harmed."""
import os
import re
import stat
import types

import pytest

from cli_node import Node, run
from gateway import AUDIT, SLUIS


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    folder = tmp_path_factory.mktemp("things")
    node = Node(folder / "node")
    node.put("lotte")
    made = types.SimpleNamespace(ledger=node.ledger, folder=folder, vkey=node.vkey,
                                 pem=node.state / "keys/ledger.pem")

    def keep(name, *arguments):
        done = run(*arguments, "-o", folder / name)
        assert done.code == 0, done.err
        return folder / name
    audit = (node.ledger, "--key", node.vkey)
    made.mine = keep("mine", SLUIS, "-c", node.config, "subject", "key", "lotte")
    made.checkpoint = keep("checkpoint", AUDIT, "checkpoint", *audit)
    made.proof, made.leaf = folder / "proof", folder / "leaf"
    keep("proof", AUDIT, "prove", "0", *audit, "--leaf", made.leaf)
    made.witness_key, made.witness = folder / "witness.key", folder / "witness"
    done = run(AUDIT, "witness", "--new-key", "witness.example/1", made.witness_key)
    made.witness.write_text(done.out)
    made.trust = folder / "trust"
    made.trust.write_text(f"# whom I believe\n\nlog {node.vkey.read_text()}quorum none\n")
    made.empty = folder / "empty"
    made.empty.write_bytes(b"")
    made.junk = folder / "junk"
    made.junk.write_text("something else\n")
    return made


FOUND = [("witness", "a witness's public key"), ("witness_key", "a witness's private key"),
         ("folder", "a folder"), ("pem", "a key or certificate in PEM"), ("checkpoint", "a checkpoint"),
         ("proof", "the proof of a receipt"), ("leaf", "JSON"), ("trust", "a trust file"),
         ("empty", "empty")]


@pytest.mark.parametrize("name, words", [*FOUND, ("mine", "a person's own key")])
@pytest.mark.parametrize("command", ["verify", "list"])
def test_what_is_no_ledgers_key_is_named(things, command, name, words):
    file = getattr(things, name)
    done = run(AUDIT, command, things.ledger, "--key", file)
    assert done.code == 2 and done.out == "", done.out
    assert f"{file} is {words}" in done.err and "the ledger's public key" in done.err
    assert "chmod" not in done.err


@pytest.mark.parametrize("name, words", [*FOUND, ("vkey", "a ledger's public key")])
def test_what_is_no_persons_key_is_named_whatever_its_mode(things, name, words):
    file = getattr(things, name)
    done = run(AUDIT, "mine", things.ledger, "--key", file)
    assert done.code == 2 and f"{file} is {words}" in done.err
    assert "your own key" in done.err and "sluis subject key" in done.err and "chmod" not in done.err


def test_a_persons_key_that_others_can_read_is_refused_with_what_to_do(things, tmp_path):
    file = tmp_path / "mine"
    file.write_bytes(things.mine.read_bytes())
    file.chmod(0o644)
    done = run(AUDIT, "mine", things.ledger, "--key", file)
    assert done.code == 2 and f"chmod 600 {file}" in done.err


def test_a_line_that_is_no_key_is_counted(things, tmp_path):
    file = tmp_path / "keys"
    file.write_text(things.vkey.read_text() + "x\n")
    done = run(AUDIT, "verify", things.ledger, "--key", file)
    assert done.code == 2 and f"{file}, line 2: not a public key" in done.err
    done = run(AUDIT, "verify", things.ledger, "--key", things.junk)
    assert done.code == 2 and f"{things.junk}, line 1: not a public key" in done.err


@pytest.mark.parametrize("kind", ["file", "link", "dangling", "folder", "null"])
@pytest.mark.parametrize("command, option", [
    (["checkpoint"], "-o"), (["prove", "0"], "-o"), (["prove", "0"], "--leaf"),
    (["consistency", "1"], "-o"), (["export", "--format", "csv"], "-o"),
])
def test_nothing_is_overwritten(things, tmp_path, command, option, kind):
    """Not by way of a link either, and before the ledger is read."""
    there = tmp_path / "there"
    if kind == "file":
        there.write_text("mine")
    elif kind == "folder":
        there.mkdir()
    elif kind in ("link", "dangling"):
        there.symlink_to(tmp_path / "target")
    if kind == "link":
        (tmp_path / "target").write_text("mine")
    target = "/dev/null" if kind == "null" else there
    done = run(AUDIT, *command, things.ledger, "--key", things.vkey, option, target)
    assert done.code == 73 and "nothing is overwritten" in done.err and str(target) in done.err
    assert {file.name for file in tmp_path.iterdir()} <= {"there", "target"}
    assert kind != "file" or there.read_text() == "mine"
    assert kind != "link" or (tmp_path / "target").read_text() == "mine"
    assert kind != "dangling" or not (tmp_path / "target").exists()
    done = run(AUDIT, *command, tmp_path / "no/ledger", "--key", things.vkey, option, target)
    assert done.code == 73, "asked for ahead"


def test_an_export_is_for_its_owner_only_and_a_proof_for_all(things, tmp_path):
    before = os.umask(0o022)
    try:
        for command, mode in ((["export", "--format", "csv"], 0o600), (["prove", "0"], 0o644)):
            file = tmp_path / command[0]
            done = run(AUDIT, *command, things.ledger, "--key", things.vkey, "-o", file)
            assert done.code == 0 and stat.S_IMODE(file.stat().st_mode) == mode
    finally:
        os.umask(before)


def test_what_was_begun_and_failed_leaves_no_file(things, tmp_path):
    bad = tmp_path / "bad"
    bad.mkdir()
    segment = next(things.ledger.glob("*.seg"))
    (bad / segment.name).write_bytes(segment.read_bytes().replace(b"granted", b"grunted", 1))
    done = run(AUDIT, "export", bad, "--key", things.vkey, "--format", "csv", "-o", tmp_path / "out")
    assert done.code == 1 and not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", [
    ["verify", "{ledger}"], ["list", "{ledger}"], ["verify-proof", "{proof}", "--leaf", "{leaf}"],
])
@pytest.mark.parametrize("value", ["x", "0", "601", "-1", "1.5", ""])
def test_a_timeout_is_looked_at_wherever_it_is_given(things, command, value):
    words = [word.format(**vars(things)) for word in command]
    done = run(AUDIT, *words, "--key", things.vkey, "--timeout", value)
    assert done.code == 64 and "--timeout wants" in done.err
    assert run(AUDIT, *words, "--key", things.vkey, "--timeout", "600").code == 0


def test_one_of_a_thing_is_not_called_by_its_plural(things, tmp_path):
    """Of this ledger there is one of everything."""
    for command in (["verify", things.ledger], ["checkpoint", things.ledger],
                    ["consistency", "1", things.ledger],
                    ["export", things.ledger, "--format", "ndjson", "-o", tmp_path / "export"],
                    ["verify-export", tmp_path / "export"], ["show", "9", things.ledger],
                    ["consistency", "9", things.ledger],
                    ["prove", "0", things.ledger, "-o", tmp_path / "proof"]):
        done = run(AUDIT, *command, "--key", things.vkey)
        assert not re.search(r"\b1 [a-z]*[^s\W]s\b", done.out + done.err), done.out + done.err
