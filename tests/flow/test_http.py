"""Malformed HTTP: refused at the guard, the connection closed, no second request served.

Each row is raw bytes. `{ok}` stands for the header lines of a good request, `{path}` for a path
that would release data. After each row the ledger has to be as long as before: strangers, and
partners with a broken client, can't fill it.
"""
import itertools
import re

import pytest

from gateway import POSITION, consent

REFUSED = {400}


class Row:
    def __init__(self, name, raw, statuses=REFUSED, may_be_silent=False, by_library=False):
        self.name = name
        self.raw = raw
        self.statuses = statuses
        self.may_be_silent = may_be_silent  # closed without an answer, as libmicrohttpd does
        # Refused by libmicrohttpd before the guard can look: its head comes twice (see
        # docs/decisions/004-guard.md). Still one refusal, and nothing after it.
        self.by_library = by_library


def get(headers=b"", line=b"GET {path} HTTP/1.1", body=b"", ok=b"{ok}"):
    return line + b"\r\n" + ok + headers + b"\r\n" + body


HOST, AUTH = b"Host: gateway.test\r\n", b"{auth}"

LENGTHS = [
    Row("content-length twice, equal", get(b"Content-Length: 5\r\nContent-Length: 5\r\n", body=b"hello")),
    Row("content-length twice, different", get(b"Content-Length: 5\r\nContent-Length: 6\r\n", body=b"hello!")),
    Row("content-length and chunked",
        get(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", body=b"0\r\n\r\n")),
    Row("chunked and content-length",
        get(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", body=b"0\r\n\r\n")),
    Row("transfer-encoding on HTTP/1.0",
        get(b"Transfer-Encoding: chunked\r\n", line=b"GET {path} HTTP/1.0", body=b"0\r\n\r\n"), {400, 505}),
    Row("transfer-encoding twice",
        get(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", body=b"0\r\n\r\n")),
    Row("transfer-encoding with a space before the colon",
        get(b"Transfer-Encoding : chunked\r\n", body=b"0\r\n\r\n")),
    Row("content-length with a space before the colon", get(b"Content-Length : 5\r\n", body=b"hello")),
    Row("transfer-encoding xchunked", get(b"Transfer-Encoding: xchunked\r\n", body=b"0\r\n\r\n"), {400, 501}),
    Row("transfer-encoding identity", get(b"Transfer-Encoding: identity\r\n"), {400, 501}),
    Row("transfer-encoding gzip, chunked",
        get(b"Transfer-Encoding: gzip, chunked\r\n", body=b"0\r\n\r\n"), {400, 501}),
    *(Row(f"content-length {value.decode()!r}", get(b"Content-Length: " + value + b"\r\n", body=b"hello"),
          {400, 413}, by_library=True)
      for value in (b"+3", b"-1", b"0x3", b"3 3", b"3, 3", b"", b"18446744073709551616",
                    b"99999999999999999999999", b"3;", b"\x0b3")),
    Row("chunk size is not a number",
        get(b"Transfer-Encoding: chunked\r\n", body=b"xyz\r\nhello\r\n0\r\n\r\n"), {400, 413}),
    Row("chunk size too large",
        get(b"Transfer-Encoding: chunked\r\n", body=b"fffffffffffffffff\r\n"), {400, 413}),
    Row("chunk lines end in bare LF",
        get(b"Transfer-Encoding: chunked\r\n", body=b"5\nhello\n0\n\n"), {400, 413}),
    Row("a body with GET", get(b"Content-Length: 5\r\n", body=b"hello"), {400, 413}),
    Row("a chunked body with GET, with extensions",
        get(b"Transfer-Encoding: chunked\r\n", body=b"5;a=b\r\nhello\r\n0\r\n\r\n"), {400, 413}),
    Row("trailers", get(b"Transfer-Encoding: chunked\r\nTrailer: X\r\n", body=b"0\r\nX: 1\r\n\r\n"),
        {400, 413}),
]

LINES = [
    Row("bare LF line ends", get().replace(b"\r\n", b"\n")),
    Row("one bare LF", get(b"X: a\nY: b\r\n")),
    Row("bare CR line ends", get().replace(b"\r\n", b"\r"), may_be_silent=True),
    Row("bare CR in a value", get(b"X: a\rb\r\n")),
    Row("control byte in a value", get(b"X: a\x01b\r\n")),
    Row("DEL in a value", get(b"X: a\x7fb\r\n")),
    Row("NUL in a value", get(b"X: a\0b\r\n")),
    Row("NUL in a name", get(b"X\0: a\r\n")),
    Row("NUL in the host", get(HOST.replace(b"way", b"w\0y"), ok=AUTH)),
    Row("folded line", get(b"X: a\r\n b\r\n")),
    Row("folded first line", get(ok=b" X: a\r\n{ok}")),
    Row("folded with a tab", get(b"X: a\r\n\tb\r\n")),
    Row("no colon", get(b"Xabc\r\n")),
    Row("empty name", get(b": a\r\n")),
    Row("space in a name", get(b"X Y: a\r\n")),
    Row("bracket in a name", get(b"X[0]: a\r\n")),
    Row("8-bit byte in a name", get(b"X\xe9: a\r\n")),
    Row("space before every colon", get(ok=b"Host : gateway.test\r\n{auth}")),
]

HOSTS = [
    Row("no host", get(ok=AUTH)),
    Row("two hosts", get(ok=HOST + HOST + AUTH)),
    Row("two different hosts", get(ok=HOST + b"Host: other.test\r\n" + AUTH)),
    Row("empty host", get(ok=b"Host: \r\n" + AUTH)),
    Row("host with a path", get(ok=b"Host: gateway.test/x\r\n" + AUTH)),
    Row("host with a user", get(ok=b"Host: a@gateway.test\r\n" + AUTH)),
    *(Row(f"host {host.decode()!r}", get(ok=b"Host: " + host + b"\r\n" + AUTH))
      for host in (b"a/b@c, d", b"gateway.test/path", b"user@gateway.test", b"gateway.test, other.test",
                   b"gateway.test,other.test", b"gateway test", b"gateway.test:80x", b":80",
                   b"http://gateway.test", b"::1", b"[::1", b"gateway%2etest")),
]

REQUEST_LINES = [
    Row("HTTP/0.9", b"GET {path}\r\n\r\n", may_be_silent=True),
    Row("HTTP/1.0", get(line=b"GET {path} HTTP/1.0"), {400, 505}),
    Row("HTTP/1.2", get(line=b"GET {path} HTTP/1.2"), {400, 505}),
    Row("HTTP/2.0", get(line=b"GET {path} HTTP/2.0"), {400, 505}),
    Row("HTTP/01.1", get(line=b"GET {path} HTTP/01.1"), {400, 505}),
    Row("http/1.1 in small letters", get(line=b"GET {path} http/1.1"), {400, 505}, True),
    Row("no version number", get(line=b"GET {path} HTTP/"), {400, 505}, True),
    Row("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 405, 501, 505}),
    Row("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x42" * 64 + b"\r\n\r\n",
        {400, 501, 505}, True),
    Row("method with an at sign", get(line=b"G@T {path} HTTP/1.1"), {400, 405, 501}),
    Row("method of 5,000 bytes", get(line=b"G" * 5000 + b" {path} HTTP/1.1"), {400, 405, 431, 501}),
    Row("small letters in the method", get(line=b"get {path} HTTP/1.1"), {400, 405, 501}),
    Row("CONNECT", get(line=b"CONNECT gateway.test:443 HTTP/1.1"), {400, 405, 501}),
    Row("OPTIONS *", get(line=b"OPTIONS * HTTP/1.1"), {400, 405, 501}),
    Row("absolute target", get(line=b"GET http://gateway.test{path} HTTP/1.1")),
    Row("absolute target of another host", get(line=b"GET http://other.test{path} HTTP/1.1")),
    Row("target without a slash", get(line=b"GET v1/drivers HTTP/1.1")),
    Row("empty target", get(line=b"GET  HTTP/1.1"), {400}, True),
    Row("space in the target", get(line=b"GET {path} x HTTP/1.1"), {400}, True),
    Row("space after the version", get(line=b"GET {path} HTTP/1.1 "), {400, 505}, True),
    Row("tab instead of a space", get(line=b"GET\t{path}\tHTTP/1.1"), {400, 501, 505}, True),
    Row("target of 20 kB", get(line=b"GET /" + b"a" * 20000 + b" HTTP/1.1"), {400, 414, 431}),
    Row("8-bit byte in the target", get(line=b"GET {path}\xe9 HTTP/1.1")),
    Row("control byte in the target", get(line=b"GET {path}\x01 HTTP/1.1")),
    Row("NUL in the target", get(line=b"GET {path}\0/x HTTP/1.1"), {400}, True),
    Row("fragment in the target", get(line=b"GET {path}#x HTTP/1.1")),
]

# A path that means something else to the next reader is refused, not cleaned up.
PATHS = [
    Row(f"path trick {trick.decode()}", get(line=b"GET " + trick + b" HTTP/1.1"), {400, 404})
    for trick in (b"/v1/../v1{rest}", b"/./{path}", b"{path}/..", b"{path}/.", b"/v1%2f..{rest}",
                  b"/v1/drivers/x%2fposition", b"/v1/drivers/x%2Fposition", b"{path}%00",
                  b"{path};a=b", b"/v1\\drivers", b"/v1/%2e%2e{rest}",
                  b"/v1/%2E{rest}", b"//v1{rest}", b"/v1/{rest}", b"/v1/%252e%252e{rest}", b"{path}%", b"{path}%zz", b"{path}%0d%0aX:1")
]

FEATURES = [
    Row("unknown expectation", get(b"Expect: foo\r\n"), {400, 417}),
    Row("two purposes", get(b"Sluis-Purpose: recommendation\r\nSluis-Purpose: marketing\r\n")),
    Row("headers of 100 kB", get(b"X: " + b"a" * 100000 + b"\r\n"), {400, 431}, True),
    Row("101 headers", get(b"X: a\r\n" * 99), {431}),
    Row("3,000 headers", get(b"".join(b"X%d: a\r\n" % i for i in range(3000))), {400, 431}, True),
]

ROWS = LENGTHS + LINES + HOSTS + REQUEST_LINES + PATHS + FEATURES


@pytest.fixture(scope="module")
def consented(world):
    return world.person(consent())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name.replace(" ", "-"))
def test_malformed_request_is_refused_and_the_connection_closed(world, consented, row):
    partner = world.partner()
    path = partner.path(POSITION, consented).encode()
    auth = b"Authorization: Bearer " + partner.token.encode() + b"\r\n"
    data = row.raw
    for mark, value in ((b"{ok}", HOST + AUTH), (b"{auth}", auth), (b"{rest}", path[3:]),
                        (b"{path}", path)):
        data = data.replace(mark, value)
    before = world.ask(consented).receipt
    world.waze.forget()

    with partner.connect() as connection:
        # A good request right behind: if the gateway reads on, it answers this one.
        try:
            connection.send(data + partner.request(path.decode()))
        except OSError:
            pass  # closed while we were still sending
        said = connection.read_to_end()

    assert said or row.may_be_silent, "closed without an answer"
    if said:
        heads = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]
        assert said.startswith(b"HTTP/1.1 ") and heads[0] in row.statuses, said
        assert len(heads) == 1 or row.by_library and heads == heads[:1] * 2, f"a second head: {said!r}"
        assert b"\r\nsluis-receipt:" not in said.lower()
    assert world.waze.requests == [], "the app was asked"
    assert world.ask(consented).receipt == before + 1, "the ledger has grown"


def test_header_of_the_largest_size_is_still_read(world, consented):
    partner = world.partner()
    plain = len(partner.request(partner.path(POSITION, consented), headers=[("X", "")]))
    room = 8000 - plain
    assert partner.get(partner.path(POSITION, consented), headers=[("X", "a" * room)]).status == 200


def test_100_headers_are_still_read(world, consented):
    partner = world.partner()
    plain = partner.request(partner.path(POSITION, consented)).count(b"\r\n") - 2
    headers = [("X", "a")] * (100 - plain)
    assert partner.get(partner.path(POSITION, consented), headers=headers).status == 200


def test_harmless_oddities_are_understood(world, consented):
    partner = world.partner()
    for headers in ([("X-Empty", "")], [("X", "tab\there")], [("x-UPPER", "1")],
                    [("Connection", "keep-alive")], [("Accept", "*/*")]):
        assert partner.get(partner.path(POSITION, consented), headers=headers).status == 200


@pytest.mark.parametrize("line, status", [
    (b"TRACE {path}", 405), (b"GET /%76%31{rest}", 404), (b"GET /v1", 404),
])
def test_a_sound_request_that_leads_nowhere_keeps_the_connection(world, consented, line, status):
    partner = world.partner()
    path = partner.path(POSITION, consented).encode()
    good = partner.request(path.decode())
    line = line.replace(b"{path}", path).replace(b"{rest}", path[3:])
    with partner.connect() as connection:
        connection.send(good.replace(b"GET " + path, line) + good)
        assert connection.read_answer().status == status
        assert connection.read_answer().status == 200


@pytest.mark.parametrize("headers", [
    [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")],
    [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
     ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")],
    [("Connection", "Upgrade"), ("Upgrade", "TLS/1.3")],
], ids=["h2c", "websocket", "tls"])
def test_no_connection_becomes_a_tunnel(world, consented, headers):
    partner = world.partner()
    with partner.connect() as connection:
        connection.send(partner.request(partner.path(POSITION, consented), headers=headers))
        answer = connection.read_answer()
        assert answer.status in (200, 400, 501)
        assert answer.header("upgrade") is None
    assert world.waze.requests[-1].header("upgrade") is None


def test_connection_close_is_honoured(world, consented):
    partner = world.partner()
    with partner.connect() as connection:
        connection.send(partner.request(partner.path(POSITION, consented),
                                        headers=[("Connection", "close")]))
        assert connection.read_answer().status == 200
        assert connection.read_to_end() == b""


def test_pieces_cut_anywhere_are_the_same_request(world, consented):
    partner = world.partner()
    data = partner.request(partner.path(POSITION, consented))
    with partner.connect() as connection:
        for cut in itertools.chain(range(1, len(data), 13), [len(data) - 1]):
            connection.send(data[:cut])
            connection.send(data[cut:])
            assert connection.read_answer().status == 200
