"""fake_witness.py - a witness that does what a test tells it to: lies, hangs, trickles, conflicts

It listens for real and signs for real; only its conduct is made up. `behave` is a function of the
request's body: it returns (status, content type, body), or takes the connection over and returns
None.
"""
import http.server
import threading
import time

import tlog


class FakeWitness:
    def __init__(self, name="fake.example/w", seed=150, wrap=None):
        self.key = tlog.Key(name, tlog.WITNESS, seed)
        self.vkey = self.key.vkey
        self.behave = self.cosign
        self.bodies = []
        self.paths = []
        self.ending = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.bodies.append(body)
                outer.paths.append(self.path)
                self.outer = outer
                answer = outer.behave(body) if outer.behave.__name__ != "raw" else \
                    outer.behave(body, self)
                if answer is None:
                    self.close_connection = True
                    return
                status, content_type, text = answer
                data = text.encode() if isinstance(text, str) else text
                self.send_response(status)
                if content_type:
                    self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(data)))
                if 300 <= status < 400:
                    self.send_header("Location", outer.url + "/elsewhere")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # the gateway hung up, as it should

        self.server = Server(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if wrap:
            self.server.socket = wrap.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        host = "localhost" if self.scheme == "https" else "127.0.0.1"
        return f"{self.scheme}://{host}:{self.port}"

    def close(self):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()

    # Parts of a request.

    @staticmethod
    def old_of(body):
        return int(body.split("\n", 1)[0].removeprefix("old "))

    @staticmethod
    def note_of(body):
        return body.split("\n\n", 1)[1]

    @classmethod
    def text_of(cls, body):
        return tlog.split_note(cls.note_of(body))[0]

    @classmethod
    def size_of(cls, body):
        return int(cls.text_of(body).splitlines()[1])

    # Conduct.

    def line(self, text, at=None):
        return self.key.line(text, at)

    def cosign(self, body):
        """Whatever comes, without a look at it."""
        return 200, "text/plain", self.line(self.text_of(body))

    def cosign_other_text(self, body):
        origin, size, _ = self.text_of(body).splitlines()
        return 200, "text/plain", self.line(f"{origin}\n{size}\n{tlog.b64(bytes(32))}\n")

    def cosign_in_the_future(self, body):
        return 200, "text/plain", self.line(self.text_of(body), int(time.time()) + 3600)

    def cosign_in_the_past(self, body):
        return 200, "text/plain", self.line(self.text_of(body), int(time.time()) - 3600)

    def cosign_with_another_key(self, body):
        other = tlog.Key(self.key.name, tlog.WITNESS, 151)
        return 200, "text/plain", other.line(self.text_of(body))

    def sign_as_a_log(self, body):
        other = tlog.Key(self.key.name, tlog.LOG, self.key.seed)
        return 200, "text/plain", other.line(self.text_of(body))

    def echo_the_checkpoint(self, body):
        return 200, "text/plain", self.note_of(body)

    def say_nothing_with_200(self, _):
        return 200, "text/plain", ""

    def say_garbage_with_200(self, _):
        return 200, "text/plain", b"\x00\xff\x1b[31m<html>"

    def say_too_much(self, body):
        return 200, "text/plain", self.line(self.text_of(body)) * 200

    def say(self, body, size):
        """Its line, and lines of others that make the answer as long as that."""
        data = self.line(self.text_of(body)).encode()
        while len(data) < size:
            left = size - len(data)
            frame = len(f"{tlog.DASH}  \n".encode())
            n_blob = min(4000, (left - frame - 1) // 4 * 4)
            if 0 < left - frame - n_blob - 1 < frame + 12:  # too little for one more line
                n_name = left - frame - n_blob
            else:
                n_name = 1
            data += f"{tlog.DASH} {'n' * n_name} {'A' * n_blob}\n".encode()
        assert len(data) == size
        return 200, "text/plain", data

    def say_as_much_as_is_read(self, body):
        return self.say(body, 16384)

    def say_one_byte_more(self, body):
        return self.say(body, 16385)

    def conflict_with_its_own(self, body):
        return 409, "text/x.tlog.size", f"{self.old_of(body)}\n"

    def conflict_differently_each_time(self, body):
        return 409, "text/x.tlog.size", f"{(self.old_of(body) + 1) % self.size_of(body)}\n"

    def conflict_with_garbage(self, _):
        return 409, "text/x.tlog.size", "many\n"

    def conflict_without_a_size(self, _):
        return 409, "text/plain", "no\n"

    def conflict_with_more_than_there_is(self, body):
        return 409, "text/x.tlog.size", f"{self.size_of(body) + 1000}\n"

    def conflict_with_2_to_64(self, _):
        return 409, "text/x.tlog.size", f"{2**64 - 1}\n"

    def find_it_inconsistent(self, _):
        return 422, "text/plain", "no\n"

    def not_watch_it(self, _):
        return 404, "text/plain", "no\n"

    def not_know_the_key(self, _):
        return 403, "text/plain", "no\n"

    def be_broken(self, _):
        return 500, "text/plain", "no\n"

    def redirect(self, _):
        return 307, "text/plain", ""

    def hang(self, _):
        self.ending.wait(120)

    # A function of this name gets the handler as well.

    def trickle(self):
        def raw(_, handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not self.ending.wait(0.05):
                handler.wfile.write(b"x")
        return raw

    def send_head_fields_for_ever(self):
        def raw(_, handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not self.ending.is_set():
                handler.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")
        return raw

    def send_a_body_for_ever(self):
        def raw(_, handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not self.ending.is_set():
                handler.wfile.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        return raw

    def hang_up(self):
        def raw(_, handler):
            handler.connection.close()
        return raw

    def speak_no_http(self):
        def raw(_, handler):
            handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        return raw
