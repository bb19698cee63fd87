"""sluis subject, partner, vocabulary, status: each once right and once wrong, without a daemon."""
import hashlib
import json
import re

import pytest

from cli_node import run
from gateway import SLUIS


def test_subjects_are_added_once_and_listed(node):
    assert node.json("subject", "list") == []
    assert node.sluis("subject", "add", "mo").code == 0
    assert node.json("subject", "add", "lotte")["outcome"] == "added"
    done = node.sluis("subject", "add", "mo")
    assert done.code == 73 and '"mo"' in done.err
    node.put("lotte")
    assert node.json("subject", "list") == [{"subject": "lotte", "version": 1},
                                            {"subject": "mo", "version": 0}]
    assert node.sluis("subject", "list").out == "lotte  version 1\nmo  no policy\n"


@pytest.mark.parametrize("name, good", [
    ("a" * 64, True), ("a" * 65, False), ("", False), ("a b", False), ("a/b", False),
    ("A.b_c@d-9", True), ("ä", False), ("a\n", False),
])
def test_a_subjects_name_is_as_in_policies(node, name, good):
    done = node.sluis("subject", "add", name)
    assert done.code == (0 if good else 65), done.err


def test_pseudonyms_differ_by_subject_and_are_the_same_each_time(node):
    node.put("lotte")
    node.put("mo")
    first = node.sluis("subject", "pseudonym", "--partner", "soundmap", "lotte").out
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}\n", first)
    assert node.json("subject", "pseudonym", "-p", "soundmap", "lotte")["pseudonym"] == first.strip()
    assert node.sluis("subject", "pseudonym", "-p", "soundmap", "mo").out != first
    assert node.sluis("subject", "pseudonym", "-p", "nobody", "mo").code == 66
    assert node.sluis("subject", "pseudonym", "-p", "soundmap", "nobody").code == 66


def test_a_key_that_others_can_read_is_refused(node):
    node.put("lotte")
    (node.state / "keys/pseudonym.key").chmod(0o644)
    done = node.sluis("subject", "pseudonym", "-p", "soundmap", "lotte")
    assert done.code == 77 and "pseudonym.key" in done.err


def test_accounts_are_set_and_removed(node):
    node.put("lotte")
    assert node.sluis("subject", "account", "lotte", "wayfinder", "l.de.vries").code == 0
    assert node.json("subject", "account", "lotte", "wayfinder", "x" * 255)["outcome"] == "set"
    assert node.sluis("subject", "account", "lotte", "wayfinder", "x" * 256).code == 65
    assert node.sluis("subject", "account", "lotte", "wayfinder", "--remove").code == 0
    done = node.sluis("subject", "account", "lotte", "nothing", "x")
    assert done.code == 66 and "app" in done.err
    done = node.sluis("subject", "account", "nobody", "wayfinder", "x")
    assert done.code == 66 and '"nobody"' in done.err


def test_two_subjects_never_share_a_user_name_at_an_app(node):
    for name in ("lotte", "mo"):
        assert node.sluis("subject", "add", name).code == 0
    account = ("subject", "account")
    assert node.sluis(*account, "lotte", "wayfinder", "l77").code == 0
    done = node.sluis(*account, "mo", "wayfinder", "l77")
    assert done.code == 73 and 'another subject has the user name "l77" at wayfinder' in done.err
    done = node.sluis("subject", "add", "l77")
    assert done.code == 73 and '"l77" is the user name of another subject' in done.err
    assert node.sluis(*account, "mo", "wayfinder", "lotte").code == 0
    done = node.sluis(*account, "lotte", "wayfinder", "--remove")
    assert done.code == 73 and '"lotte" can\'t do without an account there' in done.err
    assert node.sluis(*account, "mo", "wayfinder", "--remove").code == 0
    assert node.sluis(*account, "lotte", "wayfinder", "--remove").code == 0
    done = node.sluis(*account, "mo", "wayfinder", "lotte")
    assert done.code == 73 and done.err.count("\n") == 1


@pytest.mark.parametrize("user", [".", "..", "a/b", "a\\b", "a\nb"])
def test_a_user_name_that_leads_elsewhere_is_named_as_such(node, user):
    assert node.sluis("subject", "add", "mo").code == 0
    done = node.sluis("subject", "account", "mo", "wayfinder", user)
    assert done.code == 65 and "slash" in done.err and "no subject" not in done.err


def test_dots_are_no_subject(node):
    done = node.sluis("subject", "add", "..")
    assert done.code == 65 and "already" not in done.err


def test_a_policy_of_a_new_subject_with_anothers_user_name_is_not_put(node):
    assert node.sluis("subject", "add", "mo").code == 0
    assert node.sluis("subject", "account", "mo", "wayfinder", "lotte").code == 0
    done = node.sluis("policy", "put", node.write_policy("lotte"))
    assert done.code == 73 and "another subject" in done.err
    assert [one["subject"] for one in node.json("subject", "list")] == ["mo"]


def test_a_token_and_its_hash_belong_together():
    made = json.loads(run(SLUIS, "partner", "token", "--json").out)
    assert made["hash"] == "sha256:" + hashlib.sha256(made["token"].encode()).hexdigest()
    text = run(SLUIS, "partner", "token").out
    assert re.search(r"token: sluis_[A-Za-z0-9_-]{43}\n", text)


def test_the_vocabulary_with_and_without_a_configuration(node, tmp_path):
    built_in = json.loads(run(SLUIS, "vocabulary", "--json", cwd=tmp_path).out)
    assert built_in == node.json("vocabulary")
    names = {one["name"] for one in built_in["classes"]}
    assert {"location", "location.speed", "listening.track"} <= names
    assert all(one["en"] and one["nl"] for one in built_in["classes"])
    text = run(SLUIS, "vocabulary", cwd=tmp_path).out
    assert all(name in text for name in names) and "driving" in text and "recommendation" in text
    done = run(SLUIS, "-c", tmp_path / "nowhere.yaml", "vocabulary")
    assert done.code == 78 and "nowhere.yaml" in done.err


def test_status_without_a_daemon(node):
    done = node.sluis("status")
    assert done.code == 69 and "does not run" in done.out
    found = json.loads(node.sluis("status", "--json").out)
    assert found["running"] is False and found["segments"] == 0
    node.put()
    assert json.loads(node.sluis("status", "--json").out)["segments"] == 1
