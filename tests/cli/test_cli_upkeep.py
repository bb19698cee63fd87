"""sluis subject erase, sluis retention run: asked for on a terminal, or said ahead; and waited for."""
import fcntl
import json

import pytest

from cli_node import run, run_on_terminal
from gateway import SLUIS


def subjects(node):
    return [one["subject"] for one in node.json("subject", "list")]


@pytest.fixture
def peopled(node):
    for name in ("lotte", "mo"):
        node.put(name)
    return node


def on_terminal(node, *command, typed):
    return run_on_terminal(SLUIS, "-c", node.config, *command, typed=typed)


def test_on_a_terminal_erase_says_what_goes_and_asks_for_the_word(peopled):
    done = on_terminal(peopled, "subject", "erase", "lotte", "mo", typed="erase\n")
    assert done.code == 0, done.out
    assert "policies, accounts, name and key of" in done.out and 'Type "erase" to go on' in done.out
    for name in ("lotte", "mo"):
        assert f"  {name}\r\n" in done.out and f"{name}: erased; receipt" in done.out
    assert subjects(peopled) == []


@pytest.mark.parametrize("typed", ["\n", "yes\n", "erase it\n", "ERASE\n", "eras\n", "\x04"])
def test_any_other_answer_erases_nobody(peopled, typed):
    done = on_terminal(peopled, "subject", "erase", "lotte", typed=typed)
    assert done.code == 65 and "nobody was erased" in done.out
    assert subjects(peopled) == ["lotte", "mo"]


def test_without_a_terminal_nobody_can_be_asked(peopled):
    for more in ([], ["--json"]):
        done = peopled.sluis("subject", "erase", "lotte", *more, given=b"erase\n")
        assert done.code == 64 and "add --yes" in done.err
    assert subjects(peopled) == ["lotte", "mo"]


def test_said_ahead_nothing_is_asked(peopled):
    done = on_terminal(peopled, "subject", "erase", "lotte", "--yes", typed="")
    assert done.code == 0 and "Type" not in done.out and "lotte: erased; receipt 2" in done.out
    found = peopled.json("subject", "erase", "mo", "--yes")
    assert found["wiped"] is True and [one["subject"] for one in found["erased"]] == ["mo"]
    assert subjects(peopled) == []


def test_who_is_not_there_is_named_and_nobody_goes(peopled):
    done = peopled.sluis("subject", "erase", "lotte", "who", "--yes")
    assert done.code == 66 and 'no subject "who"; nobody was erased' in done.err
    assert subjects(peopled) == ["lotte", "mo"]
    assert peopled.sluis("subject", "erase", "--yes").code == 64


@pytest.mark.parametrize("command", [["subject", "erase", "lotte", "--yes"], ["retention", "run"]])
def test_a_node_that_is_busy_is_to_be_asked_again(peopled, command):
    """Somebody has the state folder, and is no sluisd that could be asked."""
    text = peopled.config.read_text(encoding="utf-8")
    peopled.config.write_text(text + "retention:\n  policies: 90d\n", encoding="utf-8")
    with open(peopled.state / "lock", "rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = peopled.sluis(*command)
        assert done.code == 75 and "lock" in done.err
        found = peopled.sluis(*command, "--json")
        assert json.loads(found.out)["error"]["exit"] == found.code == 75
    assert subjects(peopled) == ["lotte", "mo"]
    assert peopled.sluis(*command).code == 0


def test_help_names_the_options_as_they_are(peopled):
    erase = run(SLUIS, "subject", "erase", "--help").out
    assert "Usage: sluis subject erase [OPTION...] SUBJECT..." in erase and "--yes" in erase
    assert "75" in erase
    retention = run(SLUIS, "retention", "run", "--help").out
    assert "Usage: sluis retention run [OPTION...]" in retention and "--dry-run" in retention
    assert "`retention'" in retention
    for wrong in (["retention"], ["retention", "runs"], ["retention", "run", "x"],
                  ["retention", "run", "--dry-rum"], ["subject", "erase"]):
        assert peopled.sluis(*wrong).code == 64, wrong


def test_retention_counts_first_and_then_takes_away(peopled):
    done = peopled.sluis("retention", "run", "--dry-run")
    assert done.code == 78 and "no `retention`" in done.err
    text = peopled.config.read_text(encoding="utf-8")
    peopled.config.write_text(text + "retention:\n  policies: 90d\n", encoding="utf-8")
    peopled.put("lotte", "precision: 5km", "precision: 6km")
    assert peopled.sluis("retention", "run", "--dry-run").out == \
        "0 superseded versions of policies would lose their contents\n"
    assert peopled.json("retention", "run") == {"versions": 0, "dry_run": False, "wiped": True}
    assert peopled.json("retention", "run", "--dry-run") == {"versions": 0, "dry_run": True}


def test_retention_beside_a_sluisd_that_began_without_it_says_to_restart(busy):
    text = busy.config.read_text(encoding="utf-8")
    assert "no `retention`" in busy.sluis("retention", "run").err
    busy.config.write_text(text + "retention:\n  policies: 90d\n", encoding="utf-8")
    try:
        done = busy.sluis("retention", "run")
    finally:
        busy.config.write_text(text, encoding="utf-8")
    assert done.code == 78 and "was started without `retention`" in done.err
    assert "restart it" in done.err
