"""A partner asks for its own receipts, and gets what anybody can check."""
import itertools
import json
import threading

import pytest

import partner
from gateway import AUDIT, POSITION, Failed, consent, run
from process import wait_for

PATH = "/sluis/v1/receipts/"


@pytest.fixture(scope="module")
def busy(world):
    """Receipts of two partners and of policy changes; `own` are spotify's."""
    yes = world.person(consent(), consent("c2", partner_="recommender"))
    no = world.person()
    world.own, world.others = [], []
    for _ in range(4):
        world.own.append(world.ask(yes).receipt)
        world.others.append(world.ask(yes, "recommender", purpose="recommendation").receipt)
        world.own.append(world.ask(no).receipt)
    world.gateway.withdraw(yes, "c2")
    return world


def ask(world, index, partner_="spotify"):
    return world.partner(partner_).get(f"{PATH}{index}")


def verify(world, answer, folder, ok=(0,)):
    """By sluis-audit, which has the two texts and a key."""
    leaf, proof = folder / "leaf.json", folder / "leaf.tlog-proof"
    leaf.write_bytes(answer.json()["receipt"].encode())
    proof.write_bytes(answer.json()["proof"].encode())
    return run(AUDIT, "verify-proof", proof, "--leaf", leaf, "--key", world.gateway.vkey, ok=ok)


def test_each_receipt_of_its_own_comes_with_a_proof_that_holds(busy, tmp_path):
    shown = {one["index"]: one for one in busy.gateway.receipts()}
    for index in busy.own:
        answer = ask(busy, index)
        assert answer.status == 200
        assert answer.header("content-type") == "application/json"
        assert answer.header("cache-control") == "no-store"
        assert answer.header("sluis-receipt") is None
        found = answer.json()
        assert list(found) == ["origin", "index", "receipt", "proof"]
        assert (found["origin"], found["index"]) == ("test.example/gateway", index)
        receipt = json.loads(found["receipt"])
        assert shown[index] == {"index": index} | receipt and receipt["partner"] == "spotify"
        verify(busy, answer, tmp_path)


def test_a_receipt_is_proven_the_moment_it_was_named(busy, tmp_path):
    """Newer than what the index has written, each time."""
    name = busy.person(consent())
    who = busy.partner()
    with who.connect() as connection:
        for _ in range(20):
            connection.send(who.request(who.path(POSITION, name)))
            index = connection.read_answer().receipt
            connection.send(who.request(f"{PATH}{index}"))
            answer = connection.read_answer()
            assert answer.status == 200 and answer.json()["index"] == index
    verify(busy, answer, tmp_path)


def test_a_receipt_that_is_not_its_own_does_not_verify_as_another(busy, tmp_path):
    answer = ask(busy, busy.own[0])
    answer.body = answer.body.replace(b"spotify", b"spotifi")
    with pytest.raises(Failed) as failed:
        verify(busy, answer, tmp_path)
    assert failed.value.status == 1


def test_what_is_not_its_own_looks_like_what_does_not_exist(busy):
    size = len(busy.gateway.receipts())
    consents = [one["index"] for one in busy.gateway.receipts("--kind", "policy")]
    numbers = [busy.others[0], busy.others[-1], consents[0], consents[-1], size, size + 1, 10**9,
               2**63, 2**64 - 1, 2**64, 10**30, "x", "-1", "+1", "01", "0x1",
               "%31", "1.0", "1e3"]
    answers = [ask(busy, number) for number in numbers]
    for answer in answers:
        assert answer.status == 404 and answer.reason == "not_yours"
        assert answer.head.split(b"\r\n")[2:] == answers[0].head.split(b"\r\n")[2:]
        assert answer.body == answers[0].body
    assert ask(busy, busy.others[0], "recommender").status == 200
    assert ask(busy, busy.own[0], "recommender").body == answers[0].body


def test_who_is_no_partner_learns_nothing(busy):
    who = busy.partner()
    for token in (None, "", "sluis_" + "A" * 43, busy.partner("recommender").token[:-1]):
        with who.connect() as connection:
            connection.send(partner.request(f"{PATH}{busy.own[0]}", token=token))
            assert connection.read_answer().reason == "no_partner"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_receipts_are_only_read(busy, method):
    who = busy.partner()
    with who.connect() as connection:
        connection.send(who.request(f"{PATH}{busy.own[0]}", method=method))
        answer = connection.read_answer(has_body=method != "HEAD")
        assert answer.status == 405 and answer.header("allow") == "GET"


def test_a_query_is_not_taken(busy):
    for query in ("?", "?a=b", "?index=2"):
        assert ask(busy, f"{busy.own[0]}{query}").reason == "bad_query"


def test_nothing_else_is_below_sluis(busy):
    who = busy.partner()
    for path in ("/sluis", "/sluis/v1", "/sluis/v1/", "/sluis/v1/receipts", "/sluis/v1/receipts/",
                 "/sluis/v1/receipts/1/", "/sluis/v1/receipts/1/2", "/sluis/v2/receipts/1",
                 "/sluis/v1/subjects/1", "/SLUIS/v1/receipts/1"):
        assert who.get(path).reason == "no_route"


def test_asking_leaves_no_receipt_and_asks_no_app(busy):
    before = len(busy.gateway.receipts())
    busy.waze.forget()
    ask(busy, busy.own[0])
    ask(busy, busy.others[0])
    assert len(busy.gateway.receipts()) == before and busy.waze.requests == []


def test_many_at_once_while_flows_go_on(busy, tmp_path):
    name = busy.person(consent())
    done = threading.Event()
    statuses = []

    def prove():
        who = busy.partner()
        with who.connect() as connection:
            for index in itertools.cycle(busy.own):
                if done.is_set():
                    return
                connection.send(who.request(f"{PATH}{index}"))
                answer = connection.read_answer()
                statuses.append((answer.status, answer.status != 200 or answer.json()["index"] == index))

    askers = [threading.Thread(target=prove) for _ in range(4)]
    for one in askers:
        one.start()
    try:
        assert all(busy.ask(name).status == 200 for _ in range(100))
    finally:
        done.set()
        for one in askers:
            one.join()
    assert set(statuses) == {(200, True)}


def test_beyond_the_queue_an_asker_is_told_that_it_is_busy(tmp_path_factory):
    from world import World
    one = World(tmp_path_factory.mktemp("queue") / "node", limits={"queue_proofs": 1}, threads=1)
    try:
        one.gateway.start()
        index = one.ask(one.person(consent())).receipt
        who = one.partner()
        many = [who.connect() for _ in range(30)]
        for connection in many:
            connection.send(who.request(f"{PATH}{index}") * 20)
        answers = [connection.read_answer() for connection in many for _ in range(20)]
        for connection in many:
            connection.socket.close()
        for answer in answers:
            assert answer.status == 200 or (answer.status == 503 and answer.reason == "busy" and
                                            answer.header("retry-after") == "5"), answer
        assert {answer.status for answer in answers} == {200, 503}
        assert ask(one, index).status == 200
    finally:
        one.close()


def test_a_damaged_receipt_is_not_served_and_the_log_says_so(fresh):
    fresh.gateway.start()
    index = fresh.ask(fresh.person(consent())).receipt
    other = fresh.ask(fresh.person(consent())).receipt
    data = ask(fresh, index).json()["receipt"].encode()
    segment = next(iter(fresh.gateway.ledger.glob("*.seg")))
    at = segment.read_bytes().index(data) + 25
    fresh.gateway.restart()  # forget what was read
    with open(segment, "r+b") as file:
        file.seek(at)
        file.write(b"?")
    answer = ask(fresh, index)
    assert answer.status == 500 and answer.reason == "unreadable"
    assert ask(fresh, other).status == 500, "it is in the same tile, whose root can't be told"
    wait_for("the line in the log", lambda: any(
        "can't be proven" in line and segment.name in line
        for line in fresh.gateway.text().splitlines()))
    assert fresh.ask(fresh.person(consent())).status == 200
