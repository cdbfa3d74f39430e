"""Time on a GPU what this package computes, beside PyTorch, and print one table.

Ceilings of the device; `fit` on uint8 images in host memory, with windows, mirroring, noise and
mean on the device, and how long the device waits; that augmentation alone; local response
normalization; training steps and forward passes of `owt` and `paper` on images that lie on the
device; images per second and peak memory as the batch grows. Every side is a process of its own,
as in `steps.py`. The sides of a row get ready at the same time, their outputs are compared, and
they take turns: medians of milliseconds a batch. What no longer fits into the minutes is left out,
and the table says so.

    python examples/benchmarks/gpu.py --figures gpu.json --plot cost_growth_gpu.png
    python examples/benchmarks/gpu.py "fit" "LRN" --minutes 2      # rows whose titles begin so
    python examples/benchmarks/gpu.py --draw gpu.json --plot cost_growth_gpu.png

float32 means TF32 products on every side. TensorFlow is not needed.
"""

import argparse
import dataclasses
import importlib.util
import json
import os
import pathlib
import statistics
import time

import numpy as np

from peers.gpu_names import GROUPS
from peers.gpu_rows import QUICK, ROWS, Row, with_batches
from steps import Side, SideHere, running_backend

TOLERANCES = {"float32": 0.02, "bfloat16": 0.1}  # of the largest output
PATIENCE = 120.0  # seconds in which a side must be built, and then again must have compiled
LAST = 5.0  # seconds before the end in which no more turns begin
TURNS = 15.0  # seconds that are kept for the turns of a wave


def attempt(side, function, *arguments):
    """Call a function of a side, unless it failed before; note why it fails."""
    if side.trouble is None:
        try:
            return function(*arguments)
        except (SystemExit, OSError) as error:
            leave_out(side, str(error) or type(error).__name__)
    return None


def leave_out(side, trouble: str) -> None:
    """Note why a side has no figures, and end it, so that it does not disturb the others."""
    side.trouble = trouble
    side.end()


@dataclasses.dataclass
class Absent:
    """A side that cannot be measured here."""

    name: str
    trouble: str


def installed(backend: str) -> bool:
    """Return whether a backend is installed."""
    return importlib.util.find_spec(backend) is not None


def started(row: Row, batch: int, quick: bool, names) -> list:
    """Start the sides of a row, which build their networks at the same time, and return them."""
    sides = []
    for name, (backend, *_) in GROUPS[row.group].items():
        if names and name not in names:
            continue
        if not installed(backend):
            sides.append(Absent(name, "not installed"))
        elif quick and backend != running_backend():
            sides.append(Absent(name, f"not on {running_backend()}"))
        elif quick and ("compiled" in name or "Keras" in name):
            sides.append(Absent(name, "not in the quick form"))
        else:
            kind = SideHere if quick else Side
            sides.append(kind(f"{name}; {row.group}", row.net, row.job, batch, wait=False))
            sides[-1].name, sides[-1].trouble = name, None
    return sides


def compare(row: Row, sides: list) -> None:
    """Leave out the sides whose outputs differ from the first peer's, or else the first side's."""
    built = [side for side in sides if side.trouble is None]
    if row.group == "ceilings" or row.is_curve() or len(built) < 2:
        return
    first = next((side for side in built if "ours" not in side.name), built[0]).outputs
    allowed = TOLERANCES[row.job.split()[1]]
    for side in built:
        side.apart = float(np.abs(side.outputs - first).max() / max(np.abs(first).max(), 1e-30))
        if not side.apart <= allowed:
            leave_out(side, f"its outputs differ by {side.apart:.1e}")


def take_turns(row: Row, sides: list, rounds: int, until: float) -> dict[str, list[float]]:
    """Return the median seconds a batch of each side, for each of its cases."""
    count = len(row.cases)
    times = {side.name: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            if time.monotonic() < until - LAST or not times[side.name]:
                found = attempt(side, side.run, 2 * count, until)
                times[side.name] += (found or [])[count:]  # the first find their memory cold
    return {
        name: [statistics.median(seconds[case::count]) / row.batches for case in range(count)]
        for name, seconds in times.items()
        if seconds
    }


def measure(rows, batch: int, rounds: int, until: float, asked):
    """Measure the rows of a wave; yield each with its sides and their seconds."""
    waves = []
    try:
        waves = [(row, started(row, batch, asked.quick, asked.sides)) for row in rows]
        present = [
            (row, side) for row, sides in waves for side in sides if not isinstance(side, Absent)
        ]
        built = min(until - TURNS, time.monotonic() + PATIENCE)
        for row, side in present:
            attempt(side, side.ready, built)
            attempt(side, side.ask, 2 * len(row.cases))  # the first steps compile
        compiled = min(until - TURNS, time.monotonic() + PATIENCE)
        for _, side in present:
            attempt(side, side.answer, compiled)
        for row, sides in waves:
            compare(row, sides)
            alive = [side for side in sides if side.trouble is None]
            yield row, sides, take_turns(row, alive, rounds, until)
    finally:
        for _, sides in waves:
            for side in sides:
                if side.trouble is None:
                    side.end()


def lines(row: Row, sides: list, seconds: dict, batch: int):
    """Yield the figures of each side and case of a row, as records."""
    for side in sides:
        if side.name not in seconds:
            yield {"side": side.name, "case": "", "trouble": side.trouble or "left out: no time"}
            continue
        for number, case in enumerate(row.cases):
            found = seconds[side.name][number]
            others = [
                times[number]
                for name, times in seconds.items()
                if "ours" not in name and "(" not in name
            ]
            record = {"side": side.name, "case": case, "ms": 1000 * found}
            if hasattr(side, "apart"):
                record["apart"] = side.apart
            if row.group == "ceilings":
                record["rate"] = side.outputs[0, number] / found / row.batches
            else:
                size = int(case.split()[1]) if row.is_curve() else batch
                record["images_per_second"] = size / found
            if row.is_curve():
                record["gigabytes"] = side.outputs[0, number]
            elif "ours" in side.name and others and "on the device" not in side.name:
                record["of_best_peer"] = found / min(others)
            if row.group == "fit" and ", fit" in side.name:
                backend = ", ".join(side.name.split(", ")[:2])
                device = seconds.get(f"{backend}, on the device")
                record["waits"] = max(0.0, 1 - device[0] / found) if device else None
            yield record


def sentence(record: dict) -> str:
    """Return a record as a line of the table."""
    head = f"  {record['side']:33}{record['case']:22}"
    if "trouble" in record:
        return head + record["trouble"]
    parts = [f"{record['ms']:10.3f} ms"]
    if "rate" in record:
        unit = "TFLOP/s" if "product" in record["case"] else "TB/s"
        parts.append(f"{record['rate'] / 1e12:10.2f} {unit}")
    else:
        parts.append(f"{record['images_per_second']:10,.0f} images/s")
    if "of_best_peer" in record:
        parts.append(f"{record['of_best_peer']:6.2f} of the best peer's time")
    if "gigabytes" in record:
        parts.append(f"{record['gigabytes']:7.2f} GB at most")
    if record.get("waits") is not None:
        parts.append(f"the device waits {100 * record['waits']:.0f} %")
    return head + " ".join(parts)


def draw(figures: dict, path: str) -> None:
    """Draw the curves of a table."""
    from cost_growth import draw as draw_curves

    found = {}
    for title, records in figures["rows"].items():
        if title.startswith("curve of"):
            net, job = title.split()[2:]
            measured = [record for record in records if "ms" in record]
            found[net, job] = {int(record["case"].split()[1]): record for record in measured}
    draw_curves(found, path)
    print(f"Wrote {path}")


def run(arguments) -> dict:
    """Measure the rows that were asked for, print the table and return its figures."""
    end = time.monotonic() + 60 * arguments.minutes
    asked = tuple(arguments.rows) or ""
    rows = [row for row in (QUICK if arguments.quick else ROWS) if row.title.startswith(asked)]
    if arguments.batches:
        rows = [with_batches(row, arguments.batches) for row in rows]
    if arguments.net:
        rows = [dataclasses.replace(row, net=arguments.net) for row in rows]
    batch, rounds = (2, 1) if arguments.quick else (arguments.batch_size, arguments.rounds)
    figures = {"batch": batch, "rows": {}}
    print(f"Batches of {batch}, medians; {arguments.minutes:g} minutes at most", flush=True)
    for wave in sorted({row.wave for row in rows}):
        together = [row for row in rows if row.wave == wave]
        left = end - time.monotonic()
        if left < max(row.needs for row in together):
            for row in together:
                print(f"{row.title}\n  left out: {left:.0f} seconds were left")
            continue
        for row, sides, seconds in measure(together, batch, rounds, end, arguments):
            found = list(lines(row, sides, seconds, batch))
            figures["rows"][row.title] = found
            reach = f" (to reach: {row.target})" if row.target else ""
            print(f"{row.title}{reach}")
            print(*map(sentence, found), sep="\n", flush=True)
    return figures


def set_environment() -> None:
    """Set what lets the sides share device and cores, and import the package of this checkout."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "4")
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [pathlib.Path(path).absolute() for path in given if path]
    checkout = pathlib.Path(__file__).absolute().parent.parent.parent
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, [*paths, checkout]))


def main():
    """Print the table, and write it and draw it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", nargs="*", help="the first words of titles; by default all")
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--sides", nargs="+", help="only these")
    parser.add_argument("--net", help="in place of all others; a small one for a look on a CPU")
    parser.add_argument("--batches", nargs="+", type=int, help="of the curves, ascending")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--figures", metavar="FILE", help="write the table as JSON too")
    parser.add_argument("--plot", metavar="FILE", help="draw the curves")
    parser.add_argument("--draw", metavar="FILE", help="draw those of a JSON file, measure nothing")
    parser.add_argument("--quick", action="store_true", help="small networks, in this process")
    arguments = parser.parse_args()
    if not arguments.quick:
        set_environment()
    if arguments.draw:
        with open(arguments.draw, encoding="utf-8") as file:
            figures = json.load(file)
    else:
        figures = run(arguments)
    if arguments.figures:
        with open(arguments.figures, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
    if arguments.plot:
        draw(figures, arguments.plot)


if __name__ == "__main__":
    main()
