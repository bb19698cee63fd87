"""sluis policy: each command once right and once wrong, without a daemon."""
import json
import re

import pytest

from cli_node import POLICY, run
from gateway import SLUIS


def test_check_right_and_wrong(node):
    file = node.write_policy()
    done = node.sluis("policy", "check", file)
    assert done.code == 0 and "right" in done.out and done.err == ""
    file = node.write_policy(old="location:", new="locatoin:")
    done = node.sluis("policy", "check", file)
    assert done.code == 65 and done.out == ""
    assert re.search(rf"{re.escape(str(file))}:10:\d+: error: .*\"location\"", done.err), done.err


def test_check_with_json_lists_every_problem(node):
    file = node.write_policy(old="location:", new="locatoin:")
    file.write_text(file.read_text().replace("purpose: rec", "purpose: rek"))
    done = node.sluis("policy", "check", file, "--json")
    found = json.loads(done.out)
    assert done.code == 65 and found["right"] is False and done.err == ""
    assert [problem["line"] for problem in found["problems"]] == [8, 10]
    assert all(problem["file"] == str(file) and problem["level"] == "error" and problem["column"]
               for problem in found["problems"])


def test_check_without_a_configuration_says_what_was_left_out(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY.format(subject="x").replace("soundmap", "nobody"))
    done = run(SLUIS, "policy", "check", file, cwd=tmp_path)
    assert done.code == 0 and "not checked" in done.out


def test_check_with_a_configuration_checks_partners_and_contract(node):
    for old, new in (("soundmap", "nobody"), ("wayfinder", "noapp"),
                     ("purpose: recommendation", "purpose: marketing"),
                     ("Playlists that fit the drive", "Nothing")):
        done = node.sluis("policy", "check", node.write_policy(old=old, new=new))
        assert done.code == 65 and "error:" in done.err, (old, done.err)


def test_check_reads_standard_input(node):
    done = node.sluis("policy", "check", "-", given=POLICY.format(subject="x").encode())
    assert done.code == 0 and done.out.startswith("-: right")


@pytest.mark.parametrize("bytes_, says", [
    (b"\xff\xfe", "UTF-8|character"), (b"\0" * 10, ""), (b"x" * 70000, "65536|64"),
    (b"#" * (2 << 20), "more than"), (b"", ""),
])
def test_check_of_what_is_no_policy(tmp_path, bytes_, says):
    file = tmp_path / "odd.yaml"
    file.write_bytes(bytes_)
    done = run(SLUIS, "policy", "check", file)
    assert done.code == 65 and re.search(says, done.err), done.err


def test_check_of_a_missing_file_and_of_a_folder(tmp_path):
    assert run(SLUIS, "policy", "check", tmp_path / "nowhere").code == 66
    assert run(SLUIS, "policy", "check", tmp_path).code == 66


def test_put_get_and_history(node):
    text = node.write_policy().read_text()
    assert "version 1 is in force: 1 consent granted; receipt 0" in node.put().out
    assert node.sluis("policy", "get", "lotte").out == text
    put = node.json("policy", "put", node.write_policy(old="5km", new="1km"))
    assert (put["outcome"], put["version"], put["receipt"]) == ("recorded", 2, 1)
    assert put["change"]["changed"] == 1 and put["subject"] == "lotte"
    assert node.json("policy", "get", "lotte")["version"] == 2
    assert node.sluis("policy", "get", "lotte", "--version", "1").out == text
    history = node.json("policy", "history", "lotte")
    assert [one["version"] for one in history] == [1, 2]
    assert [one["change"]["granted"] for one in history] == [1, 0]
    lines = node.sluis("policy", "history", "lotte").out.splitlines()
    assert len(lines) == 3 and "changed 1" in lines[2]


def test_putting_the_same_twice_writes_nothing(node):
    node.put()
    done = node.sluis("policy", "put", node.write_policy())
    assert done.code == 0 and "nothing was written" in done.out
    assert len(node.json("policy", "history", "lotte")) == 1


def test_put_with_an_expectation_that_does_not_hold(node):
    file = node.write_policy()
    assert node.sluis("policy", "put", file, "--expect", "1").code == 75
    assert node.sluis("policy", "put", file, "--expect", "0").code == 0
    file = node.write_policy(old="5km", new="1km")
    done = node.sluis("policy", "put", file, "--expect", "0")
    assert done.code == 75 and "version 1" in done.err
    assert node.sluis("policy", "put", file, "--expect", "1").code == 0


@pytest.mark.parametrize("old, new, line", [
    ("location:", "locatoin:", 10),          # found in the text
    ("partner: soundmap", "partner: no", 5),  # found by the node
])
def test_put_of_a_wrong_policy_changes_nothing(node, old, new, line):
    node.put()
    file = node.write_policy(old=old, new=new)
    done = node.sluis("policy", "put", file)
    assert done.code == 65 and f"lotte.yaml:{line}:" in done.err and "nothing changed" in done.err
    done = node.sluis("policy", "put", file, "--json")
    found = json.loads(done.out)
    assert done.code == 65 and found["problems"][0]["line"] == line
    assert len(node.json("policy", "history", "lotte")) == 1


def test_who_and_what_is_not_there_is_named(node):
    for arguments in (["policy", "get", "nobody"], ["policy", "history", "nobody"],
                      ["policy", "diff", "nobody", node.write_policy("nobody")],
                      ["policy", "withdraw", "nobody", "drive"],
                      ["policy", "explain", "nobody", "--partner", "soundmap", "--route",
                       "position"]):
        done = node.sluis(*arguments)
        assert done.code == 66 and '"nobody"' in done.err, (arguments, done.err)
    node.put()
    done = node.sluis("policy", "get", "lotte", "--version", "9")
    assert done.code == 66 and "version 1" in done.err
    node.sluis("subject", "add", "mo")
    done = node.sluis("policy", "get", "mo")
    assert done.code == 66 and "no policy yet" in done.err


def test_diff_says_what_would_change(node):
    node.put()
    assert node.sluis("policy", "diff", "lotte", node.write_policy()).out == "nothing changes\n"
    file = node.write_policy(old="5km", new="100m", name="next.yaml")
    done = node.sluis("policy", "diff", "lotte", file)
    assert done.code == 0 and "drive" in done.out and "100m" in done.out
    found = node.json("policy", "diff", "lotte", file)
    assert found["changed"] == 1 and found["lines"] == done.out.splitlines()
    file = node.write_policy(old="partner: soundmap", new="partner: other", name="next.yaml")
    assert "soundmap" in node.sluis("policy", "diff", "lotte", file).out
    file = node.write_policy(old="id: drive", new="id: other", name="next.yaml")
    done = node.sluis("policy", "diff", "lotte", file)
    assert "withdrawn: drive" in done.out and "granted: other" in done.out


def test_diff_with_anothers_policy_or_a_broken_one_is_refused(node):
    node.put()
    done = node.sluis("policy", "diff", "lotte", node.write_policy("mo"))
    assert done.code == 65 and '"mo"' in done.err
    done = node.sluis("policy", "diff", "lotte", node.write_policy(old="location", new="lokatie"))
    assert done.code == 65 and "lokatie" in done.err


def test_withdraw_leaves_every_other_byte(node):
    text = POLICY.format(subject="lotte")
    second = text[text.index("  - id: drive"):].replace("id: drive", "id: other")
    file = node.write_policy(old="consents:", new="# mine, and it stays\nconsents:")
    before = file.read_text()
    file.write_text(before + second)
    assert node.sluis("policy", "put", file).code == 0
    done = node.sluis("policy", "withdraw", "lotte", "other")
    assert done.code == 0 and "1 withdrawn" in done.out
    assert node.sluis("policy", "get", "lotte").out == before
    done = node.sluis("policy", "withdraw", "lotte", "other")
    assert done.code == 66 and '"other"' in done.err
    assert node.json("policy", "withdraw", "lotte", "drive")["change"]["withdrawn"] == 1


def test_a_policy_in_brackets_is_left_to_the_hand_and_says_how(node):
    file = node.write_policy(old="consents:", new="consents: [{id: flat, app: wayfinder, "
                             "partner: soundmap, purpose: recommendation, data: {location: {}}}]\n"
                             "unused:")
    text = file.read_text()
    file.write_text(text[:text.index("unused:")])
    assert node.sluis("policy", "put", file).code == 0
    done = node.sluis("policy", "withdraw", "lotte", "flat")
    assert done.code == 65 and "no lines of its own" in done.err
    assert "sluis policy get lotte > FILE" in done.err
    assert [one["version"] for one in node.json("policy", "history", "lotte")] == [1]


# Explain.

def explain(node, *more, subject="lotte", partner="soundmap", route="position"):
    return node.json("policy", "explain", subject, "--partner", partner, "--route", route, *more)


def test_explain_what_is_released_and_how(node):
    node.put()
    found = explain(node)
    assert (found["effect"], found["reason"], found["version"]) == ("release", "consented", 1)
    data = {one["class"]: one for one in found["data"]}
    assert data["location"]["action"] == "coarsen"
    assert (data["location"]["precision_m"], data["location"]["time_s"]) == (5000, 900)
    assert data["location.speed"]["action"] == "drop"
    assert found["benefit"] == "Playlists that fit the drive"
    assert [one["verdict"] for one in found["consents"]] == ["contributes"]
    text = node.sluis("policy", "explain", "lotte", "--partner", "soundmap", "--route",
                      "position").out
    assert text.startswith("release: consented\n") and "5km" in text and "15min" in text


@pytest.mark.parametrize("more, at, verdict, says", [
    ("from: 2026-11-01", "2026-10-31T22:59:59Z", "not_yet",
     "2026-11-01 00:00:00 in Europe/Amsterdam (2026-10-31T23:00:00Z)"),
    ("until: 2027-05-01", "2027-04-30T22:00:00Z", "expired",
     "2027-05-01 00:00:00 in Europe/Amsterdam (2027-04-30T22:00:00Z)"),
    ('when: {days: [mon-fri], hours: "06:00-20:00"}', "2026-11-07T12:00:00Z", "outside_hours",
     "mon-fri 06:00-20:00 in Europe/Amsterdam, where it is sat 2026-11-07 13:00:00"),
    ("situation: [driving]", "2026-11-07T12:00:00Z", "situation", "driving"),
])
def test_explain_why_a_consent_does_not_apply(node, more, at, verdict, says):
    node.put(old="    in_return", new=f"    {more}\n    in_return")
    found = explain(node, "--at", at)
    assert (found["effect"], found["reason"]) == ("refuse", verdict)
    assert found["consents"][0]["verdict"] == verdict and says in found["consents"][0]["text"]
    assert all(one["action"] == "drop" for one in found["data"])


def test_explain_shows_what_is_used_and_left(node):
    node.put(old="    in_return", new="    at_most: 24 per day\n    in_return")
    found = explain(node, "--at", "2026-10-25T12:00:00Z")  # on which the clocks go back
    one, = found["consents"]
    assert found["reason"] == "consented"
    assert one["uses"] == {"at_most": 24, "per": "day", "used": 0, "left": 24,
                           "until": "2026-10-25T23:00:00Z"}
    assert "0 of 24 per day used, 24 left until 2026-10-25T23:00:00Z" in one["text"]
    assert found["budget"] is None


def test_explain_another_flow_a_refusal_and_nobody(node):
    node.put(old="app: wayfinder", new="app: wayfinder")
    node.put("mo", old="consents:", new="refuse:\n  - data: [location]\nconsents:")
    node.sluis("subject", "add", "new")
    found = explain(node, subject="mo")
    assert found["reason"] == "refused" and found["data"][0]["refused"] is True
    assert explain(node, subject="new")["reason"] == "no_consent"
    assert explain(node, "--purpose", "marketing")["reason"] == "purpose"


@pytest.mark.parametrize("more, code, says", [
    (["--partner", "nobody", "--route", "position"], 66, "nobody"),
    (["--partner", "soundmap", "--route", "nowhere"], 66, "nowhere"),
    (["--partner", "soundmap"], 64, "--route"),
    (["--partner", "soundmap", "--route", "position", "--at", "noon"], 64, '"noon"'),
])
def test_explain_asked_wrongly(node, more, code, says):
    node.put()
    done = node.sluis("policy", "explain", "lotte", *more)
    assert done.code == code and says in done.err
