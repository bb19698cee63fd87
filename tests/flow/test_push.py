"""An app sends data about its users to a partner: reduced, recorded before it leaves, and recorded again when it ended."""
import json
import threading

import pytest

import answers
import app as app_
from gateway import AUDIT, ROUTES, consent, run
from world import World

PUSH = """
  - id: positions
    kind: push
    app: waze
    partner: spotify
    request: POST /v1/users/{subject}/positions
    forward: POST /ingest/{subject}
    body:
      type: application/json
      fields:
        $.user: subject
        $.at: time
        $.points[*].lat: location.latitude
        $.points[*].lon: location.longitude
        $.kmh: location.speed
  - id: settings
    kind: push
    app: waze
    partner: recommender
    purpose: marketing
    request: PUT /v1/users/{subject}/settings
    body:
      type: application/vnd.waze+json
      fields:
        $.kmh: location.speed
"""
DATA = "location: {precision: 5km, time: 15min}\nlocation.speed: {}"
JSON = [("Content-Type", "application/json")]
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


class PushWorld(World):
    def __init__(self, folder, **more):
        self.recipient = app_.App()
        self.other = app_.App()
        super().__init__(folder, routes=ROUTES.rstrip() + PUSH,
                         recipients={"spotify": self.recipient, "recommender": self.other}, **more)

    def close(self):
        super().close()
        self.recipient.stop()
        self.other.stop()

    def driver(self, *consents, behaviour=None, **more):
        """Someone with these consents, whose positions the partner takes; what it answers."""
        name = self.person(*(consents or [consent(data=DATA)]), **more)
        self.recipient.on(self.ingest(name), behaviour or answers.raw(EMPTY, keep=True))
        return name

    def ingest(self, name):
        return f"/ingest/{self.gateway.pseudonym('spotify', name)}"

    def got(self, name):
        """What the partner has got about this person."""
        return [one for one in self.recipient.requests if one.path == self.ingest(name)]

    def push(self, name, body=None, headers=JSON, path="/v1/users/{}/positions", method="POST",
             client="waze"):
        who = self.gateway.client(client)
        if body is None:
            body = trip(name)
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        with who.connect() as connection:
            connection.send(who.request(path.format(name), method=method,
                                        headers=[*headers, ("Content-Length", len(body))]) + body)
            answer = connection.read_answer()
            assert answer is not None, "closed without an answer"
            return answer


def trip(user, **more):
    return {"user": user, "at": "2026-11-02T07:16:40Z", "kmh": 25.6, "secret": "x",
            "points": [{"lat": 52.378796, "lon": 4.901282}], **more}


@pytest.fixture(scope="module")
def pushing(tmp_path_factory):
    one = PushWorld(tmp_path_factory.mktemp("push") / "node",
                    limits={"request_body_ms": 1000, "request_body_bytes": 4096})
    try:
        one.gateway.start()
        yield one
    finally:
        one.close()


@pytest.fixture
def fresh_push(tmp_path):
    one = PushWorld(tmp_path / "node")
    try:
        yield one
    finally:
        one.close()


# ------------------------------------------------------------------------------- delivered --

def test_a_push_reaches_the_partner_reduced_and_under_its_pseudonym(pushing):
    name = pushing.driver()
    answer = pushing.push(name)
    assert answer.status == 200, answer
    [request] = pushing.got(name)
    assert request.method == "POST"
    assert request.header("content-type") == "application/json"
    assert request.header("sluis-receipt") == answer.header("sluis-receipt")
    assert request.header("authorization") is None, "no credential of anybody passes"
    assert {name.lower() for name, _ in request.fields} == {
        "host", "accept", "accept-encoding", "user-agent", "sluis-receipt", "content-type",
        "content-length"}
    body = json.loads(request.body)
    assert set(body) == {"user", "at", "kmh", "points"}
    assert body["user"] == pushing.gateway.pseudonym("spotify", name)
    assert body["at"] == "2026-11-02T07:15:00Z" and body["kmh"] == 25.6
    assert body["points"] != trip(name)["points"] and len(body["points"]) == 1


def test_two_receipts_tell_of_it(pushing):
    name = pushing.driver()
    answer = pushing.push(name)
    said = answer.json()
    first, second = answer.receipt, int(said["outcome_receipt"].rpartition("/")[2])
    assert said == {"receipt": f"test.example/gateway/{first}", "outcome": "delivered",
                    "partner_status": 204, "outcome_receipt": f"test.example/gateway/{second}"}
    push, outcome = pushing.gateway.receipt(first), pushing.gateway.receipt(second)
    assert (push["kind"], push["decision"], push["reason"]) == ("push", "release", "consented")
    assert (push["app"], push["partner"], push["route"], push["purpose"]) == (
        "waze", "spotify", "positions", "recommendation")
    assert push["benefit"] == "Playlists that fit the drive"
    assert push["data"] == {"location": "5000m 900s", "location.speed": "kept"}
    assert (outcome["kind"], outcome["of"], outcome["outcome"], outcome["status"]) == (
        "outcome", first, "delivered", 204)
    assert outcome["tag"] != push["tag"] and outcome["body"] is None and first < second


def test_the_receipt_is_durable_before_the_partner_sees_a_byte(pushing):
    """The partner looks into the ledger, by the auditor's own program, before it answers."""
    found = []

    def look(exchange):
        index = int(exchange.header("sluis-receipt").rpartition("/")[2])
        found.append(pushing.gateway.receipt(index))
        return exchange.send(EMPTY)
    name = pushing.driver(behaviour=look)
    answer = pushing.push(name)
    assert answer.status == 200
    assert [(one["index"], one["kind"], one["decision"]) for one in found] == [
        (answer.receipt, "push", "release")]


def test_what_the_partner_answers_does_not_come_back(pushing):
    name = pushing.driver(behaviour=answers.well({"told": "of somebody"}, status="201 Created",
                                                 more=["Set-Cookie: a=b", "Location: /x"]))
    answer = pushing.push(name)
    assert answer.status == 200 and answer.json()["partner_status"] == 201
    assert b"told" not in answer.body and answer.header("set-cookie") is None
    assert answer.header("location") is None and answer.header("cache-control") == "no-store"


def test_another_method_purpose_and_type_are_what_the_route_says(pushing):
    name = pushing.person(consent(partner_="recommender", purpose="marketing",
                                  data="location.speed: {}"))
    path = f"/v1/users/{pushing.gateway.pseudonym('recommender', name)}/settings"
    pushing.other.on(path, answers.raw(EMPTY, keep=True))
    answer = pushing.push(name, {"kmh": 30, "other": 1}, path="/v1/users/{}/settings",
                          method="PUT", headers=[("Content-Type", "application/vnd.waze+json")])
    assert answer.status == 200
    request = [one for one in pushing.other.requests if one.path == path][0]
    assert request.method == "PUT" and json.loads(request.body) == {"kmh": 30}
    assert request.header("content-type") == "application/vnd.waze+json"
    assert pushing.gateway.receipt(answer.receipt)["purpose"] == "marketing"


def test_the_app_names_people_as_it_does_itself(pushing):
    name = pushing.driver()
    pushing.gateway.sluis("subject", "account", name, "waze", "Ann@home ü")
    answer = pushing.push("Ann%40home%20%C3%BC", trip("Ann@home ü"))
    assert answer.status == 200 and len(pushing.got(name)) == 1
    assert pushing.push(name).reason == "no_consent", "the name that it had before"


def test_pushes_one_after_the_other_and_at_once(pushing):
    name = pushing.driver()
    results = []

    def send():
        results.extend(pushing.push(name).status for _ in range(5))
    threads = [threading.Thread(target=send) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert results == [200] * 30 and len(pushing.got(name)) == 30


def test_a_large_body_arrives_whole(fresh_push):
    """More than a socket takes at once, at a partner that takes its time."""
    points = [{"lat": 52 + i / 100000, "lon": 4.9} for i in range(6000)]
    fresh_push.gateway.start()
    name = fresh_push.driver(consent(data="location: {}\nlocation.speed: {}"))
    answer = fresh_push.push(name, trip(name, points=points))
    assert answer.status == 200
    assert json.loads(fresh_push.got(name)[0].body)["points"] == points


# ------------------------------------------------------------------------------- refused --

def refused(world, name, answer, reason, status=403):
    assert (answer.status, answer.reason) == (status, reason), answer
    receipt = world.gateway.receipt(answer.receipt)
    assert (receipt["kind"], receipt["decision"], receipt["reason"]) == ("push", "refuse", reason)
    assert receipt["body"] is None and set(receipt["data"].values()) == {"dropped"}
    assert world.got(name) == [], "the partner got something"


def test_without_consent_nothing_leaves(pushing):
    name = pushing.driver(consent(partner_="recommender", purpose="marketing"))
    refused(pushing, name, pushing.push(name), "no_consent")


def test_somebody_unknown_looks_like_somebody_without_a_consent(pushing):
    known = pushing.person()
    one, other = pushing.push(known), pushing.push("nobody-at-all")
    assert one.head.split(b"\r\n")[2:4] == other.head.split(b"\r\n")[2:4]
    assert one.reason == other.reason == "no_consent"
    a, b = (pushing.gateway.receipt(answer.receipt) for answer in (one, other))
    assert {k: v for k, v in a.items() if k not in ("index", "tag", "basis", "time")} == {
        k: v for k, v in b.items() if k not in ("index", "tag", "basis", "time")}


def test_a_refusal_wins_and_a_withdrawal_counts_at_once(pushing):
    name = pushing.driver(consent(data=DATA))
    assert pushing.push(name).status == 200
    pushing.recipient.forget()
    pushing.gateway.withdraw(name, "c1")
    refused(pushing, name, pushing.push(name), "no_consent")


@pytest.mark.parametrize("body, reason, status", [
    (b"", "body_malformed", 400), (b"{", "body_malformed", 400), (b"[1]x", "body_malformed", 400),
    (b'{"kmh":1,"kmh":2}', "body_malformed", 400), (b'{"kmh":01}', "body_malformed", 400),
    (b"\xff", "body_malformed", 400), (b'{"user":"somebody-else","kmh":1}', "body_subject", 422),
])
def test_a_body_that_does_not_fit_is_refused_with_a_receipt(pushing, body, reason, status):
    name = pushing.driver()
    refused(pushing, name, pushing.push(name, body), reason, status)


@pytest.mark.parametrize("headers", [
    [], [("Content-Type", "text/plain")], [("Content-Type", "application/json; charset=latin1")],
    [("Content-Type", "application/jsonx")],
])
def test_a_body_of_an_undeclared_type_is_refused(pushing, headers):
    name = pushing.driver()
    refused(pushing, name, pushing.push(name, headers=headers), "body_type", 415)


# -------------------------------------------------------------------- not a flow at all --

def test_only_the_routes_own_app_may_send(pushing):
    name = pushing.driver()
    before = len(pushing.gateway.receipts())
    assert pushing.push(name, client="spotify").reason == "wrong_party"
    who = pushing.partner()
    with who.connect() as connection:
        connection.send(who.request(f"/v1/users/{name}/positions", method="POST",
                                    headers=[("Content-Length", 2)]) + b"{}")
        assert connection.read_answer().reason == "wrong_party"
    assert pushing.got(name) == [] and len(pushing.gateway.receipts()) == before


def test_a_push_needs_a_body_and_its_method(pushing):
    name, waze = pushing.driver(), pushing.gateway.client("waze")
    answer = waze.get(f"/v1/users/{name}/positions", method="POST")
    assert (answer.status, answer.reason, answer.receipt) == (411, "no_length", None)
    answer = waze.get(f"/v1/users/{name}/positions")
    assert (answer.status, answer.header("allow")) == (405, "POST")
    assert pushing.push(name, path="/v1/users/{}/positions?a=b").reason == "bad_query"
    assert pushing.got(name) == []


def padded(name, n):
    """A body of exactly n bytes."""
    bare = json.dumps(trip(name, pad="")).encode()
    return json.dumps(trip(name, pad="x" * (n - len(bare)))).encode()


def chunked(body, size):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 1000, 100000])
def test_a_body_may_come_in_chunks_of_up_to_the_limit(pushing, size):
    name, waze = pushing.driver(), pushing.gateway.client("waze")
    head = waze.request(f"/v1/users/{name}/positions", method="POST",
                        headers=[*JSON, ("Transfer-Encoding", "chunked")])
    with waze.connect() as connection:
        connection.send(head + chunked(padded(name, 4096), size))
        assert connection.read_answer().status == 200
        connection.send(head + chunked(padded(name, 4097), size) + head)
        answer = connection.read_answer()
        assert (answer.status, answer.reason, answer.receipt) == (413, "body_too_large", None)
        assert answer.header("connection") == "close" and connection.read_to_end() == b""
    assert len(pushing.got(name)) == 1


def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_is_never_read(pushing):
    name, waze = pushing.driver(), pushing.gateway.client("waze")
    assert pushing.push(name, padded(name, 4096)).status == 200
    with waze.connect() as connection:
        connection.send(waze.request(f"/v1/users/{name}/positions", method="POST",
                                     headers=[*JSON, ("Content-Length", 4097)]))
        answer = connection.read_answer()
        assert (answer.status, answer.reason) == (413, "body_too_large")
        assert connection.read_to_end() == b""
    assert len(pushing.got(name)) == 1


def test_who_asks_before_sending_is_told_to_go_on(pushing):
    name, waze = pushing.driver(), pushing.gateway.client("waze")
    body = json.dumps(trip(name)).encode()
    with waze.connect() as connection:
        connection.send(waze.request(f"/v1/users/{name}/positions", method="POST",
                                     headers=[*JSON, ("Content-Length", len(body)),
                                              ("Expect", "100-continue")]))
        while b"\r\n\r\n" not in connection.pending:
            assert connection._more()
        interim, _, connection.pending = connection.pending.partition(b"\r\n\r\n")
        assert interim.startswith(b"HTTP/1.1 100 ")
        connection.send(body)
        assert connection.read_answer().status == 200


def test_a_body_that_does_not_come_in_time_ends_the_connection(pushing):
    name, waze = pushing.driver(), pushing.gateway.client("waze")
    before = len(pushing.gateway.receipts())
    with waze.connect() as connection:
        connection.send(waze.request(f"/v1/users/{name}/positions", method="POST",
                                     headers=[*JSON, ("Content-Length", 100)]) + b"{")
        assert connection.read_to_end() == b""
    assert pushing.got(name) == [] and len(pushing.gateway.receipts()) == before


def test_a_content_coding_is_not_taken(pushing):
    name = pushing.driver()
    answer = pushing.push(name, headers=[*JSON, ("Content-Encoding", "gzip")])
    assert (answer.status, answer.reason) == (415, "body_coded")
    assert pushing.push(name, headers=[*JSON, ("Content-Encoding", "identity")]).status == 200


def test_a_connection_serves_pushes_one_after_the_other(pushing):
    name, waze = pushing.driver(), pushing.gateway.client("waze")
    body = json.dumps(trip(name)).encode()
    one = waze.request(f"/v1/users/{name}/positions", method="POST",
                       headers=[*JSON, ("Content-Length", len(body))]) + body
    with waze.connect() as connection:
        connection.send(one * 5)
        assert [connection.read_answer().status for _ in range(5)] == [200] * 5


# ----------------------------------------------------------------------- not delivered --

def undelivered(world, answer, reason, status, outcome, partner_status):
    assert (answer.status, answer.reason) == (status, reason), answer
    said = answer.json()
    assert said["receipt"] == answer.header("sluis-receipt")
    assert (said["outcome"], said["partner_status"]) == (outcome, partner_status)
    receipt = world.gateway.receipt(int(said["outcome_receipt"].rpartition("/")[2]))
    assert (receipt["kind"], receipt["of"], receipt["outcome"], receipt["status"]) == (
        "outcome", answer.receipt, outcome, partner_status)
    assert world.gateway.receipt(answer.receipt)["decision"] == "release"


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "302 Found", "503 Busy"])
def test_a_partner_that_does_not_take_it_is_told_of(pushing, status):
    name = pushing.driver(behaviour=answers.well({"why": "x"}, status=status))
    undelivered(pushing, pushing.push(name), "partner_refused", 502, "refused", int(status[:3]))
    assert len(pushing.got(name)) == 1, "nothing is sent twice"


@pytest.mark.parametrize("behaviour, status", [
    (answers.raw(b""), 504), (answers.raw_and_wait(b""), 504), (answers.raw(b"nonsense\r\n\r\n"), 504),
    (answers.raw(b"HTTP/1.1 200 OK\r\nContent-Le"), 504),
], ids=["closes", "silent", "nonsense", "half a head"])
def test_without_an_answer_nobody_knows(pushing, behaviour, status):
    name = pushing.driver(behaviour=behaviour)
    undelivered(pushing, pushing.push(name), "delivery_unknown", status, "unknown", None)
    assert len(pushing.got(name)) == 1, "nothing is sent twice"


def test_a_status_counts_whatever_follows_it(pushing):
    name = pushing.driver(behaviour=answers.cut_off({"taken": True}))
    answer = pushing.push(name)
    assert answer.status == 200 and answer.json()["partner_status"] == 200


def test_a_partner_that_is_not_there_has_got_nothing(fresh_push):
    fresh_push.gateway.start()
    name = fresh_push.driver()
    fresh_push.recipient.close_listener()
    undelivered(fresh_push, fresh_push.push(name), "partner_unreachable", 502, "unreachable", None)


def test_a_stop_waits_for_the_partner_and_records_how_it_ended(fresh_push):
    arrived, go_on = threading.Event(), threading.Event()

    def behave(exchange):
        arrived.set()
        go_on.wait(30)
        return exchange.send(EMPTY)
    fresh_push.gateway.limits["app_head_ms"] = 20000
    fresh_push.gateway.write_config()
    fresh_push.gateway.start()
    name = fresh_push.driver(behaviour=behave)
    results = []
    sender = threading.Thread(target=lambda: results.append(fresh_push.push(name)))
    sender.start()
    assert arrived.wait(30)
    stopper = threading.Thread(target=fresh_push.gateway.stop)
    stopper.start()
    go_on.set()
    stopper.join()
    sender.join()
    assert results[0].status == 200
    assert [one["kind"] for one in fresh_push.gateway.receipts()][-2:] == ["push", "outcome"]


# ----------------------------------------------------------------------- sent once more --

def keyed(world, name, key, **more):
    return world.push(name, headers=[*JSON, ("Idempotency-Key", key)], **more)


def same(one, other):
    assert (one.status, one.body) == (other.status, other.body)
    assert one.header("sluis-receipt") == other.header("sluis-receipt")


@pytest.mark.parametrize("behaviour, status", [
    (None, 200), (answers.well({}, status="503 Busy"), 502), (answers.raw(b""), 504)])
def test_the_same_key_gets_the_same_answer_and_sends_nothing_again(pushing, behaviour, status):
    name = pushing.driver(behaviour=behaviour)
    first = keyed(pushing, name, '"8e03978e-40d5-43e8-bc93-6894a57f9324"')
    assert first.status == status
    before = len(pushing.gateway.receipts())
    same(keyed(pushing, name, '"8e03978e-40d5-43e8-bc93-6894a57f9324"'), first)
    same(keyed(pushing, name, "8e03978e-40d5-43e8-bc93-6894a57f9324"), first)
    assert len(pushing.got(name)) == 1 and len(pushing.gateway.receipts()) == before
    assert keyed(pushing, name, "another").receipt != first.receipt
    assert len(pushing.got(name)) == 2


def test_a_key_counts_for_one_person_and_one_body(pushing):
    name, other = pushing.driver(), pushing.driver()
    first = keyed(pushing, name, "k")
    answer = keyed(pushing, name, "k", body=trip(name, kmh=1))
    assert (answer.status, answer.reason, answer.receipt) == (422, "key_reused", None)
    assert keyed(pushing, other, "k").receipt != first.receipt
    assert [len(pushing.got(one)) for one in (name, other)] == [1, 1]


def test_while_the_first_is_under_way_the_second_is_told_so(pushing):
    arrived, go_on = threading.Event(), threading.Event()

    def behave(exchange):
        arrived.set()
        go_on.wait(30)
        return exchange.send(EMPTY)
    name = pushing.driver(behaviour=behave)
    results = []
    sender = threading.Thread(target=lambda: results.append(keyed(pushing, name, "k")))
    sender.start()
    assert arrived.wait(30)
    answer = keyed(pushing, name, "k")
    go_on.set()
    sender.join()
    assert (answer.status, answer.reason, answer.receipt) == (409, "under_way", None)
    assert results[0].status in (200, 504)
    same(keyed(pushing, name, "k"), results[0])
    assert len(pushing.got(name)) == 1


def test_many_at_once_under_one_key_are_one_push(pushing):
    name = pushing.driver()
    results, start = [], threading.Barrier(8)

    def send():
        start.wait()
        results.append(keyed(pushing, name, "k"))
    threads = [threading.Thread(target=send) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {one.status for one in results} <= {200, 409} and len(pushing.got(name)) == 1
    assert len({one.receipt for one in results if one.status == 200}) == 1


def test_a_refused_push_is_judged_anew(pushing):
    name = pushing.driver(consent(partner_="recommender", purpose="marketing"))
    assert keyed(pushing, name, "k").reason == "no_consent"
    pushing.gateway.put(name, consent(data=DATA))
    assert keyed(pushing, name, "k").status == 200


@pytest.mark.parametrize("key, good", [
    ("k" * 128, True), ('"' + "k" * 128 + '"', True), ("k" * 129, False), ('""', False),
    ('"', False), ("a b", False), ('a"b', False), ("a\\b", False)])
def test_a_key_has_1_to_128_plain_characters(pushing, key, good):
    name = pushing.driver()
    answer = keyed(pushing, name, key)
    assert answer.status == (200 if good else 400)
    if not good:
        assert answer.reason == "bad_key" and answer.receipt is None and pushing.got(name) == []


def test_a_key_is_known_after_a_restart_and_gone_after_an_erasure(fresh_push):
    world = fresh_push
    world.gateway.start()
    name = world.driver()
    first = keyed(world, name, "k")
    world.gateway.restart()
    same(keyed(world, name, "k"), first)
    world.gateway.sluis("subject", "erase", name, "--yes")
    assert keyed(world, name, "k").reason == "no_consent"
    assert len(world.got(name)) == 1


# ------------------------------------------------------------------------------- a crash --

def test_killed_between_the_receipt_and_the_answer_it_is_unknown(fresh_push):
    """SIGKILL while the partner has it and has not answered: the receipt stands, so does the doubt."""
    world = fresh_push
    arrived, over = threading.Event(), threading.Event()

    def behave(exchange):
        arrived.set()
        exchange.wait_until_gateway_closes()
    world.gateway.start()
    name = world.driver(behaviour=behave)

    def send():
        try:
            keyed(world, name, "k")
        except (AssertionError, OSError):
            over.set()
    sender = threading.Thread(target=send)
    sender.start()
    assert arrived.wait(30)
    world.gateway.kill()
    sender.join()
    assert over.is_set(), "the app got an answer"
    assert [one["kind"] for one in world.gateway.receipts()] == ["policy", "push"]

    world.gateway.start()
    receipts = world.gateway.receipts()
    assert [one["kind"] for one in receipts] == ["policy", "push", "outcome"]
    assert (receipts[2]["of"], receipts[2]["outcome"], receipts[2]["status"]) == (1, "unknown", None)
    answer = keyed(world, name, "k")
    undelivered(world, answer, "delivery_unknown", 504, "unknown", None)
    assert answer.receipt == 1 and len(world.got(name)) == 1, "sent again"

    world.gateway.kill()
    world.gateway.start()
    assert len(world.gateway.receipts()) == 3, "told once"
    evidence = world.gateway.folder / "evidence"
    world.gateway.sluis("evidence", "export", "-o", evidence)
    said = json.loads(run(AUDIT, "replay", world.gateway.ledger, "--key", world.gateway.vkey,
                          "--evidence", evidence, "--json").stdout)
    assert said["result"] == "same" and said["counts"]["outcomes"] == 1
    assert said["counts"]["pushes_open"] == 0
    world.gateway.stop()
    world.gateway.verify()


def test_killed_at_any_moment_each_release_has_one_outcome(fresh_push):
    """Pushes without pause, with and without keys, and SIGKILL somewhere among them, again and again."""
    world = fresh_push
    world.gateway.start()
    name = world.driver()
    told = {}
    for round_ in range(4):
        n_done = [0]

        def send(lane, round_=round_, n_done=n_done):
            try:
                for i in range(1000):
                    answer = (keyed(world, name, f"{round_}-{lane}-{i}") if lane % 2
                              else world.push(name))
                    told[answer.receipt] = answer.json()["outcome"]
                    n_done[0] += 1
            except (AssertionError, OSError, ValueError):
                pass
        threads = [threading.Thread(target=send, args=(lane,)) for lane in range(4)]
        for one in threads:
            one.start()
        while n_done[0] < 15 + 7 * round_:
            threads[0].join(0.01)
        world.gateway.kill()
        for one in threads:
            one.join()
        world.gateway.start()
    receipts = world.gateway.receipts()
    pushes = {one["index"] for one in receipts if one["kind"] == "push"}
    outcomes = [one["of"] for one in receipts if one["kind"] == "outcome"]
    assert sorted(outcomes) == sorted(pushes), "each push has one outcome, and each outcome a push"
    ended = {one["of"]: one["outcome"] for one in receipts if one["kind"] == "outcome"}
    assert all(ended[index] == outcome for index, outcome in told.items())
    seen = [int(one.header("sluis-receipt").rpartition("/")[2]) for one in world.got(name)]
    assert set(seen) <= pushes and len(seen) == len(set(seen)), "nothing without a receipt, or twice"


# ---------------------------------------------------------------------------- afterwards --

def test_partner_and_app_may_have_the_receipt_proven(pushing):
    index = pushing.push(pushing.driver()).receipt
    path = f"/sluis/v1/receipts/{index}"
    for who in (pushing.partner(), pushing.gateway.client("waze")):
        answer = who.get(path)
        assert answer.status == 200 and json.loads(answer.json()["receipt"])["kind"] == "push"
    assert pushing.gateway.client("spotify").get(path).reason == "not_yours"
    assert pushing.partner("recommender").get(path).reason == "not_yours"
    pulled = pushing.ask(pushing.person(consent())).receipt
    assert pushing.gateway.client("waze").get(f"/sluis/v1/receipts/{pulled}").status == 200


def test_auditors_repeat_pushes_and_see_that_each_ended_once(fresh_push):
    world = fresh_push
    world.gateway.start()
    name = world.driver()
    world.push(name)
    world.push("nobody-at-all")
    world.ask(name)
    world.recipient.on(world.ingest(name), answers.well({}, status="500 Oh"))
    world.push(name)
    evidence = world.gateway.folder / "evidence"
    world.gateway.sluis("evidence", "export", "-o", evidence)
    said = json.loads(run(AUDIT, "replay", world.gateway.ledger, "--key", world.gateway.vkey,
                          "--evidence", evidence, "--json").stdout)
    counts = said["counts"]
    assert said["result"] == "same"
    assert counts["outcomes"] == 2 and counts["pushes_open"] == 0
    assert counts["flows_repeated"] == 3 and counts["flows_of_nobody"] == 1
    shown = run(AUDIT, "show", "1", world.gateway.ledger, "--key", world.gateway.vkey).stdout
    assert "who sent the data" in shown
    listed = run(AUDIT, "list", world.gateway.ledger, "--kind", "outcome").stdout
    assert "delivered: receipt 1, status 204" in listed and "refused: receipt" in listed
    world.gateway.stop()
    world.gateway.verify()
