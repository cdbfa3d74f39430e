"""`Report`: timings and their environment, as a table, JSON or CSV."""

import csv
import dataclasses
import os
import textwrap

from keras_alexnet.arguments import file_path
from keras_alexnet.benchmarking.timings import Timings
from keras_alexnet.errors import UserError
from keras_alexnet.files import write_json, written_whole
from keras_alexnet.short_repr import short_repr
from keras_alexnet.tables import add_numbers, new_table, screen_width, table_text

WIDTH = 100  # columns of a table where there is no terminal
FIRST_TO_GO = ("p90", "p10", "std", "steps", "input", "mean", "first", "images/s")


@dataclasses.dataclass(frozen=True)
class Report:
    """Timings and the machine that they were measured on. `print` shows the table.

    Args:
        timings: A record for each kind of step.
        environment: Versions, device, threads, dtypes, compile mode.
        memory: Peak memory in bytes of the `host` and, on a GPU, of the `device`.
    """

    timings: tuple[Timings, ...]
    environment: dict
    memory: dict[str, int]

    __repr__ = short_repr("timings")

    def __getitem__(self, name: str) -> Timings:
        """Return the timings of one kind of step."""
        return next(timings for timings in self.timings if timings.name == name)

    def warnings(self) -> list[str]:
        """Return a sentence on each reason not to quote the figures as they are."""
        return [warning for timings in self.timings for warning in timings.warnings()]

    def to_dict(self) -> dict:
        """Return the raw times and all figures as plain lists, dicts and numbers."""
        return {
            "environment": self.environment,
            "peak_memory": self.memory,
            "timings": [timings.to_dict() for timings in self.timings],
        }

    def __str__(self) -> str:
        """Return the figures as a table, in milliseconds per batch, with the warnings below it.

        The table is as wide as the terminal, or 100 columns without one.
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
        add_numbers(table, "first", "median", "mean", "std", "p10", "p90")
        add_numbers(table, "images/s", "input", "steps")
        for timings in self.timings:
            table.add_row(timings.name, *_cells(timings))
        return table

    def save(self, path) -> str:
        """Write the report, whole or not at all, and return the path.

        Args:
            path: A path that ends in `.json`, for the whole report, or `.csv`, for the raw times.

        Raises:
            UserError: (a `ValueError`) for another ending, or if the file cannot be written.
        """
        path = file_path("path", path)
        ending = os.path.splitext(path)[1]
        if ending not in (".json", ".csv"):
            raise UserError(
                f"Received the path {path!r} for a report.",
                "The path of a report must end in .json or .csv.",
                "Choose one of these endings.",
            )
        if ending == ".json":
            write_json(path, self.to_dict())
            return path
        with written_whole(path) as beside, open(beside, "w", newline="", encoding="utf-8") as file:
            self._write_csv(file)
        return path

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
