"""witness.py - a real witness in a folder of its own, and what asks it"""
import http.client
import pathlib

import tlog
from gateway import AUDIT, run
from process import WAIT_S, Process


class Witness(Process):
    """`sluis-audit witness`, on a port of the system's choice that it keeps when it starts again."""

    def __init__(self, folder, name="north.example/w", logs=()):
        super().__init__("the witness")
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.state = self.folder / "state"
        self.state.mkdir()
        self.key = self.folder / "witness.key"
        self.log_file = self.folder / "logs"
        self.name = name
        self.vkey = run(AUDIT, "witness", "--new-key", name, self.key).stdout.strip()
        self.port = 0
        self.watch(*logs)

    def watch(self, *vkeys):
        self.log_file.write_text("# what this witness watches\n\n" + "\n".join(vkeys) + "\n",
                                 encoding="utf-8")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def command(self, *more):
        return [str(part) for part in (AUDIT, "witness", "--listen", f"127.0.0.1:{self.port}",
                                       "--log", self.log_file, "--key", self.key,
                                       "--state", self.state, *more)]

    def start(self, *more, prefix=()):
        found = self.launch([*prefix, *self.command(*more)], r"ready: (\S+) on port (\d+)")
        assert found[1] == self.vkey
        self.port = int(found[2])
        return self

    def refuses_to_start(self, *more):
        """Status and what it says."""
        return self.refusal(self.command(*more))

    # Asking it.

    def http(self, method, target, body=None, headers=None):
        """Status, content type, text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read().decode()
        finally:
            connection.close()

    def post(self, body):
        body = body.encode() if isinstance(body, str) else body
        return self.http("POST", "/add-checkpoint", body)

    def add(self, log, old, size=None, hashes=None, note=None):
        """What it says to a checkpoint of a log, with a proof that is right unless given."""
        hashes = log.proof(old, size) if hashes is None else hashes
        return self.post(tlog.request(old, hashes, log.checkpoint(size) if note is None else note))

    def cosigns(self, log, old, size=None, **more):
        """The time of the cosignature, which must hold."""
        status, _, lines = self.add(log, old, size, **more)
        assert status == 200, lines
        return tlog.cosigned_at(self.vkey, log.text(size), lines)

    def newest(self, log):
        """The newest it cosigned of a log, as it serves it: text and signature lines, or None."""
        status, _, note = self.http("GET", f"/{self.hash(log.origin)}/checkpoint")
        assert status in (200, 404), note
        return tlog.split_note(note) if status == 200 else None

    @staticmethod
    def hash(origin):
        return tlog.hashlib.sha256(origin.encode()).hexdigest()
