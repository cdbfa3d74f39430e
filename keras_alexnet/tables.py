"""Tables, sizes and JSON as text; tables are as wide as the screen."""

import csv
import io
import json
import shutil
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

__all__ = ["add_numbers", "csv_writer", "json_text", "new_table", "screen_width", "table_text"]

UNLIMITED = 10_000  # columns of a table without a screen: each row is one line for `grep`
WORD = 16  # smallest width to which a word is folded in a column with overflow="fold"
GAP = 2  # columns between two cells


def screen_width(default: int = UNLIMITED) -> int:
    """Return the width of the terminal in columns, or of `COLUMNS` where that is set.

    Args:
        default: The width where there is no terminal.
    """
    return shutil.get_terminal_size((default, 24)).columns


def new_table(*headings: str, **options: Any) -> Any:
    """Return a `rich` table without a box or colours, for `table_text`."""
    from rich.table import Table

    return Table(*headings, box=None, pad_edge=False, header_style="", **options)


def add_numbers(table: Any, *headings: str) -> None:
    """Add a column of numbers for each heading to a table: aligned on the right, never folded."""
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)


def table_text(table: Any, width: int, first_to_go: Sequence[str] = ()) -> str:
    """Return a `rich` table as text that is no wider than `width`, if possible.

    Text is folded, numbers are not. If numbers do not fit, whole columns are left out, and a line
    below the table names them.

    Args:
        table: A table that `new_table` made.
        width: The width in columns.
        first_to_go: Headings of the columns that may be left out, the first to leave out first.

    Example:

    >>> table = new_table("variant")
    >>> add_numbers(table, "parameters")
    >>> table.add_row("paper", "60,965,224")
    >>> table_text(table, 18, ["parameters"]).splitlines()
    ['variant', 'paper', '', 'Too wide to show:', 'parameters.']
    """
    from rich.console import Console

    gone: list[str] = []
    for heading in first_to_go:
        if _least_width(table.columns) > width:
            table = _without(table, heading)
            gone.append(heading)
    text = io.StringIO()
    console = Console(file=text, width=width, highlight=False, markup=False, emoji=False)
    console.print(table)
    if gone:
        console.print(f"\nToo wide to show: {', '.join(gone)}.")
    return "\n".join(line.rstrip() for line in text.getvalue().split("\n")).rstrip()


def _without(table, heading: str):
    """Return a new table without one of the columns."""
    kept = [column for column in table.columns if column.header != heading]
    rest = new_table()
    for column in kept:
        options = {"justify": column.justify, "no_wrap": column.no_wrap}
        rest.add_column(column.header, overflow=column.overflow, **options)
    for cells in zip(*(column.cells for column in kept), strict=True):
        rest.add_row(*cells)
    return rest


def _least_width(columns) -> int:
    """Return the width that columns need if text is folded and numbers are not."""
    return sum(map(_least_cell, columns)) + GAP * (len(columns) - 1)


def _least_cell(column) -> int:
    from rich.cells import cell_len

    words = [str(cell) for cell in (column.header, *column.cells)]
    if column.no_wrap:
        return max(map(cell_len, words))
    longest = max(cell_len(word) for text in words for word in ["", *text.split()])
    return min(WORD, longest) if column.overflow == "fold" else longest


def csv_writer(file: TextIO, texts: Iterable[str]) -> Any:
    """Return a `csv.writer` that writes `texts`, such as names of files, so that they read back."""
    # Without QUOTE_ALL, Python does not quote a name with a carriage return.
    if any("\r" in text for text in texts):
        return csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    return csv.writer(file, lineterminator="\n")


def sizes_text(sizes: Iterable[int | None]) -> str:
    """Return sizes as text; an unknown one is a question mark.

    Example:

    >>> sizes_text((None, 27, 96))
    '? x 27 x 96'
    """
    return " x ".join("?" if size is None else str(size) for size in sizes)


def json_text(value: Any) -> str:
    """Return a value as JSON over several lines, with every list of numbers on one line.

    Example:

    >>> print(json_text({"confusion": [[3, 0], [1, 2]]}))
    {
      "confusion": [
        [3, 0],
        [1, 2]
      ]
    }
    """
    return _json_lines(value, "\n")


def _json_lines(value: Any, line: str) -> str:
    """Return a value as JSON that ends on a line with an indentation: a line break and spaces.

    `json.dumps` with an indentation is Python code, which takes a second for a thousand classes.
    """
    deeper = f"{line}  "
    comma = f",{deeper}"
    if isinstance(value, dict) and value:
        # `json.dumps` knows how keys that are no strings are written.
        names = [json.dumps({name: 0}).removeprefix("{").removesuffix(" 0}") for name in value]
        parts = [_json_lines(part, deeper) for part in value.values()]
        pairs = [f"{name} {part}" for name, part in zip(names, parts, strict=True)]
        return f"{{{deeper}{comma.join(pairs)}{line}}}"
    if isinstance(value, list | tuple):
        kinds = set(map(type, value))
        if any(issubclass(kind, str | dict | list | tuple) for kind in kinds):
            parts = [_json_lines(part, deeper) for part in value]
            return f"[{deeper}{comma.join(parts)}{line}]"
    return json.dumps(value)
