"""Situations read from a field of the app's own answer: the plan follows from what comes in."""
import json
import threading

import pytest

import answers
from gateway import AUDIT, consent, run
from partner import WAIT_S
from world import World

ROUTES = """
  - id: trip
    app: waze
    request: GET /v1/trips/{subject}
    answers:
      type: application/json
      situation:
        $.trip.state: {DRIVING: driving, "AT THE MATCH": [at_stadium, match_day]}
      fields:
        $.user: subject
        $.kmh: location.speed
        $.heading: location.heading
"""
TRIP = "/v1/trips/{subject}"
SPEED, HEADING = "location.speed: {}", "location.heading: {}"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    limits = {"answer_bytes": 4096, "app_head_ms": 60000, "flow_ms": 60000}
    one = World(tmp_path_factory.mktemp("world") / "node", routes=ROUTES, limits=limits)
    try:
        one.gateway.start()
        yield one
    finally:
        one.close()


def trip(user, state="DRIVING", more=None):
    return {"trip": {"state": state, "id": 17}, "user": user, "kmh": 50, "heading": 270,
            **(more or {})}


def person(world, *consents, answer=None, state="DRIVING"):
    name = world.person(*consents)
    says(world, name, answer or answers.well(trip(name, state), "application/json"))
    return name


def says(world, name, behaviour):
    world.waze.on(f"/v1/trips/{name}", behaviour)


def driver(more="situation: [driving]", data=SPEED, ident="c1"):
    return consent(ident, data=data, more=more)


def ask(world, name):
    answer = world.ask(name, route=TRIP)
    return answer, world.gateway.receipt(answer.receipt)


def test_the_answer_tells_and_the_field_itself_does_not_pass(world):
    name = person(world, driver())
    answer, receipt = ask(world, name)
    assert answer.status == 200
    assert answer.json() == {"user": world.gateway.pseudonym("spotify", name), "kmh": 50}
    assert receipt["situation"] == ["driving"]


@pytest.mark.parametrize("state", ["PARKED", "driving", "", None, 17, True, "DRIVING ", "DRIVING\0",
                                   ["DRIVING"], {"DRIVING": "DRIVING"}])
def test_any_other_value_means_nothing(world, state):
    answer, receipt = ask(world, person(world, driver(), state=state))
    assert answer.status == 403 and answer.reason == "situation"
    assert receipt["situation"] is None and receipt["decision"] == "refuse"


def test_a_value_may_be_written_with_escapes(world):
    name = world.person(driver())
    body = json.dumps(trip(name)).replace("DRIVING", "\\u0044RIVING").encode()
    says(world, name, answers.well(body, "application/json"))
    assert ask(world, name)[0].status == 200


def test_a_field_that_is_missing_means_nothing(world):
    name = world.person(driver())
    says(world, name, answers.well({"user": name, "kmh": 50}, "application/json"))
    assert ask(world, name)[0].reason == "situation"


def test_the_plan_is_the_one_of_the_situation(world):
    """Speed while driving, heading at the match; at other times neither."""
    consents = (driver(), driver("situation: [at_stadium, match_day]", HEADING, "c2"))
    kept = {}
    for state in ("DRIVING", "AT THE MATCH"):
        answer, receipt = ask(world, person(world, *consents, state=state))
        kept[state] = sorted(set(answer.json()) - {"user"})
        assert receipt["situation"] == (["driving"] if state == "DRIVING" else
                                        ["at_stadium", "match_day"])
    assert kept == {"DRIVING": ["kmh"], "AT THE MATCH": ["heading"]}


def test_what_was_told_and_what_is_answered_hold_together(world):
    name = person(world, driver("situation: [driving, listening]"))
    assert ask(world, name)[0].reason == "situation"
    client = world.gateway.client("waze")
    body = b'{"situation":["listening"],"expires_in":3600}'
    with client.connect() as connection:
        connection.send(client.request(f"/sluis/v1/subjects/{name}/situation", method="PUT",
                                       headers=[("Content-Length", len(body))]) + body)
        assert connection.read_answer(has_body=False).status == 204
    answer, receipt = ask(world, name)
    assert answer.status == 200 and receipt["situation"] == ["driving", "listening"]


def test_the_app_is_not_asked_when_no_answer_could_help(world):
    asked = []

    def note(exchange):
        asked.append(exchange)
        return answers.well({}, "application/json")(exchange)
    for more in ("situation: [running]", "situation: [driving]\nuntil: 2025-06-01"):
        name = world.person(driver(more))
        says(world, name, note)
        assert ask(world, name)[0].status == 403
    stranger = world.partner().get("/v1/trips/" + "A" * 43)
    assert stranger.reason == "no_consent" and asked == []


@pytest.mark.parametrize("answer, reason", [
    (answers.well(b"{", "application/json"), "answer_malformed"),
    (answers.well(trip("somebody-else"), "application/json"), "answer_subject"),
    (answers.well({}, "application/json", "500 No"), "app_status"),
    (answers.well({}, "text/html"), "answer_type"),
    (answers.cut_off(trip("x")), "answer_type"),
    (answers.large(8192, lambda body: answers.raw(
        answers.head(media_type="application/json", more=["Connection: close"]) + body)),
     "answer_too_large"),
    (answers.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"),
     "app_malformed"),
])
def test_an_answer_that_does_not_come_is_the_apps_fault_and_no_situation(world, answer, reason):
    found, receipt = ask(world, person(world, driver(), answer=answer))
    assert found.reason == reason
    assert receipt["situation"] is None and receipt["reason"] == reason


@pytest.mark.parametrize("pieces", [1, 7])
def test_an_answer_in_pieces_is_the_same(world, pieces):
    name = world.person(driver())
    body = json.dumps(trip(name)).encode()
    data = answers.head(media_type="application/json", more=["Transfer-Encoding: chunked"])
    for i in range(0, len(body), pieces):
        piece = body[i:i + pieces]
        data += b"%x\r\n%s\r\n" % (len(piece), piece)
    says(world, name, answers.raw(data + b"0\r\n\r\n", keep=True))
    assert ask(world, name)[0].status == 200


def test_a_withdrawal_while_the_app_answers_wins(world):
    name = world.person(driver())
    arrived, go = threading.Event(), threading.Event()

    def held(exchange):
        arrived.set()
        assert go.wait(WAIT_S)
        return answers.well(trip(name), "application/json")(exchange)
    says(world, name, held)
    who = world.partner()
    with who.connect() as connection:
        connection.send(who.request(who.path(TRIP, name)))
        assert arrived.wait(WAIT_S)
        world.gateway.withdraw(name, "c1")
        go.set()
        assert connection.read_answer().reason == "no_consent"


def test_an_auditor_repeats_all_of_it(world, tmp_path):
    evidence = tmp_path / "all.evidence"
    world.gateway.sluis("evidence", "export", "-o", evidence)
    found = json.loads(run(AUDIT, "replay", world.gateway.ledger, "--key", world.gateway.vkey,
                           "--evidence", evidence, "--json").stdout)
    assert found["differences"] == [] and found["result"] == "same"
