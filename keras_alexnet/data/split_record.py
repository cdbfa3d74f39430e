"""`SplitRecord`: the files that a run trained on and held out."""

import csv
import dataclasses
import hashlib
import os
from collections.abc import Mapping

from keras_alexnet.data.labelled_files import LabelledFiles
from keras_alexnet.errors import UserError, first_few
from keras_alexnet.files import written_whole
from keras_alexnet.tables import csv_writer

FILES = "files.csv"  # in the folder of a run
COLUMNS = ("part", "size", "path")


@dataclasses.dataclass(frozen=True)
class SplitRecord:
    """The files that a run trained on and held out: path below the data folder, and size in bytes.

    The record stays in the folder of the run. The model card holds only the number and the hash of
    the held-out files.
    """

    training: Mapping[str, int]
    held_out: Mapping[str, int]

    @classmethod
    def of(cls, directory: str, training: LabelledFiles, held_out: LabelledFiles) -> "SplitRecord":
        """Return the record of a split of the images below a folder."""
        return cls(sizes(directory, training), sizes(directory, held_out))

    @property
    def files(self) -> dict[str, int]:
        """All files with their sizes."""
        return {**self.training, **self.held_out}

    def held_out_hash(self) -> str:
        """Return the SHA-256 of the sorted list of held-out files."""
        digest = hashlib.sha256()
        for path, size in sorted(self.held_out.items()):
            digest.update(f"{path}\0{size}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def write(self, path: str) -> None:
        """Write the record as a table with the columns part, size and path."""
        with (
            written_whole(path) as beside,
            open(beside, "w", newline="", encoding="utf-8", errors="surrogateescape") as file,
        ):
            table = csv_writer(file, self.files)
            table.writerow(COLUMNS)
            for part in ("training", "held_out"):
                table.writerows((part, size, name) for name, size in getattr(self, part).items())

    @classmethod
    def read(cls, path: str) -> "SplitRecord | None":
        """Read a record, `None` if there is no such file.

        Raises:
            UserError: If it is damaged.
        """
        if not os.path.exists(path):
            return None
        parts: dict[str, dict[str, int]] = {"training": {}, "held_out": {}}
        try:
            with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
                header, *rows = csv.reader(file)
            if tuple(header) != COLUMNS:
                raise ValueError(f"its columns are {first_few(header)}")
            for part, size, name in rows:
                parts[part][name] = int(size)
        except (OSError, ValueError, KeyError, csv.Error) as error:
            raise UserError(
                f"The run's list of files {path!r} cannot be read: {error}.",
                f"The list must be a table with the columns {', '.join(COLUMNS)}.",
                "Restore it, or remove it to do without the list of held-out images.",
            ) from error
        return cls(**parts)

    def differences(self, found: Mapping[str, int]) -> list[str]:
        """Return a phrase on each kind of difference between the recorded files and others."""
        known = self.files
        resized = [name for name in known if name in found and found[name] != known[name]]
        return [
            phrase
            for phrase in (
                counted("missing", [name for name in known if name not in found]),
                counted("new", [name for name in found if name not in known]),
                counted("of another size", resized),
            )
            if phrase
        ]


def sizes(directory: str, files: LabelledFiles) -> dict[str, int]:
    """Return the size in bytes of each file by its path below a folder; 0 for a broken link."""
    return {
        below(directory, path): os.path.getsize(path) if os.path.exists(path) else 0
        for path in files.paths
    }


def below(directory: str, path: str) -> str:
    """Return the path of a file below a folder, with slashes on every system."""
    return os.path.relpath(path, directory).replace(os.sep, "/")


def counted(which: str, names: list[str]) -> str:
    """Return the number of images and the names of the first; an empty text for none.

    Example:

    >>> counted("missing", ["cat/1.jpg", "cat/2.jpg"])
    "2 images are missing ('cat/1.jpg', 'cat/2.jpg')"
    """
    if not names:
        return ""
    verb = "image is" if len(names) == 1 else "images are"
    return f"{len(names)} {verb} {which} ({first_few(names)})"
