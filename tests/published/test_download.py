"""Downloads against a server on this machine that breaks, stalls, lies and dies half-way."""

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import random
import signal
import socket
import sys
import threading
import urllib.error
import urllib.request
import zipfile

import pytest

import keras_alexnet
from keras_alexnet.cli import main
from keras_alexnet.published import download as module
from keras_alexnet.published import fetching, lookup, table
from keras_alexnet.published.cache import folders
from keras_alexnet.published.download import download, local_path
from keras_alexnet.published.hashes import flaw, identity
from keras_alexnet.published.lookup import get_checkpoint, list_checkpoints
from keras_alexnet.published.unpacking import take_member
from local_server import broken, other_range, running, stalled, status, whole
from processes import LIMIT, started

DATA = random.Random(0).randbytes(700_000)
NAME = "net.bin"


@pytest.fixture
def server():
    """A server of this machine."""
    with running() as server:
        yield server


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Where downloads go; nothing outside of the test's own folder is looked at."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("KERAS_ALEXNET_CHECKPOINTS", raising=False)
    monkeypatch.delenv("KERAS_ALEXNET_OFFLINE", raising=False)
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    return tmp_path / "keras" / "keras_alexnet"


def digest(algorithm, data=DATA):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def record(*urls, **fields):
    """Return the record of a file that is DATA."""
    known = {"hashes": (digest("sha256"),), "size": len(DATA), "name": "local", "filename": NAME}
    return dataclasses.replace(table.OWT_TORCHVISION, urls=urls, **{**known, **fields})


def files(folder):
    """Return the names of everything in a folder, hidden files and all."""
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else None


def refusal(checkpoint, **options):
    """Return the message of a download that must fail."""
    with pytest.raises(ValueError) as caught:
        download(checkpoint, progress=False, **options)
    return str(caught.value)


@pytest.mark.backend_free
class TestWhatArrives:
    """What comes over connections that do not do as they should."""

    def test_whole(self, server, home):
        """A file comes whole, under its own name, and once: the second time it is there."""
        checkpoint = record(server.serve("a", whole(DATA)))
        path = download(checkpoint, progress=False)
        assert path == local_path(checkpoint) == str(home / NAME)
        assert (home / NAME).read_bytes() == DATA
        assert files(home) == [NAME]
        assert server.asked == [("/a", None)]

    @pytest.mark.parametrize("known", [True, False])
    def test_without_a_length(self, server, home, known):
        """A server that does not say how much comes is no trouble."""
        url = server.serve("a", whole(DATA, length=False))
        checkpoint = record(url, size=len(DATA) if known else None)
        assert flaw(download(checkpoint, progress=False), checkpoint) == ""

    @pytest.mark.parametrize("length", [True, False])
    def test_broken_connections_are_gone_on_from(self, server, home, length):
        """After a connection that ended early only the rest is asked for."""
        half, most = broken(DATA, 300_000, length=length), broken(DATA, 600_000, length=length)
        download(record(server.serve("a", half, most, whole(DATA))), progress=False)
        assert (home / NAME).read_bytes() == DATA
        asked = [("/a", None), ("/a", "bytes=300000-"), ("/a", "bytes=600000-")]
        assert server.asked == asked

    def test_many_breaks(self, server, home, monkeypatch):
        """Connections that bring something on are not counted against the server."""
        monkeypatch.setattr(fetching, "PROGRESS", 100_000)
        parts = [broken(DATA, end) for end in range(100_000, 700_000, 100_000)]
        download(record(server.serve("a", *parts, whole(DATA))), progress=False)
        assert (home / NAME).read_bytes() == DATA
        assert len(server.asked) == 7

    def test_a_server_without_ranges_starts_anew(self, server, home):
        """Where the rest cannot be had by itself, all of it is taken again."""
        url = server.serve("a", broken(DATA, 300_000), whole(DATA, ranges=False))
        download(record(url), progress=False)
        assert (home / NAME).read_bytes() == DATA

    def test_another_part_than_asked_for(self, server, home):
        """A part that does not fit is thrown away, and all is taken again."""
        url = server.serve("a", broken(DATA, 300_000), other_range(DATA, 200_000), whole(DATA))
        download(record(url), progress=False)
        assert (home / NAME).read_bytes() == DATA
        assert [asked for _, asked in server.asked] == [None, "bytes=300000-", None]

    def test_a_file_that_shrank(self, server, home):
        """A server that has nothing behind what came is asked for all of it again."""
        short = whole(DATA[:1000], length=False)
        url = server.serve("a", short, status(416), whole(DATA))
        download(record(url), progress=False)
        assert (home / NAME).read_bytes() == DATA

    def test_a_stall_is_a_broken_connection(self, server, home, monkeypatch):
        """A server that falls silent is left after the timeout, and asked for the rest."""
        url = server.serve("a", stalled(DATA, 400_000), whole(DATA))
        read, received = fetching._read, 0

        def read_impatiently(answer):
            nonlocal received
            if received == 400_000:
                # Only now: this machine may be so busy that a short timeout ends before an answer.
                connection = answer.fp.raw._sock
                assert connection.gettimeout() == LIMIT
                connection.settimeout(0.1)
            received += len(chunk := read(answer))
            return chunk

        monkeypatch.setattr(fetching, "_read", read_impatiently)
        download(record(url), timeout=LIMIT, progress=False)
        assert (home / NAME).read_bytes() == DATA
        assert server.asked[1] == ("/a", "bytes=400000-")

    def test_a_busy_server_is_asked_again(self, server, home):
        """A server that is busy for a moment is not given up."""
        download(record(server.serve("a", status(503), whole(DATA))), progress=False)
        assert files(home) == [NAME]

    def test_a_redirect_is_followed(self, server, home):
        """The file may lie elsewhere."""
        server.serve("b", whole(DATA))
        download(record(server.serve("a", status(302, Location="/b"))), progress=False)
        assert files(home) == [NAME]

    def test_a_bar_on_a_terminal(self, server, home, monkeypatch, capsys):
        """On a terminal a bar shows the megabytes, and ends its line where it breaks off, too."""
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        first = server.serve("a", whole(DATA[:300_000], length=False), status(404))
        download(record(first, server.serve("b", whole(DATA))))
        lines = capsys.readouterr().out.split("\n")
        assert lines[0] == f"Downloading net.bin (1 MB) from {first}"
        assert "1/1" in lines[1]
        assert lines[2].startswith("That failed: the server answered 404")
        assert "1/1" in lines[4]
        assert lines[5:] == [""]

    def test_mirrors_in_order(self, server, home):
        """The addresses are tried in their order, until one gives the right file."""
        urls = [server.url("no"), server.serve("bad", whole(DATA[::-1]))]
        urls += [server.serve("good", whole(DATA)), server.url("never")]
        download(record(*urls), progress=False)
        assert (home / NAME).read_bytes() == DATA
        assert [path for path, _ in server.asked] == ["/no", "/bad", "/good"]


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
        assert f"A file of 700,000 bytes, sha256 {digest('sha256')[7:]} was expected." in message
        assert "run: keras-alexnet download local." in message
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
        assert "it is not an address of the web" in refusal(record(f"file://{tmp_path / NAME}"))

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


@pytest.mark.backend_free
class TestHashes:
    """Each kind of hash that the table has."""

    @pytest.mark.parametrize("algorithm", ["sha256", "sha1", "sha384", "md5"])
    def test_algorithms(self, tmp_path, algorithm):
        """The right file has no flaw; one bit off, it has, and the hash that it has is said."""
        (tmp_path / NAME).write_bytes(DATA)
        right = record(hashes=(digest(algorithm).upper().replace(algorithm.upper(), algorithm),))
        assert flaw(str(tmp_path / NAME), right) == ""
        other = bytes([DATA[0] ^ 1]) + DATA[1:]
        (tmp_path / NAME).write_bytes(other)
        found = digest(algorithm, other).partition(":")[2]
        assert flaw(str(tmp_path / NAME), right) == f"its {algorithm} is {found}"

    def test_a_prefix(self, tmp_path):
        """Eight digits are compared with the beginning, and only where the table says so."""
        (tmp_path / NAME).write_bytes(DATA)
        digits = digest("sha256").partition(":")[2][:8]
        path = str(tmp_path / NAME)
        prefix = record(hashes=(f"sha256-prefix:{digits}",))
        assert flaw(path, prefix) == ""
        assert identity(prefix) == f"700,000 bytes, sha256 beginning with {digits}"
        assert flaw(path, record(hashes=(f"sha256:{digits}",))).startswith("its sha256 is ")
        assert flaw(path, record(hashes=("sha256-prefix:00000000",)))

    def test_the_size_comes_first(self, tmp_path):
        """Another size is told without reading the file."""
        (tmp_path / NAME).write_bytes(DATA[1:])
        assert flaw(str(tmp_path / NAME), record()) == "it has 699,999 bytes, not 700,000"

    def test_every_row_of_the_table_can_be_verified(self, tmp_path):
        """Every published file has a hash of a known kind."""
        (tmp_path / NAME).write_bytes(DATA)
        for name in list_checkpoints():
            row = dataclasses.replace(get_checkpoint(name), size=None)
            assert flaw(str(tmp_path / NAME), row).startswith("its ")


def archive(*members, **options):
    """Return a zip archive of (name, data) pairs."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as entries:
        for name, data in members:
            entries.writestr(name, data)
    return file.getvalue()


MEMBER = {"member": NAME, "size": None, "hashes": (digest("sha1"),)}
LOCKED = bytearray(archive((NAME, DATA)))
LOCKED[6] |= 1  # the flag of a password, in the member's header and in the list
LOCKED[LOCKED.rindex(b"PK\1\2") + 8] |= 1
FLIPPED = bytearray(archive((NAME, DATA)))
FLIPPED[5000] ^= 1
METHOD = bytearray(archive((NAME, DATA)))
METHOD[METHOD.rindex(b"PK\1\2") + 10] = 14  # LZMA
BAD_ARCHIVES = [
    (DATA, "it sent no zip archive, or one that was cut"),
    (b"PK", "it sent no zip archive, or one that was cut"),
    (archive((NAME, DATA))[:-1], "it sent no zip archive, or one that was cut"),
    (archive(("other", DATA)), "its archive has 0 files named net.bin"),
    (archive(("../" + NAME, DATA)), "its archive has 0 files named net.bin"),
    (archive(*((f"{n}", b"") for n in range(17))), "its archive has more than 16 entries"),
    (archive((NAME, bytes(800_000)), compression=8), "its archive unpacks to more than 750,000"),
    (archive((NAME, DATA[::-1])), f"its sha1 is {hashlib.sha1(DATA[::-1]).hexdigest()}"),
    (bytes(LOCKED), "its archive is damaged or locked (RuntimeError)"),
    (bytes(FLIPPED), "its archive is damaged or locked (BadZipFile)"),
    (bytes(METHOD), "its archive is compressed by method 14"),
]


@pytest.mark.backend_free
class TestArchives:
    """Files that come in a zip archive."""

    @pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_the_member_is_taken(self, server, home, compression):
        """The member comes out, verified; the archive does not stay."""
        body = archive((NAME, DATA), compression=compression)
        download(record(server.serve("a.zip", whole(body)), **MEMBER), progress=False)
        assert (home / NAME).read_bytes() == DATA
        assert files(home) == [NAME]

    @pytest.mark.parametrize(("body", "reason"), BAD_ARCHIVES)
    def test_bad_archives(self, server, home, monkeypatch, body, reason):
        """Nothing is written but the one file, and it must be right."""
        monkeypatch.setattr(module, "LARGEST", 750_000)
        message = refusal(record(server.serve("a.zip", whole(body)), **MEMBER))
        assert f"({reason}" in message
        assert "get it by other means, unpack net.bin, and put it at" in message
        assert files(home) is None

    def test_a_list_of_entries_that_lies(self, tmp_path):
        """Whichever byte of the list is wrong, the member comes out right or not at all."""
        body = archive((NAME, DATA))
        refused = 0
        for place in range(len(body) - 75, len(body)):
            (tmp_path / "a").write_bytes(
                body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :]
            )
            try:
                take_member(str(tmp_path / "a"), NAME, str(tmp_path / str(place)), len(DATA))
            except fetching.Failed:
                refused += 1
            else:
                assert (tmp_path / str(place)).read_bytes() == DATA
        assert 30 < refused < 75


@pytest.mark.backend_free
class TestCopies:
    """Copies that are there, right ones and wrong ones."""

    def test_folders_in_order(self, home, tmp_path, monkeypatch):
        """Keras's folder comes first, then those that are named, then what PyTorch has."""
        monkeypatch.setenv("KERAS_ALEXNET_CHECKPOINTS", os.pathsep.join(["/one", "", "~/two"]))
        ours = str(tmp_path / "home" / ".keras" / "keras_alexnet")
        torch = str(tmp_path / "torch" / "hub" / "checkpoints")
        two = str(tmp_path / "home" / "two")
        assert folders() == [str(home), "/one", two, ours, torch]
        monkeypatch.delenv("KERAS_HOME")
        monkeypatch.delenv("TORCH_HOME")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        cache = str(tmp_path / "home" / ".cache" / "torch" / "hub" / "checkpoints")
        assert folders() == [ours, "/one", two, cache]

    @pytest.mark.parametrize("place", ["shared", "torch/hub/checkpoints"])
    def test_a_read_only_copy_is_used(self, home, tmp_path, monkeypatch, place):
        """A copy elsewhere is used where it lies; nothing is asked for or written."""
        folder = tmp_path / place
        folder.mkdir(parents=True)
        (folder / NAME).write_bytes(DATA)
        folder.chmod(0o555)
        monkeypatch.setenv("KERAS_ALEXNET_CHECKPOINTS", str(tmp_path / "shared"))
        monkeypatch.setenv("KERAS_ALEXNET_OFFLINE", "1")
        assert local_path(record("http://127.0.0.1:9/a")) == str(folder / NAME)
        assert not home.exists()
        folder.chmod(0o755)

    @pytest.mark.parametrize("wrong", [DATA[:-1], b"", DATA[::-1]])
    def test_a_wrong_copy_is_replaced(self, server, home, wrong, capsys):
        """A half or damaged copy is noticed, said and downloaded again."""
        home.mkdir(parents=True)
        (home / NAME).write_bytes(wrong)
        download(record(server.serve("a", whole(DATA))))
        assert (home / NAME).read_bytes() == DATA
        assert f"The copy {str(home / NAME)!r} is passed over: it" in capsys.readouterr().out

    def test_a_wrong_copy_stays_until_the_right_one_is_there(self, server, home):
        """When the download fails, what was there still is, and the message speaks of it."""
        home.mkdir(parents=True)
        (home / NAME).write_bytes(b"half")
        message = refusal(record(server.url("no")))
        assert f"The copy {str(home / NAME)!r} is wrong: it has 4 bytes, not 700,000." in message
        assert (home / NAME).read_bytes() == b"half"
        assert files(home) == [NAME]

    def test_offline(self, server, home, monkeypatch):
        """Switched off, nothing is asked for, and the message says where to get the file."""
        monkeypatch.setenv("KERAS_ALEXNET_OFFLINE", "1")
        checkpoint = record(server.serve("a", whole(DATA)), server.url("b"))
        message = refusal(checkpoint)
        assert "'net.bin' is not at hand, and KERAS_ALEXNET_OFFLINE is set." in message
        assert f"get it from {server.url('a')} or {server.url('b')} by other means" in message
        assert server.asked == []
        monkeypatch.setenv("KERAS_ALEXNET_OFFLINE", "0")
        assert download(checkpoint, progress=False) == str(home / NAME)

    def test_nowhere_to_write(self, server, tmp_path, home, monkeypatch):
        """Where nothing can be written it is said, and no temporary folder taken instead."""
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
        message = refusal(record(server.serve("a", whole(DATA))))
        assert "'net.bin' is not at hand, and cannot be downloaded to" in message
        assert "Set KERAS_HOME to one" in message
        assert server.asked == []

    def test_a_folder_of_ones_own(self, server, home, tmp_path):
        """With a folder given, only that one is looked at and written to."""
        checkpoint = record(server.serve("a", whole(DATA)))
        download(checkpoint, progress=False)
        path = download(checkpoint, str(tmp_path / "mine"), progress=False)
        assert path == str(tmp_path / "mine" / NAME)
        assert len(server.asked) == 2


# Downloads, prints when it has so many bytes, and waits for more. Of the package it imports what it
# needs, and not Keras, which takes seconds.
PROCESS = """
import dataclasses, json, sys, types

package = types.ModuleType("keras_alexnet")
package.__path__ = [sys.argv[3]]
sys.modules |= {"keras_alexnet": package, "keras": types.ModuleType("keras")}
from keras_alexnet.published import fetching, table
from keras_alexnet.published.download import download

read, received = fetching._read, 0

def read_and_tell(answer):
    global received
    if received == int(sys.argv[2]):
        print("waits for more", flush=True)
    chunk = read(answer)
    received += len(chunk)
    return chunk

fetching._read = read_and_tell
fields = {key: tuple(value) if isinstance(value, list) else value
          for key, value in json.loads(sys.argv[1]).items()}
print(download(dataclasses.replace(table.OWT_TORCHVISION, **fields), progress=False))
"""


@contextlib.contextmanager
def process(checkpoint, received):
    """Give a process that downloads, has so many bytes and waits for more."""
    fields = ("name", "filename", "urls", "hashes", "size")
    text = json.dumps({field: getattr(checkpoint, field) for field in fields})
    place = os.path.dirname(keras_alexnet.__file__)
    with started("-c", PROCESS, text, str(received), place) as process:
        process.wait_for("waits for more")
        yield process


@contextlib.contextmanager
def waiting(checkpoint, server, patch):
    """Download in a thread; give a list for the result once it waits for another process."""
    waits, texts, result = threading.Event(), [], []

    def say(text):
        texts.append(text)
        if text.startswith("Another process downloads to"):
            waits.set()

    def work():
        try:
            result.append(download(checkpoint))
        finally:
            waits.set()

    patch.setattr(module, "print", say, raising=False)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert waits.wait(LIMIT)
        assert texts[-1].startswith("Another process downloads to")
        yield result
    finally:
        server.release.set()  # if the block has failed, too: the thread ends with the test
        thread.join()


@pytest.mark.backend_free
class TestProcesses:
    """Several at once, and ends of all kinds."""

    def test_two_at_once_download_once(self, server, home, monkeypatch):
        """The second waits for the first, and takes what that one got."""
        checkpoint = record(server.serve("a", stalled(DATA, 1000)))
        with (
            process(checkpoint, 1000) as other,
            waiting(checkpoint, server, monkeypatch) as result,
        ):
            server.release.set()
            code, out, err = other.end()
        assert (code, out, err) == (0, f"{home / NAME}\n", "")
        assert result == [str(home / NAME)]
        assert files(home) == [NAME]
        assert server.asked == [("/a", None)]

    def test_a_killed_process_hinders_nobody(self, server, home, monkeypatch):
        """Who waits for a process that is killed takes over, and clears away what it left."""
        checkpoint = record(server.serve("a", stalled(DATA, 300_000), whole(DATA)))
        with (
            process(checkpoint, 300_000) as other,
            waiting(checkpoint, server, monkeypatch) as result,
        ):
            code, _, _ = other.end(signal.SIGKILL)
        assert code == -signal.SIGKILL
        assert result == [str(home / NAME)]
        assert files(home) == [NAME]

    def test_ctrl_c_leaves_nothing(self, server, home, monkeypatch, capsys):
        """Interrupted half-way, the command says so in a line and leaves no half file."""
        checkpoint = record(server.serve("a", stalled(DATA, 300_000)))
        monkeypatch.setattr(lookup, "CHECKPOINTS", {"local": checkpoint})
        read, received = fetching._read, []

        def read_or_stop(answer):
            if sum(received) == 300_000:
                assert files(home)
                signal.raise_signal(signal.SIGINT)
            received.append(len(chunk := read(answer)))
            return chunk

        monkeypatch.setattr(fetching, "_read", read_or_stop)
        assert main(["download", "local"]) == 130
        err = capsys.readouterr().err
        assert err.strip() == "keras-alexnet download: interrupted; nothing was saved"
        assert files(home) is None


@pytest.fixture
def known(server, home, monkeypatch):
    """The table with one row, of a file that the server has."""
    row = record(server.serve("a", whole(DATA)))
    monkeypatch.setattr(lookup, "CHECKPOINTS", {"local": row})
    return row


@pytest.mark.backend_free
class TestCommand:
    """`keras-alexnet download`."""

    def test_download(self, known, server, home, capsys):
        """The path, the size and the hash are said; the second time, that it was there."""
        assert main(["download", "local"]) == 0
        out = capsys.readouterr().out
        sha256 = digest("sha256")[7:]
        assert out == (
            f"Downloading net.bin (1 MB) from {known.urls[0]}\n"
            f"Saved {home / NAME}\n"
            f"Verified: 700,000 bytes, sha256 {sha256}\n"
        )
        assert main(["download", "owt"]) == 0  # the variant's best one
        assert capsys.readouterr().out.startswith(f"It was there: {home / NAME}\nVerified: ")
        assert len(server.asked) == 1

    def test_json_and_output(self, known, tmp_path, capsys):
        """`--json` prints nothing else; `--output` names the folder."""
        assert main(["download", "local", "--output", str(tmp_path / "here"), "--json"]) == 0
        result = json.loads(capsys.readouterr().out)
        path = str(tmp_path / "here" / NAME)
        assert (result["path"], result["name"], result["downloaded"]) == (path, "local", True)
        assert result["verified"].startswith("700,000 bytes, sha256 ")

    def test_list(self, home, capsys):
        """`--list` names every checkpoint, its size, and whether it is there."""
        home.mkdir(parents=True)
        (home / "bvlc_alexnet.caffemodel").write_bytes(b"")
        assert main(["download", "--list"]) == 0
        out = capsys.readouterr().out
        rows = {line.split()[0]: line for line in out.splitlines() if line}
        assert set(list_checkpoints()) <= set(rows)
        assert "243.9" in rows["bvlc_caffe"] and str(home) in rows["bvlc_caffe"]
        assert str(home) not in rows["owt_torchvision"]
        assert main(["download", "--list", "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)
        assert [row["name"] for row in listed] == list_checkpoints()
        assert listed[1]["path"] == str(home / "bvlc_alexnet.caffemodel")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nosuch"], "Received the checkpoint 'nosuch', which is not known."),
            (["paper"], "the variant 'paper', of which no weights are published"),
            ([], "Received no name of a checkpoint."),
        ],
    )
    def test_mistakes(self, home, capsys, arguments, message):
        """A mistake is one line on stderr, nothing on stdout, and exit code 2."""
        assert main(["download", *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert message in captured.err
        assert captured.err.count("\n") == 1

    def test_a_failure_is_one_line(self, server, home, monkeypatch, capsys):
        """A failed download is one line too, with exit code 2."""
        monkeypatch.setattr(lookup, "CHECKPOINTS", {"local": record(server.url("no"))})
        assert main(["download", "local", "--json"]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1

    def test_help_has_an_example(self, capsys):
        """`--help` ends in an example."""
        with pytest.raises(SystemExit):
            main(["download", "--help"])
        assert "example: keras-alexnet download" in capsys.readouterr().out
