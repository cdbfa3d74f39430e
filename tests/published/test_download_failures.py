"""Downloads that must fail, and their messages."""

import hashlib
import io
import socket
import urllib.error
import urllib.request

import pytest

from downloads import DATA, NAME, digest, files, record, refusal
from keras_alexnet.published import download as module
from keras_alexnet.published import fetching
from local_server import broken, status, whole


def endless(handler):
    """Send data without end."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(DATA)


PAGE = b"\n<!DOCTYPE html><html>Please log in</html>"


FAILURES = [
    (status(404), "the server answered 404, 'Not Found'"),
    (whole(DATA[::-1]), f"its sha256 is {hashlib.sha256(DATA[::-1]).hexdigest()}"),
    (whole(DATA[:-1]), "it offers 699,999 bytes, not 700,000"),
    (whole(PAGE, length=False, kind="text/html"), "it sent a web page in place of the file"),
    (endless, "it sent more than 700,000 bytes"),
    (broken(DATA, 300_000), "the connection ended after 300,000 of 700,000 bytes, and so again, 4"),
    (status(503), "the server answered 503, 'Service Unavailable', and so again, 4 times in a row"),
    (status(302, Location="file:///etc/passwd"), "the server answered 302, "),
    (status(302, Location="ftp://127.0.0.1/a"), "the server answered 302, 'it redirects to an add"),
]


@pytest.mark.backend_free
class TestFailures:
    """What must not be taken for the file, and what is said of it."""

    @pytest.mark.parametrize(("answer", "reason"), FAILURES)
    def test_the_reason_is_said_and_nothing_is_left(self, server, home, answer, reason):
        """The message has the address and the reason; no file and no folder stay."""
        url = server.serve("a", answer)
        message = refusal(record(url))
        assert f"'net.bin' could not be downloaded: {url} ({reason}" in message
        assert files(home) is None

    def test_a_message_says_what_to_do(self, server, home):
        """Which file, which hash, the addresses tried, and where to put it by hand; one line."""
        urls = server.url("one"), server.url("two")
        message = refusal(record(*urls))
        assert all(f"{url} (the server answered 404" in message for url in urls)
        assert f"The file must have 700,000 bytes, sha256 {digest('sha256')[7:]}." in message
        assert "network: keras-alexnet download local." in message
        assert f"put it at {str(home / NAME)!r} or give its path as `weights`." in message
        assert "\n" not in message

    def test_what_a_server_says_is_escaped(self, server, home):
        """A server's words cannot write over the terminal."""

        def answer(handler):
            handler.wfile.write(b"HTTP/1.1 404 \x1b[2J" + b"x" * 1000 + b"\r\n\r\n")

        message = refusal(record(server.serve("a", answer)))
        assert "\x1b" not in message
        assert "'\\x1b[2J" + "x" * 96 + "'..." in message

    def test_nothing_listens(self, server, home):
        """A server that is not there is said, at once."""
        with socket.socket() as taken:  # by nobody who listens, and no other process can take it
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}/a"
            message = refusal(record(url))
        assert f"{url} (no connection: 'Connection refused')" in message

    def test_only_the_web(self, tmp_path, home):
        """A path of this machine is no address, whatever a table says."""
        (tmp_path / NAME).write_bytes(DATA)
        assert "must begin with https:// or http://" in refusal(record(f"file://{tmp_path / NAME}"))

    def test_too_large_a_file_of_unknown_size(self, server, home, monkeypatch):
        """Where no size is public there is a limit all the same."""
        monkeypatch.setattr(module, "LARGEST", 500_000)
        message = refusal(record(server.serve("a", whole(DATA)), size=None))
        assert "it sent more than 500,000 bytes" in message

    def test_a_tls_address_stays_with_tls(self):
        """From https no redirect leads to http; from http it may."""
        handler = fetching._SafeRedirects()
        request = urllib.request.Request("https://a.example/x")
        words = "without TLS"
        with pytest.raises(urllib.error.HTTPError, match=words), io.BytesIO() as body:
            handler.redirect_request(request, body, 302, "", {}, "http://a.example/x")
        for old, new in (("https", "https"), ("http", "http"), ("http", "https")):
            request = urllib.request.Request(f"{old}://a.example/x")
            url = f"{new}://b.example/y"
            answer = handler.redirect_request(request, io.BytesIO(), 302, "", {}, url)
            assert answer.full_url == url
