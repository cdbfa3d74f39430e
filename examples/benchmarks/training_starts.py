"""Count how often training starts: the loss leaves the plateau at ln(10), by initial values.

For each ImageNet network, with its own initial values and with the robust ones, ten drawn classes
are trained on as `keras-alexnet fit` does it (Adam, batch 16, random windows), but at a constant
rate of 4e-4, from several seeds. A run has left the plateau when the mean loss of 25 steps falls
below 0.9 ln(10). The log in this folder is of older drawn classes: they had squares in place of
bars, smaller figures and finer textures.

At full size that takes days on two CPU cores, so the windows are small: `--size 99` leaves 2 x 2
places before fc6 where 224 leaves 6 x 6. fc6 then sums fewer values, and would give smaller ones
where the published initial values are of a fixed size; so these are multiplied by the square root
of what is missing, 3, which gives its outputs the spread that they have at full size. Initial
values that follow the number of inputs, the robust ones among them, need no such thing.

Every run is a line of a CSV file, and what stands there is not run again: more can be added later.

    python examples/benchmarks/training_starts.py --seeds 10 --log training_starts.csv
"""

import argparse
import collections
import csv
import dataclasses
import math
import os
import statistics
import time

import keras
import numpy as np

from keras_alexnet import AlexNet, get_variant, list_variants
from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.training.job import Job, build_model

CLASSES, WINDOW = 10, 25
LEFT = 0.9 * math.log(CLASSES)
KEYS = ("variant", "initialization", "seed", "size", "batch", "steps")
FIXED = ("normal", "truncated_normal")  # kinds of initial values that ignore the number of inputs


class Case:
    """One network with one kind of initial values, traced once for all seeds."""

    def __init__(self, job: Job):
        self.job = job
        self.model = build_model(job, CLASSES)
        self.model.optimizer.build(self.model.trainable_variables)
        self.at_first = [
            keras.ops.convert_to_numpy(variable) for variable in self.model.optimizer.variables
        ]
        self.images, self.labels = drawn_images(job.drawn, seed=0, size=job.base)
        # fc6 in the ImageNet networks; the networks for CIFAR-10 name it by its units.
        self.first = next(x.name for x in self.model.layers if x.name.startswith("fc"))
        self.first_factor = 1.0
        published = get_variant(job.variant).initial[self.first][0].kind in FIXED
        if published and job.initialization == "published":
            size = get_variant(job.variant).input_size
            places = [self._places(side) for side in (size, job.window)]
            self.first_factor = math.sqrt(places[0] / places[1])

    def _places(self, size: int) -> int:
        shape = (size, size, 3)
        features = AlexNet(self.job.variant, include_top=False, input_shape=shape)
        return math.prod(features.output_shape[1:3])

    def run(self, seed: int, steps: int) -> dict:
        """Train from the seed's initial values until the plateau is left, or to the end."""
        start = time.perf_counter()
        fresh = build_model(dataclasses.replace(self.job, seed=seed), CLASSES)
        self.model.set_weights(fresh.get_weights())
        kernel = self.model.get_layer(self.first).kernel
        kernel.assign(kernel * self.first_factor)
        for variable, value in zip(self.model.optimizer.variables, self.at_first, strict=True):
            variable.assign(value)
        rng, step, left_at = np.random.default_rng(seed), 0, ""
        losses: collections.deque = collections.deque(maxlen=WINDOW)
        while step < steps and not left_at:
            step += 1
            chosen = rng.choice(len(self.images), self.job.batch_size, replace=False)
            self.model.reset_metrics()
            losses.append(self.model.train_on_batch(self.images[chosen], self.labels[chosen])[0])
            if step >= WINDOW and np.mean(losses) < LEFT:
                left_at = step
        mean = round(float(np.mean(losses)), 4)
        return {"left_at": left_at, "loss": mean, "seconds": round(time.perf_counter() - start)}


def recorded(path: str) -> list[dict]:
    """Return the runs that the file has."""
    if not os.path.exists(path):
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def print_table(rows: list[dict]) -> None:
    """Print how many runs left the plateau, and the median step at which they did."""
    print(f"{'':18}{'own initial values':>24}{'robust':>24}")
    for variant in dict.fromkeys(row["variant"] for row in rows):
        cells = []
        for kind in ("published", "robust"):
            runs = [r for r in rows if (r["variant"], r["initialization"]) == (variant, kind)]
            steps = [int(row["left_at"]) for row in runs if row["left_at"]]
            median = f", step {statistics.median(steps):.0f}" if steps else ""
            cells.append(f"{len(steps)} of {len(runs)}{median}" if runs else "-")
        print(f"{variant:18}{cells[0]:>24}{cells[1]:>24}")


def main() -> None:
    """Run what the file has not, and print the table of all that it has then."""
    networks = [name for name in list_variants() if get_variant(name).input_size > 100]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--variants", nargs="+", default=networks)
    parser.add_argument("--initializations", nargs="+", default=["published", "robust"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--size", type=int, default=99, help="side of the windows")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--images", type=int, default=1600, help="drawn to train on")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--log", default="training_starts.csv")
    parser.add_argument("--quick", action="store_true", help="one small network, to see it run")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.variants, arguments.seeds, arguments.steps = ["cifar10_80sec"], 1, 2
        arguments.size, arguments.batch, arguments.images = 24, 2, 20
    for variant in arguments.variants:
        for kind in arguments.initializations:
            keys = [variant, kind, None, arguments.size, arguments.batch, arguments.steps]
            wanted = [[*keys[:2], seed, *keys[3:]] for seed in range(arguments.seeds)]
            done = [[row[key] for key in KEYS] for row in recorded(arguments.log)]
            case = None
            for run in (run for run in wanted if [str(key) for key in run] not in done):
                options = {"image_size": arguments.size, "batch_size": arguments.batch}
                options |= {"initialization": kind, "drawn": arguments.images}
                case = case or Case(Job(variant, schedule="constant", **options))
                row = {**dict(zip(KEYS, run, strict=True)), **case.run(run[2], arguments.steps)}
                new = not os.path.exists(arguments.log)
                with open(arguments.log, "a", newline="") as file:
                    writer = csv.DictWriter(file, row, lineterminator="\n")
                    if new:
                        writer.writeheader()
                    writer.writerow(row)
                at = f"left it at step {row['left_at']}" if row["left_at"] else "stayed"
                print(f"{variant}, {kind}, seed {run[2]}: {at}, loss {row['loss']:.3f}", flush=True)
    print_table(recorded(arguments.log))


if __name__ == "__main__":
    main()
