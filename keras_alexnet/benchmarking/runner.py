"""`benchmark`: times of forward, and of forward and backward passes, batch by batch."""

import datetime
import time
from collections.abc import Callable, Mapping

import keras
import numpy as np

from keras_alexnet.arguments import boolean, integer
from keras_alexnet.benchmarking.devices import peak_memory
from keras_alexnet.benchmarking.environment import compile_mode, environment
from keras_alexnet.benchmarking.passes import forward, forward_backward, has_gradients
from keras_alexnet.benchmarking.report import Report
from keras_alexnet.benchmarking.timings import Timings
from keras_alexnet.errors import UserError

__all__ = ["NOTEBOOK_NAMES", "activation_lines", "benchmark"]

# The notebook's names of the layers in its table.
NOTEBOOK_NAMES = {"fc6": "fat1", "fc7": "fat2", "fc8": "fat3"}
SHOWN = ("conv", "pool", "fc", "fat")
IMAGE_DEVIATION = 0.1  # the notebook's images are N(0, 0.1) noise


def benchmark(
    model: keras.Model,
    batch_size: int = 32,
    num_batches: int = 100,
    burn_in: int = 10,
    *,
    compiled: bool | None = None,
    say: Callable[[str], object] | None = None,
) -> Report:
    """Time a model forward, and forward and backward, as the notebook's program does.

    "Forward" computes the outputs for one batch of noise, N(0, 0.1), at inference.
    "Forward-backward" computes the gradients of half the sum of their squares for all parameters.
    No parameter changes. The time of each step ends when the device has finished. On a backend
    without gradients, such as OpenVINO, the report has "Forward" alone, and a note.

    Args:
        model: A functional or sequential model with one image input of known size.
        batch_size: Images per batch.
        num_batches: Number of measured steps.
        burn_in: Number of steps before them that are not measured; the first compiles.
        compiled: Whether to compile the passes with XLA (TensorFlow, JAX) or TorchInductor
            (PyTorch, which then needs a C++ compiler). `None` for the backend's default:
            TensorFlow's graph, JAX's XLA, PyTorch's eager mode.
        say: Called with each line of the notebook's output, such as `print`: a line every ten
            steps, and the mean and deviation at the end.

    Returns:
        A `Report` with the timings `"Forward"` and, on a backend with gradients,
        `"Forward-backward"`.

    Raises:
        UserError: (a `ValueError`) for a model without a fixed input size, or a wrong count.

    Reference:
        tutorials/image/alexnet/alexnet_benchmark.py of TensorFlow, after convnet-benchmarks.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> report = benchmark(AlexNet("cifar10_18pct"), batch_size=4, num_batches=3, burn_in=1)
    >>> [timings.name for timings in report.timings], len(report["Forward"].seconds)
    (['Forward', 'Forward-backward'], 3)
    """
    remedy = "The notebook measures 100 batches of 32 images, after 10 batches to burn in."
    batch_size = integer("batch_size", batch_size, 1, remedy)
    num_batches = integer("num_batches", num_batches, 1, remedy)
    burn_in = integer("burn_in", burn_in, 1, remedy)
    if not isinstance(model, keras.Model):
        raise UserError(
            f"Received model={model!r}.",
            "`model` must be a keras.Model with one image input.",
            'Pass a model such as AlexNet("paper").',
        )
    shape = tuple(getattr(model, "input_shape", (None, None)))[1:]
    if None in shape:
        raise UserError(
            f"Received the model {model.name!r} with the input shape {(None, *shape)}.",
            "The size of the images must be known.",
            "Build the model with a size, such as input_shape=(224, 224, 3).",
        )
    is_jax = keras.backend.backend() == "jax"
    compiled = is_jax if compiled is None else boolean("compiled", compiled)
    noise = np.random.default_rng(0).normal(0, IMAGE_DEVIATION, (batch_size, *shape))
    images = noise.astype("float32")
    say = say or (lambda line: None)
    mode = compile_mode(compiled)
    conditions = {**environment(model), "compile mode": mode, "batch": batch_size}
    passes = {"Forward": forward}
    if has_gradients():
        passes["Forward-backward"] = forward_backward
    else:
        backend = keras.backend.backend()
        conditions["backward pass"] = (
            f"not timed, because the package computes no gradients on {backend}"
        )
    timings = []
    for name, make in passes.items():
        run = make(model, images, compiled)
        timings.append(_timed(name, run, batch_size, num_batches, burn_in, say))
    return Report(tuple(timings), conditions, peak_memory())


def _timed(name, run, batch_size, num_batches, burn_in, say) -> Timings:
    """Return the timings of a pass, and report them in the notebook's lines."""
    durations = []
    for step in range(-burn_in, num_batches):
        start = time.perf_counter()
        run()
        durations.append(time.perf_counter() - start)
        if step >= 0 and step % 10 == 0:
            say(f"{datetime.datetime.now()}: step {step}, duration={durations[-1]:.3f}")
    first, *warm_up = durations[:burn_in]
    timings = Timings(name, first, tuple(warm_up), tuple(durations[burn_in:]), batch_size)
    say(
        f"{datetime.datetime.now()}: {name} across {num_batches} steps, "
        f"{timings.mean:.3f} +/- {timings.deviation:.3f} sec / batch"
    )
    return timings


def activation_lines(
    model: keras.Model, batch_size: int, names: Mapping[str, str] | None = None
) -> list[str]:
    """Return the notebook's table: a line for each convolution, pooling and full connection.

    Args:
        model: A functional model of `AlexNet`.
        batch_size: Images per batch, the first number of each shape.
        names: Names to show instead of those of the layers, by the latter.
    """
    return [
        f"{(names or {}).get(layer.name, layer.name)}   {[batch_size, *layer.output.shape[1:]]}"
        for layer in model.layers
        if layer.name.startswith(SHOWN)
    ]
