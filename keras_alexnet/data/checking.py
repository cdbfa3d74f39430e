"""Looks for image files that cannot be read, before a long run meets one."""

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from keras_alexnet.data.decoding import BadImage, check_header, decoded, opened
from keras_alexnet.data.image_formats import why_passed_over
from keras_alexnet.data.moving import moved_aside
from keras_alexnet.data.paths import images_and_others, listed, passed_over_note
from keras_alexnet.data.sample_range import black_and_white
from keras_alexnet.errors import UserError
from keras_alexnet.files import made_folder
from keras_alexnet.progress import report

DARK = 64  # of 255: what 14 bits reach in an image that declares 16
AT_ONCE = 1024  # files handed to the threads together, so that millions need little memory


@dataclasses.dataclass(frozen=True)
class Finding:
    """A remark on one file.

    Args:
        path: The file.
        reason: Why it cannot be read; or a remark, if it can.
        moved_to: Where it was moved, if it was.
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
        remarks: Files that can, in ways that may surprise.
        passed_over: Files that do not end as images do.
    """

    checked: int
    bad: tuple[Finding, ...]
    remarks: tuple[Finding, ...]
    passed_over: tuple[Finding, ...] = ()

    def to_dict(self) -> dict:
        """Return all of it as plain lists and dictionaries."""
        bad = [dataclasses.asdict(finding) for finding in self.bad]
        remarks = [{"path": finding.path, "remark": finding.reason} for finding in self.remarks]
        others = [{"path": other.path, "reason": other.reason} for other in self.passed_over]
        return {"checked": self.checked, "bad": bad, "remarks": remarks, "passed_over": others}


def check_images(directory: str, move_to: str | None = None, progress: bool = False) -> Findings:
    """Decode every image file under a folder, as `image_folder` would, and say which cannot be.

    Files are those that end as images do, in class folders or not. Others are named, hidden ones
    left alone.

    Args:
        directory: The folder.
        move_to: A folder outside of it, to which the bad files are moved once all are checked,
            each to the place it has in `directory`. No file there is overwritten.
        progress: Whether a bar shows how far it is.

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
    with listed(directory, "A folder with images in it was expected."):
        paths, others = images_and_others(directory)
    if not paths:
        raise _no_images(directory, others)
    if move_to is None:
        return _checked(paths, others, progress)
    _check_outside(directory, move_to)
    with made_folder(move_to):  # before the work: it shows whether it can be written to
        findings = _checked(paths, others, progress)
        bad = tuple(_moved(finding, directory, move_to) for finding in findings.bad)
    if not bad and not os.listdir(move_to):
        os.rmdir(move_to)
    return dataclasses.replace(findings, bad=bad)


def unreadable(paths: Sequence[str], progress: bool = False) -> list[tuple[str, str]]:
    """Return the path and the reason of each file whose header shows that it cannot be read.

    The pixels are not decoded: a file that is cut short or damaged after its header passes.

    Args:
        paths: The files.
        progress: Whether a progress bar is shown.
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
    """Give the results of a function for the files, in order."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        results = (
            result
            for start in range(0, len(paths), AT_ONCE)
            for result in threads.map(function, paths[start : start + AT_ONCE])
        )
        yield from _reported(results, len(paths), progress)


def _reported(results: Iterable, count: int, has_bar: bool) -> Iterator:
    bar = None
    if has_bar:
        import keras

        bar = keras.utils.Progbar(count, unit_name="image")
    for number, result in enumerate(results, start=1):
        report(number, count, "images")
        if bar:
            bar.update(number)
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
    """Return what may surprise about an image that can be read; nothing for most."""
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
                f"no pixel is brighter than {brightest} of 255, for the file declares {white:,} "
                "as its largest number"
            )
    if image.has_transparency_data:
        remarks.append("what is transparent is shown on white")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        remarks.append(f"the first of {frames} frames is taken")
    return "; ".join(remarks)


def _moved(finding: Finding, directory: str, move_to: str) -> Finding:
    target = os.path.join(move_to, os.path.relpath(finding.path, directory))
    return dataclasses.replace(finding, moved_to=moved_aside(finding.path, target))


def _check_outside(directory: str, move_to: str) -> None:
    inner, outer = os.path.realpath(move_to), os.path.realpath(directory)
    if os.path.commonpath([inner, outer]) == outer:
        raise UserError(
            f"Received the folder {move_to!r} to move bad files to, which lies in {directory!r}.",
            "A folder outside of it was expected: in it they would be read again.",
            "Choose another.",
        )


def _no_images(directory: str, others: list[str]) -> UserError:
    return UserError(
        f"The folder {directory!r} holds no images. {passed_over_note(others)}".strip(),
        "Files were expected in it or in its folders that end in .jpg, .png or as other images "
        "do that Pillow reads.",
        "Check the path, or give the files one of these endings.",
    )
