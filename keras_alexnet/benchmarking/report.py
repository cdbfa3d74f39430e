"""Timings and where they come from: a table to read, JSON and CSV to keep."""

import csv
import dataclasses
import os
import textwrap

from keras_alexnet.arguments import file_path
from keras_alexnet.benchmarking.timings import Timings
from keras_alexnet.errors import UserError
from keras_alexnet.files import written_whole
from keras_alexnet.short_repr import short_repr
from keras_alexnet.tables import json_text, new_table, screen_width, table_text

WIDTH = 100  # columns of a table where there is no terminal
FIRST_TO_GO = ("p90", "p10", "std", "steps", "input", "mean", "first", "images/s")


@dataclasses.dataclass(frozen=True)
class Report:
    """Timings, and the machine that they are from. `print` shows the table.

    Args:
        timings: A record for each kind of step.
        environment: Versions, device, threads, types, compile mode.
        memory: Peak memory in bytes, of the `host` and, on a GPU, of the `device`.
    """

    timings: tuple[Timings, ...]
    environment: dict
    memory: dict[str, int]

    __repr__ = short_repr("timings")

    def __getitem__(self, name: str) -> Timings:
        """Return the timings of one kind of step."""
        return next(timings for timings in self.timings if timings.name == name)

    def warnings(self) -> list[str]:
        """Return what is to be known before the figures are quoted, in sentences."""
        return [warning for timings in self.timings for warning in timings.warnings()]

    def to_dict(self) -> dict:
        """Return raw times and all figures as plain lists, dicts and numbers."""
        return {
            "environment": self.environment,
            "peak_memory": self.memory,
            "timings": [timings.to_dict() for timings in self.timings],
        }

    def __str__(self) -> str:
        """Return the figures as a table, milliseconds per batch, with any warnings below.

        It is as wide as the terminal; of 100 columns where there is none.
        """
        width = screen_width(WIDTH)
        memory = [f"{name} {size / 2**20:,.0f} MiB" for name, size in self.memory.items()]
        texts = [
            f"peak memory: {', '.join(memory) or 'unknown'}",
            ", ".join(f"{name} {value}" for name, value in self.environment.items()),
            *(f"Note: {warning}" for warning in self.warnings()),
        ]
        folded = (textwrap.fill(text, width, break_on_hyphens=False) for text in texts)
        return "\n".join((table_text(self._table(), width, FIRST_TO_GO), "", *folded))

    def _table(self):
        table = new_table()
        table.add_column("ms per batch", no_wrap=True)
        headings = "first", "median", "mean", "std", "p10", "p90", "images/s", "input", "steps"
        for heading in headings:
            table.add_column(heading, justify="right", no_wrap=True)
        for timings in self.timings:
            table.add_row(timings.name, *_cells(timings))
        return table

    def save(self, path) -> str:
        """Write the report whole, as `.json` with everything or `.csv` with the raw times.

        Raises:
            UserError: (a `ValueError`) for another ending, or if the file cannot be written.
        """
        path = file_path("path", path)
        writers = {".json": self._write_json, ".csv": self._write_csv}
        ending = os.path.splitext(path)[1]
        if ending not in writers:
            raise UserError(
                f"Received the path {path!r}.",
                "A report is written as .json or .csv.",
                "Choose one of these endings.",
            )
        with written_whole(path) as beside, open(beside, "w", newline="", encoding="utf-8") as file:
            writers[ending](file)
        return path

    def _write_json(self, file) -> None:
        file.write(json_text(self.to_dict()))

    def _write_csv(self, file) -> None:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["name", "kind", "step", "seconds", "wait"])
        for timings in self.timings:
            if timings.first is not None:
                table.writerow([timings.name, "first", 0, timings.first, ""])
            for kind in ("warm_up", "seconds", "partial"):
                waits = timings.waits if kind == "seconds" else None
                for number, seconds in enumerate(getattr(timings, kind)):
                    wait = waits[number] if waits else ""
                    label = "measured" if kind == "seconds" else kind
                    table.writerow([timings.name, label, number, seconds, wait])


def _cells(timings: Timings) -> list[str]:
    def milliseconds(seconds):
        return "-" if seconds is None else f"{1000 * seconds:,.1f}"

    figures = [timings.first, timings.median, timings.mean, timings.deviation]
    figures += [timings.percentile(0.1), timings.percentile(0.9)]
    rate, share = timings.images_per_second, timings.input_share
    return [
        *map(milliseconds, figures),
        "-" if rate is None else f"{rate:,.1f}",
        "-" if share is None else f"{100 * share:.0f} %",
        str(len(timings.seconds)),
    ]
