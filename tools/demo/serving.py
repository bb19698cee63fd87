"""serving.py - what both demo apps share: a small HTTP/1.1 server that answers JSON

It listens on 127.0.0.1 only, prints one "ready:" line, and ends on SIGTERM. An answer leaves in
one piece, so that keep-alive is not slowed down by Nagle's algorithm.
"""
import argparse
import http.server
import json
import signal
import socket
import sys
import urllib.parse


class JsonHandler(http.server.BaseHTTPRequestHandler):
    """Calls `answer(path segments, query)`; that returns (media type, object), or None for 404."""

    protocol_version = "HTTP/1.1"
    server_version = "demo-app"
    sys_version = ""
    wbufsize = 1 << 16
    answer = take = None

    def do_GET(self):
        target = urllib.parse.urlsplit(self.path)
        segments = [urllib.parse.unquote(part) for part in target.path.split("/")[1:]]
        found = type(self).answer(segments, dict(urllib.parse.parse_qsl(target.query)))
        if found is None:
            self.reply(404, "application/json", {"error": {"status": 404, "message": "Not found."}})
        else:
            self.reply(200, *found)

    def do_POST(self):
        """Calls `take(path, body)`, where there is one; it need not say anything."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.take is None:
            self.reply(404, "application/json", {"error": {"status": 404, "message": "Not found."}})
            return
        type(self).take(self.path, body)
        self.send_response(204)
        self.end_headers()

    def reply(self, status, media_type, answer):
        body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address


def number(query, name, default, least, most):
    """A whole number from the query, brought within its limits, as most APIs do."""
    text = query.get(name, "")
    return max(least, min(most, int(text))) if text.isascii() and text.isdigit() else default


def serve(description, answer):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 picks a free one")
    port = parser.parse_args().port

    handler = type("Handler", (JsonHandler,), {"answer": staticmethod(answer)})
    server = Server(("127.0.0.1", port), handler)
    for number_ in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number_, lambda *_: sys.exit(0))
    print(f"ready: http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
