"""`keras-alexnet download`: what it prints, and mistakes."""

import json

import pytest

from downloads import NAME, digest, record
from keras_alexnet.cli import main
from keras_alexnet.published import lookup
from keras_alexnet.published.lookup import list_checkpoints


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
        assert capsys.readouterr().out.startswith(f"Found a copy: {home / NAME}\nVerified: ")
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
            (["nosuch"], "Received checkpoint='nosuch', which is not known."),
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
