"""Answers about many people: each record is judged by its own subject's policy.

The app's list mixes people who consent, people who don't, and people the gateway never heard of.
What the partner sees must depend on the first kind alone, byte for byte.
"""
import base64
import hashlib
import hmac
import itertools
import json
import random
import struct
import threading

import pytest

import answers
from gateway import AUDIT, ROUTES, SLUIS, consent, run
from world import World

RECORD = """
        $.items[*].user: subject
        $.items[*].lat: location.latitude
        $.items[*].lon: location.longitude
        $.items[*].kmh: location.speed
        $.items[*].at: time"""

PEOPLE_ROUTES = ROUTES + f"""
  - id: nearby
    app: waze
    request: GET /v1/nearby
    answers:
      type: application/json
      records: $.items[*]
      fields:
        $.kind: structure{RECORD}
  - id: friends
    app: waze
    request: GET /v1/drivers/{{subject}}/friends
    forward: GET /v1/friends-of/{{subject}}
    answers:
      type: application/json
      records: $.items[*]
      fields:{RECORD}
  - id: bare
    app: waze
    request: GET /v1/bare
    answers:
      type: application/json
      records: $[*]
      fields:
        $[*].who.id: subject
        $[*].kmh: location.speed
"""

PEOPLE_ROUTES += """
  - id: how-many
    app: waze
    request: GET /v1/how-many
    answers:
      type: application/json
      records: $.items[*]
      fields:
        $.items[*].user: subject
        $.items[*].lat: location.latitude
        $.items[*].lon: location.longitude
    aggregate: {count: true, at_least: 3}
  - id: how-fast
    app: waze
    request: GET /v1/how-fast
    answers:
      type: application/json
      records: $.items[*]
      fields:
        $.items[*].user: subject
        $.items[*].kmh: location.speed
    aggregate: {mean: "$.items[*].kmh", between: [0, 130], at_least: 3}
"""

FRIENDS = "/v1/drivers/{subject}/friends"
JSON = "application/json"
RECORDS_MAX = 8


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    one = World(tmp_path_factory.mktemp("people") / "node", routes=PEOPLE_ROUTES,
                limits={"records": RECORDS_MAX})
    try:
        one.gateway.start()
        one.yes = sorted(one.person(consent(data=data)) for data in (
            "location: {precision: 5km, time: 15min}", "location.speed: {}",
            "location: {precision: 5km, time: 15min}\nlocation.speed: {}"))
        one.no = [one.person(), one.person(consent(partner_="recommender"))]
        one.unknown = ["nobody-1", "nobody-2"]
        yield one
    finally:
        one.close()


def record(user, **more):
    return {"user": user, "lat": 52.37, "lon": 4.9, "kmh": 48, "at": "2026-11-23T09:07:30Z",
            "home": "Dam 1"} | more


def listing(users, **more):
    return {"kind": "drivers", "total": len(users), "items": [record(user) for user in users]} | more


def nearby(world, users, partner="spotify", **more):
    world.waze.on("/v1/nearby", answers.well(listing(users, **more), JSON))
    return world.partner(partner).get("/v1/nearby")


def pseudonyms(world, users, partner="spotify"):
    return {world.gateway.pseudonym(partner, user): user for user in users}


def visible(answer):
    """All that a partner can see, but for the time and the numbers of receipts."""
    changing = {"date", "sluis-receipt"}
    return ([line for line in answer.fields if line[0] not in changing],
            answer.body, len(answer.receipts))


def test_each_record_is_reduced_by_its_own_subjects_policy(people):
    everyone = people.yes + people.no + people.unknown
    answer = nearby(people, everyone)
    assert answer.status == 200 and answer.header("content-type") == JSON
    found = answer.json()
    known = pseudonyms(people, people.yes)
    assert list(found) == ["kind", "items"] and found["kind"] == "drivers"
    assert [one["user"] for one in found["items"]] == sorted(known)
    for one in found["items"]:
        has = {"location": {"user", "lat", "lon", "at"}, "speed": {"user", "kmh", "at"}}
        which = people.yes.index(known[one["user"]])
        expected = [has["location"], has["speed"], has["location"] | has["speed"]][which]
        assert set(one) == expected
        if "lat" in one:
            assert one["lat"] != 52.37 and one["at"] == "2026-11-23T09:00:00Z"
    for name in everyone:
        assert name.encode() not in answer.body


def test_each_who_is_in_has_a_receipt_and_who_is_left_out_has_none(people):
    before = len(people.gateway.receipts())
    answer = nearby(people, people.unknown + people.yes + people.no)
    assert answer.receipts == [before, before + 1, before + 2]
    receipts = people.gateway.receipts()
    assert len(receipts) == before + 3
    for index, item in zip(answer.receipts, answer.json()["items"]):
        receipt = receipts[index]
        assert receipt["decision"] == "release" and receipt["route"] == "nearby"
        assert (receipt["data"]["location"] == "dropped") == ("lat" not in item)
        assert (receipt["data"]["location.speed"] == "dropped") == ("kmh" not in item)


@pytest.mark.parametrize("seed", range(4))
def test_what_a_partner_sees_does_not_depend_on_who_is_left_out(people, seed):
    pick = random.Random(seed)
    alone = nearby(people, people.yes, total=3)
    for n_others in range(RECORDS_MAX - len(people.yes) + 1):
        others = (people.no + people.unknown + ["x" * 300])[:n_others]
        users = people.yes + others
        pick.shuffle(users)
        answer = nearby(people, users, total=len(users), next="/v1/nearby?after=7")
        assert visible(answer) == visible(alone)
    nobody = nearby(people, [])
    assert visible(nearby(people, people.no + people.unknown)) == visible(nobody)
    assert nobody.status == 200 and nobody.body == b'{"kind":"drivers","items":[]}'
    assert nobody.receipts == []


def test_an_empty_answer_leaves_no_receipt(people):
    before = len(people.gateway.receipts())
    nearby(people, people.no + people.unknown)
    nearby(people, [])
    assert len(people.gateway.receipts()) == before


def test_one_record_is_a_list_of_one(people):
    answer = nearby(people, people.yes[:1])
    assert len(answer.json()["items"]) == len(answer.receipts) == 1
    assert answer.receipt == answer.receipts[0]


def test_two_partners_see_other_names_and_orders(people):
    both = [people.person(consent(), consent("c2", partner_="recommender")) for _ in range(6)]
    people.waze.on("/v1/nearby", answers.well(listing(both), JSON))
    one = people.partner("spotify").get("/v1/nearby").json()["items"]
    other = people.partner("recommender").get("/v1/nearby", purpose="recommendation").json()["items"]
    names = [[item["user"] for item in items] for items in (one, other)]
    assert not set(names[0]) & set(names[1])
    assert all(part == sorted(part) and len(part) == 6 for part in names)


def subject_key(world, user, folder):
    file = folder / f"{user}.key"
    world.gateway.sluis("subject", "key", user, "-o", file)
    text = file.read_text(encoding="utf-8").splitlines()[2].removeprefix("key ")
    return base64.urlsafe_b64decode(text + "=")


def number_of(key, tag):
    for n in range(1000):
        made = hmac.digest(key, b"tag\0" + struct.pack(">Q", n), "sha256")[:16]
        if base64.urlsafe_b64encode(made).rstrip(b"=").decode() == tag:
            return n
    return None


def test_a_receipt_pins_one_persons_record_and_nothing_of_anothers(people, tmp_path):
    """With each one's own key; and the proof that a partner gets holds."""
    answer = nearby(people, people.yes + people.no)
    known = pseudonyms(people, people.yes)
    parts = [json.dumps(one, separators=(",", ":")).encode() for one in answer.json()["items"]]
    keys = {user: subject_key(people, user, tmp_path) for user in people.yes}
    for index, item, part in zip(answer.receipts, answer.json()["items"], parts):
        assert part in answer.body
        proven = people.partner().get(f"/sluis/v1/receipts/{index}").json()
        receipt = json.loads(proven["receipt"])
        numbers = {user: number_of(key, receipt["tag"]) for user, key in keys.items()}
        own = known[item["user"]]
        assert [user for user, number in numbers.items() if number is not None] == [own]
        salt = hmac.digest(keys[own], b"salt\0" + struct.pack(">Q", numbers[own]) + b"body",
                           "sha256")
        made = hashlib.sha256(salt + hashlib.sha256(part).digest()).digest()
        assert base64.urlsafe_b64encode(made).rstrip(b"=").decode() == receipt["body"]
        leaf, proof = tmp_path / "leaf.json", tmp_path / "leaf.tlog-proof"
        leaf.write_bytes(proven["receipt"].encode())
        proof.write_bytes(proven["proof"].encode())
        run(AUDIT, "verify-proof", proof, "--leaf", leaf, "--key", people.gateway.vkey)
        assert all(name not in proven["receipt"] for name in [*known, *people.yes])


# --- what an app may answer wrong --------------------------------------------------------------

def refused(world, answer, status, reason, media_type=JSON):
    """Refused as a whole, with one receipt that is nobody's."""
    before = len(world.gateway.receipts())
    world.waze.on("/v1/nearby", answers.well(answer, media_type))
    found = world.partner().get("/v1/nearby")
    assert (found.status, found.reason) == (status, reason)
    receipts = world.gateway.receipts()
    assert len(receipts) == before + 1 and found.receipt == before
    assert receipts[before]["decision"] == "refuse" and receipts[before]["reason"] == reason
    return found


@pytest.mark.parametrize("bad", [
    lambda users: listing(users) | {"items": [record(users[0]), {"lat": 1, "lon": 2}]},
    lambda users: listing([*users, users[0]]),
    lambda users: listing([*users, "nobody-1", "nobody-1"]),
    lambda users: listing([*users, ""]),
    lambda users: listing(users) | {"items": [record(None)]},
    lambda users: listing(users) | {"items": [record({})]},
    lambda users: listing(users) | {"items": [None]},
    lambda users: listing(users) | {"items": {}},
    lambda users: listing(users) | {"items": None},
    lambda users: {"kind": "drivers"},
    lambda users: listing(users) | {"kind": 3},
    lambda users: [listing(users)],
    lambda users: json.dumps(listing(users)).encode()[:-1],
    lambda users: json.dumps(listing(users)).encode() + b"x",
    lambda users: listing(users) | {"items": [record(users[0], lat=91.5)]},
])
def test_a_malformed_list_is_refused_whole(people, bad):
    refused(people, bad(people.yes), 502, "answer_malformed")


def test_what_is_wrong_in_the_values_of_who_is_left_out_does_not_matter(people):
    alone = nearby(people, people.yes)
    items = [record(user) for user in people.yes] + [record("nobody-1", lat=91.5, at="yesterday")]
    people.waze.on("/v1/nearby", answers.well(listing([]) | {"items": items}, JSON))
    assert visible(people.partner().get("/v1/nearby")) == visible(alone)


def test_a_list_at_the_limit_passes_and_one_record_more_does_not(people):
    others = [f"other-{i}" for i in range(RECORDS_MAX - len(people.yes))]
    assert len(nearby(people, people.yes + others).receipts) == 3
    refused(people, listing(people.yes + others + ["one-more"]), 502, "answer_too_large")


def test_a_hundred_thousand_records_are_refused(people):
    many = listing([]) | {"items": [{"user": f"u{i}"} for i in range(100_000)]}
    refused(people, many, 502, "answer_too_large")
    assert nearby(people, people.yes).status == 200


def test_a_list_that_is_the_whole_answer(people):
    items = [{"who": {"id": user}, "kmh": 50 + i} for i, user in enumerate(people.yes + people.no)]
    people.waze.on("/v1/bare", answers.well(items, JSON))
    answer = people.partner().get("/v1/bare")
    known = pseudonyms(people, people.yes)
    expected = sorted((name, 50 + people.yes.index(user)) for name, user in known.items()
                      if people.yes.index(user) > 0)
    assert [(one["who"]["id"], one["kmh"]) for one in answer.json()] == expected
    people.waze.on("/v1/bare", answers.well([], JSON))
    assert people.partner().get("/v1/bare").body == b"[]"


def test_a_user_name_that_is_a_number(people):
    name = people.person(consent())
    people.gateway.sluis("subject", "account", name, "waze", "4711")
    answer = nearby(people, [4711, name])
    assert [one["user"] for one in answer.json()["items"]] == [people.gateway.pseudonym("spotify", name)]


@pytest.mark.parametrize("query", ["?limit=3", "?after=x"])
def test_a_query_is_refused(people, query):
    assert people.partner().get(f"/v1/nearby{query}").reason == "bad_query"


def test_what_the_app_does_wrong_is_refused_with_a_receipt_that_is_nobodys(people):
    people.waze.on("/v1/nearby", answers.well({}, JSON, status="404 Not Found"))
    assert people.partner().get("/v1/nearby").reason == "app_status"
    refused(people, listing(people.yes), 502, "answer_type", "text/html")
    assert people.partner().get("/v1/nearby", purpose="marketing").reason == "purpose"


# --- the list of somebody ------------------------------------------------------------------------

def friends(world, name, users):
    world.waze.on(f"/v1/friends-of/{name}", answers.well({"items": [record(user) for user in users]},
                                                         JSON))
    return world.ask(name, route=FRIENDS)


def test_whose_list_it_is_consents_first(people):
    name = people.person(consent())
    before = len(people.gateway.receipts())
    answer = friends(people, name, people.yes + people.no)
    assert len(answer.json()["items"]) == 3 and answer.receipts == list(range(before, before + 4))
    people.gateway.withdraw(name, "c1")
    people.waze.forget()
    answer = people.ask(name, route=FRIENDS)
    assert (answer.status, answer.reason) == (403, "no_consent") and people.waze.requests == []


def test_whose_list_it_is_has_a_receipt_of_the_whole_also_of_an_empty_one(people, tmp_path):
    name = people.person(consent())
    answer = friends(people, name, people.no)
    assert answer.body == b'{"items":[]}' and len(answer.receipts) == 1
    assert visible(friends(people, name, [])) == visible(answer)
    key = subject_key(people, name, tmp_path)
    receipt = people.gateway.receipts()[answer.receipts[0]]
    n = number_of(key, receipt["tag"])
    salt = hmac.digest(key, b"salt\0" + struct.pack(">Q", n) + b"body", "sha256")
    made = hashlib.sha256(salt + hashlib.sha256(answer.body).digest()).digest()
    assert base64.urlsafe_b64encode(made).rstrip(b"=").decode() == receipt["body"]


def test_somebody_may_be_in_their_own_list(people):
    name = people.person(consent())
    answer = friends(people, name, [name, *people.no])
    assert [one["user"] for one in answer.json()["items"]] == [people.gateway.pseudonym("spotify", name)]
    assert len(answer.receipts) == 2


def test_a_stranger_has_no_friends(people):
    answer = people.partner().get(FRIENDS.replace("{subject}", "A" * 43))
    assert (answer.status, answer.reason) == (403, "no_consent")


# --- figures about a group -------------------------------------------------------------------------

@pytest.fixture(scope="module")
def drivers(people):
    """Four who give their speed, and two who give their place."""
    people.fast = [people.person(consent(data="location.speed: {}")) for _ in range(4)]
    people.placed = [people.person(consent()) for _ in range(2)]
    return people


def figure(world, path, speeds, **more):
    """`speeds`: of each user, as the app has it."""
    items = [record(user, kmh=kmh) for user, kmh in speeds.items()]
    world.waze.on(path, answers.well(listing([], **more) | {"items": items}, JSON))
    return world.partner().get(path)


def fast(world, *speeds):
    return dict(zip(world.fast, speeds))


def test_a_count_is_of_those_who_consent_to_something_of_the_route(drivers):
    users = drivers.placed + drivers.fast + drivers.unknown
    answer = figure(drivers, "/v1/how-many", {user: 1 for user in users})
    assert (answer.status, answer.reason) == (403, "too_few")
    more = drivers.person(consent())
    before = len(drivers.gateway.receipts())
    answer = figure(drivers, "/v1/how-many", {user: 1 for user in [*users[:7], more]})
    assert answer.status == 200 and answer.json() == {"count": 3}
    assert answer.header("content-type") == JSON and answer.receipts == [before, before + 1, before + 2]
    for index in answer.receipts:
        receipt = drivers.gateway.receipts()[index]
        assert receipt["decision"] == "release"
        assert receipt["data"] == {"location": "5000m 900s group3"}


def test_a_mean_is_of_those_who_consent_each_within_the_bounds(drivers):
    others = {drivers.placed[0]: 10, drivers.unknown[0]: 99999}
    answer = figure(drivers, "/v1/how-fast", fast(drivers, 50, 60, 71.5) | others)
    assert answer.json() == {"mean": 60.5}
    assert figure(drivers, "/v1/how-fast", fast(drivers, 50, 60, 1e9)).json() == {"mean": 80}
    assert figure(drivers, "/v1/how-fast", fast(drivers, 50, -60, -1)).json() == {"mean": 16.666}
    receipt = drivers.gateway.receipts()[answer.receipts[0]]
    assert receipt["data"] == {"location.speed": "group3"}


def test_below_k_there_is_no_figure_and_the_refusal_is_nobodys(drivers):
    before = len(drivers.gateway.receipts())
    answer = figure(drivers, "/v1/how-fast", fast(drivers, 50, 60) | {drivers.placed[0]: 70})
    assert (answer.status, answer.reason) == (403, "too_few")
    receipts = drivers.gateway.receipts()
    assert len(receipts) == before + 1 and receipts[before]["reason"] == "too_few"


def test_who_has_no_number_adds_nothing(drivers):
    answer = figure(drivers, "/v1/how-fast", fast(drivers, 50, 60, None, 70))
    assert answer.json() == {"mean": 60} and len(answer.receipts) == 3
    assert figure(drivers, "/v1/how-fast", fast(drivers, 50, "60", None, 70)).reason == "too_few"


def test_a_figure_does_not_depend_on_who_is_left_out(drivers):
    alone = figure(drivers, "/v1/how-fast", fast(drivers, 50, 60, 71.5))
    others = {user: 130 for user in drivers.placed + drivers.unknown}
    assert visible(figure(drivers, "/v1/how-fast", others | fast(drivers, 50, 60, 71.5))) == \
        visible(alone)


# --- while policies change, and afterwards ---------------------------------------------------------

def test_nothing_is_released_on_a_policy_that_has_changed(people):
    """Consents come and go under lists that are on their way; the replay below looks at all."""
    users = [people.person(consent()) for _ in range(3)]
    people.waze.on("/v1/nearby", answers.well(listing(users + people.yes), JSON))
    done = threading.Event()
    statuses = []

    def ask():
        while not done.is_set():
            answer = people.partner().get("/v1/nearby")
            statuses.append(answer.status)
            assert answer.status != 200 or len(answer.json()["items"]) == len(answer.receipts) >= 3

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for one in askers:
        one.start()
    for i in range(15):
        people.gateway.withdraw(users[i % 3], "c1")
        people.gateway.put(users[i % 3], consent())
    done.set()
    for one in askers:
        one.join()
    assert set(statuses) <= {200, 503} and statuses.count(200) > statuses.count(503)


def test_every_decision_can_be_repeated(people, tmp_path):
    evidence = tmp_path / "evidence.ndjson"
    run(SLUIS, "-c", people.gateway.config, "evidence", "export", "-o", evidence)
    done = run(AUDIT, "replay", people.gateway.ledger, "--key", people.gateway.vkey, "--evidence",
               evidence, "--json", ok=(0, 1))
    found = json.loads(done.stdout)
    assert found["result"] == "same" and found["differences"] == []
    people.gateway.verify()
