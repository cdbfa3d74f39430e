"""A web server on this machine that misbehaves as told."""

import contextlib
import http.server
import threading


class LocalServer(http.server.ThreadingHTTPServer):
    """Serves each path by a function of the request; remembers what was asked for.

    `answers` has the functions by path; a list of them is gone through, the last one repeated.
    `asked` has a (path, Range header) pair for each request.
    """

    daemon_threads = False  # a test waits for the threads of its server: none outlives it

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {}
        self.asked = []
        self.release = threading.Event()  # what a stalling answer waits for

    def url(self, path):
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.server_port}/{path}"

    def serve(self, path, *answers):
        """Answer a path by these functions, one after the other, and return its address."""
        self.answers[f"/{path}"] = list(answers)
        return self.url(path)

    def handle_error(self, request, client_address):
        """Say nothing of clients that went away: some of them are meant to."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        answers = self.server.answers.get(self.path, [status(404)])
        self.close_connection = True
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, format, *arguments):
        pass


@contextlib.contextmanager
def running():
    """Give a server that runs in a thread."""
    with LocalServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.release.set()
            server.shutdown()
            thread.join()


def whole(body, announced=None, length=True, ranges=True, kind="application/octet-stream"):
    """Return an answer with a body, or the part of it that was asked for.

    `announced` is what the Content-Length is made of in place of the body's own length.
    """

    def answer(handler):
        start, asked = 0, handler.headers.get("Range")
        if asked and ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Type", kind)
        total = len(body) if announced is None else announced
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if length:
            handler.send_header("Content-Length", str(total - start))
        handler.end_headers()
        handler.wfile.write(body[start:])

    return answer


def broken(body, end, **options):
    """Return an answer that announces a body and ends early."""
    return whole(body[:end], announced=len(body), **options)


def stalled(body, end):
    """Return an answer that falls silent half-way, until the server is told to go on."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:end])
        handler.wfile.flush()
        handler.server.release.wait()
        handler.wfile.write(body[end:])

    return answer


def status(code, **headers):
    """Return an answer without a body."""

    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def other_range(body, start):
    """Return an answer that gives another part than it is asked for."""

    def answer(handler):
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        handler.send_header("Content-Length", str(len(body) - start))
        handler.end_headers()
        handler.wfile.write(body[start:])

    return answer
