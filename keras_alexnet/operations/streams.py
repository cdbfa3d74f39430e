"""Streams of random numbers that differ between the processes with copies of one layer."""

import functools
import os
import sys
import threading

import keras
import numpy as np

# How many processes each ancestor of this process had forked with it; last, how many this one has.
_forks = [0]
_lock = threading.RLock()  # two threads that fork at once count one after the other


def _before() -> None:
    _lock.acquire()
    _forks[-1] += 1


def _in_child() -> None:
    _forks.append(0)
    _lock.release()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(before=_before, after_in_parent=_lock.release, after_in_child=_in_child)


def lineage() -> tuple[int, ...]:
    """Return the number of each fork that led to this process: () if none did.

    The third process that the first one forks has (3,), and the first one that that one forks has
    (3, 1). Processes that fork in the same order in two runs have the same numbers in both.
    """
    return tuple(_forks[:-1])


def identity() -> tuple[int, ...]:
    """Return numbers that no other process with a copy of the same layer has.

    In a worker of PyTorch's `DataLoader` it is the worker's seed. PyTorch draws it for each worker
    and epoch, and `torch.manual_seed` decides it. In any other process it is `lineage()`.
    """
    data = sys.modules.get("torch.utils.data")
    worker = data and data.get_worker_info()
    return (worker.seed,) if worker else lineage()


@functools.cache
def _shift(process: tuple[int, ...]) -> int:
    """Return a number of 31 bits that looks random and that the process decides."""
    return int(np.random.SeedSequence(process).generate_state(1)[0]) >> 1


class SeedGenerator(keras.random.SeedGenerator):
    """A `keras.random.SeedGenerator` whose copies in other processes give other seeds.

    In the process that made it, it gives the seeds of Keras's own. In a forked process and in a
    worker of PyTorch's `DataLoader` it adds a number to them that `identity()` decides. The state
    is that of Keras's own in every process.
    """

    def __init__(self, seed, **kwargs):
        super().__init__(seed, **kwargs)
        self._home = lineage()

    def next(self, ordered=True):
        """Return the next seed, two whole numbers."""
        seed, process = super().next(ordered), identity()
        if process == self._home:
            return seed
        shift = np.array([_shift(process), 0])
        return seed + self.backend.convert_to_tensor(shift, dtype=self.state.dtype)
