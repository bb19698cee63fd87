"""partner.py - a platform partner that controls every byte it sends

`Partner.get()` is the everyday request. `Connection` sends raw bytes and reads raw answers, for
everything a well-behaved client would not do.
"""
import json
import socket

WAIT_S = 30  # for an answer that has to come; only a broken gateway makes a test wait so long


class Answer:
    """One HTTP answer, taken apart without tolerance: what is odd fails the test."""

    def __init__(self, head, body):
        self.head = head
        self.body = body
        lines = head.split(b"\r\n")
        version, status, *_ = lines[0].split(b" ", 2)
        assert version == b"HTTP/1.1", f"odd status line: {lines[0]!r}"
        self.status = int(status)
        self.fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            assert colon and name == name.strip(), f"odd header line: {line!r}"
            self.fields.append((name.decode().lower(), value.strip().decode()))

    def header(self, name):
        values = [value for field, value in self.fields if field == name.lower()]
        assert len(values) <= 1, f"{name} {len(values)} times in {self.head!r}"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    @property
    def reason(self):
        assert self.header("content-type") == "application/problem+json", self
        return self.json()["reason"]

    @property
    def receipt(self):
        """The index in `Sluis-Receipt: <origin>/<index>`, or None."""
        text = self.header("sluis-receipt")
        return None if text is None else int(text.rpartition("/")[2])

    @property
    def receipts(self):
        """The indices that `Sluis-Receipt: <origin>/<first>-<last>` names, in order."""
        text = self.header("sluis-receipt")
        if text is None:
            return []
        first, _, last = text.rpartition("/")[2].partition("-")
        assert last == "" or int(last) > int(first), text
        return list(range(int(first), int(last or first) + 1))

    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<Answer {self.status} {self.fields} {self.body[:300]!r}>"


class Connection:
    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=WAIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        """False at the end of the stream; a reset counts as one."""
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            piece = b""
        self.pending += piece
        return piece != b""

    def read_answer(self, has_body=True):
        """The next answer, or None when the connection was closed before a head was complete."""
        while b"\r\n\r\n" not in self.pending:
            if not self._more():
                return None
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        answer = Answer(head, b"")
        assert answer.header("transfer-encoding") is None, "released bodies have a known length"
        length = int(answer.header("content-length")) if has_body else 0
        while len(self.pending) < length:
            assert self._more(), f"closed in the middle of a body: {head!r}"
        answer.body, self.pending = self.pending[:length], self.pending[length:]
        return answer

    def read_to_end(self):
        """All that still comes, until the gateway closes."""
        while self._more():
            pass
        rest, self.pending = self.pending, b""
        return rest


def request(path, token=None, purpose=None, headers=(), method="GET", host="gateway.test"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if purpose is not None:
        lines.append(f"Sluis-Purpose: {purpose}")
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Partner:
    def __init__(self, gateway, name, token):
        self.gateway = gateway
        self.name = name
        self.token = token

    def connect(self):
        return Connection(self.gateway.address)

    def request(self, path, **more):
        return request(path, token=self.token, **more)

    def get(self, path, **more):
        """One request on a connection of its own."""
        with self.connect() as connection:
            connection.send(self.request(path, **more))
            answer = connection.read_answer()
            assert answer is not None, "the gateway closed the connection without an answer"
            return answer

    def path(self, route, subject):
        """What this partner calls to learn `route` of `subject`."""
        return route.replace("{subject}", self.gateway.pseudonym(self.name, subject))
