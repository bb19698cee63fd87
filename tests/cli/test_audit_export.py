"""sluis-audit export and verify-export: evidence that others accept, checked by others' means.

Proofs are checked by the independent verifier of test_audit_proofs, openings by hashlib and hmac,
Kantara receipts by a JSON Schema written from the specification, DPV by rdflib.
"""
import base64
import copy
import csv
import hashlib
import hmac
import io
import json

import jsonschema
import pytest
import rdflib

from gateway import AUDIT, CONTROLLER, ORIGIN, SLUIS, consent, run
from test_audit_proofs import leaf_hash, node_hash, open_note, open_proof
from world import World


# --- a gateway that has lived --------------------------------------------------------------------

@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    one = World(folder / "node")
    with one.gateway.config.open("a", encoding="utf-8") as config:
        config.write(CONTROLLER)
    try:
        one.gateway.start()
        gateway = one.gateway
        one.lotte = one.person(consent(), consent("c2", data="run.distance: {}"))
        one.max = one.person(consent(data="location: {precision: 1km}"))
        one.answer = one.ask(one.lotte)
        assert one.answer.status == 200
        for name in (one.lotte, one.max):
            one.ask(name)
            one.ask(name, "recommender", purpose="marketing")
        gateway.put(one.lotte, consent(data="location: {precision: 2km}", more="until: 2099-01-01"),
                    consent("c2", data="run.distance: {}"), consent("old", more="until: 2025-06-01"))
        one.ask(one.lotte)
        gateway.withdraw(one.lotte, "c1")
        one.ask(one.lotte)
        gateway.put(one.lotte, consent(data="location: {precision: 9km}"))
        gateway.stop()
        one.folder = folder
        one.own = folder / "lotte.evidence"
        one.all = folder / "all.evidence"
        run(SLUIS, "-c", gateway.config, "evidence", "export", "--subject", one.lotte, "-o", one.own)
        run(SLUIS, "-c", gateway.config, "evidence", "export", "-o", one.all)
        yield one
    finally:
        one.close()


@pytest.fixture(scope="module")
def export(lived):
    def call(form, *more, ok=(0,)):
        done = run(AUDIT, "export", lived.gateway.ledger, "--key", lived.gateway.vkey,
                   "--format", form, *more, ok=ok)
        return done.stdout if done.returncode == 0 else done.stderr
    return call


@pytest.fixture
def verify(lived, tmp_path):
    def call(text, *more, ok=(0,)):
        file = tmp_path / "export"
        file.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
        done = run(AUDIT, "verify-export", file, "--key", lived.gateway.vkey, *more, ok=ok)
        return done.stderr if done.returncode == 2 else done.stdout
    return call


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# --- by others' means ----------------------------------------------------------------------------

def root_from(index, size, leaf, hashes):
    """RFC 9162 section 2.1.3.2."""
    fn, sn, root = index, size - 1, leaf
    for one in hashes:
        if fn & 1 or fn == sn:
            root = node_hash(one, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node_hash(root, one)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return root


def check_by_hand(lived, folder, evidence, index=None):
    """A receipt, its proof and its openings; what is parsed of the receipt."""
    vkey = lived.gateway.vkey.read_text(encoding="utf-8")
    found, hashes, (origin, size, root) = open_proof(folder, vkey, evidence["proof"])
    assert origin == ORIGIN and index in (None, found)
    assert root_from(found, size, leaf_hash(evidence["receipt"].encode()), hashes) == root
    receipt = json.loads(evidence["receipt"])
    if "basis" in evidence:
        basis = evidence["basis"]
        policy = bytes(32)
        if basis["policy"]:
            policy = sha256(*(from_base64url(basis["policy"][part])
                              for part in ("yaml", "blob", "vocabulary")))
        if "text" in basis:
            assert sha256(basis["text"].encode()) == from_base64url(basis["policy"]["yaml"])
        digest = sha256(b"sluis basis v1\n", basis["version"].to_bytes(8, "big"), policy,
                        *((one + "\n").encode() for one in basis["consents"]))
        assert sha256(from_base64url(basis["salt"]), digest) == from_base64url(receipt["basis"])
    return receipt


def key_of(file, subject):
    return next(from_base64url(line["key"]) for line in lines_of(file.read_text(encoding="utf-8"))
                if line.get("kind") == "subject" and line["subject"] == subject)


def is_of(receipt, key, number):
    tag = hmac.digest(key, b"tag\0" + number.to_bytes(8, "big"), "sha256")[:16]
    return from_base64url(receipt["tag"]) == tag


def check_block(lived, folder, block, events):
    """The evidence of a record: each receipt, and that those of its events are there."""
    times = {}
    for one in block["receipts"]:
        receipt = check_by_hand(lived, folder, one)
        index = int(one["proof"].splitlines()[1].removeprefix("index "))
        times[index] = receipt["time"]
        assert receipt["kind"] == "policy" and "text" in one["basis"]
        assert sha256(from_base64url(one["basis"]["blob"])) == \
            from_base64url(one["basis"]["policy"]["blob"])
        assert from_base64url(one["basis"]["policy"]["vocabulary"]) in \
            [sha256(text.encode()) for text in block["vocabularies"]]
    for event in events:
        if event["event"] == "expired":
            assert "receipt" not in event
        else:
            assert times[event["receipt"]] == event["time"]


# --- NDJSON --------------------------------------------------------------------------------------

def test_without_evidence_receipts_come_with_proofs_alone(lived, export, verify, tmp_path):
    text = export("ndjson")
    lines = lines_of(text)
    receipts = lived.gateway.receipts()
    assert [line["index"] for line in lines] == [one["index"] for one in receipts]
    for line, receipt in zip(lines, receipts):
        assert set(line) == {"sluis_export", "origin", "index", "receipt", "proof"}
        assert {"index": line["index"], **check_by_hand(lived, tmp_path, line, line["index"])} == receipt
    assert f"receipts  {len(lines)}," in verify(text)


def test_a_person_gets_everything_of_their_own_and_nothing_else(lived, export, verify, tmp_path):
    text = export("ndjson", "--evidence", lived.own)
    lines = lines_of(text)
    key = key_of(lived.own, lived.lotte)
    for number, line in enumerate(lines):
        receipt = check_by_hand(lived, tmp_path, line, line["index"])
        assert is_of(receipt, key, number)
        assert "basis" in line and ("body" in line) == (receipt["body"] is not None)
        assert ("text" in line["basis"]) == (receipt["kind"] == "policy")
        if receipt["kind"] == "pull" and receipt["decision"] == "release":
            assert line["basis"]["consents"] == ["c1"]
    assert len(lines) == sum(
        any(is_of(one, key, number) for number in range(40))
        for one in lived.gateway.receipts() if "tag" in one)
    assert lines_of(export("ndjson", "--evidence", lived.all, "--subject", lived.lotte)) == lines
    verify(text)


def test_a_partner_gets_its_own_flows_and_nothing_that_links_them(lived, export, verify, tmp_path):
    text = export("ndjson", "--evidence", lived.all, "--for", "partner", "--partner", "spotify")
    lines = lines_of(text)
    flows = lived.gateway.receipts("--partner", "spotify")
    assert [line["index"] for line in lines] == [one["index"] for one in flows]
    for line in lines:
        receipt = check_by_hand(lived, tmp_path, line, line["index"])
        assert receipt["partner"] == "spotify"
        assert set(line) - {"body"} == {"sluis_export", "origin", "index", "receipt", "proof"}
        assert ("body" in line) == (receipt["decision"] == "release")
    verify(text)


def test_a_partner_can_prove_what_it_received(lived, export, verify, tmp_path):
    text = export("ndjson", "--evidence", lived.all, "--for", "partner", "--partner", "spotify",
                  "--limit", "1")
    line, = lines_of(text)
    assert line["index"] == lived.answer.receipt
    receipt = json.loads(line["receipt"])
    assert sha256(from_base64url(line["body"]["salt"]),
                  sha256(lived.answer.body)) == from_base64url(receipt["body"])
    body = tmp_path / "body"
    body.write_bytes(lived.answer.body)
    assert "these bytes are the one" in verify(text, "--body", body)
    body.write_bytes(lived.answer.body + b" ")
    assert "not the body" in verify(text, "--body", body, ok=(1,))
    assert "one receipt" in verify(export("ndjson"), "--body", body, ok=(2,))


def test_an_auditor_gets_names_and_numbers(lived, export, verify):
    text = export("ndjson", "--evidence", lived.all, "--for", "auditor")
    lines = lines_of(text)
    assert {line.get("subject") for line in lines if "subject" in line} == {lived.lotte, lived.max}
    for name in (lived.lotte, lived.max):
        key = key_of(lived.all, name)
        mine = [line for line in lines if line.get("subject") == name]
        assert [line["number"] for line in mine] == list(range(len(mine)))
        assert all(is_of(json.loads(line["receipt"]), key, line["number"]) for line in mine)
    verify(text)


def test_filters_and_limits_are_those_of_list(lived, export):
    for more in (["--partner", "recommender"], ["--decision", "refuse"], ["--kind", "policy"],
                 ["--route", "position"], ["--limit", "3"], ["--limit", "0"]):
        assert [line["index"] for line in lines_of(export("ndjson", *more))] == \
            [one["index"] for one in lived.gateway.receipts(*more)], more


def test_each_altered_byte_of_an_export_is_found(lived, export, verify):
    text = export("ndjson", "--evidence", lived.own)
    lines = lines_of(text)
    release = next(line for line in lines if "body" in line)
    policy = next(line for line in lines if "text" in line["basis"])

    def altered(line, *path, to):
        other = copy.deepcopy(line)
        place = other
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = to(place[path[-1]])
        return other
    for line, path, to, said in [
            (release, ["receipt"], lambda old: old.replace("5000m", "500m"), "root"),
            (release, ["proof"], lambda old: old.replace("index ", "index 1"), ""),
            (release, ["proof"], lambda old: old[:-20] + "AAAA" + old[-16:], ""),
            (release, ["basis", "salt"], lambda old: "A" * 43, "another basis"),
            (release, ["basis", "version"], lambda old: old + 1, "another basis"),
            (release, ["basis", "consents"], lambda old: [], "another basis"),
            (release, ["basis", "consents"], lambda old: ["c1", "c2"], "another basis"),
            (release, ["basis", "consents"], lambda old: "c1", "not well-formed"),
            (release, ["basis", "policy", "yaml"], lambda old: "A" * 43, "another basis"),
            (release, ["basis", "policy"], lambda old: None, "another basis"),
            (release, ["body", "salt"], lambda old: "AA", "a body"),
            (policy, ["basis", "text"], lambda old: old.replace("5km", "500m"),
             "not the one that is named"),
            (policy, ["receipt"], lambda old: release["receipt"], "root"),
    ]:
        assert said in verify(altered(line, *path, to=to), ok=(1,)), path
    assert "a body" in verify(policy | {"body": release["body"]}, ok=(1,))
    assert "carries no evidence" in verify("{}", ok=(1,))
    assert "no JSON" in verify("{", ok=(1,))
    assert "carries no evidence" in verify("[" * 70 + "]" * 70, ok=(1,))
    assert "no JSON" in verify("[" * 3000 + "]" * 3000, ok=(1,))
    missing = dict(policy)
    del missing["proof"]
    assert "carries no evidence" in verify(missing, ok=(1,))


def test_a_line_says_nothing_that_its_evidence_does_not_show(lived, export, verify):
    lines = lines_of(export("ndjson", "--evidence", lived.all, "--for", "auditor"))
    policy = next(line for line in lines if line.get("subject") == lived.max)
    flow = next(line for line in lines if line.get("subject") == lived.max and "body" in line)
    for line, said in [
            (flow | {"index": flow["index"] + 1}, f'"index" is {flow["index"] + 1}; expected'),
            (flow | {"origin": "else.example/1"}, '"origin" is "else.example/1"; expected'),
            (flow | {"sluis_export": 2}, '"sluis_export" is 2; expected 1'),
            (flow | {"partner": "somebody"}, '"partner" is no member of evidence'),
            (flow | {"basis": flow["basis"] | {"note": "x"}}, '"note" is no member'),
            (flow | {"number": -1}, "not well-formed"),
            (policy | {"subject": lived.lotte}, f'expected "{lived.max}", whose policy it rests on'),
    ]:
        assert said in verify(line, ok=(1,)), said
    verify(flow | {"subject": lived.lotte})  # alone, nothing shows whose a flow is
    both = "\n".join(json.dumps(one) for one in (policy, flow | {"subject": lived.lotte}))
    assert f'"subject" is "{lived.lotte}"; expected "{lived.max}"' in verify(both, ok=(1,))
    both = "\n".join(json.dumps(one | {"subject": lived.lotte}) for one in (flow, policy))
    assert f'"subject" is "{lived.lotte}"; expected "{lived.max}"' in verify(both, ok=(1,))
    alone = {key: policy[key] for key in policy if key not in ("subject", "number")}
    both = "\n".join(json.dumps(one) for one in (flow | {"subject": lived.lotte}, alone))
    assert f'"subject" is "{lived.lotte}"; expected "{lived.max}"' in verify(both, ok=(1,))


# --- CSV -----------------------------------------------------------------------------------------

def test_csv_is_a_table_of_the_same_receipts(lived, export):
    text = export("csv", "--evidence", lived.all, "--for", "auditor")
    raw = run(AUDIT, "export", lived.gateway.ledger, "--key", lived.gateway.vkey, "--format", "csv",
              "-o", lived.folder / "all.csv")
    assert raw.stdout == ""
    data = (lived.folder / "all.csv").read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") == len(lived.gateway.receipts()) + 1
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    receipts = lived.gateway.receipts()
    assert len(rows) == len(receipts)
    for row, receipt in zip(rows, receipts):
        assert int(row["index"]) == receipt["index"] and row["origin"] == ORIGIN
        for name in ("time", "kind", "partner", "app", "route", "purpose", "benefit", "decision",
                     "reason", "tag", "basis", "body"):
            assert row[name].removeprefix("'") == (receipt.get(name) or "")
        for name in ("granted", "changed", "withdrawn", "refusals_added", "refusals_removed"):
            assert row[name] == str(receipt.get(name, ""))
        assert row["situation"] == "; ".join(receipt.get("situation") or [])
        assert row["data"] == "; ".join(f"{name} {done}"
                                        for name, done in receipt.get("data", {}).items())
    assert {row["subject"] for row in rows} == {lived.lotte, lived.max}
    assert {row["consents"] for row in rows if row["decision"] == "release"} == {"c1"}


def test_csv_is_said_to_carry_no_evidence(export, verify):
    said = verify(export("csv"), ok=(2,))
    assert "carries no evidence" in said and "sluis-audit export" in said


@pytest.mark.parametrize("benefit", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠x",
                                     'a, "b", c', "=cmd|' /C calc'!A0", "plain"])
def test_no_field_of_csv_is_a_formula(tmp_path, benefit):
    quoted = "'" + benefit.replace("'", "''") + "'"
    one = World(tmp_path / "node", partners={"spotify": dict(purposes=["recommendation"],
                                                             benefits=[quoted])})
    try:
        one.gateway.start()
        name = one.person(consent().replace("Playlists that fit the drive", quoted))
        assert one.ask(name).status == 200
        one.gateway.stop()
        text = run(AUDIT, "export", one.gateway.ledger, "--key", one.gateway.vkey, "--format", "csv",
                   "--kind", "pull").stdout
        row, = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        is_formula = benefit[0] in "=+-@＝＋－＠"
        assert row["benefit"] == ("'" if is_formula else "") + benefit
        assert not any(value[:1] in tuple("=+-@\t\r＝＋－＠") for value in row.values() if value)
    finally:
        one.close()


# --- Kantara -------------------------------------------------------------------------------------

TEXT = {"type": "string", "minLength": 1}
KANTARA = {
    "type": "array", "minItems": 1,
    "items": {
        "type": "object", "additionalProperties": False,
        "required": ["version", "jurisdiction", "consentTimestamp", "collectionMethod",
                     "consentReceiptID", "piiPrincipalId", "piiControllers", "policyUrl", "services",
                     "sensitive", "spiCat"],
        "properties": {
            "version": {"const": "KI-CR-v1.1.0"},
            "jurisdiction": TEXT,
            "consentTimestamp": {"type": "integer", "minimum": 1500000000, "maximum": 4102444800},
            "collectionMethod": TEXT,
            "consentReceiptID": {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}"
                                                              "-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"},
            "publicKey": TEXT,
            "language": {"type": "string", "pattern": "^[a-z]{2}$"},
            "piiPrincipalId": TEXT,
            "piiControllers": {"type": "array", "minItems": 1, "items": {
                "type": "object", "additionalProperties": False,
                "required": ["piiController", "contact", "address", "email", "phone"],
                "properties": {
                    "piiController": TEXT, "onBehalf": {"type": "boolean"}, "contact": TEXT,
                    "address": {"type": "object", "minProperties": 1},
                    "email": {"type": "string", "pattern": "@"}, "phone": TEXT,
                    "piiControllerUrl": {"type": "string", "pattern": "^https://"}}}},
            "policyUrl": {"type": "string", "pattern": "^https://"},
            "services": {"type": "array", "minItems": 1, "items": {
                "type": "object", "additionalProperties": False, "required": ["service", "purposes"],
                "properties": {"service": TEXT, "purposes": {"type": "array", "minItems": 1, "items": {
                    "type": "object", "additionalProperties": False,
                    "required": ["consentType", "purposeCategory", "piiCategory", "termination",
                                 "thirdPartyDisclosure"],
                    "properties": {
                        "purpose": TEXT, "consentType": {"enum": ["EXPLICIT", "IMPLICIT"]},
                        "purposeCategory": {"type": "array", "minItems": 1, "items": TEXT},
                        "piiCategory": {"type": "array", "minItems": 1, "items": TEXT},
                        "primaryPurpose": {"type": "boolean"}, "termination": TEXT,
                        "thirdPartyDisclosure": {"type": "boolean"}, "thirdPartyName": TEXT},
                    "if": {"properties": {"thirdPartyDisclosure": {"const": True}}},
                    "then": {"required": ["thirdPartyName"]}}}}}},
            "sensitive": {"type": "boolean"},
            "spiCat": {"type": "array", "items": TEXT},
            "sluis": {"type": "object"},
        },
        "if": {"properties": {"sensitive": {"const": True}}},
        "then": {"properties": {"spiCat": {"minItems": 1}}},
        "else": {"properties": {"spiCat": {"maxItems": 0}}},
    },
}


def events_of(receipts, ident):
    return [[event["event"] for event in one["sluis"]["events"]] for one in receipts
            if one["sluis"]["consent"] == ident]


def test_kantara_receipts_have_exactly_the_keys_of_the_specification(lived, export):
    receipts = json.loads(export("kantara", "--evidence", lived.own))
    jsonschema.validate(receipts, KANTARA)
    assert len({one["consentReceiptID"] for one in receipts}) == len(receipts)
    assert all(one["piiPrincipalId"] == lived.lotte for one in receipts)
    others = json.loads(export("kantara", "--evidence", lived.all, "--subject", lived.lotte))
    for one in (*receipts, *others):
        assert one["sluis"].pop("as_of") > one["sluis"]["events"][0]["time"]
        assert one["sluis"].pop("statement").startswith("sluis stated v1\n")
    assert receipts == others


def test_each_giving_and_changing_is_a_receipt_that_says_how_it_ended(lived, export):
    receipts = json.loads(export("kantara", "--evidence", lived.own))
    assert events_of(receipts, "c1") == [["given", "changed"], ["changed", "withdrawn"], ["given"]]
    assert events_of(receipts, "c2") == [["given", "withdrawn"]]
    assert events_of(receipts, "old") == [["given", "expired"]]
    first, second, third = [one for one in receipts if one["sluis"]["consent"] == "c1"]
    assert "5km" in first["services"][0]["purposes"][0]["piiCategory"][0]
    assert "2km" in second["services"][0]["purposes"][0]["piiCategory"][0]
    assert "2098-12-31T23:00:00Z" in second["services"][0]["purposes"][0]["termination"]
    assert third["sluis"]["terms"]["data"] == [{"class": "location", "done": "9000m"}]
    assert {one["sensitive"] for one in receipts if one["sluis"]["consent"] == "c2"} == {True}


def test_kantara_receipts_carry_their_evidence(lived, export, verify, tmp_path):
    text = export("kantara", "--evidence", lived.own)
    for one in json.loads(text):
        check_block(lived, tmp_path, one["sluis"], one["sluis"]["events"])
    said = verify(text)
    assert "records   5 of consents, with 9 events" in said and "not opened" not in said
    for one in json.loads(text):
        assert "records   1 of consents" in verify(one)


def words_of(value, path=()):
    """The path of everything in it that is no list and no object."""
    if isinstance(value, (dict, list)) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [found for key, one in items for found in words_of(one, (*path, key))]
    return [path]


def name_of(path):
    return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)[1:]


def other_than(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return "something else" if isinstance(value, str) else [value]


def altered(record, path, change=other_than):
    other = copy.deepcopy(record)
    place = other
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = change(place[path[-1]])
    return other


def is_evidence(path):
    return {"receipts", "vocabularies", "as_of", "statement"} & set(path)


def test_no_word_of_a_kantara_receipt_can_be_another(lived, export, verify):
    receipts = json.loads(export("kantara", "--evidence", lived.own))
    one = next(one for one in receipts if events_of([one], "c1") == [["changed", "withdrawn"]])
    paths = [path for path in words_of(one) if not is_evidence(path)]
    assert len(paths) > 40
    for path in paths:
        if path in [("sluis", "consent"), ("sluis", "origin"), ("sluis", "events", 0, "receipt")]:
            continue  # what the evidence is looked up by
        said = verify(altered(one, path), ok=(1,))
        assert "is " in said and "; expected " in said, (path, said)
        assert f': "{name_of(path)}' in said, (path, said)
    said = verify(altered(one, ("services", 0, "purposes", 0, "thirdPartyName"),
                          lambda old: "Somebody"), ok=(1,))
    assert ('INVALID: record 0 of the file: "services[0].purposes[0].thirdPartyName" is "Somebody"; '
            'expected "spotify"') in said
    said = verify(one | {"onBehalf": "x"}, ok=(1,))
    assert '"onBehalf" is "x"; expected not there' in said
    less = copy.deepcopy(one)
    del less["policyUrl"]
    assert '"policyUrl" is not there; expected "https://canal.example/privacy"' in verify(less, ok=(1,))


def test_a_kantara_receipt_that_claims_otherwise_does_not_verify(lived, export, verify):
    receipts = json.loads(export("kantara", "--evidence", lived.own))
    given = next(one for one in receipts if events_of([one], "c1") == [["given", "changed"]])
    ended = next(one for one in receipts if events_of([one], "c1") == [["changed", "withdrawn"]])
    block = ("sluis",)
    receipts_of = (*block, "receipts")
    for said, record in [
            ("none of the policies", altered(given, (*block, "consent"), lambda old: "c9")),
            ("another ledger", altered(given, (*block, "origin"), lambda old: "else.example/1")),
            ("of no receipt that gave", altered(given, (*block, "events", 0, "receipt"))),
            ("as_of", altered(given, (*block, "as_of"), lambda old: "today")),
            ("no evidence", altered(given, receipts_of, lambda old: [])),
            ("not in the order", altered(given, receipts_of, lambda old: old[::-1])),
            ("what stood before", altered(ended, receipts_of, lambda old: old[1:])),
            ('.termination" is', altered(ended, receipts_of, lambda old: old[:-1])),
            ('"sluis.receipts[2]" is',
             altered(given, receipts_of, lambda old: old + ended["sluis"]["receipts"][2:])),
            ("not in the record", altered(given, (*block, "vocabularies"), lambda old: [])),
            ("not in the record", altered(given, (*block, "vocabularies", 0),
                                          lambda old: old + "\n")),
            ("not the one that is named", altered(given, (*receipts_of, 0, "basis", "text"),
                                                  lambda old: old.replace("5km", "1km"))),
            ("not the one that is named", altered(given, (*receipts_of, 0, "basis", "blob"),
                                                  lambda old: "_" + old[1:])),
    ]:
        found = verify(record, ok=(1,))
        assert said in found, (said, found)


def test_a_version_that_was_taken_out_or_closed_shows(lived, export, verify):
    record = json.loads(export("dpv", "--evidence", lived.own))["@graph"][0]
    place = ("sluis:evidence", "@value", "receipts")
    assert "expected version 3: one is missing" in verify(
        altered(record, place, lambda old: [*old[:2], *old[3:]]), ok=(1,))
    closed = altered(record, (*place, 1), lambda old: {key: old[key] for key in ("receipt", "proof")})
    found = verify(closed, ok=(1,))
    assert '"dpv:hasConsentStatus[1]' in found


def test_what_no_receipt_pins_is_signed_and_said_to_be_stated(lived, export, verify, tmp_path):
    text = export("kantara", "--evidence", lived.own)
    said = verify(text)
    assert "stated    by the operator, signed with the ledger's key, and in no receipt" in said
    assert 'name "Canal Museum Foundation"' in said and 'spotify "spotify"' in said
    assert "not signed by the ledger's key" in verify(
        text.replace("Canal Museum Foundation", "Somebody"), ok=(1,))
    later = [one | {"sluis": one["sluis"] | {"as_of": "2099-01-01T00:00:00.000Z"}}
             for one in json.loads(text)]
    assert "later than its statement" in verify(later, ok=(1,))

    file = tmp_path / "own.evidence"
    whole = lived.own.read_text(encoding="utf-8")
    file.write_text(whole.replace("Canal Museum Foundation", "Somebody"), encoding="utf-8")
    assert "not signed by the ledger's key" in export("dpv", "--evidence", file, ok=(2,))
    lines = lines_of(whole)
    note = lines[0]["statement"]
    assert note.startswith(f"sluis stated v1\n{ORIGIN}\n{lines[0]['time']}\n{{")
    text = open_note(tmp_path, lived.gateway.vkey.read_text(encoding="utf-8"), note)
    assert json.loads(text.splitlines()[3])["controller"] == \
        {name: text for name, text in lines[0]["controller"].items() if text is not None}


def test_what_came_after_the_receipts_of_a_record_is_said_not_to_be_shown(lived, export, verify):
    text = export("kantara", "--evidence", lived.own)
    said = verify(text)
    last = min(max(json.loads(one["receipt"])["time"]
                   for one in record["sluis"]["receipts"]) for record in json.loads(text))
    assert "not shown that no policy change or erasure came after" in said
    assert last in said and "a consent may be withdrawn since" in said


def test_an_empty_export_is_said_and_has_nothing_to_check(lived, export, verify):
    for form in ("kantara", "dpv"):
        text = export(form, "--evidence", lived.own, "--partner", "nobody")
        said = verify(text, ok=(2,))
        assert "nothing to check" in said and "INVALID" not in said


def test_consents_of_altered_evidence_are_refused(lived, export, tmp_path):
    file = tmp_path / "altered.evidence"
    whole = lived.own.read_text(encoding="utf-8")
    assert "precision: 9km" in whole
    file.write_text(whole.replace("precision: 9km", "precision: 1km"), encoding="utf-8")
    for form in ("kantara", "dpv"):
        assert "the evidence was altered" in export(form, "--evidence", file, ok=(1,))


def test_evidence_that_nobody_signed_can_be_replayed_and_makes_no_records(lived, export, tmp_path):
    key = lived.gateway.state / "keys/ledger.pem"
    file = tmp_path / "unsigned.evidence"
    key.rename(tmp_path / "ledger.pem")
    try:
        done = run(SLUIS, "-c", lived.gateway.config, "evidence", "export", "-o", file)
    finally:
        (tmp_path / "ledger.pem").rename(key)
    assert "who runs the gateway is not signed" in done.stderr
    assert lines_of(file.read_text(encoding="utf-8"))[0]["statement"] is None
    assert "the same" in run(AUDIT, "replay", lived.gateway.ledger, "--key", lived.gateway.vkey,
                             "--evidence", file).stdout
    assert export("ndjson", "--evidence", file, "--for", "auditor")
    said = export("kantara", "--evidence", file, "--subject", lived.lotte, ok=(2,))
    assert "not signed by the ledger's key" in said and "`sluis evidence export' signs it" in said


# --- DPV -----------------------------------------------------------------------------------------

DPV = rdflib.Namespace("https://w3id.org/dpv#")
DCT = rdflib.Namespace("http://purl.org/dc/terms/")
# Mandatory in ISO/IEC TS 27560, in DPV's terms: of the record, its process, and its parties.
RECORD = [DCT.conformsTo, DCT.identifier, DPV.hasIdentifier, DPV.hasDataSubject, DPV.hasNotice,
          DCT.language, DPV.hasProcess, DPV.hasDataController, DPV.hasJurisdiction,
          DPV.hasConsentControl, DPV.hasConsentStatus]
PROCESS = [DPV.hasPurpose, DPV.hasPersonalData, DPV.hasDataController, DPV.hasStorageCondition,
           DPV.hasRecipient, DPV.hasLegalBasis]
PARTY = [DCT.identifier, DPV.hasAddress, DPV.hasName, DPV.hasContact]
EVENT = [DPV.isIndicatedAtTime, DPV.hasDuration, DPV.isIndicatedBy]


@pytest.fixture(scope="module")
def graph(lived, export):
    found = rdflib.Graph()
    found.parse(data=export("dpv", "--evidence", lived.own), format="json-ld")
    return found


def record_of(graph, ident):
    record, = graph.subjects(DPV.hasIdentifier, rdflib.Literal(ident))
    return record


def statuses_of(graph, record):
    states = [DPV.ConsentGiven, DPV.RenewedConsentGiven, DPV.ConsentExpired, DPV.ConsentWithdrawn]
    rows = [(graph.value(event, DPV.isIndicatedAtTime).toPython(),
             next(states.index(one) for one in graph.objects(event, rdflib.RDF.type)
                  if one in states))
            for event in graph.objects(record, DPV.hasConsentStatus)]
    return [states[state] for _, state in sorted(rows)]


def test_dpv_receipts_have_what_27560_requires(graph):
    records = list(graph.subjects(rdflib.RDF.type, DPV.ConsentReceipt))
    assert len(records) == 3
    for record in records:
        assert graph.value(record, DCT.conformsTo) == rdflib.URIRef(
            "https://w3id.org/dpv/schema/dpv-27560#receipt")
        for name in RECORD:
            assert graph.value(record, name) is not None, name
        for process in graph.objects(record, DPV.hasProcess):
            for name in PROCESS:
                assert graph.value(process, name) is not None, name
        controller = graph.value(record, DPV.hasDataController)
        for name in PARTY:
            assert graph.value(controller, name) is not None, name
        control = graph.value(record, DPV.hasConsentControl)
        assert graph.value(control, DPV.isExercisedAt) == rdflib.URIRef(
            "https://gateway.example/consents")
        for event in graph.objects(record, DPV.hasConsentStatus):
            for name in EVENT:
                assert graph.value(event, name) is not None, name
        assert graph.value(record, DPV.hasJurisdiction) == rdflib.URIRef(
            "https://w3id.org/dpv/loc#NL")


def test_dpv_states_follow_what_became_of_each_consent(graph):
    given, renewed, withdrawn, expired = (DPV.ConsentGiven, DPV.RenewedConsentGiven,
                                          DPV.ConsentWithdrawn, DPV.ConsentExpired)
    assert statuses_of(graph, record_of(graph, "c1")) == [given, renewed, withdrawn, given]
    assert statuses_of(graph, record_of(graph, "c2")) == [given, withdrawn]
    assert statuses_of(graph, record_of(graph, "old")) == [given, expired, withdrawn]


def test_dpv_terms_are_those_of_the_vocabulary(graph):
    skos = rdflib.Namespace("http://www.w3.org/2004/02/skos/core#")
    process = graph.value(record_of(graph, "c1"), DPV.hasProcess)
    purpose = graph.value(process, DPV.hasPurpose)
    assert graph.value(purpose, skos.broader) == DPV.ProvidePersonalisedRecommendations
    data = graph.value(process, DPV.hasPersonalData)
    assert graph.value(data, skos.broader) == rdflib.URIRef(
        "https://w3id.org/dpv/pd#CurrentLocation")
    assert graph.value(graph.value(process, DPV.hasRecipient), DCT.identifier) == \
        rdflib.Literal("spotify")
    run_data = graph.value(graph.value(record_of(graph, "c2"), DPV.hasProcess), DPV.hasPersonalData)
    assert (run_data, rdflib.RDF.type, DPV.SpecialCategoryPersonalData) in graph


def test_dpv_receipts_carry_their_evidence(lived, export, verify, tmp_path):
    text = export("dpv", "--evidence", lived.own)
    for record in json.loads(text)["@graph"]:
        check_block(lived, tmp_path, record["sluis:evidence"]["@value"],
                    [status["sluis:event"]["@value"] for status in record["dpv:hasConsentStatus"]])
        assert "records   1 of consents" in verify(record)
    assert "records   3 of consents, with 9 events" in verify(text)


def test_no_word_of_a_dpv_record_can_be_another(lived, export, verify):
    document = json.loads(export("dpv", "--evidence", lived.own))
    record = next(one for one in document["@graph"] if one["dpv:hasIdentifier"] == "old")
    place = ("sluis:evidence", "@value")
    paths = [path for path in words_of(record) if not is_evidence(path)]
    assert len(paths) > 80
    for path in paths:
        if path in [(*place, "consent"), (*place, "origin")]:
            continue
        said = verify(altered(record, path), ok=(1,))
        assert "is " in said and "; expected " in said, (path, said)
        assert f': "{name_of(path)}' in said, (path, said)
    said = verify(altered(document, ("@context", "dpv"), lambda old: "https://example/#"), ok=(1,))
    assert '"@context.dpv" is "https://example/#"; expected "https://w3id.org/dpv#"' in said
    assert '"more" is 1; expected not there' in verify(document | {"more": 1}, ok=(1,))


# --- what can't be exported ----------------------------------------------------------------------

def test_wrong_use_is_said(lived, export):
    assert "--format" in run(AUDIT, "export", lived.gateway.ledger, "--key", lived.gateway.vkey,
                             ok=(64,)).stderr
    for args, said in [
            (["xml"], "ndjson, csv, kantara or dpv"),
            (["kantara"], "--evidence"),
            (["dpv", "--evidence", lived.own, "--route", "position"], "consents, not of flows"),
            (["ndjson", "--for", "auditor"], "nothing can be opened"),
            (["ndjson", "--evidence", lived.all], "who is going to read it"),
            (["ndjson", "--evidence", lived.all, "--for", "all"], "subject, partner or auditor"),
            (["ndjson", "--evidence", lived.all, "--for", "partner"], "for which partner"),
            (["ndjson", "--evidence", lived.all, "--for", "subject"], "whose?"),
            (["dpv", "--evidence", lived.all, "--for", "auditor", "--subject", lived.max],
             "for the person"),
    ]:
        assert said in export(*args, ok=(64,)), args
    assert "no subject" in export("dpv", "--evidence", lived.all, "--subject", "who", ok=(2,))


def test_without_a_controller_there_is_no_consent_receipt(lived, export, tmp_path):
    lines = lines_of(lived.own.read_text(encoding="utf-8"))
    file = tmp_path / "own.evidence"
    for controller, said in [(None, "name, contact"),
                             (lines[0]["controller"] | {"jurisdiction": None}, "have: jurisdiction.")]:
        file.write_text("".join(json.dumps(line) + "\n"
                                for line in [lines[0] | {"controller": controller}, *lines[1:]]),
                        encoding="utf-8")
        for form in ("kantara", "dpv"):
            assert said in export(form, "--evidence", file, ok=(78,))


def test_what_evidence_does_not_open_is_exported_closed_and_said(lived, tmp_path):
    lines = lines_of(lived.own.read_text(encoding="utf-8"))
    policy = next(line for line in lines if line["kind"] == "policy")
    policy["yaml"] = policy["yaml"].replace("5km", "1km")
    file = tmp_path / "own.evidence"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    done = run(AUDIT, "export", lived.gateway.ledger, "--key", lived.gateway.vkey, "--format",
               "ndjson", "--evidence", file)
    assert "without the opening of their basis" in done.stderr
    closed = [line for line in lines_of(done.stdout) if "basis" not in line]
    assert len(closed) >= 3
    done = run(AUDIT, "export", lived.gateway.ledger, "--key", lived.gateway.vkey, "--format",
               "kantara", "--evidence", file, ok=(1,))
    assert "the evidence was altered: 1 receipt pins other policies" in done.stderr


def test_a_damaged_ledger_is_not_exported(lived, export, tmp_path):
    import shutil  # pylint: disable=import-outside-toplevel
    copy_of = shutil.copytree(lived.gateway.ledger, tmp_path / "ledger")
    file = sorted(copy_of.glob("*.seg"))[0]
    data = bytearray(file.read_bytes())
    data[data.index(b'"decision":"release"') + 4] ^= 1
    file.write_bytes(data)
    out = tmp_path / "out"
    done = run(AUDIT, "export", copy_of, "--key", lived.gateway.vkey, "--format", "ndjson", "-o", out,
               ok=(1,))
    assert "INVALID" in done.stderr and not out.exists()


def test_an_export_has_as_many_bytes_as_the_limit_says_and_no_more(lived, export, tmp_path):
    limit = 268435456
    one = export("ndjson", "--limit", "1").encode()
    file = tmp_path / "export"
    file.write_bytes(one + b"\n" * (limit - len(one)))
    assert "receipts  1" in run(AUDIT, "verify-export", file, "--key", lived.gateway.vkey).stdout
    with file.open("ab") as more:
        more.write(b"\n")
    done = run(AUDIT, "verify-export", file, "--key", lived.gateway.vkey, ok=(2,))
    assert str(limit) in done.stderr
    file.unlink()
