"""Tables of numbers, a row for each epoch or part of one, as CSV files."""

import csv
import os
from collections.abc import Iterable, Mapping, Sequence

from keras_alexnet.errors import UserError
from keras_alexnet.files import written_whole

__all__ = ["read_rows", "write_rows"]


def write_rows(
    path: str, rows: Sequence[Mapping[str, float]], columns: Iterable[str] | None = None
) -> None:
    """Write a table; a number that a row lacks is nan.

    Args:
        path: The file, which is written under a temporary name and renamed.
        rows: The rows, each with its numbers by column.
        columns: The columns in order; `None` for those of the first row.
    """
    with (
        written_whole(path) as beside,
        open(beside, "w", newline="", encoding="utf-8") as file,
    ):
        names = list(rows[0] if columns is None else columns)
        table = csv.DictWriter(file, names, restval="nan", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def read_rows(path: str) -> list[dict[str, float]]:
    """Return the rows of a table; none without a file.

    Raises:
        UserError: If the file cannot be read, or is not a table of numbers with a column `epoch`.
    """
    if not os.path.exists(path):
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            texts = list(csv.DictReader(file))
        rows = [{name: float(text) for name, text in row.items()} for row in texts]
        for row in rows:
            int(row["epoch"])  # raises without an epoch, and for one that is not finite
        return rows
    except (OSError, ValueError, KeyError, TypeError, OverflowError, csv.Error) as error:
        raise UserError(
            f"The history {path!r} cannot be read: {error}.",
            "The history must be a table of numbers with a row for each epoch.",
            "Restore it, or remove it to continue without the rows so far.",
        ) from error
