"""Images per second in training the networks for CIFAR-10, here and in PyTorch.

The same networks with the same weights, each side in a process of its own; they take turns, and
their outputs for the same images are compared first. One step is `train_on_batch` with momentum,
or the same written out in PyTorch.

    python examples/benchmarks/cifar10_steps.py
    python examples/benchmarks/cifar10_steps.py cifar10_11pct --rounds 20
"""

import argparse

from peers import worker
from steps import Side, SideHere, print_row, running_backend, time_row

NETS = ("cifar10_80sec", "cifar10_19pct", "cifar10_18pct", "cifar10_13pct", "cifar10_11pct")
SIDES = ("TensorFlow", "TensorFlow XLA", "JAX", "PyTorch")
TORCH = ("PyTorch", "PyTorch, channels last", "PyTorch compiled", "PyTorch compiled, channels last")
NAMES = (*(f"ours, {side}, CIFAR" for side in SIDES), *(f"{side}, CIFAR" for side in TORCH))


def main():
    """Time the networks that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("nets", nargs="*", help=f"some of {', '.join(NETS)}")
    parser.add_argument("--sides", nargs="+", help=f"some of {'; '.join(NAMES)}")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="a small batch, in this process")
    arguments = parser.parse_args()
    nets, names, batch = arguments.nets or NETS, arguments.sides or NAMES, arguments.batch_size
    start = SideHere if arguments.quick else Side
    if arguments.quick:
        nets, batch, arguments.rounds = ("cifar10_18pct",), 4, 1
        names = [name for name in NAMES if worker.SIDES[name][0] == running_backend()][:1]
    for net in nets:
        sides = time_row(net, "train", batch, names, arguments.rounds, start)
        print_row(f"{net}, batch {batch}", sides, lambda time: f" {batch / time:8.0f} images/s")


if __name__ == "__main__":
    main()
