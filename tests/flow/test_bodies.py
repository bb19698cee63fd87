"""Requests with a body, and who may send one: an app is a client too, with a credential of its own."""
import pytest

import partner
from gateway import POSITION, consent

RECEIPTS = "/sluis/v1/receipts/1"


def send(world, data):
    """Raw bytes; returns the answer, and what came behind it until the gateway closed."""
    with partner.Connection(world.gateway.address) as connection:
        connection.send(data)
        return connection.read_answer(), connection.read_to_end()


def test_an_app_is_known_and_does_not_pass_for_a_partner(world):
    waze = world.gateway.client("waze")
    name = world.person(consent())
    path = world.partner().path(POSITION, name)
    answer = waze.get(path)
    assert answer.status == 403 and answer.reason == "wrong_party" and answer.receipt is None
    assert waze.get("/sluis/v1/receipts/0").reason == "not_yours"
    assert world.ask(name).status == 200


def test_an_app_is_told_of_what_is_not_there_like_anybody(world):
    waze = world.gateway.client("waze")
    assert waze.get("/nothing").reason == "no_route"
    assert waze.get("/sluis/v1/nothing").reason == "no_route"


@pytest.mark.parametrize("method, target, token, reason, status", [
    ("POST", POSITION, None, "no_partner", 401),
    ("POST", "/nothing", "partner", "no_route", 404),
    ("POST", POSITION, "partner", "no_method", 405),
    ("PUT", RECEIPTS, "partner", "no_method", 405),
    ("GET", RECEIPTS, "partner", "body", 400),
    ("DELETE", RECEIPTS, "partner", "body", 400),
])
@pytest.mark.parametrize("framing", ["length", "chunked", "expected"])
def test_a_body_that_nobody_wants_is_never_read(world, method, target, token, reason, status, framing):
    who = world.partner()
    name = world.person(consent())
    lines = {"length": "Content-Length: 1000000", "chunked": "Transfer-Encoding: chunked",
             "expected": "Content-Length: 1000000\r\nExpect: 100-continue"}[framing]
    head = partner.request(who.path(target, name), token=who.token if token else None, method=method)
    answer, rest = send(world, head[:-2] + lines.encode() + b"\r\n\r\n")
    assert (answer.status, answer.reason) == (status, reason)
    assert answer.header("connection") == "close" and answer.header("cache-control") == "no-store"
    assert answer.header("allow") == ("GET" if status == 405 else None)
    assert rest == b"", "an interim answer, or a second one"
