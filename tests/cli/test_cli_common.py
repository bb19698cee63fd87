"""What every command has: help, version, clear words about wrong use, exit codes, clean output."""
import json
import re

import pytest

from cli_node import run, run_on_terminal
from gateway import AUDIT, SLUIS

ESCAPE = "\x1b"

COMMANDS = [
    (SLUIS, "init"), (SLUIS, "status"), (SLUIS, "policy", "check"), (SLUIS, "policy", "put"),
    (SLUIS, "policy", "get"), (SLUIS, "policy", "history"), (SLUIS, "policy", "diff"),
    (SLUIS, "policy", "withdraw"), (SLUIS, "policy", "explain"), (SLUIS, "subject", "add"),
    (SLUIS, "subject", "list"), (SLUIS, "subject", "pseudonym"), (SLUIS, "subject", "account"),
    (SLUIS, "subject", "key"), (SLUIS, "subject", "erase"), (SLUIS, "retention", "run"),
    (SLUIS, "ledger", "index"), (SLUIS, "ledger", "archive"), (SLUIS, "ledger", "restore"),
    (SLUIS, "ledger", "rotate-key"), (SLUIS, "evidence", "export"),
    (SLUIS, "partner", "token"), (SLUIS, "vocabulary"),
    (AUDIT, "verify"), (AUDIT, "show"), (AUDIT, "list"), (AUDIT, "checkpoint"), (AUDIT, "prove"),
    (AUDIT, "verify-proof"), (AUDIT, "consistency"), (AUDIT, "replay"), (AUDIT, "mine"),
    (AUDIT, "export"), (AUDIT, "verify-export"),
]


def name_of(command):
    return " ".join([command[0].name, *command[1:]])


@pytest.mark.parametrize("command", COMMANDS, ids=name_of)
def test_help_has_usage_options_and_an_example(command):
    done = run(*command, "--help")
    assert done.code == 0 and done.err == ""
    assert f"Usage: {name_of(command)}" in done.out
    assert "--json" in done.out
    assert "Example" in done.out and name_of(command) in done.out.split("Example")[1]
    assert not any(line.isspace() for line in done.out.splitlines())  # a text that just fits a line
    assert max(map(len, done.out.splitlines())) <= 100


@pytest.mark.parametrize("tool", [SLUIS, AUDIT], ids=lambda tool: tool.name)
def test_the_tools_help_names_every_command(tool):
    done = run(tool, "--help")
    assert done.code == 0
    for command in COMMANDS:
        if command[0] == tool:
            assert " ".join(command[1:]) in done.out
    assert run(tool, "help").out == done.out


def test_help_of_a_group_names_its_commands_only():
    done = run(SLUIS, "policy", "--help")
    assert done.code == 0 and "policy diff" in done.out and "subject add" not in done.out


@pytest.mark.parametrize("tool", [SLUIS, AUDIT], ids=lambda tool: tool.name)
def test_version(tool):
    for arguments in (["--version"], ["-V"]):
        done = run(tool, *arguments)
        assert done.code == 0 and re.fullmatch(rf"{tool.name} \d+\.\d+\.\d+\n", done.out)


@pytest.mark.parametrize("arguments, says", [
    ([], "policy check"),
    (["polcy", "check", "x"], 'did you mean "policy check"'),
    (["policy", "chek", "x"], 'did you mean "policy check"'),
    (["statsu"], 'did you mean "status"'),
    (["statsu", "x"], 'did you mean "status"'),
    (["polcy"], 'did you mean "policy check"'),
    (["policy"], "policy explain"),
    (["policy", "frobnicate"], "policy explain"),
    (["frobnicate"], "vocabulary"),
    (["policy", "check"], "needs FILE; found nothing"),
    (["policy", "diff", "lotte"], "needs SUBJECT FILE; found less"),
    (["policy", "check", "a", "b"], 'does not take "b"'),
    (["vocabulary", "x"], "no arguments"),
    (["policy", "check", "--jsn", "x"], 'did you mean "--json"'),
    (["--confg", "x", "status"], 'did you mean "--config"'),
    (["policy", "check", "--frobnicate", "x"], 'unknown option "--frobnicate"'),
    (["policy", "check", "-Q", "x"], "Q"),
    (["policy", "put", "x", "--expect"], "expect"),
    (["policy", "put", "x", "--expect", "-1"], "whole number"),
    (["policy", "put", "x", "--expect", "3x"], '"3x"'),
    (["policy", "get", "x", "--version", "0"], "counts from 1"),
    (["policy", "get", "x", "--version", "1", "--version", "2"], "twice"),
    (["init", "x", "--origin", "has blank"], "blanks"),
    (["init", "x", "--origin", "a+b"], "a\\+b"),
    (["init", "x", "--origin", ""], "printable"),
    (["init", "x", "--origin", "a" * 129], "128"),
    (["subject", "pseudonym", "lotte"], "--partner"),
    (["subject", "account", "lotte", "app"], "--remove"),
    (["subject", "account", "lotte", "app", "user", "--remove"], "--remove"),
    (["subject", "account", "lotte", "app", ""], "empty"),
    (["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"], "no command"),
    (["vocabulary", *"abcdefghijk"], "too many|does not take"),
])
def test_wrong_use_says_what_was_found_and_what_is_near(arguments, says, tmp_path):
    done = run(SLUIS, *arguments, cwd=tmp_path)
    assert done.code == 64, done.err
    assert re.search(says, done.err + (done.out if arguments in ([], ["policy"]) else "")), done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments, says", [
    (["verify"], "needs DIR"),
    (["verify", "."], "--key"),
    (["show", "1"], "needs N DIR"),
    (["show", "x", "."], '"x"'),
    (["show", "-1", "."], "1"),
    (["show", "01", "."], '"01"'),
    (["show", "18446744073709551616", "."], "18446744073709551616"),
    (["lst", "."], 'did you mean "list"'),
    (["list", ".", "--decision", "released"], "release or refuse"),
    (["list", ".", "--kind", "pushed"], "pull, push, outcome, policy, "),
    (["list", ".", "--since", "yesterday"], '"yesterday"'),
    (["list", ".", "--until", "2026-02-30"], '"2026-02-30"'),
    (["list", ".", "--limit", "many"], '"many"'),
    (["list", ".", "--partnr", "x"], 'did you mean "--partner"'),
])
def test_wrong_use_of_the_auditor(arguments, says):
    done = run(AUDIT, *arguments)
    assert done.code == 64 and re.search(says, done.err), done.err


def test_options_may_stand_before_or_after_the_command(node):
    before = run(SLUIS, "-c", node.config, "--json", "subject", "list")
    after = run(SLUIS, "subject", "list", "--json", "--config", node.config)
    assert before.code == after.code == 0 and before.out == after.out


def test_the_configuration_is_found_in_the_working_folder(node):
    assert run(SLUIS, "subject", "list", cwd=node.folder).code == 0


def test_a_missing_configuration_says_how_to_make_one(tmp_path):
    done = run(SLUIS, "subject", "list", cwd=tmp_path)
    assert done.code == 78 and "sluis.yaml" in done.err and "sluis init" in done.err


def test_a_wrong_configuration_is_told_with_line_and_column(node):
    text = node.config.read_text(encoding="utf-8")
    node.config.write_text(text.replace("listen:", "listn:"), encoding="utf-8")
    done = node.sluis("subject", "list")
    assert done.code == 78 and re.search(r"sluis\.yaml:\d+:\d+: error: ", done.err)
    done = node.sluis("subject", "list", "--json")
    found = json.loads(done.out)
    assert done.code == 78 and found["error"]["exit"] == 78
    assert any("listn" in problem["text"] for problem in found["problems"])


def test_a_failure_with_json_is_json_too(node):
    done = node.sluis("policy", "get", "nobody", "--json")
    found = json.loads(done.out)
    assert done.code == found["error"]["exit"] == 66 and "nobody" in found["error"]["text"]


def test_a_result_that_cannot_be_written_is_a_failure(node):
    import subprocess
    with open("/dev/full", "wb") as full:
        done = subprocess.run([SLUIS, "vocabulary"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 74 and b"standard output" in done.stderr


# Colours.

@pytest.fixture
def explained(node):
    node.put()
    return [SLUIS, "-c", node.config, "policy", "explain", "lotte", "--partner", "soundmap",
            "--route", "position"]


def test_colours_are_for_terminals_only(explained):
    assert ESCAPE in run_on_terminal(*explained).out
    assert ESCAPE not in run(*explained, env={"TERM": "xterm"}).out


def test_no_color_is_kept(explained):
    assert ESCAPE not in run_on_terminal(*explained, env={"NO_COLOR": "1"}).out
    assert ESCAPE in run_on_terminal(*explained, env={"NO_COLOR": ""}).out, "empty counts as unset"
    assert ESCAPE not in run_on_terminal(*explained, env={"TERM": "dumb"}).out


def test_errors_have_no_escape_codes_when_piped(tmp_path):
    done = run(SLUIS, "policy", "check", tmp_path / "nowhere", env={"TERM": "xterm"})
    assert done.code == 66 and ESCAPE not in done.err


# Text from outside.

HOSTILE = "\x1b[31mred\x07\u202egnirts\x7f"


def is_harmless(text):
    return not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)


@pytest.mark.parametrize("broken", [
    f'sluis: 1\nsubject: "{HOSTILE}"\ntimezone: UTC\n',
    f"sluis: 1\nsubject: x\ntimezone: UTC\n{HOSTILE}: 1\n",
    'sluis: 1\nsubject: "\\e[31m\\u202e"\ntimezone: UTC\n',
    'sluis: 1\nsubject: x\ntimezone: "\\e]0;title\\a"\n',
    'sluis: 1\nsubject: x\n"\\e[2Jkey": 1\ntimezone: UTC\n',
])
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_hostile_text_in_a_policy_is_not_echoed_raw(tmp_path, broken, more):
    file = tmp_path / "policy.yaml"
    file.write_text(broken, encoding="utf-8")
    done = run(SLUIS, "policy", "check", file, *more)
    assert done.code == 65
    assert is_harmless(done.out + done.err), repr(done.out + done.err)


def test_hostile_names_on_the_command_line_are_not_echoed_raw(node):
    for arguments in (["policy", "get", HOSTILE], ["policy", "check", HOSTILE], [HOSTILE],
                      ["policy", "explain", "x", "--partner", HOSTILE, "--route", HOSTILE],
                      ["subject", "add", HOSTILE], [f"--{HOSTILE}"], ["init", HOSTILE * 2000]):
        done = node.sluis(*arguments)
        assert done.code > 0
        assert is_harmless(done.out + done.err), repr(done.out + done.err)


def test_hostile_comments_in_a_policy_in_force_are_not_echoed_raw_on_a_terminal(node):
    file = node.write_policy(old="sluis: 1\n", new="# \u202e\u2066\nsluis: 1\n")
    assert node.sluis("policy", "put", file).code == 0
    shown = run_on_terminal(SLUIS, "-c", node.config, "policy", "get", "lotte")
    assert shown.code == 0 and is_harmless(shown.out.replace("\r\n", "\n"))
    assert node.sluis("policy", "get", "lotte").out == file.read_text(encoding="utf-8")


def test_a_hostile_benefit_is_not_echoed_raw(node):
    """Valid in the configuration and in a policy, and still no text for a terminal."""
    benefit = "Playlists \u202e\u2066that fit"
    text = node.config.read_text(encoding="utf-8")
    node.config.write_text(text.replace("Playlists that fit", benefit), encoding="utf-8")
    node.put(old="Playlists that fit", new=benefit)
    explain = ["policy", "explain", "lotte", "--partner", "soundmap", "--route", "position"]
    for more in ([], ["--json"]):
        done = node.sluis(*explain, *more)
        assert done.code == 0 and "Playlists" in done.out
        assert not re.search("[\u202e\u2066]", done.out), repr(done.out)
