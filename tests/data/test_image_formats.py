"""Which files are read as images, and how the others are named."""

import pytest
from PIL import EpsImagePlugin, Image, features

from keras_alexnet.cli import main
from keras_alexnet.data.decoder import BadImage, decoded
from keras_alexnet.data.image_check import check_images
from keras_alexnet.data.image_formats import image_endings
from keras_alexnet.data.labelled_files import find_images, folder_notes

pytestmark = pytest.mark.backend_free

WRITTEN = ["jfif", "jpe", "tga", "pgm", "pnm", "pcx", "sgi", "qoi", "ico", "dib", "dds"]
OPTIONAL = [
    ending
    for library, ending in (("avif", "avif"), ("jpg_2000", "jp2"), ("webp", "webp"))
    if library in features.get_supported()
]
UNREAD = [
    "eps",
    "ps",
    "pdf",
    "wmf",
    "emf",
    "mpg",
    "fli",
    "h5",
    "grib",
    "fits",
    "iim",
    "txt",
    "heic",
]


@pytest.mark.parametrize("ending", [*WRITTEN, *OPTIONAL])
def test_what_pillow_opens_is_found_and_read(ending, tmp_path):
    """A file of the kind is found by its ending, in capitals too, and decoded."""
    path = tmp_path / f"photo.{ending.upper()}"
    Image.new("RGB", (16, 16), (200, 100, 50)).save(tmp_path / f"photo.{ending}")
    (tmp_path / f"photo.{ending}").rename(path)
    findings = check_images(str(tmp_path))
    assert (findings.checked, findings.bad, findings.passed_over) == (1, (), ())
    assert decoded(str(path)).size == (16, 16)


def test_endings_are_pillows_but_for_those_refused():
    """Every ending that Pillow opens is read, or is one of a format that has a reason not to be."""
    opened = {
        ending for ending, name in Image.registered_extensions().items() if name in Image.OPEN
    }
    refused = opened - image_endings().keys()
    assert {f".{ending}" for ending in (*WRITTEN, *OPTIONAL)} <= image_endings().keys()
    assert not image_endings().keys() & {f".{ending}" for ending in UNREAD}
    assert {Image.registered_extensions()[ending] for ending in refused} <= {
        *("BUFR", "EPS", "FITS", "FLI", "GRIB", "HDF5", "IM", "IPTC", "MPEG", "WMF"),
        "JPEG2000",  # where Pillow lacks its library
    }


def test_no_program_runs_for_a_file_of_another_name(tmp_path, monkeypatch):
    """PostScript in a file that ends in .jpg is not handed to Ghostscript."""

    def run(*arguments, **options):
        raise AssertionError("Ghostscript was called")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", run)
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (9, 9)).save(path, "EPS")
    with pytest.raises(BadImage, match=r"^it is EPS inside: PostScript, for which Pillow runs ano"):
        decoded(str(path))


@pytest.fixture
def folder(tmp_path):
    """Two classes of an image each, and files that are no images, or that no one needs to know."""
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / name / "1.png")
        for other in (".DS_Store", "Thumbs.db", "desktop.ini"):
            (tmp_path / name / other).write_text("")
    for other in ("cats/a.heic", "cats/figure.eps", "cats/notes.txt", "dogs/photo"):
        (tmp_path / other).write_text("")
    return tmp_path


def test_files_passed_over_are_counted_and_named(folder, capsys):
    """Each has its reason; a sentence counts them all and names the first three."""
    files = find_images(str(folder))
    assert [path.removeprefix(f"{folder}/") for path in files.passed_over] == [
        "cats/a.heic",
        "cats/figure.eps",
        "cats/notes.txt",
        "dogs/photo",
    ]
    sentence = (
        "Passed over 4 files without the ending of an image that can be read: "
        "'a.heic', 'figure.eps', 'notes.txt', ...."
    )
    assert folder_notes(files, files.take([0])) == [sentence]
    assert [finding.reason for finding in check_images(str(folder)).passed_over] == [
        "no image that can be read ends in .heic",
        ".eps is PostScript, for which Pillow runs another program",
        "no image that can be read ends in .txt",
        "it has no ending",
    ]
    assert main(["check-images", str(folder)]) == 0
    assert capsys.readouterr().out == f"{sentence}\nChecked 2 images: all can be read.\n"


@pytest.mark.parametrize("find", [find_images, check_images])
def test_only_files_that_are_passed_over(tmp_path, find):
    """A folder of photos in another format says which files it holds."""
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "a.heic").write_text("")
    with pytest.raises(ValueError, match=r"holds no .*\. Passed over 1 file .*'a.heic'\. .*\.jpg"):
        find(str(tmp_path))
