"""`check_images` and its command: what they find, print and move."""

import errno
import json
import os

import pytest
from PIL import Image

from keras_alexnet.cli import main
from keras_alexnet.data.image_check import check_images

pytestmark = pytest.mark.backend_free


@pytest.fixture
def folder(tmp_path):
    """Good images at several depths, three bad files, and files to leave alone."""
    images = tmp_path / "images"
    (images / "cats" / "more").mkdir(parents=True)
    for place in ("top.png", "cats/a.jpg", "cats/more/b.webp"):
        Image.effect_noise((40, 40), 50).save(images / place)
    (images / "cats" / "empty.jpg").write_bytes(b"")
    (images / "cats" / "more" / "text [1].jpg").write_text("text")
    (images / "cut.png").write_bytes((images / "top.png").read_bytes()[:600])
    (images / "notes.txt").write_text("no image, and it does not say so")
    (images / ".hidden").mkdir()
    (images / ".hidden" / "x.png").write_text("")
    (images / "cats" / "loop").symlink_to(images / "cats")
    return images


BAD = ["cats/empty.jpg", "cats/more/text [1].jpg", "cut.png"]


def relative(findings, folder):
    """Return the paths of findings from the folder on."""
    return [os.path.relpath(finding.path, folder) for finding in findings]


def contents(folder):
    """Return the files below a folder with what is in them."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "loop" not in path.parts
    }


def test_bad_files_are_found_with_reasons(folder):
    """Every image file is decoded once; bad ones come in order of path, and stay."""
    before = contents(folder)
    findings = check_images(str(folder))
    assert findings.checked == 6
    assert relative(findings.bad, folder) == BAD
    reasons = [finding.reason for finding in findings.bad]
    assert reasons[0] == "it is empty (0 bytes)"
    assert reasons[1] == "it is not an image of a known kind, but text that begins with 'text'"
    assert reasons[2].startswith("it is cut short or damaged (image file is truncated")
    assert findings.remarks == ()
    assert contents(folder) == before


def test_more_files_than_are_handed_out_at_once(tmp_path, monkeypatch):
    """Reasons stay with their files when the work is cut into pieces."""
    monkeypatch.setattr("keras_alexnet.data.image_check.AT_ONCE", 3)
    for number in range(10):
        path = tmp_path / f"{number}.png"
        Image.new("L", (4, 4)).save(path) if number % 4 else path.write_bytes(b"")
    findings = check_images(str(tmp_path))
    assert relative(findings.bad, tmp_path) == ["0.png", "4.png", "8.png"]


REMARKS = {
    "png.jpg": ({}, "PNG", "RGB", "it is PNG inside, though it ends in .jpg"),
    "cmyk.jpg": ({}, "JPEG", "CMYK", "CMYK, shown without its colour profile"),
    "deep.png": ({}, "PNG", "I;16", "16 bits, of which 8 are kept"),
    "clear.png": ({}, "PNG", "RGBA", "transparent pixels are shown on white"),
    "film.gif": (
        {"save_all": True, "append_images": [Image.new("L", (9, 9), 9)]},
        "GIF",
        "L",
        "the first of 2 frames is used",
    ),
    "plain.JPEG": ({}, "JPEG", "RGB", None),
}


@pytest.mark.parametrize(
    ("tags", "remark"),
    [
        (
            {},
            "16 bits, of which 8 are kept; no pixel is brighter than 16 of 255, because the file "
            "declares 65,535 as its largest value",
        ),
        ({281: 4095}, "12 bits, of which 8 are kept"),
    ],
)
def test_a_dark_image_of_16_bits_has_a_remark(tags, remark, tmp_path):
    """Pixels of 12 bits in 16 are black unless the file says so: the declared range is taken."""
    Image.new("I;16", (9, 9), 4095).save(tmp_path / "camera.tif", tiffinfo=tags)
    (finding,) = check_images(str(tmp_path)).remarks
    assert finding.reason == remark


@pytest.mark.parametrize("name", REMARKS)
def test_remarks(name, tmp_path):
    """A file that can be read in a way that may surprise is fine, with a remark."""
    options, kind, mode, remark = REMARKS[name]
    Image.new(mode, (9, 9)).save(tmp_path / name, kind, **options)
    findings = check_images(str(tmp_path))
    assert findings.bad == ()
    assert [finding.reason for finding in findings.remarks] == ([remark] if remark else [])


def test_bad_files_are_moved_to_the_same_places(folder, tmp_path):
    """They are as they were, no other file is touched, and the next check finds nothing."""
    before = contents(folder)
    aside = tmp_path / "aside"
    findings = check_images(str(folder), move_to=str(aside))
    assert contents(aside) == {name: before[name] for name in BAD}
    assert contents(folder) == {name: before[name] for name in before if name not in BAD}
    assert [finding.moved_to for finding in findings.bad] == [str(aside / name) for name in BAD]
    assert check_images(str(folder), move_to=str(tmp_path / "none")).bad == ()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("disks", ["one disk", "two disks"])
def test_moving_overwrites_nothing(folder, tmp_path, monkeypatch, disks):
    """A file of the same name keeps its place; the new one gets a number."""
    aside = tmp_path / "aside"
    (aside / "cats").mkdir(parents=True)
    (aside / "cats" / "empty.jpg").write_text("from before")
    if disks == "two disks":

        def other_disk(source, target):
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(os, "replace", other_disk)
    before = contents(folder)
    findings = check_images(str(folder), move_to=str(aside))
    assert findings.bad[0].moved_to == str(aside / "cats" / "empty-2.jpg")
    assert contents(aside) == {
        "cats/empty.jpg": b"from before",
        "cats/empty-2.jpg": b"",
        BAD[1]: before[BAD[1]],
        BAD[2]: before[BAD[2]],
    }
    assert sorted(contents(folder)) == sorted(set(before) - set(BAD))


def test_a_file_that_cannot_be_moved_stays(folder, tmp_path, monkeypatch):
    """A disk that is full loses no file and leaves no half one."""

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = contents(folder)
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(
        ValueError, match=r"Could not move .*empty.jpg.*No space left.*where it was"
    ):
        check_images(str(folder), move_to=str(tmp_path / "aside"))
    assert contents(folder) == before
    assert contents(tmp_path) == {f"images/{name}": content for name, content in before.items()}


MISTAKES = [
    (["nowhere"], "which does not exist"),
    (["images/top.png"], "which is a file"),
    (["images/none"], "holds no images"),
    (["images", "--move-to", "images/cats/bad"], "lies in 'images'"),
    (["images", "--move-to", "images"], "lies in 'images'"),
    (["images", "--move-to", "images/top.png/x"], "lies in 'images'"),
    (["images", "--move-to", "file"], "cannot be made"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_mistakes(arguments, message, folder, tmp_path, monkeypatch, capsys):
    """A mistake is one line and exit code 2, and changes nothing."""
    (folder / "none").mkdir()
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    assert main(["check-images", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert contents(tmp_path) == before


def test_the_command_prints_a_line_for_each(folder, monkeypatch, capsys):
    """Bad files, then remarks, then the sum, as they are written; exit code 1."""
    Image.new("L", (4, 4)).save(folder / "wrong.jpg", "PNG")
    monkeypatch.chdir(folder)
    assert main(["check-images", "."]) == 1
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    words = [[part.strip() for part in line if part.strip()] for line in lines]
    assert words[0] == ["cannot be read", "because"]
    assert words[1] == ["./cats/empty.jpg", "it is empty (0 bytes)"]
    assert words[2][0] == "./cats/more/text [1].jpg"
    assert words[5:7] == [
        ["can be read", "but"],
        ["./wrong.jpg", "it is PNG inside, though it ends in .jpg"],
    ]
    assert words[-1] == ["Checked 7 images: 3 cannot be read."]


def test_the_command_when_all_is_well(folder, tmp_path, capsys):
    """After the bad files were moved, the exit code is 0."""
    aside = str(tmp_path / "aside")
    assert main(["check-images", str(folder), "--move-to", aside]) == 1
    assert "Checked 6 images: 3 cannot be read; 3 moved aside." in capsys.readouterr().out
    assert main(["check-images", str(folder)]) == 0
    assert capsys.readouterr().out == (
        "Passed over 1 file without the ending of an image that can be read: 'notes.txt'.\n"
        "Checked 3 images: all can be read.\n"
    )


def test_names_that_are_no_text(tmp_path, capsysbinary):
    """A name in bytes that are not UTF-8 is shown escaped."""
    with open(os.path.join(os.fsencode(tmp_path), b"caf\xe9.jpg"), "wb"):
        pass
    assert main(["check-images", str(tmp_path)]) == 1
    assert rb"caf\udce9.jpg" in capsysbinary.readouterr().out


def test_the_command_as_json(folder, capsys):
    """`--json` gives everything, and nothing else."""
    assert main(["check-images", str(folder), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["checked"] == 6
    assert found["bad"][0] == {
        "path": str(folder / BAD[0]),
        "reason": "it is empty (0 bytes)",
        "moved_to": None,
    }
    assert found["remarks"] == []
    assert found["passed_over"] == [
        {"path": str(folder / "notes.txt"), "reason": "no image that can be read ends in .txt"}
    ]
