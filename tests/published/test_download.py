"""Downloads from a server of this machine that breaks, stalls and resumes."""

import sys

import pytest

from downloads import DATA, NAME, files, record
from keras_alexnet.published import fetching
from keras_alexnet.published.download import download, local_path
from keras_alexnet.published.hashes import verify_hash
from local_server import broken, other_range, stalled, status, whole
from processes import LIMIT


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
        assert verify_hash(download(checkpoint, progress=False), checkpoint) == ""

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
        assert lines[2].startswith("The download failed: the server answered 404")
        assert "1/1" in lines[4]
        assert lines[5:] == [""]

    def test_mirrors_in_order(self, server, home):
        """The addresses are tried in their order, until one gives the right file."""
        urls = [server.url("no"), server.serve("bad", whole(DATA[::-1]))]
        urls += [server.serve("good", whole(DATA)), server.url("never")]
        download(record(*urls), progress=False)
        assert (home / NAME).read_bytes() == DATA
        assert [path for path, _ in server.asked] == ["/no", "/bad", "/good"]
