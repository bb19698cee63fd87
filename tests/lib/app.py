"""app.py - a customer app that answers as it is told, byte for byte

`app.on(path, behaviour)` sets what a path does; a behaviour is a function of one Exchange. The
ones in answers.py cover what real apps do wrong. All requests are kept as they came in.
"""
import re
import socket
import threading


class Exchange:
    """One request to the app, and the means to answer it."""

    def __init__(self, connection, raw, gone, body=b""):
        self.connection = connection
        self.body = body
        self.raw = raw
        self.line, *rest = raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
        self.method, self.target, self.version = self.line.decode().split(" ")
        self.path = self.target.partition("?")[0]
        self.fields = [tuple(part.strip().decode() for part in line.split(b":", 1)) for line in rest]
        self._gone = gone

    def header(self, name):
        values = [value for field, value in self.fields if field.lower() == name.lower()]
        assert len(values) <= 1, f"{name} {len(values)} times: {self.raw!r}"
        return values[0] if values else None

    def send(self, data):
        """False when the gateway has gone away meanwhile, which is its right."""
        try:
            self.connection.sendall(data)
            return True
        except OSError:
            return False

    def wait_until_gateway_closes(self):
        try:
            while self.connection.recv(65536):
                pass
        except OSError:
            pass

    def wait(self, seconds):
        """Pauses, but not beyond the end of the test. True when the test is over."""
        return self._gone.wait(seconds)


class App:
    def __init__(self, port=0):
        self.requests = []
        self.n_connections = 0
        self._behaviours = {}
        self._lock = threading.Lock()
        self._gone = threading.Event()
        self._open = set()
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def on(self, path, behaviour):
        """behaviour(exchange) -> True to keep the connection, anything else to close it."""
        self._behaviours[path] = behaviour

    def forget(self):
        """Drops the record of requests so far."""
        with self._lock:
            self.requests = []

    def close_listener(self):
        """From now on nobody answers at the app's address."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.close_connections()

    def close_connections(self):
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self._gone.set()
        self.close_listener()
        self._accepting.join()
        for thread in self._threads:
            thread.join()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.n_connections += 1
                self._open.add(connection)
                self._threads = [thread for thread in self._threads if thread.is_alive()]
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
            if self._gone.is_set():
                connection.close()
            thread.start()

    def _serve(self, connection):
        try:
            pending = b""
            while True:
                while b"\r\n\r\n" not in pending:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    pending += piece
                head, mark, pending = pending.partition(b"\r\n\r\n")
                length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
                length = int(length[1]) if length else 0
                while len(pending) < length:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    pending += piece
                body, pending = pending[:length], pending[length:]
                exchange = Exchange(connection, head + mark, self._gone, body)
                with self._lock:
                    self.requests.append(exchange)
                behaviour = self._behaviours.get(exchange.path)
                if behaviour is None:
                    exchange.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                elif behaviour(exchange) is not True:
                    return
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
