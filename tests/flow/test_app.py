"""Apps that fail: the partner gets a reason and a receipt, never a piece of the answer."""
import json

import pytest

import answers
from world import feature
from gateway import consent

ONE = feature("somebody")
del ONE["properties"]["user"]
BODY = json.dumps(ONE).encode()
SECRET = "Bakkerij-Gasten"  # in every answer of the app; nothing may let it out


def deep(levels):
    return b'{"type":"Feature","x":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def members(n):
    return b"{" + b",".join(b'"k%d":1' % i for i in range(n)) + b"}"


def http(head, body=BODY, keep=False):
    return answers.raw(head.replace(b"\n", b"\r\n") + b"\r\n" + body, keep)


OK = b"HTTP/1.1 200 OK\nContent-Type: application/geo+json\n"
LENGTH = b"Content-Length: %d\n" % len(BODY)

MISBEHAVIOURS = [
    ("it is silent", answers.slow_head(), 504, "app_timeout"),
    ("its head comes byte by byte", answers.head_byte_by_byte(ONE), 504, "app_timeout"),
    ("it stops in the middle of the body", answers.slow_body(ONE), 504, "app_timeout"),
    ("its body comes byte by byte", answers.body_byte_by_byte(ONE), 504, "app_timeout"),
    ("it is cut off in the body", answers.cut_off(ONE), 502, "app_malformed"),
    ("it is cut off before the last chunk", answers.cut_off_chunked(ONE), 502, "app_malformed"),
    ("it is cut off in the head", answers.raw(b"HTTP/1.1 200 OK\r\nContent-T"), 502, "app_malformed"),
    ("it says 500", answers.well(ONE, status="500 Internal Server Error"), 502, "app_status"),
    ("it says 404", answers.well(ONE, status="404 Not Found"), 502, "app_status"),
    ("it says 401", answers.well(ONE, status="401 Unauthorized"), 502, "app_status"),
    ("it says 204", answers.raw(b"HTTP/1.1 204 No Content\r\n\r\n", True), 502, "app_status"),
    ("it says 304", answers.raw(b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n", True), 502, "app_status"),
    ("it says 206", answers.well(ONE, status="206 Partial Content",
                                 more=["Content-Range: bytes 0-9/999"]), 502, "app_status"),
    ("it says 200 with a range", answers.well(ONE, more=["Content-Range: bytes 0-9/999"]), 502, None),
    ("it redirects and sets a cookie", answers.well(ONE, status="302 Found", more=[
        "Location: http://127.0.0.1/elsewhere", "Set-Cookie: session=Bakkerij-Gasten"]), 502, "app_status"),
    ("it switches protocols", http(b"HTTP/1.1 101 Switching Protocols\nUpgrade: x\nConnection: Upgrade\n"),
     502, "app_malformed"),
    ("it answers HTML", answers.well(b"<html>Bakkerij-Gasten</html>", "text/html"), 502, "answer_type"),
    ("it answers another JSON type", answers.well(ONE, "application/json"), 502, "answer_type"),
    ("it names no type", answers.well(ONE, None), 502, "answer_type"),
    ("it names an odd charset", answers.well(ONE, "application/geo+json; charset=utf-16"), 502, "answer_type"),
    ("it names two types", answers.well(ONE, more=["Content-Type: text/html"]), 502, None),
    ("it compresses", answers.gzip(ONE), 502, "answer_type"),
    ("it compresses without saying so", answers.well(b"\x1f\x8b\x08\0\0\0\0\0\0\3"), 502, "answer_malformed"),
    ("it answers 10 MB", answers.large(10_000_000), 502, "answer_too_large"),
    ("it answers 10 MB in chunks", answers.large(10_000_000, send=lambda body: answers.chunked(body, 65536)),
     502, "answer_too_large"),
    ("it answers one string of 1 MB", answers.well(b'{"x":"' + b"x" * 1_000_000 + b'"}'), 502,
     "answer_malformed"),
    ("it announces 10 GB", answers.raw(answers.head(length=10**10)), 502, "answer_too_large"),
    ("it answers nothing", answers.well(b""), 502, "answer_malformed"),
    ("it answers no JSON", answers.well(b"Bakkerij-Gasten"), 502, "answer_malformed"),
    ("its JSON ends early", answers.well(BODY[:-1]), 502, "answer_malformed"),
    ("its JSON has something behind it", answers.well(BODY + b"{}"), 502, "answer_malformed"),
    ("its JSON has a comment", answers.well(b"/**/" + BODY), 502, "answer_malformed"),
    ("its JSON has a trailing comma", answers.well(BODY[:-1] + b",}"), 502, "answer_malformed"),
    ("its JSON has single quotes", answers.well(b"{'a':1}"), 502, "answer_malformed"),
    ("its JSON has NaN", answers.well(b'{"type":NaN}'), 502, "answer_malformed"),
    ("its JSON has a leading zero", answers.well(b'{"x":01}'), 502, "answer_malformed"),
    ("its JSON begins with a byte order mark", answers.well(b"\xef\xbb\xbf" + BODY), 502, "answer_malformed"),
    ("its JSON is Latin-1", answers.well(b'{"x":"caf\xe9"}'), 502, "answer_malformed"),
    ("its JSON is UTF-16", answers.well(BODY.decode().encode("utf-16")), 502, "answer_malformed"),
    ("its JSON has an overlong byte", answers.well(b'{"x":"\xc0\xaf"}'), 502, "answer_malformed"),
    ("its JSON has a surrogate in UTF-8", answers.well(b'{"x":"\xed\xa0\x80"}'), 502, "answer_malformed"),
    ("its JSON has a lone surrogate", answers.well(b'{"x":"\\ud800"}'), 502, "answer_malformed"),
    ("its JSON has a control byte", answers.well(b'{"x":"a\x01"}'), 502, "answer_malformed"),
    ("its JSON has a NUL", answers.well(BODY + b"\0"), 502, "answer_malformed"),
    ("its JSON has a key twice", answers.well(b'{"type":"Feature","type":"x"}'), 502, "answer_malformed"),
    ("its JSON has an escaped key twice", answers.well(b'{"type":"x","t\\u0079pe":"y"}'), 502,
     "answer_malformed"),
    ("its JSON has an unlisted key twice", answers.well(b'{"z":1,"z":2}'), 502, "answer_malformed"),
    ("its JSON is 65 levels deep", answers.well(deep(65)), 502, "answer_malformed"),
    ("its JSON is 100,000 levels deep", answers.well(deep(100_000)), 502, "answer_malformed"),
    ("its JSON has 5,000 members", answers.well(members(5000)), 502, "answer_malformed"),
    ("its position is no number", answers.well(b'{"geometry":{"coordinates":["4","52"]}}'), 502,
     "answer_malformed"),
    ("its position is off the globe", answers.well(b'{"geometry":{"coordinates":[4.9,91]}}'), 502,
     "answer_malformed"),
    ("its time is none", answers.well(b'{"properties":{"recorded_at":"yesterday"}}'), 502,
     "answer_malformed"),
    ("its answer is about somebody else", answers.well(feature("somebody-else")), 502, "answer_subject"),
    ("its subject is a number", answers.well(b'{"properties":{"user":7}}'), 502, "answer_subject"),
    ("it names two lengths", http(OK + LENGTH + b"Content-Length: 3\n"), 502, "app_malformed"),
    ("it names a length and chunks", http(OK + LENGTH + b"Transfer-Encoding: chunked\n"), 502,
     "app_malformed"),
    ("it names a negative length", http(OK + b"Content-Length: -1\n"), 502, "app_malformed"),
    ("it names an unknown coding", http(OK + b"Transfer-Encoding: gzip, chunked\n"), 502, "app_malformed"),
    ("its chunk size is odd", http(OK + b"Transfer-Encoding: chunked\n", b"zz\r\n" + BODY), 502,
     "app_malformed"),
    ("its chunk is longer than it says", http(OK + b"Transfer-Encoding: chunked\n", b"2\r\n" + BODY), 502,
     "app_malformed"),
    ("its head is folded", http(OK + b"X: a\n b\n" + LENGTH), 502, "app_malformed"),
    ("its head has bare line feeds", answers.raw((OK + LENGTH + b"\n") + BODY), 502, "app_malformed"),
    ("its head has a space before a colon", http(OK + b"Content-Length : 3\n"), 502, "app_malformed"),
    ("its head has a control byte", http(OK + b"X: a\x01\n" + LENGTH), 502, "app_malformed"),
    ("its head is 1 MB", http(OK + b"X: " + b"a" * 1_000_000 + b"\n" + LENGTH), 502, "app_malformed"),
    ("its status line is odd", http(b"HTTP/1.1 2000 OK\n" + LENGTH), 502, "app_malformed"),
    ("it speaks HTTP/2", answers.raw(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x64"), 502, "app_malformed"),
    ("it closes at once", answers.raw(b""), 502, None),
]


@pytest.mark.parametrize("title, behaviour, status, reason", MISBEHAVIOURS,
                         ids=[row[0].replace(" ", "-") for row in MISBEHAVIOURS])
def test_when_the_app_misbehaves_the_flow_is_refused_because(world, title, behaviour, status, reason):
    name = world.person(consent(data="location: {}\nlocation.speed: {}"), answer=behaviour)
    answer = world.ask(name)
    assert answer.status == status, f"{title}: {answer}"
    if reason is not None:
        assert answer.reason == reason
    receipt = world.gateway.receipt(answer.receipt)
    assert receipt["decision"] == "refuse" and receipt["reason"] == answer.reason
    assert not receipt.get("body")
    assert SECRET.encode() not in answer.head + answer.body
    assert answer.header("set-cookie") is None and answer.header("location") is None
    healthy = world.person(consent())
    assert world.ask(healthy).status == 200, "the next flow is not touched by it"


WELL_ENOUGH = [
    ("chunks", answers.chunked(ONE)),
    ("chunks of one byte", answers.chunked(ONE, piece_bytes=1)),
    ("chunks and a trailer", answers.chunked(ONE, trailer=b"X-Sum: 1\r\n")),
    ("an interim answer first", answers.raw(
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answers.head(length=len(BODY)) + BODY, True)),
    ("a charset of utf-8", answers.well(ONE, "application/geo+json; charset=utf-8")),
    ("a type in capitals", answers.well(ONE, "Application/Geo+JSON")),
    ("64 levels", answers.well(deep(64))),
    ("8 MB", answers.large(8_000_000)),
    ("spaces everywhere", answers.well(json.dumps(ONE, indent=7).encode())),
    ("connection: close", answers.raw(
        answers.head(length=len(BODY), more=["Connection: close"]) + BODY)),
]


@pytest.mark.parametrize("title, behaviour", WELL_ENOUGH, ids=[row[0] for row in WELL_ENOUGH])
def test_answers_that_are_odd_but_sound_are_released(world, title, behaviour):
    name = world.person(consent(data="location: {}"), answer=behaviour)
    answer = world.ask(name)
    assert answer.status == 200, f"{title}: {answer}"
    assert SECRET.encode() not in answer.body


def test_the_end_of_a_connection_ends_an_answer_only_when_its_json_is_whole(world):
    whole = world.person(consent(), answer=answers.close_delimited(ONE))
    half = world.person(consent(), answer=answers.close_delimited(BODY[:100]))
    assert world.ask(whole).status in (200, 502)
    assert world.ask(half).status == 502


def test_a_stale_pooled_connection_costs_a_retry_and_no_flow(world):
    name = world.person(consent(), answer=answers.once_then_close(ONE))
    assert [world.ask(name).status for _ in range(6)] == [200] * 6


def test_connections_to_the_app_are_used_again(fresh):
    fresh.gateway.threads = 1
    fresh.gateway.write_config()
    fresh.gateway.start()
    name = fresh.person(consent())
    for _ in range(10):
        assert fresh.ask(name).status == 200
    assert fresh.waze.n_connections == 1


def test_an_app_that_is_down_is_told_apart_and_comes_back(fresh):
    import app as app_
    fresh.gateway.start()
    name = fresh.person(consent())
    assert fresh.ask(name).status == 200
    port = fresh.waze.port
    fresh.waze.close_listener()
    down = fresh.ask(name)
    assert down.status == 502 and down.reason == "app_unreachable"
    assert fresh.gateway.receipt(down.receipt)["reason"] == "app_unreachable"

    again = app_.App(port)
    try:
        again.on(f"/v1/drivers/{name}/position", answers.well(feature(name)))
        assert fresh.ask(name).status == 200
    finally:
        again.stop()


def test_a_flow_does_not_wait_for_another_apps_trouble(world):
    stuck = world.person(consent(), answer=answers.slow_head())
    healthy = world.person(consent())
    partner = world.partner()
    with partner.connect() as slow, partner.connect() as quick:
        slow.send(partner.request(partner.path("/v1/drivers/{subject}/position", stuck)))
        for _ in range(20):
            quick.send(partner.request(partner.path("/v1/drivers/{subject}/position", healthy)))
            assert quick.read_answer().status == 200
        assert slow.read_answer().reason == "app_timeout"
