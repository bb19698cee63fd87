"""answers.py - what apps answer, well and badly: behaviours for app.App"""
import gzip as gzip_
import json as json_

GEO = "application/geo+json"


def head(status="200 OK", media_type=GEO, length=None, more=()):
    lines = [f"HTTP/1.1 {status}"]
    if media_type is not None:
        lines.append(f"Content-Type: {media_type}")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join([*lines, *more]) + "\r\n\r\n").encode()


def encoded(answer):
    if isinstance(answer, bytes):
        return answer
    return json_.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def well(answer, media_type=GEO, status="200 OK", more=()):
    """A plain answer: Content-Length, keep-alive. `answer` is an object, or bytes as they are."""
    body = encoded(answer)

    def behave(exchange):
        return exchange.send(head(status, media_type, len(body), more) + body)
    return behave


def raw(data, keep=False):
    """Exactly these bytes; then the connection is closed, unless `keep`."""
    def behave(exchange):
        return exchange.send(data) and keep
    return behave


def raw_and_wait(data):
    """Exactly these bytes, and then nothing, until the gateway gives up."""
    def behave(exchange):
        exchange.send(data)
        exchange.wait_until_gateway_closes()
    return behave


def slow_head():
    return raw_and_wait(b"")


def head_byte_by_byte(answer):
    """One byte each 50 ms: never silent for long, and never done in time."""
    data = head(length=len(encoded(answer))) + encoded(answer)
    return dribble(b"", data)


def body_byte_by_byte(answer):
    return dribble(head(length=len(encoded(answer))), encoded(answer))


def dribble(at_once, slowly):
    def behave(exchange):
        exchange.send(at_once)
        for i in range(len(slowly)):
            if exchange.wait(0.05) or not exchange.send(slowly[i:i + 1]):
                return
    return behave


def slow_body(answer):
    body = encoded(answer)
    return raw_and_wait(head(length=len(body)) + body[:len(body) // 2])


def cut_off(answer):
    body = encoded(answer)
    return raw(head(length=len(body)) + body[:len(body) // 2])


def cut_off_chunked(answer):
    body = encoded(answer)
    return raw(head(more=["Transfer-Encoding: chunked"]) + b"%x\r\n" % len(body) + body + b"\r\n")


def chunked(answer, piece_bytes=7, trailer=b""):
    body = encoded(answer)
    pieces = [body[i:i + piece_bytes] for i in range(0, len(body), piece_bytes)]
    data = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    data = head(more=["Transfer-Encoding: chunked"]) + data + b"0\r\n" + trailer + b"\r\n"
    return raw(data, keep=True)


def close_delimited(answer):
    """Neither length nor chunks: the end of the connection is the end of the answer."""
    return raw(head(more=["Connection: close"]) + encoded(answer))


def gzip(answer):
    body = gzip_.compress(encoded(answer), mtime=0)
    return well(body, more=["Content-Encoding: gzip"])


def large(n_bytes, send=well):
    """Valid JSON of the right type, but very long."""
    begin, end = b'{"type":"Feature","notes":[', b'"end"]}'
    note = b'"' + b"x" * 997 + b'",'
    n_notes = (n_bytes - len(begin) - len(end)) // len(note)
    return send(begin + note * n_notes + end)


def once_then_close(answer):
    """Keeps the connection to all appearances, and closes it when the next request comes."""
    body = encoded(answer)

    def behave(exchange):
        exchange.send(head(length=len(body)) + body)
        exchange.connection.recv(1)
    return behave
