"""witness.py - a real witness in a folder of its own, and what asks it"""
import http.client
import pathlib
import re
import signal
import subprocess
import threading
import time

import tlog
from gateway import AUDIT, ENVIRONMENT, WAIT_S, check_sanitizers, run


class Witness:
    """`sluis-audit witness`, on a port of the system's choice that it keeps when it starts again."""

    def __init__(self, folder, name="north.example/w", logs=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.state = self.folder / "state"
        self.state.mkdir()
        self.key = self.folder / "witness.key"
        self.log_file = self.folder / "logs"
        self.name = name
        self.vkey = run(AUDIT, "witness", "--new-key", name, self.key).stdout.strip()
        self.port = 0
        self.process = None
        self.environment = ENVIRONMENT
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
        assert self.process is None
        self.process = subprocess.Popen(
            [*prefix, *self.command(*more)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace", env=self.environment)
        self.log = []
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read_log, args=(self.process, ready),
                                        daemon=True)
        self._reader.start()
        if not ready.wait(WAIT_S) or not self._is_ready:
            self.end(signal.SIGKILL)
            raise AssertionError(f"the witness did not get ready:\n{self.text()}")
        return self

    def _read_log(self, process, ready):
        self._is_ready = False
        for line in process.stderr:
            self.log.append(line)
            found = re.search(r"ready: (\S+) on port (\d+)", line)
            if found:
                assert found[1] == self.vkey
                self.port = int(found[2])
                self._is_ready = True
                ready.set()
        ready.set()

    def text(self):
        return "".join(self.log)

    def wait_for_text(self, part):
        """What it logs is read by a thread, which may be a moment behind its answer."""
        end = time.monotonic() + WAIT_S
        while part not in self.text():
            assert time.monotonic() < end, f"never logged: {part}\n{self.text()}"
            time.sleep(0.01)

    def end(self, number):
        process, self.process = self.process, None
        process.send_signal(number)
        status = process.wait(WAIT_S)
        self._reader.join()
        process.stderr.close()
        check_sanitizers(self.text())
        return status

    def stop(self):
        if self.process is not None:
            status = self.end(signal.SIGTERM)
            assert status == 0, f"the witness ended with {status}:\n{self.text()}"

    def kill(self):
        self.end(signal.SIGKILL)

    def refuses_to_start(self, *more):
        """Status and what it says."""
        done = subprocess.run(self.command(*more), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", env=ENVIRONMENT, timeout=WAIT_S,
                              check=False)
        check_sanitizers(done.stderr)
        assert done.returncode > 0, done.stderr
        return done.returncode, done.stderr

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
