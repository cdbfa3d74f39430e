"""`Features`: the files with the activations of a layer for images, and how they are written."""

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.format import write_array_header_1_0

from keras_alexnet.arguments import file_path
from keras_alexnet.data.bad_files import skipped_note
from keras_alexnet.data.paths import passed_over_note
from keras_alexnet.errors import UserError, amount, escaped
from keras_alexnet.files import check_free, written_whole
from keras_alexnet.interrupts import delayed_interrupts
from keras_alexnet.short_repr import short_repr
from keras_alexnet.tables import csv_writer


@dataclasses.dataclass(frozen=True)
class Features:
    """The files with the features of images. `print` shows what they hold.

    Args:
        path: The array, float32, with a row for each image; `numpy.load(path, mmap_mode="r")` opens
            it.
        names_path: The table of the images in the order of the rows, with the columns `file` and
            `class`.
        record_path: The record of how the features were made, as JSON.
        shape: The shape of the array.
        record: The content of the record.
    """

    path: str
    names_path: str
    record_path: str
    shape: tuple[int, ...]
    record: Mapping[str, Any]

    __repr__ = short_repr("path", "shape")

    def __str__(self) -> str:
        """Return what is in each file, and notes."""
        images = amount(self.shape[0], "image")
        array, names, record = map(escaped, (self.path, self.names_path, self.record_path))
        lines = (
            f"Wrote {array}: {self.record['layer']} of {images}, float32 of shape {self.shape}.",
            f"Wrote {names}: the names of the images, in the same order.",
            f"Wrote {record}: how the features were made.",
            *self.record["assumptions"],
            passed_over_note(self.record["passed_over"]),
            skipped_note([(bad["path"], bad["reason"]) for bad in self.record["skipped"]]),
        )
        return "\n".join(filter(None, lines))

    def to_dict(self) -> dict:
        """Return the paths and the record as plain lists and dictionaries."""
        paths = {"path": self.path, "names_path": self.names_path, "record_path": self.record_path}
        return {**paths, **self.record}


def output_paths(output, overwrite: bool) -> tuple[str, str, str]:
    """Return the paths of the array, the table of names and the record.

    Raises:
        UserError: If `output` does not end in `.npy`, or one of the files exists and may not be
            overwritten, or cannot be written.
    """
    path = file_path("output", output)
    stem, ending = os.path.splitext(path)
    if ending.lower() != ".npy":
        raise UserError(
            f"Received the output {path!r}.",
            "The output is an array of NumPy, whose path must end in .npy.",
            "Choose a name such as features.npy.",
        )
    paths = (path, f"{stem}.csv", f"{stem}.json")
    for each in paths:
        check_free(each, overwrite)
    return paths


@contextlib.contextmanager
def all_written(paths: Sequence[str]) -> Iterator[list[str]]:
    """Give a temporary path for each path; rename all of them when the block succeeds, or none."""
    with contextlib.ExitStack() as stack:
        # The stack ends with the first path: where there is room for it, there is for the others.
        beside = [stack.enter_context(written_whole(path)) for path in reversed(paths)]
        yield beside[::-1]
        with delayed_interrupts():
            stack.pop_all().close()


def write_array(path: str, batches: Iterable[np.ndarray], shape: Sequence[int]) -> tuple[int, ...]:
    """Write the rows of batches as one float32 array in NumPy's format, and return its shape.

    The number of rows is written at the end, because files that cannot be read have none. NumPy
    leaves room for it in the header.

    Args:
        path: The file.
        batches: Arrays, of which one at a time is in memory.
        shape: The shape of a row.
    """
    header = {"descr": "<f4", "fortran_order": False, "shape": (0, *shape)}
    with open(path, "wb") as file:
        write_array_header_1_0(file, header)
        count = 0
        for rows in batches:
            file.write(np.ascontiguousarray(rows, "<f4").data)
            count += len(rows)
        file.seek(0)
        write_array_header_1_0(file, header | {"shape": (count, *shape)})
    return (count, *shape)


def write_names(path: str, names: Sequence[tuple[str, str]]) -> None:
    """Write a table with the file and the class of each row."""
    with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        table = csv_writer(file, (file for file, _ in names))
        table.writerow(("file", "class"))
        table.writerows(names)
