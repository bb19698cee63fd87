"""TLS on both sides: partners reach the gateway by it, and the gateway reaches apps by it."""
import socket
import ssl

import pytest

import answers
import partner
from certificates import TlsApp, make_certificate
from world import World, feature
from gateway import POSITION, consent


class TlsConnection(partner.Connection):
    def __init__(self, address, context, session=None):
        super().__init__(address)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost", session=session)


@pytest.fixture
def secure(tmp_path):
    """A gateway with a certificate, for one test."""
    one = World(tmp_path / "node")
    certificate, key = make_certificate(tmp_path, "gateway", "localhost")
    plain = one.gateway.config_text()
    one.gateway.config.write_text(plain.replace(
        "  threads: 2\n", f"  threads: 2\n  tls: {{certificate: {certificate}, key: {key}}}\n"),
        encoding="utf-8")
    one.context = ssl.create_default_context(cafile=str(certificate))
    one.gateway.start()
    try:
        yield one
    finally:
        one.close()


def ask_by_tls(world, name, session=None):
    who = world.partner()
    with TlsConnection(world.gateway.address, world.context, session) as connection:
        connection.send(who.request(who.path(POSITION, name)))
        answer = connection.read_answer()
        return answer, connection.socket.version(), connection.socket.session, \
            connection.socket.session_reused


def test_the_ledger_is_served_by_tls_1_3_and_not_in_clear(secure):
    secure.ask = lambda name: ask_by_tls(secure, name)[0]
    assert secure.ask(secure.person(consent())).status == 200
    with TlsConnection(secure.gateway.ledger_address, secure.context) as connection:
        connection.send(partner.request("/checkpoint"))
        assert connection.read_answer().text().startswith("test.example/gateway\n2\n")
        assert connection.socket.version() == "TLSv1.3"
    with partner.Connection(secure.gateway.ledger_address) as connection:
        connection.send(partner.request("/checkpoint"))
        assert b"HTTP/1.1 200" not in connection.read_to_end()


def test_a_partner_is_served_by_tls_1_3_and_may_resume(secure):
    name = secure.person(consent())
    answer, version, session, reused = ask_by_tls(secure, name)
    assert answer.status == 200 and answer.receipt is not None
    assert version == "TLSv1.3" and not reused
    answer, version, _, reused = ask_by_tls(secure, name, session)
    assert answer.status == 200 and version == "TLSv1.3" and reused


def test_an_older_version_gets_no_connection(secure):
    secure.context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        TlsConnection(secure.gateway.address, secure.context)


def test_plain_http_on_the_tls_port_gets_nothing(secure):
    name = secure.person(consent())
    who = secure.partner()
    with socket.create_connection(secure.gateway.address, timeout=30) as plain:
        plain.sendall(who.request(who.path(POSITION, name)))
        try:
            received = plain.recv(65536)
        except ConnectionResetError:
            received = b""
    assert b"HTTP/" not in received
    assert all(one["kind"] == "policy" for one in secure.gateway.receipts())


def with_tls_app(world, url_host, trusted, served):
    """The app `waze` behind TLS: reached as url_host, serving `served`, checked against `trusted`."""
    app = TlsApp(*served)
    text = world.gateway.config_text().replace(
        f"    url: http://127.0.0.1:{world.waze.port}\n",
        f"    url: https://{url_host}:{app.port}\n    ca: {trusted}\n")
    assert "https://" in text
    world.gateway.config.write_text(text, encoding="utf-8")
    world.gateway.start()
    name = world.person(consent())
    app.on(f"/v1/drivers/{name}/position", answers.well(feature(name)))
    try:
        return world.ask(name), app
    finally:
        world.gateway.stop()  # lets go of its connection to the app
        app.stop()


def test_an_app_with_the_right_certificate_is_asked_by_tls(fresh, tmp_path):
    served = make_certificate(tmp_path, "app", "localhost")
    answer, app = with_tls_app(fresh, "localhost", served[0], served)
    assert answer.status == 200
    assert [one.path.rpartition("/")[2] for one in app.requests] == ["position"]


def test_an_app_that_nobody_vouches_for_learns_nothing(fresh, tmp_path):
    served = make_certificate(tmp_path, "app", "localhost")
    other = make_certificate(tmp_path, "other", "localhost")
    answer, app = with_tls_app(fresh, "localhost", other[0], served)
    assert answer.status == 502 and answer.reason == "app_unreachable"
    assert app.requests == []


def test_a_certificate_of_another_name_is_not_accepted(fresh, tmp_path):
    served = make_certificate(tmp_path, "app", "elsewhere.example")
    answer, app = with_tls_app(fresh, "localhost", served[0], served)
    assert answer.status == 502 and answer.reason == "app_unreachable"
    assert app.requests == []
