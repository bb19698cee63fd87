"""What holds only in a situation: told by the app that holds the data, in memory, for a while."""
import json
import threading
import urllib.parse

import pytest

import answers
from gateway import AUDIT, POSITION, QUICK_LIMITS, consent, run
from partner import WAIT_S, Connection
from world import World, feature

DRIVING = "situation: [driving]"
PLACES = 16
DAY_S = 86400


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Patient with apps, so that one can be held up; and with room for few people."""
    limits = {"app_head_ms": 60000, "flow_ms": 60000}
    one = World(tmp_path_factory.mktemp("world") / "node", limits=limits)
    try:
        one.gateway.start()
        yield one
    finally:
        one.close()


def path(user):
    return f"/sluis/v1/subjects/{urllib.parse.quote(user, safe='')}/situation"


def send(client, method, user, body=None, headers=()):
    """One request with a body; 204 is read as what it is."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = [*headers, *([("Content-Length", len(data))] if body is not None else [])]
    with client.connect() as connection:
        connection.send(client.request(path(user), method=method, headers=fields) + data)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.socket.recv(65536)
            assert piece, "closed without an answer"
            head += piece
        connection.pending = head
        return connection.read_answer(has_body=not head.startswith(b"HTTP/1.1 204"))


def tell(world, user, *words, seconds=900, app="waze"):
    answer = send(world.gateway.client(app), "PUT", user,
                  {"situation": list(words), "expires_in": seconds})
    assert answer.status == 204 and answer.header("cache-control") == "no-store"


def told(world, user, app="waze"):
    answer = send(world.gateway.client(app), "GET", user)
    assert answer.status == 200 and answer.header("cache-control") == "no-store"
    return answer.json()


def take_back(world, user, app="waze"):
    assert send(world.gateway.client(app), "DELETE", user).status == 204


def receipt_of(world, answer):
    return world.gateway.receipt(answer.receipt)


def count(world):
    return json.loads(world.gateway.sluis("status", "--json").stdout)["situations"]


# --- what it is for ------------------------------------------------------------------------------

def test_a_consent_holds_while_its_app_says_so(world):
    name = world.person(consent(more=DRIVING))
    before = world.ask(name)
    assert before.status == 403 and before.reason == "situation"
    assert receipt_of(world, before)["situation"] is None

    tell(world, name, "driving")
    during = world.ask(name)
    assert during.status == 200
    assert receipt_of(world, during)["situation"] == ["driving"]

    take_back(world, name)
    after = world.ask(name)
    assert after.reason == "situation" and receipt_of(world, after)["situation"] is None


def test_the_receipt_names_only_what_a_consent_asks_for(world):
    name = world.person(consent(more="situation: [driving, match_day]"))
    tell(world, name, "running", "match_day", "driving", "at_stadium")
    assert receipt_of(world, world.ask(name))["situation"] == ["driving", "match_day"]
    tell(world, name, "running", "match_day")
    half = world.ask(name)
    assert half.reason == "situation"
    assert receipt_of(world, half)["situation"] == ["match_day"]
    other = world.ask(name, "recommender", purpose="marketing")
    assert receipt_of(world, other)["situation"] is None

    plain = world.person(consent())
    tell(world, plain, "driving")
    assert receipt_of(world, world.ask(plain))["situation"] is None


def test_an_auditor_repeats_what_was_decided_in_a_situation(world, tmp_path):
    name = world.person(consent(more=DRIVING))
    tell(world, name, "driving")
    index = world.ask(name).receipt
    evidence = tmp_path / "all.evidence"
    world.gateway.sluis("evidence", "export", "-o", evidence)
    found = json.loads(run(AUDIT, "replay", world.gateway.ledger, "--key", world.gateway.vkey,
                           "--evidence", evidence, "--json").stdout)
    assert found["result"] == "same" and found["receipts"] > index
    shown = run(AUDIT, "show", index, world.gateway.ledger).stdout
    assert "\n  situation  driving  " in shown


def test_a_situation_that_ends_while_the_app_answers_refuses_the_flow(world):
    name = world.person(consent(more=DRIVING))
    arrived, go = threading.Event(), threading.Event()

    def held(exchange):
        arrived.set()
        assert go.wait(WAIT_S)
        return answers.well(feature(name))(exchange)
    world.waze.on(f"/v1/drivers/{name}/position", held)
    tell(world, name, "driving")
    who = world.partner()
    with who.connect() as connection:
        connection.send(who.request(who.path(POSITION, name)))
        assert arrived.wait(WAIT_S)
        take_back(world, name)
        go.set()
        answer = connection.read_answer()
    assert answer.status == 403 and answer.reason == "situation"
    receipt = receipt_of(world, answer)
    assert receipt["decision"] == "refuse" and receipt["situation"] is None


def test_what_ends_by_itself_does_not_hold_any_more(world):
    name = world.person(consent(more=DRIVING))
    tell(world, name, "driving", seconds=1)
    while told(world, name)["situation"]:
        pass
    assert world.ask(name).reason == "situation"
    assert told(world, name) == {"situation": [], "expires_in": 0}


def test_another_app_than_the_consents_can_tell_what_it_likes(world):
    name = world.person(consent(more=DRIVING))
    tell(world, name, "driving", app="spotify")
    assert world.ask(name).reason == "situation"
    assert told(world, name, app="waze")["situation"] == []
    tell(world, name, "driving")
    take_back(world, name, app="spotify")
    assert world.ask(name).status == 200


def test_a_person_is_named_as_the_app_does(world):
    name = world.person(consent(more=DRIVING))
    user = f"{name} à Sluis@waze"
    world.gateway.sluis("subject", "account", name, "waze", user)
    world.waze.on(f"/v1/drivers/{urllib.parse.quote(user, safe='')}/position",
                  answers.well(feature(user)))
    tell(world, name, "driving")
    assert world.ask(name).reason == "situation", "that is nobody's name at this app"
    tell(world, user, "driving")
    assert world.ask(name).status == 200


def test_what_is_told_replaces_what_was_told_before(world):
    name = world.person(consent(more=DRIVING))
    tell(world, name, "driving", seconds=DAY_S)
    tell(world, name, "walking", seconds=60)
    now = told(world, name)
    assert now["situation"] == ["walking"] and 1 <= now["expires_in"] <= 60
    assert world.ask(name).reason == "situation"


# --- who may -------------------------------------------------------------------------------------

@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_a_partner_can_tell_nothing_and_ask_nothing(world, method):
    name = world.person(consent(more=DRIVING))
    body = {"situation": ["driving"], "expires_in": 900} if method == "PUT" else None
    for user in (name, "nobody", world.gateway.pseudonym("spotify", name)):
        answer = send(world.partner(), method, user, body)
        assert answer.status == 403 and answer.reason == "wrong_party"
    assert world.ask(name).reason == "situation"


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_nor_can_a_stranger(world, method):
    with Connection(world.gateway.address) as connection:
        connection.send(f"{method} {path('lotte')} HTTP/1.1\r\nHost: x\r\n"
                        "Content-Length: 0\r\n\r\n".encode())
        answer = connection.read_answer()
    assert answer.status == 401


def test_another_method_is_told_which_there_are(world):
    answer = send(world.gateway.client("waze"), "POST", "lotte", {"situation": ["driving"]})
    assert answer.status == 405 and answer.header("allow") == "PUT, GET, DELETE"


def test_someone_unknown_is_answered_in_the_same_bytes(world):
    known, client = world.person(consent(more=DRIVING)), world.gateway.client("waze")
    unknown = known[:-1] + "x"
    body = {"situation": ["driving"], "expires_in": DAY_S}
    for method, content in (("GET", None), ("PUT", body), ("DELETE", None), ("GET", None),
                            ("PUT", {"situation": ["drving"], "expires_in": 1})):
        one, other = send(client, method, known, content), send(client, method, unknown, content)
        assert (one.status, one.body) == (other.status, other.body)
        assert [field for field in one.fields if field[0] != "date"] == \
            [field for field in other.fields if field[0] != "date"]
    tell(world, unknown, "driving")
    assert told(world, unknown)["situation"] == ["driving"], "kept like anybody's"


# --- bad input -----------------------------------------------------------------------------------

NUMBER = '"expires_in" must be a whole number of seconds from now, 1 to 86400; found '
LIST = '"situation" must be a list of 1 to 8 words'


@pytest.mark.parametrize("body, said", [
    ({"situation": ["driving"], "expires_in": 31536000}, NUMBER + "31536000"),
    ({"situation": ["driving"], "expires_in": DAY_S + 1}, NUMBER + "86401"),
    ({"situation": ["driving"], "expires_in": 0}, NUMBER + "0"),
    ({"situation": ["driving"], "expires_in": -900}, NUMBER + "-900"),
    ({"situation": ["driving"], "expires_in": 1764306000}, NUMBER + "1764306000"),
    ({"situation": ["driving"], "expires_in": "2020-01-01T00:00:00Z"}, NUMBER + "a text"),
    ({"situation": ["driving"], "expires_in": "900"}, NUMBER + "a text"),
    ({"situation": ["driving"], "expires_in": 900.5}, NUMBER + "a fraction"),
    ({"situation": ["driving"], "expires_in": None}, NUMBER + "null"),
    ({"situation": ["driving"]}, NUMBER + "nothing"),
    ({"situation": ["driving"], "until": "2099-01-01T00:00:00Z"}, 'Unknown member "until"'),
    ({"situation": ["driving"], "expires_in": 900, "from": "2099-01-01T00:00:00Z"},
     'Unknown member "from"'),
    ({"expires_in": 900}, LIST),
    ({"situation": [], "expires_in": 900}, LIST),
    ({"situation": "driving", "expires_in": 900}, LIST),
    ({"situation": ["driving"] * 9, "expires_in": 900}, LIST),
    ({"situation": ["drivng"], "expires_in": 900},
     'Unknown situation "drivng"; did you mean "driving"?'),
    ({"situation": ["x" * 300], "expires_in": 900}, "`sluis vocabulary` lists"),
    ({"situation": ["driving\u202e"], "expires_in": 900}, "Unknown situation"),
    ({"situation": ["driving", "driving"], "expires_in": 900}, '"driving" stands twice'),
    ({"situation": ["driving", 7], "expires_in": 900}, 'Element 1 of "situation" is no text'),
    ([], "no JSON object"),
    (b"", "JSON"),
    (b"{", "JSON"),
    (b'{"situation":["driving"],"situation":["running"],"expires_in":900}', "duplicate"),
    (b'{"situation":["driving"],"expires_in":900,"expires_in":901}', "duplicate"),
    (b'{"situation":["driving"],"expires_in":1e2}', NUMBER),
    (b'{"situation":["driving\xff"],"expires_in":900}', "JSON"),
])
def test_what_can_not_be_understood_changes_nothing_and_says_why(world, body, said):
    name = world.person(consent(more=DRIVING))
    tell(world, name, "walking", seconds=DAY_S)
    answer = send(world.gateway.client("waze"), "PUT", name, body)
    assert answer.status == 400 and answer.reason == "bad_body"
    assert said.lower() in answer.json()["detail"].lower()
    assert told(world, name)["situation"] == ["walking"]


@pytest.mark.parametrize("seconds", [1, DAY_S])
def test_the_bounds_of_a_lifetime_are_taken(world, seconds):
    tell(world, "anybody", "driving", seconds=seconds)


def test_as_many_situations_as_a_consent_can_ask_for_are_taken(world):
    eight = ["driving", "listening", "at_home", "at_work", "campaign", "match_day", "staying", "case_open"]
    tell(world, "anybody", *eight)
    assert told(world, "anybody")["situation"] == sorted(eight)


def test_a_body_of_a_mebibyte_is_not_taken(world):
    body = b'{"situation":["driving"],"expires_in":900' + b" " * (1 << 20) + b"}"
    client = world.gateway.client("waze")
    with client.connect() as connection:
        connection.send(client.request(path("lotte"), method="PUT",
                                       headers=[("Content-Length", len(body))]))
        answer = connection.read_answer()
    assert answer.status == 413 and answer.reason == "body_too_large"


def test_a_request_without_a_body_is_told_so(world):
    client = world.gateway.client("waze")
    answer = client.get(path("lotte"), method="PUT")
    assert answer.status == 411 and answer.reason == "no_length"


@pytest.mark.parametrize("user", ["%zz", "100%", "a%4", "%41" * 256])
def test_a_name_that_is_none_is_refused(world, user):
    answer = world.gateway.client("waze").get(f"/sluis/v1/subjects/{user}/situation")
    assert answer.status == 400


def test_a_name_of_255_bytes_is_taken(world):
    tell(world, "é" * 127 + "e", "driving")
    assert told(world, "é" * 127 + "e")["situation"] == ["driving"]


# --- for how long, and of how many ---------------------------------------------------------------

def test_a_restart_knows_nothing_any_more_and_nothing_was_on_the_disk(fresh):
    fresh.gateway.start()
    name = fresh.person(consent(more=DRIVING))
    tell(fresh, name, "driving", seconds=DAY_S)
    assert fresh.ask(name).status == 200 and count(fresh) == 1
    fresh.gateway.restart()
    assert fresh.ask(name).reason == "situation" and count(fresh) == 0
    assert told(fresh, name)["situation"] == []


def test_an_erasure_takes_the_person_out_at_once(fresh):
    fresh.gateway.start()
    name = fresh.person(consent(more=DRIVING))
    fresh.gateway.sluis("subject", "account", name, "spotify", f"{name}-listens")
    tell(fresh, name, "driving", seconds=DAY_S)
    tell(fresh, f"{name}-listens", "listening", seconds=DAY_S, app="spotify")
    tell(fresh, "somebody-else", "driving", seconds=DAY_S)
    assert count(fresh) == 3
    fresh.gateway.sluis("subject", "erase", "--yes", name)
    assert count(fresh) == 1
    assert told(fresh, name)["situation"] == []
    assert told(fresh, f"{name}-listens", app="spotify")["situation"] == []


def test_status_counts_and_names_nobody(fresh):
    fresh.gateway.start()
    for i in range(3):
        tell(fresh, f"unmistakable{i}", "driving")
    said = fresh.gateway.sluis("status").stdout
    assert "situations apps tell those of 3 users now\n" in said
    assert "unmistakable" not in said + fresh.gateway.sluis("status", "--json").stdout


def test_a_full_table_refuses_the_next_and_keeps_all_others(tmp_path):
    one = World(tmp_path / "node", limits={"situations": PLACES})
    try:
        one.gateway.start()
        name = one.person(consent(more=DRIVING))
        tell(one, name, "driving", seconds=DAY_S)
        for i in range(PLACES - 1):
            tell(one, f"u{i}", "driving", seconds=3600)
        full = send(one.gateway.client("waze"), "PUT", "late",
                    {"situation": ["driving"], "expires_in": 60})
        assert full.status == 503 and full.reason == "situations_full"
        assert 1 <= int(full.header("retry-after")) <= 3600
        assert one.ask(name).status == 200
        tell(one, "late", "listening", app="spotify")
        take_back(one, "u3")
        tell(one, "late", "driving")
        assert count(one) == PLACES + 1
    finally:
        one.close()


@pytest.mark.parametrize("value, fits", [(PLACES, True), (PLACES - 1, False), (10000000, True), (10000001, False)])
def test_the_bounds_of_how_many(fresh, value, fits):
    fresh.gateway.limits = QUICK_LIMITS | {"situations": value}
    fresh.gateway.write_config()
    if fits:
        fresh.gateway.start()
    else:
        assert "situations" in fresh.gateway.refuses_to_start()
