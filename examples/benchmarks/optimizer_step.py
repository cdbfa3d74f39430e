"""Time one step of the optimizers alone, for all parameters of a network, against Keras's SGD.

The gradients lie ready; what is timed is the passes over weights, velocities and gradients. The
optimizers take turns in one process, medians. TensorFlow is shown with XLA and without.

    KERAS_BACKEND=tensorflow python examples/benchmarks/optimizer_step.py
"""

import argparse
import statistics
import time

import keras
import numpy as np

from keras_alexnet import AlexNet, get_recipe, paper_optimizer

BACKEND = keras.backend.backend()
MODES = {"tensorflow": (False, True), "jax": (True,), "torch": (False,)}[BACKEND]
OPTIMIZERS = {
    "keras SGD": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "keras SGD, weight_decay": lambda: keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=5e-4),
    "paper_optimizer": lambda: paper_optimizer(0.01),
    "owt recipe": lambda: get_recipe("owt").optimizer(1000),
}


def stepper(optimizer, variables, gradients, jit_compile: bool):
    """Return a function that takes one step and waits for it."""
    optimizer.build(variables)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=jit_compile, autograph=False)
        def step():
            optimizer.apply(gradients, variables)

        return lambda: (step(), variables[-1].numpy())
    if BACKEND == "torch":
        import torch

        def apply():
            with torch.no_grad():
                optimizer.apply(gradients, variables)

        return apply
    import jax

    compiled = jax.jit(optimizer.stateless_apply, donate_argnums=(0, 2))

    def run():
        values = compiled(
            [variable.value for variable in optimizer.variables],
            gradients,
            [variable.value for variable in variables],
        )
        for kept, new in zip((variables, optimizer.variables), values, strict=True):
            for variable, value in zip(kept, new, strict=True):
                variable.assign(value)
        jax.block_until_ready(values)

    return run


def main():
    """Time the optimizers and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--variant", default="paper")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="a small network, once")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.variant, arguments.repeats = "cifar10_18pct", 1
    model = AlexNet(arguments.variant)
    variables = model.trainable_variables
    rng = np.random.default_rng(0)
    gradients = [
        keras.ops.convert_to_tensor(1e-3 * rng.standard_normal(v.shape, "float32"))
        for v in variables
    ]
    print(f"{BACKEND}, Keras {keras.__version__}, {arguments.variant}: ms per optimizer step")
    for mode in MODES:
        functions = [stepper(make(), variables, gradients, mode) for make in OPTIMIZERS.values()]
        times = [[] for _ in functions]
        for round_number in range(arguments.repeats + 2):
            for function, kept in zip(functions, times, strict=True):
                start = time.perf_counter()
                function()
                if round_number > 1:
                    kept.append(1000 * (time.perf_counter() - start))
        medians = [statistics.median(kept) for kept in times]
        print("XLA" if mode else "plain")
        for name, found in zip(OPTIMIZERS, medians, strict=True):
            print(f"  {name:26} {found:8.1f}   {found / medians[0]:.2f} of keras SGD")


if __name__ == "__main__":
    main()
