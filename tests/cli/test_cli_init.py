"""sluis init: a folder that works, with keys that nobody else can read, and never over another."""
import hashlib
import json
import os
import stat

import pytest

from cli_node import run
from gateway import SLUIS, SLUISD


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_init_makes_works_and_is_private(tmp_path):
    folder = tmp_path / "node"
    done = run(SLUIS, "init", folder)
    assert done.code == 0, done.err
    assert run(SLUISD, "-t", "-c", folder / "sluis.yaml").code == 0
    assert mode(folder / "state") == mode(folder / "state/keys") == 0o700
    for name in ("ledger.pem", "kek.key", "pseudonym.key"):
        assert mode(folder / "state/keys" / name) == 0o600
    assert (folder / "vocabulary.yaml").read_bytes()
    assert run(SLUIS, "-c", folder / "sluis.yaml", "policy", "check",
               folder / "policies/lotte.yaml").code == 0


def test_the_token_is_shown_once_and_only_its_hash_is_kept(tmp_path):
    made = run(SLUIS, "init", tmp_path / "node", "--json")
    token = json.loads(made.out)["token"]
    digest = hashlib.sha256(token.encode()).hexdigest()
    texts = [file.read_bytes() for file in (tmp_path / "node").rglob("*") if file.is_file()]
    assert not any(token.encode() in text for text in texts)
    assert sum(digest.encode() in text for text in texts) == 1


def test_the_next_commands_work_as_they_are_printed(tmp_path):
    done = run(SLUIS, "init", "node", cwd=tmp_path)
    lines = [line.strip() for line in done.out.splitlines() if line.startswith("  sluis")]
    commands = [line.split() for line in lines if line.startswith("sluis ")]
    assert len(commands) == 2 and sum(line.startswith("sluisd ") for line in lines) == 1
    for command in commands:
        assert run(SLUIS, *command[1:], cwd=tmp_path).code == 0, command


def test_the_ledgers_name_stands_in_key_and_configuration(tmp_path):
    run(SLUIS, "init", tmp_path / "node", "--origin", "gateway.example/7")
    assert (tmp_path / "node/state/keys/ledger.vkey").read_text().startswith("gateway.example/7+")
    assert 'origin: "gateway.example/7"\n' in (tmp_path / "node/sluis.yaml").read_text()
    longest = "a" * 128
    assert run(SLUIS, "init", tmp_path / "longest", "--origin", longest).code == 0
    assert run(SLUISD, "-t", "-c", tmp_path / "longest/sluis.yaml").code == 0


@pytest.mark.parametrize("origin, good", [
    ("Gateway.Example/1", True), ("a#b", True), ("#1", True), ("-x", True), ("o'neill/1", True),
    ("!", True), ("null", True), ("1", True), ("a: b", False), ("a:b", True), ("a b", False),
    ("a+b", False), ('a"b', False), ("a\\b", False), ("", False), ("a" * 128, True),
    ("a" * 129, False), ("\u00e9", False), ("a\tb", False), ("{x}", True), ("&x", True),
])
def test_one_rule_for_a_name_here_and_in_the_configuration(tmp_path, origin, good):
    """What init takes, sluisd takes; what sluisd refuses, init does not make."""
    done = run(SLUIS, "init", tmp_path / "node", f"--origin={origin}")
    assert done.code == (0 if good else 64), done.err
    if good:
        assert run(SLUISD, "-t", "-c", tmp_path / "node/sluis.yaml").code == 0
        assert (tmp_path / "node/state/keys/ledger.vkey").read_text().startswith(origin + "+")
        return
    assert run(SLUIS, "init", tmp_path / "node").code == 0
    config = tmp_path / "node/sluis.yaml"
    escaped = json.dumps(origin)
    lines = [f"  origin: {escaped}" if line.startswith("  origin:") else line
             for line in config.read_text().splitlines()]
    config.write_text("\n".join(lines) + "\n")
    refused = run(SLUISD, "-t", "-c", config)
    assert refused.code == 78 and "without blanks, double quotes, backslashes" in refused.err
    assert "without blanks, double quotes, backslashes" in done.err


def test_without_a_name_each_node_has_its_own(tmp_path):
    origins = {json.loads(run(SLUIS, "init", tmp_path / name, "--json").out)["origin"]
               for name in ("one", "two")}
    assert len(origins) == 2


@pytest.mark.parametrize("make", [
    lambda folder: (folder.mkdir(), (folder / "something").write_text("mine")),
    lambda folder: (folder.mkdir(), (folder / ".hidden").write_text("mine")),
    lambda folder: folder.write_text("a file"),
    lambda folder: folder.symlink_to("nowhere"),
])
def test_what_is_there_is_never_touched(tmp_path, make):
    folder = tmp_path / "node"
    make(folder)
    before = sorted(tmp_path.rglob("*"))
    done = run(SLUIS, "init", folder)
    assert done.code == 73 and str(folder) in done.err
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "node").mkdir()
    assert run(SLUIS, "init", tmp_path / "node").code == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    done = run(SLUIS, "init", tmp_path / "no/such/place")
    assert done.code == 73 and "no/such/place" in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_right_to_write_is_77(tmp_path):
    tmp_path.chmod(0o500)
    assert run(SLUIS, "init", tmp_path / "node").code == 77
