"""`check_images`: the image files of a folder that cannot be read, found before a long run."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from keras_alexnet.arguments import file_path
from keras_alexnet.data.decoder import BadImage, check_header, decoded, opened
from keras_alexnet.data.file_moves import moved_aside
from keras_alexnet.data.image_formats import why_passed_over
from keras_alexnet.data.paths import images_and_others, passed_over_note, readable_folder
from keras_alexnet.data.sample_range import black_and_white
from keras_alexnet.errors import UserError
from keras_alexnet.files import made_folder
from keras_alexnet.progress import has_display, progress_bar, verbosity
from keras_alexnet.type_aliases import PathLike, Verbose

DARK = 64  # of 255: the highest level of 14-bit values in an image that declares 16 bits
AT_ONCE = 1024  # files submitted to the threads together, so that millions need little memory


@dataclasses.dataclass(frozen=True)
class Finding:
    """A remark on one file.

    Args:
        path: The file.
        reason: The reason why it cannot be read; or a remark, if it can.
        moved_to: The path to which it was moved, if it was.
    """

    path: str
    reason: str
    moved_to: str | None = None


@dataclasses.dataclass(frozen=True)
class Findings:
    """The results of a check.

    Args:
        checked: Number of files.
        bad: The files that cannot be read, in order of path.
        remarks: The readable files whose content may surprise.
        passed_over: Files without an image's ending.
    """

    checked: int
    bad: tuple[Finding, ...]
    remarks: tuple[Finding, ...]
    passed_over: tuple[Finding, ...] = ()

    def passed_over_note(self) -> str:
        """Return a sentence that counts and names the files passed over; empty for none."""
        return passed_over_note([other.path for other in self.passed_over])

    def to_dict(self) -> dict:
        """Return the results as plain lists and dictionaries."""
        bad = [dataclasses.asdict(finding) for finding in self.bad]
        remarks = [{"path": finding.path, "remark": finding.reason} for finding in self.remarks]
        others = [{"path": other.path, "reason": other.reason} for other in self.passed_over]
        return {"checked": self.checked, "bad": bad, "remarks": remarks, "passed_over": others}


def check_images(
    directory: PathLike, move_to: PathLike | None = None, *, verbose: Verbose = "auto"
) -> Findings:
    """Decode every image file below a folder, as `image_folder` does, and return the bad ones.

    The files may lie in class folders or not. Files without an image's ending are listed, hidden
    files do not count.

    Args:
        directory: The folder.
        move_to: A folder outside of `directory`. Once all files are checked, the bad ones move
            there, with their paths below `directory`. No file there is overwritten.
        verbose: 0 for silence; 1 or `"auto"` for a progress bar, on a terminal or in a notebook.

    Returns:
        A `Findings` with the number of files checked, the bad ones with the reason, and remarks.

    Raises:
        UserError: If there is no such folder or no image file in it, or files cannot be moved.

    Example:

    >>> import os, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with open(os.path.join(folder, "photo.jpg"), "wb") as file:
    ...     _ = file.write(b"")
    >>> findings = check_images(folder)
    >>> findings.checked, findings.bad[0].reason
    (1, 'it is empty (0 bytes)')
    """
    directory = file_path("directory", directory)
    move_to = None if move_to is None else file_path("move_to", move_to)
    progress = verbosity(verbose) == 1 and has_display()
    with readable_folder(directory, "The folder must exist and hold images."):
        paths, others = images_and_others(directory)
    if not paths:
        raise no_images(directory, others)
    if move_to is None:
        return _checked(paths, others, progress)
    _check_outside(directory, move_to)
    with made_folder(move_to):  # first, so that a read-only folder raises before the work
        findings = _checked(paths, others, progress)
        bad = tuple(_moved(finding, directory, move_to) for finding in findings.bad)
    if not bad and not os.listdir(move_to):
        os.rmdir(move_to)
    return dataclasses.replace(findings, bad=bad)


def unreadable(paths: Sequence[str], progress: bool = False) -> list[tuple[str, str]]:
    """Return the path and the reason of each file whose header shows that it cannot be read.

    A file that is cut short or damaged after its header passes, because the pixels are not decoded.

    Args:
        paths: The files.
        progress: Whether to show a progress bar.
    """
    reasons = _by_threads(_why_unreadable, paths, progress)
    return [(path, reason) for path, reason in zip(paths, reasons, strict=True) if reason]


def _why_unreadable(path: str) -> str:
    try:
        check_header(path)
    except BadImage as error:
        return str(error)
    return ""


def _checked(paths: list[str], others: list[str], progress: bool) -> Findings:
    bad, remarks = [], []
    results = _by_threads(_reason_and_remark, paths, progress)
    for path, (reason, remark) in zip(paths, results, strict=True):
        if reason:
            bad.append(Finding(path, reason))
        if remark:
            remarks.append(Finding(path, remark))
    passed_over = tuple(Finding(path, why_passed_over(path)) for path in others)
    return Findings(len(paths), tuple(bad), tuple(remarks), passed_over)


def _by_threads(function: Callable, paths: Sequence[str], progress: bool) -> Iterator:
    """Yield the results of a function for the files, in order."""
    workers = min(8, os.cpu_count() or 1)
    with progress_bar("images", "image", progress) as step, ThreadPoolExecutor(workers) as threads:
        results = (
            result
            for start in range(0, len(paths), AT_ONCE)
            for result in threads.map(function, paths[start : start + AT_ONCE])
        )
        for number, result in enumerate(results, start=1):
            step(number, len(paths))
            yield result


def _reason_and_remark(path: str) -> tuple[str, str]:
    """Return the reason and the remark of a file; either may be empty."""
    try:
        levels = decoded(path).getextrema()
        with opened(path) as image:
            return "", _remark(path, image, max(brightest for _, brightest in levels))
    except BadImage as error:
        return str(error), ""


def _remark(path: str, image, brightest: int) -> str:
    """Return what may surprise about a readable image; empty for most."""
    from PIL import Image

    remarks = []
    ending = os.path.splitext(path)[1].lower()
    usual = Image.registered_extensions().get(ending)
    if image.format not in (usual, "MPO"):  # MPO: a JPEG with a second view, from many cameras
        remarks.append(f"it is {image.format} inside, though it ends in {ending}")
    if image.mode == "CMYK":
        remarks.append("CMYK, shown without its colour profile")
    if image.mode.startswith("I"):
        white = max(black_and_white(image))
        remarks.append(f"{white.bit_length()} bits, of which 8 are kept")
        if 0 < brightest < DARK:
            remarks.append(
                f"no pixel is brighter than {brightest} of 255, because the file declares "
                f"{white:,} as its largest value"
            )
    if image.has_transparency_data:
        remarks.append("transparent pixels are shown on white")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        remarks.append(f"the first of {frames} frames is used")
    return "; ".join(remarks)


def _moved(finding: Finding, directory: str, move_to: str) -> Finding:
    target = os.path.join(move_to, os.path.relpath(finding.path, directory))
    return dataclasses.replace(finding, moved_to=moved_aside(finding.path, target))


def _check_outside(directory: str, move_to: str) -> None:
    inner, outer = os.path.realpath(move_to), os.path.realpath(directory)
    if os.path.commonpath([inner, outer]) == outer:
        raise UserError(
            f"Received the folder {move_to!r} for the bad files, which lies in {directory!r}.",
            "It must lie outside, because files inside are read as images again.",
            "Choose a folder that does not lie in the folder of images.",
        )


def no_images(directory: str, others: list[str]) -> UserError:
    """Return the error for a folder without images."""
    return UserError(
        f"The folder {directory!r} holds no images. {passed_over_note(others)}".strip(),
        "It or the folders in it must hold files that end in .jpg, .png or another ending that "
        "Pillow reads.",
        "Check the path, or give the files one of these endings.",
    )
