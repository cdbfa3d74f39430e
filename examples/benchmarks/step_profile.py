"""Say where the time of a training step goes: each layer of a network on its own.

Forward and gradient of every layer for the input that it has inside the network, the optimizer's
update, and beside them what the arithmetic alone takes at the rate of this machine's own matrix
products, measured in the same run. Medians; the layers take turns.

    KERAS_BACKEND=tensorflow python examples/benchmarks/step_profile.py --mode compiled
"""

import argparse
import inspect
import statistics
import time

import keras
import numpy as np
from keras import ops

from keras_alexnet import AlexNet, describe

BACKEND = keras.backend.backend()


def compiled(function, mode):
    """Return a function of tensors that computes and waits, as the mode has it."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        function = tf.function(function, jit_compile=mode == "compiled", autograph=False)

        def run(*tensors):
            results = tf.nest.flatten(function(*tensors))
            results[-1].numpy()

        return run
    if BACKEND == "jax":
        import jax

        function = jax.jit(function)
        return lambda *tensors: jax.block_until_ready(function(*tensors))
    if mode == "compiled":
        import torch

        function = torch.compile(function)
    return function


def forward_and_gradient(layer, needs_input_gradient):
    """Return a function of (x, dy) that computes the layer, training, and its gradients."""
    training = {"training": True} if "training" in inspect.signature(layer.call).parameters else {}
    if BACKEND == "tensorflow":
        import tensorflow as tf

        variables = [variable.value for variable in layer.trainable_variables]

        def both(x, dy):
            sources = [x, *variables] if needs_input_gradient else variables
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, **training)
            return tape.gradient(y, sources, dy) if sources else y

        return both
    if BACKEND == "jax":
        import jax

        variables = [variable.value for variable in layer.trainable_variables]
        state = [variable.value for variable in layer.non_trainable_variables]

        def both(x, dy):
            def call(variables, x):
                return layer.stateless_call(variables, state, x, **training)[0]

            if needs_input_gradient:
                return jax.vjp(call, variables, x)[1](dy)
            return jax.vjp(lambda variables: call(variables, x), variables)[1](dy)

        return both
    import torch

    def both(x, dy):
        x = x.detach().requires_grad_(needs_input_gradient)
        sources = [variable.value for variable in layer.trainable_variables]
        sources += [x] if needs_input_gradient else []
        if sources:
            torch.autograd.grad(layer(x, **training), sources, dy)

    return both


def optimizer_step(model, mode):
    """Return a function that applies one update of SGD with momentum."""
    optimizer = keras.optimizers.SGD(0.001, 0.9)
    optimizer.build(model.trainable_variables)
    gradients = [ops.ones_like(variable.value) for variable in model.trainable_variables]
    if BACKEND == "jax":
        import jax

        values = [variable.value for variable in model.trainable_variables]
        state = [variable.value for variable in optimizer.variables]
        apply = jax.jit(optimizer.stateless_apply, donate_argnums=(0, 2))
        kept = [state, values]

        def run():
            kept[1], kept[0] = jax.block_until_ready(apply(kept[0], gradients, kept[1]))

        return run
    if BACKEND == "torch":
        import torch

        def run():
            with torch.no_grad():
                optimizer.apply(gradients, model.trainable_variables)

        return run

    def update(*gradients):
        optimizer.apply(list(gradients), model.trainable_variables)
        return gradients[-1][:1]

    step = compiled(update, mode)
    return lambda: step(*gradients)


def matrix_rate():
    """Return the multiply-adds per second of a product of large matrices."""
    size = 2048
    a = ops.ones((size, size))
    product = compiled(ops.matmul, "plain")
    times = []
    for _ in range(6):
        start = time.perf_counter()
        product(a, a)
        times.append(time.perf_counter() - start)
    return size**3 / min(times)


def main():
    """Profile a network and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--variant", default="paper")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--mode", choices=("plain", "compiled"), default="plain")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a small network, to see that it runs")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.variant, arguments.batch_size, arguments.rounds = "cifar10_19pct", 2, 1
    model = AlexNet(arguments.variant, initialization="robust")
    rng = np.random.default_rng(0)
    shape = (arguments.batch_size, *model.input_shape[1:])
    x = ops.convert_to_tensor(rng.standard_normal(shape, dtype="float32"))
    parts, first = {}, True
    for layer in model.layers[1:]:
        y = layer(x, training=False)
        function = compiled(forward_and_gradient(layer, not first), arguments.mode)
        parts[layer.name] = lambda function=function, x=x, y=y: function(x, y)
        first = first and not layer.trainable_variables
        x = y
    parts["optimizer"] = optimizer_step(model, arguments.mode)
    seconds = {name: [] for name in parts}
    for number in range(arguments.rounds + 1):
        for name, part in parts.items():
            start = time.perf_counter()
            part()
            if number:
                seconds[name].append(time.perf_counter() - start)
    rate = matrix_rate()
    costs = {row.name: row.multiply_adds for row in describe(model).layers}
    total = sum(statistics.median(times) for times in seconds.values())
    print(f"{BACKEND}, {arguments.mode}, {arguments.variant}, batch {arguments.batch_size}")
    print(f"matrix products: {2e-9 * rate:.0f} GFLOP/s")
    print(f"{'':14}{'ms':>9}{'share':>8}{'arithmetic alone, ms':>23}")
    alone = 0.0
    for number, (name, times) in enumerate(seconds.items()):
        middle = statistics.median(times)
        passes = 2 if number == 0 else 3  # the images need no gradient
        least = passes * arguments.batch_size * costs.get(name, 0) / rate
        alone += least
        note = f"{1000 * least:23.0f}" if least else ""
        print(f"{name:14}{1000 * middle:9.1f}{100 * middle / total:7.1f} %{note}")
    print(f"{'sum':14}{1000 * total:9.1f}{'':9}{1000 * alone:23.0f}")


if __name__ == "__main__":
    main()
