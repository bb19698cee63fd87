"""Every decision can be repeated: sluis-audit replay, from the ledger and the evidence alone.

Evidence is altered in each way that would hide something, and a gateway that lies records what it
never should: a program with the real recorder writes receipts that are well-formed and signed.
"""
import base64
import hashlib
import json
import shutil
import types

import pytest

import answers
from gateway import AUDIT, BUILD, PARTNERS, SLUIS, consent, policy_text, run
from world import World, feature

LIAR = BUILD / "tests/flow/lying_gateway"


# --- the commands --------------------------------------------------------------------------------

def export(config, file, *more):
    file.unlink(missing_ok=True)
    run(SLUIS, "-c", config, "evidence", "export", "-o", file, *more)
    return file


def replay(node, evidence, *more, ok=(0,)):
    return run(AUDIT, "replay", node.ledger, "--key", node.vkey, "--evidence", evidence, *more,
               ok=ok)


def found_by(node, evidence):
    """What replay says, as JSON; its exit code fits its word."""
    done = replay(node, evidence, "--json", ok=(0, 1))
    found = json.loads(done.stdout)
    assert (done.returncode == 0) == (found["result"] == "same") == (found["differences"] == [])
    return found


def faults_of(node, evidence):
    return [one["fault"] for one in found_by(node, evidence)["differences"]]


def lines_of(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def write_lines(file, lines):
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines),
                    encoding="utf-8")
    return file


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to_base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def sha256(data):
    return to_base64url(hashlib.sha256(data).digest())


# --- a gateway that has lived --------------------------------------------------------------------

ODD_BENEFIT = 'A "better" \\ drive, é'


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    partners = dict(PARTNERS)
    partners["spotify"] = PARTNERS["spotify"] | {"benefits": ["Playlists that fit the drive",
                                                              f"'{ODD_BENEFIT}'"]}
    one = World(tmp_path_factory.mktemp("world") / "node", partners=partners)
    try:
        one.gateway.start()
        yield one
    finally:
        one.close()


@pytest.fixture(scope="module")
def lived(world):
    """Flows of every kind, about people with policies of every kind."""
    make = world.person
    plain = make(consent())
    two = make(consent(), consent("c2", data="location: {precision: 10km}\nlocation.speed: {}"))
    people = [
        plain, two, make(),
        make(consent(data="location: {precision: 1km}\nlocation.speed: {}"),
             refuse="- data: [location.speed]"),
        make(consent(), refuse="- partner: spotify"),
        make(consent(data="listening.genre: {}")),
        make(consent(more='when: {hours: "03:00-03:01"}')),
        make(consent(more="until: 2025-06-01")),
        make(consent(more="from: 2099-06-01")),
        make(consent(more="situation: [driving]")),
        make(consent(more="at_most: 1 per month"),
             consent("c2", more="at_most: 2 per month", data="location.speed: {}"),
             consent("c3", more="at_most: 3 per month", data="location.speed: {}")),
        make(consent().replace("Playlists that fit the drive", ODD_BENEFIT),
             timezone="America/New_York"),
    ]
    world.gateway.sluis("subject", "add", "newcomer")
    for _ in range(4):
        world.ask(people[10])
    for name in [*people, "newcomer"]:
        world.ask(name)
        world.ask(name, "recommender", purpose="recommendation")
        world.ask(name, "recommender", purpose="marketing")
        world.ask(name, purpose="marketing")
        world.ask(name, route="/v1/drivers/{subject}/trace")
    for answer in (answers.well(feature("somebody_else")), answers.well({}, status="500 No"),
                   answers.well(b"{"), answers.well({}, media_type="text/html"),
                   answers.slow_head(), answers.cut_off(feature(plain))):
        world.waze.on(f"/v1/drivers/{plain}/position", answer)
        world.ask(plain)
    for _ in range(3):
        world.partner("spotify").get("/v1/drivers/" + "A" * 43 + "/position")
    world.gateway.withdraw(plain, "c1")
    world.ask(plain)
    world.gateway.put(two, consent(data="location: {precision: 2km}"), refuse="- purpose: marketing")
    world.ask(two)
    return world


@pytest.fixture(scope="module")
def whole(lived, tmp_path_factory):
    """The evidence of everybody."""
    return export(lived.gateway.config, tmp_path_factory.mktemp("evidence") / "all.evidence")


def test_a_sound_gateway_decides_the_same_again(lived, whole):
    found = found_by(lived.gateway, whole)
    receipts = lived.gateway.receipts()
    flows = [one for one in receipts if one["kind"] == "pull"]
    counts = found["counts"]
    assert found["result"] == "same"
    assert found["receipts"] == len(receipts)
    assert counts["policies"] == len(receipts) - len(flows)
    assert counts["flows_of_nobody"] == 3
    assert counts["flows_repeated"] + counts["flows_other_cause"] == len(flows) - 3
    reasons = {one["reason"] for one in flows}
    assert {"consented", "no_consent", "not_yet", "expired", "outside_hours", "situation", "quota",
            "refused", "not_covered", "purpose", "app_timeout", "app_status", "answer_subject",
            "answer_type", "answer_malformed", "app_malformed"} - reasons == set()
    said = replay(lived.gateway, whole).stdout
    assert said.startswith("the same\n") and "DIFFERENT" not in said


def test_everything_else_is_zero(lived, whole):
    counts = found_by(lived.gateway, whole)["counts"]
    for name in ("flows_not_kept", "flows_on_altered_archive", "flows_newer", "flows_of_others",
                 "policies_not_kept", "policies_newer", "policies_not_compiled"):
        assert counts[name] == 0, name


def test_an_export_is_private_and_replaces_nothing(lived, tmp_path):
    file = tmp_path / "one.evidence"
    done = lived.gateway.sluis("evidence", "export", "-o", file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "names, policies and keys" in done.stderr
    before = file.read_bytes()
    assert "overwritten" in lived.gateway.sluis("evidence", "export", "-o", file, ok=(73,)).stderr
    assert file.read_bytes() == before
    lived.gateway.sluis("evidence", "export", ok=(64,))
    gone = tmp_path / "none.evidence"
    lived.gateway.sluis("evidence", "export", "--subject", "who", "-o", gone, ok=(66,))
    assert not gone.exists()


def test_evidence_of_one_person_speaks_of_that_person_alone(lived, whole, tmp_path):
    everybody = [line for line in lines_of(whole) if line["kind"] == "subject"]
    for subject in everybody[:4]:
        name = subject["subject"]
        file = export(lived.gateway.config, tmp_path / f"{name}.evidence", "--subject", name)
        assert [line for line in lines_of(file) if line["kind"] == "subject"] == [subject]
        assert sum(other["subject"] in file.read_text(encoding="utf-8").split('"')
                   for other in everybody) == 1
        counts = found_by(lived.gateway, file)["counts"]
        mine = counts["flows_repeated"] + counts["flows_other_cause"]
        assert mine > 0 and counts["flows_of_nobody"] == 0
        flows = [one for one in lived.gateway.receipts() if one["kind"] == "pull"]
        assert counts["flows_of_others"] == len(flows) - mine


def test_what_came_after_the_evidence_is_counted(lived, whole, tmp_path):
    file = export(lived.gateway.config, tmp_path / "old.evidence")
    late = lived.person(consent())
    lived.ask(late)
    lived.gateway.withdraw(late, "c1")
    lived.gateway.put(next(line["subject"] for line in lines_of(file) if line["kind"] == "subject"),
                      consent(data="location: {precision: 3km}"))
    found = found_by(lived.gateway, file)
    assert found["result"] == "same"
    assert found["counts"]["flows_newer"] == 1
    assert found["counts"]["policies_newer"] == 3


# --- evidence that was altered -------------------------------------------------------------------

@pytest.fixture
def alter(lived, whole, tmp_path):
    """A function that alters the evidence's lines, and says what replay finds then."""
    def change(function):
        lines = lines_of(whole)
        function(lines)
        return found_by(lived.gateway, write_lines(tmp_path / "altered.evidence", lines))
    return change


def policies(lines, subject=None):
    """The lines of policies, of one subject or of all."""
    name, found = None, []
    for line in lines:
        name = line["subject"] if line["kind"] == "subject" else name
        if line["kind"] == "policy" and subject in (None, name):
            found.append(line)
    return found


def person_with_versions(lines, n):
    return next(line["subject"] for line in lines if line["kind"] == "subject"
                and len(policies(lines, line["subject"])) == n)


def test_a_changed_yaml_shows(alter):
    def change(lines):
        policy = policies(lines, person_with_versions(lines, 2))[0]
        policy["yaml"] = policy["yaml"].replace("5km", "500m")
    found = alter(change)
    assert [one["fault"] for one in found["differences"]] == ["archive"]
    assert found["differences"][0]["version"] == 1
    assert found["counts"]["flows_on_altered_archive"] > 0


def test_a_changed_digest_beside_a_changed_yaml_shows(alter):
    def change(lines):
        policy = policies(lines, person_with_versions(lines, 2))[0]
        policy["yaml"] = policy["yaml"].replace("5km", "500m")
        parts = [from_base64url(sha256(policy["yaml"].encode())),
                 from_base64url(sha256(from_base64url(policy["blob"]))),
                 from_base64url(policy["vocabulary"])]
        policy["digest"] = sha256(b"".join(parts))
    found = alter(change)
    assert [one["fault"] for one in found["differences"]] == ["archive"]
    assert "other texts and another digest" in found["differences"][0]["found"]


def test_a_changed_blob_shows_and_decisions_are_repeated_without_it(alter):
    def change(lines):
        for policy in policies(lines):
            blob = from_base64url(policy["blob"])
            policy["blob"] = to_base64url(blob.replace((5000).to_bytes(4, "little"),
                                                       (500).to_bytes(4, "little")))
    found = alter(change)
    faults = [one["fault"] for one in found["differences"]]
    assert set(faults) == {"archive"}
    assert all("YAML is the original" in one["found"] for one in found["differences"])
    assert found["counts"]["flows_on_altered_archive"] == 0


def test_a_blob_of_nonsense_shows(alter):
    def change(lines):
        policies(lines)[0]["blob"] = to_base64url(b"nonsense")
    found = alter(change)
    assert [one["fault"] for one in found["differences"]] == ["archive"]


def test_exchanged_versions_show(alter):
    def change(lines):
        one, two = policies(lines, person_with_versions(lines, 2))[:2]
        for member in ("yaml", "blob", "digest"):
            one[member], two[member] = two[member], one[member]
    found = alter(change)
    assert [one["fault"] for one in found["differences"]] == ["archive", "archive"]
    assert "versions were exchanged" in found["differences"][0]["found"]
    assert found["counts"]["flows_on_altered_archive"] == 0


def test_a_changed_vocabulary_shows(alter):
    def change(lines):
        words = next(line for line in lines if line["kind"] == "vocabulary")
        words["text"] = words["text"].replace("Where you are", "Where you were")
    found = alter(change)
    assert [one["fault"] for one in found["differences"]] == ["vocabulary"]
    assert found["counts"]["policies_not_compiled"] == found["versions"]


def test_another_vocabulary_under_its_own_name_shows(alter):
    def change(lines):
        words = next(line for line in lines if line["kind"] == "vocabulary")
        words["text"] = words["text"].replace("Where you are", "Where you were")
        words["sha256"] = sha256(words["text"].encode())
        for policy in policies(lines):
            policy["vocabulary"] = words["sha256"]
    found = alter(change)
    assert {one["fault"] for one in found["differences"]} == {"archive"}
    assert len(found["differences"]) == found["versions"]


def test_a_missing_vocabulary_is_counted(alter):
    def change(lines):
        lines[:] = [line for line in lines if line["kind"] != "vocabulary"]
    found = alter(change)
    assert found["result"] == "same"
    assert found["counts"]["policies_not_compiled"] == found["versions"]


def test_texts_that_are_not_kept_are_counted_and_still_pinned(alter):
    def change(lines):
        for policy in policies(lines):
            policy["yaml"] = policy["blob"] = policy["vocabulary"] = None
    found = alter(change)
    assert found["result"] == "same"
    assert found["counts"]["policies_not_kept"] == found["versions"]
    assert found["counts"]["flows_not_kept"] > 0

    def lie(lines):
        change(lines)
        policies(lines)[0]["digest"] = to_base64url(bytes(32))
    assert [one["fault"] for one in alter(lie)["differences"]] == ["archive"]


def test_a_version_that_was_taken_out_shows(alter):
    def change(lines):
        name = person_with_versions(lines, 2)
        lines.remove(policies(lines, name)[1])
        lines[-1]["policies"] -= 1
    found = alter(change)
    assert [one["fault"] for one in found["differences"]] == ["missing"]


def test_a_version_that_was_made_up_shows(alter):
    def change(lines):
        name = person_with_versions(lines, 2)
        last = policies(lines, name)[-1]
        lines.insert(lines.index(last) + 1, last | {"version": 3, "time": "2026-01-01T00:00:00.000Z"})
        lines[-1]["policies"] += 1
    found = alter(change)
    assert [one["fault"] for one in found["differences"]] == ["missing"]
    assert found["differences"][0]["version"] == 3


def test_another_time_of_a_change_shows(alter):
    def change(lines):
        policies(lines)[0]["time"] = "2026-01-01T00:00:00.000Z"
    assert [one["fault"] for one in alter(change)["differences"]] == ["time"]


def test_a_person_who_was_left_out_shows(alter):
    def change(lines):
        name = person_with_versions(lines, 2)
        gone = [line for line in lines if line.get("subject") == name] + policies(lines, name)
        lines[:] = [line for line in lines if line not in gone]
        lines[-1]["subjects"] -= 1
        lines[-1]["policies"] -= 2
    found = alter(change)
    assert {one["fault"] for one in found["differences"]} == {"nobody"}
    assert all(one["subject"] is None for one in found["differences"])


def test_another_key_shows(alter):
    def change(lines):
        name = person_with_versions(lines, 2)
        next(line for line in lines if line.get("subject") == name)["key"] = "A" * 43
        lines[0]["time"] = "2099-01-01T00:00:00.000Z"  # nothing is on its way any more
    found = alter(change)
    faults = [one["fault"] for one in found["differences"]]
    assert set(faults) == {"nobody", "missing"} and faults.count("missing") == 1


@pytest.mark.parametrize("cut", [0, 1, 2, 5, -1])
def test_evidence_that_was_cut_off_is_no_evidence(lived, whole, tmp_path, cut):
    lines = whole.read_text(encoding="utf-8").splitlines(keepends=True)
    file = tmp_path / "cut.evidence"
    file.write_text("".join(lines[:cut]), encoding="utf-8")
    done = replay(lived.gateway, file, ok=(1,) if cut else (2,))  # nothing is left to know it by
    assert "cut off" in done.stdout + done.stderr
    file.write_text("".join(lines)[:-7], encoding="utf-8")
    assert f"line {len(lines)}" in replay(lived.gateway, file, ok=(1,)).stdout


def test_what_is_no_evidence_is_said_with_its_line(lived, whole, tmp_path):
    lines = lines_of(whole)
    file = tmp_path / "odd.evidence"
    for change, said in [
            (lambda: lines[1:], "line 1: the file does not begin with"),
            (lambda: [lines[0], *lines], "line 2: a second head"),
            (lambda: [*lines, lines[-1]], "a line after the end"),
            (lambda: [lines[0] | {"more": 1}, *lines[1:]], "line 1: it has"),
            (lambda: [lines[0] | {"sluis_evidence": 2}, *lines[1:]], '"sluis_evidence" is something'),
            (lambda: [lines[0] | {"subjects": "some"}, *lines[1:]], '"all" or "one"'),
            (lambda: [*lines[:2], lines[-1]], "the end counts other numbers"),
            (lambda: [lines[0] | {"subjects": "one"}, *lines[1:]], "a second subject"),
            (lambda: [lines[0], *policies(lines)[:1], *lines[1:]], "a policy before any subject"),
    ]:
        write_lines(file, change())
        is_evidence = "does not begin" not in said
        done = replay(lived.gateway, file, ok=(1,) if is_evidence else (2,))
        assert said in (done.stdout if is_evidence else done.stderr)
    file.write_text("nonsense\n", encoding="utf-8")
    assert "line 1: it is no JSON object" in replay(lived.gateway, file, ok=(2,)).stderr
    assert "cannot read" in replay(lived.gateway, tmp_path / "nowhere", ok=(2,)).stderr
    write_lines(file, [lines[0] | {"origin": "other.example/1"}, *lines[1:]])
    assert "other.example/1" in replay(lived.gateway, file, ok=(2,)).stderr
    run(AUDIT, "replay", lived.gateway.ledger, "--key", lived.gateway.vkey, ok=(64,))
    run(AUDIT, "replay", lived.gateway.ledger, "--evidence", file, ok=(64,))


def test_a_damaged_ledger_is_not_judged(lived, whole, tmp_path):
    copy = shutil.copytree(lived.gateway.ledger, tmp_path / "ledger")
    file = sorted(copy.glob("*.seg"))[0]
    data = bytearray(file.read_bytes())
    data[data.index(b'"decision":"release"') + 4] ^= 1
    file.write_bytes(data)
    done = run(AUDIT, "replay", copy, "--key", lived.gateway.vkey, "--evidence", whole, ok=(1,))
    assert "INVALID" in done.stdout


# --- a gateway that lies -------------------------------------------------------------------------

REDUCED = "location=500m,location.speed=dropped"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A stopped gateway with one person, whose consent c1 is withdrawn in version 2."""
    one = World(tmp_path_factory.mktemp("told") / "node")
    try:
        one.gateway.start()
        one.name = one.person(consent(), consent("c2", app="spotify", data="listening.genre: {}"))
        one.ask(one.name)
        one.gateway.stop()
        yield one
    finally:
        one.close()


@pytest.fixture
def liar(told, tmp_path):
    """A copy of it, whose gateway records what it is told."""
    folder = shutil.copytree(told.gateway.folder, tmp_path / "node",
                             ignore=shutil.ignore_patterns("*.sock"))
    node = types.SimpleNamespace(config=folder / "sluis.yaml", ledger=folder / "state/ledger",
                                 vkey=folder / "state/keys/ledger.vkey", name=told.name)

    def lie(**facts):
        data = {"location": "5000m 900s", "location.speed": "dropped",
                "location.heading": "dropped", "location.place": "dropped"}
        given = {"version": 1, "consents": "c1", "benefit": "Playlists that fit the drive",
                 "data": ",".join(f"{name}={done}" for name, done in data.items()), **facts}
        done = run(LIAR, node.config, node.name,
                   *[f"{name}={value}" for name, value in given.items()])
        return int(done.stdout)

    def differences():
        evidence = export(node.config, tmp_path / "liar.evidence")
        return found_by(node, evidence)["differences"]

    def counts():
        return found_by(node, tmp_path / "liar.evidence")["counts"]
    node.lie, node.differences, node.counts = lie, differences, counts
    return node


def test_more_releases_than_the_consent_allows_show(liar):
    run(SLUIS, "-c", liar.config, "policy", "put", "-", given=policy_text(
        liar.name, consent(data="location: {precision: 500m}", more="at_most: 2 per day")))
    day = "2027-10-31T"  # 25 hours in Amsterdam, from 22:00 the day before
    for time in ("2027-10-30T21:59:59.999Z", "2027-10-30T22:00:00.000Z", f"{day}22:59:59.999Z",
                 f"{day}23:00:00.000Z"):
        liar.lie(version=2, time=time, data=REDUCED)
    assert liar.differences() == []
    # Used up, and so it may be refused; but not on a day of which the receipts show one flow.
    refused = {"decision": "refuse", "reason": "quota", "consents": "", "benefit": "",
               "data": "location=dropped", "version": 2}
    liar.lie(time=f"{day}22:30:00.000Z", **refused)
    assert liar.differences() == [] and liar.counts()["flows_quota_early"] == 0
    liar.lie(time=f"{day}23:30:00.000Z", **refused)
    assert liar.differences() == [] and liar.counts()["flows_quota_early"] == 1
    index = liar.lie(version=2, time=f"{day}22:45:00.000Z", data=REDUCED)
    one, = liar.differences()
    assert (one["receipt"], one["fault"], one["version"]) == (index, "quota", 2)
    assert one["expected"] == "at most 2 per day under consent c1"
    assert one["found"] == "release 3 from 2027-10-30T22:00:00Z to 2027-10-31T23:00:00Z"


def test_a_quota_that_nobody_has_is_no_reason(liar):
    index = liar.lie(decision="refuse", reason="quota", consents="", benefit="",
                     data="location=dropped")
    assert {(one["receipt"], one["fault"]) for one in liar.differences()} == {(index, "effect")}


def test_the_liar_can_tell_the_truth(liar):
    liar.lie()
    liar.lie(decision="refuse", reason="no_consent", purpose="marketing", consents="", benefit="",
             data="location=dropped")
    liar.lie(decision="refuse", reason="app_timeout", benefit="", data="location=dropped")
    liar.lie(decision="refuse", reason="purpose", purpose="", consents="", benefit="",
             data="location=dropped")
    assert liar.differences() == []


@pytest.mark.parametrize("facts, fault, expected, found", [
    ({"data": "location=500m 900s,location.speed=dropped"}, "data", "location 5000m 900s",
     "location 500m 900s"),
    ({"data": "location=kept,location.speed=dropped"}, "data", "location 5000m 900s",
     "location kept"),
    ({"data": "location=5000m 900s,location.speed=kept"}, "data", "location.speed dropped",
     "location.speed kept"),
    ({"purpose": "marketing"}, "effect", "refuse, because: no_consent",
     "release, because: consented"),
    ({"partner": "recommender"}, "effect", "refuse, because: no_consent", None),
    ({"app": "spotify"}, "effect", "refuse, because: not_covered", None),
    ({"data": "location.speed=kept"}, "effect", "refuse, because: not_covered", None),
    ({"situation": "driving,running"}, "situation", "that a consent asks for", '"driving"'),
    ({"benefit": "Nothing"}, "benefit", None, '"Nothing"'),
    ({"benefit": ""}, "benefit", None, '""'),
    ({"consents": "c1,c2"}, "basis", "version 1 and the consents c1", None),
    ({"consents": ""}, "basis", "version 1 and the consents c1", None),
    ({"version": 0}, "basis", "version 1", None),
    ({"decision": "refuse", "reason": "no_consent", "benefit": "", "data": "location=dropped"},
     "effect", "release, because: consented", "refuse, because: no_consent"),
    ({"decision": "refuse", "reason": "purpose", "benefit": "", "data": "location=dropped"},
     "effect", "release", "purpose"),
    ({"decision": "refuse", "reason": "expired", "purpose": "marketing", "consents": "",
      "benefit": "", "data": "location=dropped"}, "reason", "no_consent", "expired"),
    ({"decision": "refuse", "reason": "app_timeout", "purpose": "marketing", "consents": "",
      "benefit": "", "data": "location=dropped"}, "effect", "no_consent", "app_timeout"),
    ({"decision": "refuse", "reason": "because", "benefit": "", "data": "location=dropped"},
     "reason", "consented", "because"),
    ({"decision": "refuse", "reason": "app_timeout", "benefit": "", "data": "location=5000m 900s"},
     "data", "location dropped", "location 5000m 900s"),
])
def test_a_receipt_that_claims_otherwise_shows(liar, facts, fault, expected, found):
    index = liar.lie(**facts)
    differences = liar.differences()
    assert [(one["receipt"], one["fault"]) for one in differences] == [(index, fault)]
    assert differences[0]["subject"] == liar.name and differences[0]["version"] == 1
    assert expected is None or expected in differences[0]["expected"]
    assert found is None or found in differences[0]["found"]


def test_each_class_that_differs_is_named(liar):
    index = liar.lie(data="location=500m,location.speed=kept,location.heading=dropped")
    assert [(one["receipt"], one["fault"], one["found"]) for one in liar.differences()] == [
        (index, "data", "location 500m"), (index, "data", "location.speed kept")]


def test_a_release_after_a_withdrawal_shows(liar):
    run(SLUIS, "-c", liar.config, "policy", "withdraw", liar.name, "c1")
    index = liar.lie()
    one, = liar.differences()
    assert (one["receipt"], one["fault"], one["version"]) == (index, "version", 2)
    assert "no_consent" in one["expected"] and "in force since receipt" in one["expected"]
    assert "version 1 and the consents c1" in one["found"]


def test_a_refusal_of_the_moment_before_a_change_is_no_difference(liar, tmp_path):
    run(SLUIS, "-c", liar.config, "policy", "withdraw", liar.name, "c1")
    liar.lie(decision="refuse", reason="consent_changed", benefit="", data="location=dropped")
    evidence = export(liar.config, tmp_path / "one.evidence")
    found = found_by(liar, evidence)
    assert found["result"] == "same" and found["counts"]["flows_earlier_version"] == 1


def test_a_release_of_nobody_shows(liar):
    index = liar.lie(nobody="yes")
    one, = liar.differences()
    assert (one["receipt"], one["fault"], one["subject"]) == (index, "nobody", None)


def test_a_release_outside_the_hours_shows(liar):
    run(SLUIS, "-c", liar.config, "policy", "put", "-", given=(
        f"sluis: 1\nsubject: {liar.name}\ntimezone: Europe/Amsterdam\nconsents:\n"
        + "".join(f"  {line}\n" for line in consent(
            more='when: {hours: "06:00-20:00"}').splitlines())))
    assert liar.differences() == []
    liar.lie(version=2, time="2027-01-15T18:59:59.999Z")
    liar.lie(version=2, time="2027-07-15T17:59:59.999Z")
    assert liar.differences() == []
    winter = liar.lie(version=2, time="2027-01-15T19:00:00.000Z")
    summer = liar.lie(version=2, time="2027-07-15T18:00:00.000Z")
    found = liar.differences()
    assert [(one["receipt"], one["fault"]) for one in found] == [(winter, "effect"),
                                                                (summer, "effect")]
    assert all("outside_hours" in one["expected"] for one in found)
