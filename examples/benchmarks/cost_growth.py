"""Time networks and weigh their memory as the batch grows, and ten crops against one.

Each figure comes from a process of its own, so that its peak memory is its own: images per second
(the median step, after the first) and the most memory that the process held, for the forward pass
and for the train step (SGD with momentum). Then the forward pass of `multi_crop_model` on images of
256 x 256 against ten times that of the network alone.

    KERAS_BACKEND=tensorflow python examples/benchmarks/cost_growth.py --plot cost_growth.png
"""

import argparse
import json
import statistics
import subprocess
import sys
import time


def measure(variant: str, job: str, batch: int, steps: int) -> dict:
    """Return images per second and peak memory of one case; called in a fresh process."""
    import keras
    import numpy as np

    from keras_alexnet import AlexNet, multi_crop_model
    from keras_alexnet.benchmarking.devices import peak_memory
    from keras_alexnet.benchmarking.passes import forward

    model = AlexNet(variant, initialization="robust")
    if job == "ten crops":
        model = multi_crop_model(model)
    size = model.input_shape[1]
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch, size, size, 3), dtype="float32")
    if job == "train":
        labels = rng.integers(0, model.output_shape[1], batch)
        run = prepared(model, job)

        def step():
            run(images, labels)

    else:
        step = forward(model, images, compiled=keras.backend.backend() != "torch")
    step()
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    rate = batch / statistics.median(seconds)
    return {"images_per_second": rate, "gigabytes": peak_memory()["host"] / 1e9}


def prepared(model, job: str):
    """Return a function that does a job with images and labels, and waits for its results."""
    import keras

    if job == "train":
        xla = keras.backend.backend() != "torch"
        optimizer = keras.optimizers.SGD(0.001, 0.9)
        model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=xla)
        return model.train_on_batch
    return lambda images, labels: model.predict_on_batch(images)


def in_a_fresh_process(variant, job, batch, steps):
    """Measure one case where nothing else was computed before."""
    case = json.dumps([variant, job, batch, steps])
    command = [sys.executable, __file__, "--case", case]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def draw(found, path):
    """Draw images per second and memory against the batch, a line for each network and job."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for plot, key, label in zip(
        axes,
        ("images_per_second", "gigabytes"),
        ("images per second", "peak memory, GB"),
        strict=True,
    ):
        for (variant, job), row in found.items():
            style = {"color": {"paper": "tab:blue"}.get(variant, "tab:orange")}
            style["linestyle"] = "-" if job == "train" else "--"
            name = f"{variant}, {'train step' if job == 'train' else job}"
            plot.plot(row.keys(), [case[key] for case in row.values()], "o", label=name, **style)
        plot.set(xscale="log", xlabel="batch", ylabel=label, ylim=(0, None))
        batches = sorted({batch for row in found.values() for batch in row})
        plot.set_xticks(batches, [str(batch) for batch in batches])
        plot.minorticks_off()
        plot.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, dpi=110)


def main():
    """Measure every case and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--variants", nargs="+", default=["paper", "owt"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32, 128, 256])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--plot", metavar="FILE", help="draw the figures too")
    parser.add_argument("--quick", action="store_true", help="a small network, to see that it runs")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(*json.loads(arguments.case))))
        return
    taken = in_a_fresh_process
    if arguments.quick:
        arguments.variants, arguments.batches, arguments.steps = ["cifar10_19pct"], [1], 1
        taken = measure  # in this process: the memory is not looked at
    found = {}
    print(f"{'':16}{'':10}{'batch':>6}{'images/s':>11}{'peak GB':>9}")
    for variant in arguments.variants:
        for job in ("forward", "train"):
            for batch in arguments.batches:
                case = taken(variant, job, batch, arguments.steps)
                found.setdefault((variant, job), {})[batch] = case
                rate, memory = case.values()
                print(f"{variant:16}{job:10}{batch:6}{rate:11.1f}{memory:9.2f}", flush=True)
    for variant in arguments.variants:
        rates = [
            taken(variant, job, arguments.batches[-1] // div, arguments.steps)
            for job, div in (("forward", 1), ("ten crops", min(10, arguments.batches[-1])))
        ]
        one, ten = (case["images_per_second"] for case in rates)
        print(f"{variant}: ten crops take {one / ten / 10:.2f} of the time of ten times one crop")
    if arguments.plot:
        draw(found, arguments.plot)
        print(f"Wrote {arguments.plot}")


if __name__ == "__main__":
    main()
