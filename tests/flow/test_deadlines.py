"""Partners that dawdle: a connection is not theirs for ever."""
import socket

import pytest

from gateway import POSITION, WAIT_S, consent


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    from world import World
    limits = {"request_head_ms": 400, "connection_idle_ms": 600, "connections_per_address": 40}
    one = World(tmp_path_factory.mktemp("strict") / "node", limits=limits)
    try:
        one.gateway.start()
        yield one
    finally:
        one.close()


def is_closed_within(connection, n_tries, step):
    """Does `step` until the gateway closes; False if it never does."""
    connection.socket.settimeout(0.1)
    for i in range(n_tries):
        try:
            step(i)
            if connection.socket.recv(65536) == b"":
                return True
        except socket.timeout:
            continue
        except OSError:
            return True
    return False


def test_a_head_sent_byte_by_byte_is_cut_off(strict):
    head = b"GET / HTTP/1.1\r\nX: " + b"a" * 4000
    with strict.partner().connect() as connection:
        assert is_closed_within(connection, 300, lambda i: connection.send(head[i:i + 1]))


def test_half_a_head_is_cut_off(strict):
    with strict.partner().connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert is_closed_within(connection, 300, lambda i: None)


def test_silence_from_the_start_is_cut_off(strict):
    with strict.partner().connect() as connection:
        assert is_closed_within(connection, 300, lambda i: None)


def test_an_idle_connection_is_closed_after_an_answer(strict):
    name = strict.person(consent())
    partner = strict.partner()
    with partner.connect() as connection:
        connection.send(partner.request(partner.path(POSITION, name)))
        assert connection.read_answer().status == 200
        assert connection.read_to_end() == b""


def test_a_second_head_has_its_own_deadline(strict):
    name = strict.person(consent())
    partner = strict.partner()
    with partner.connect() as connection:
        connection.send(partner.request(partner.path(POSITION, name)))
        assert connection.read_answer().status == 200
        head = b"GET / HTTP/1.1\r\nX: " + b"a" * 4000
        assert is_closed_within(connection, 300, lambda i: connection.send(head[i:i + 1]))


def test_dawdlers_do_not_keep_others_out(strict):
    name = strict.person(consent())
    partner = strict.partner()
    dawdlers = [partner.connect() for _ in range(30)]
    try:
        for one in dawdlers:
            one.send(b"GET / HTTP/1.1\r\n")
        assert strict.ask(name).status == 200
    finally:
        for one in dawdlers:
            one.socket.close()


def test_one_address_gets_only_so_many_connections(strict):
    name = strict.person(consent())
    partner = strict.partner()
    many = [partner.connect() for _ in range(120)]
    try:
        n_closed = 0
        for one in many:
            one.socket.settimeout(0.02)
            try:
                n_closed += one.socket.recv(1) == b""
            except socket.timeout:
                pass
            except OSError:
                n_closed += 1
        assert n_closed >= 120 - 2 * 40
    finally:
        for one in many:
            one.socket.close()
    assert strict.ask(name).status == 200


def test_a_partner_that_leaves_early_harms_nobody(strict):
    name = strict.person(consent())
    partner = strict.partner()
    for _ in range(30):
        with partner.connect() as connection:
            connection.send(partner.request(partner.path(POSITION, name)))
    assert strict.ask(name).status == 200


def test_beyond_the_connections_of_a_listener_the_next_one_waits_for_a_place(tmp_path):
    """Nobody is cut off: who waits is served when another one leaves."""
    from world import World
    limits = {"connections": 8, "ledger_connections": 8, "connection_idle_ms": 60000,
              "request_head_ms": 60000}
    crowded = World(tmp_path / "node", limits=limits, threads=1)
    try:
        crowded.gateway.start()
        partner = crowded.partner()
        who = crowded.gateway.pseudonym("spotify", crowded.person(consent()))
        request = partner.request(POSITION.replace("{subject}", who))
        held = [partner.connect() for _ in range(8)]
        for one in held:  # each has its place when it was answered
            one.send(request)
            assert one.read_answer().status == 200
        with partner.connect() as waiting:
            waiting.send(request)
            waiting.socket.settimeout(0.5)
            with pytest.raises(socket.timeout):
                waiting.socket.recv(1)
            held[0].socket.close()
            waiting.socket.settimeout(WAIT_S)
            assert waiting.read_answer().status == 200
        for one in held[1:]:
            one.socket.close()
    finally:
        crowded.close()
