"""Checkpoints that come in a zip archive."""

import hashlib
import io
import zipfile

import pytest

from downloads import DATA, NAME, digest, files, record, refusal
from keras_alexnet.published import download as module
from keras_alexnet.published import fetching
from keras_alexnet.published.download import download
from keras_alexnet.published.unpacking import extract_member
from local_server import whole


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
        assert "get the file by other means, unpack net.bin, and put it at" in message
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
                extract_member(str(tmp_path / "a"), NAME, str(tmp_path / str(place)), len(DATA))
            except fetching.DownloadError:
                refused += 1
            else:
                assert (tmp_path / str(place)).read_bytes() == DATA
        assert 30 < refused < 75
