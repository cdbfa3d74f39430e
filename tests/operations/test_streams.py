"""Random layers in several processes: no process repeats the numbers of another."""

import json
import os
import sys
import types
import warnings

import numpy as np
import pytest
import tensorflow as tf

import processes
from coordinates import coordinate_images, read_places
from helpers import BACKEND, to_numpy
from keras_alexnet import PCAColorNoise, RandomCropFlip
from keras_alexnet.operations import streams
from processes import started

IMAGES = coordinate_images(8, 40, 40)
LAST = {"data_format": "channels_last"}


def forked(function):
    """Return what a function gives in a forked process, which does nothing else."""
    reading, writing = os.pipe()
    with warnings.catch_warnings(action="ignore"):  # Python and JAX warn of their threads
        child = os.fork()
    if not child:
        try:
            os.write(writing, json.dumps(function()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        answer = file.read()
    assert os.waitpid(child, 0) == (child, 0)
    return json.loads(answer)


@pytest.mark.backend_free
def test_every_fork_has_numbers_of_its_own():
    """Children are numbered in the order of their forks, and so are their children."""

    def children():
        return [list(streams.identity()), forked(streams.identity), forked(streams.identity)]

    mine = streams.identity()
    (first, *grandchildren), (second, *_) = forked(children), forked(children)
    assert streams.identity() == mine
    number = first[-1]
    assert first == [*mine, number]
    assert second == [*mine, number + 1]
    assert grandchildren == [[*first, 1], [*first, 2]]


@pytest.mark.backend_free
def test_worker_of_a_loader_is_known_by_its_seed(monkeypatch):
    """PyTorch gives its workers seeds, which follow from its own; no other process has one."""
    worker = types.SimpleNamespace(id=1, seed=2**62 + 5)
    for found, expected in ((worker, (worker.seed,)), (None, streams.lineage())):
        data = types.SimpleNamespace(get_worker_info=lambda found=found: found)
        monkeypatch.setitem(sys.modules, "torch.utils.data", data)
        assert streams.identity() == expected


def places(layer, images=IMAGES):
    """Return the first rows of the windows that a layer draws next."""
    return read_places(to_numpy(layer(images, training=True))).tops.tolist()


def colours(layer):
    """Return the noise that a layer draws next."""
    return to_numpy(layer(np.zeros((8, 1, 1, 3), "float32"), training=True)).tolist()


@pytest.mark.parametrize("seed", [3, None])
@pytest.mark.parametrize(
    ("make", "draw"),
    [
        (lambda seed: RandomCropFlip(8, 8, seed=seed, **LAST), places),
        (lambda seed: PCAColorNoise(seed=seed, **LAST), colours),
    ],
    ids=["crop", "noise"],
)
def test_copies_in_other_processes(monkeypatch, make, draw, seed):
    """A copy's numbers follow from seed and process; the state stays what a file can hold."""
    home = streams.identity()
    layer = make(seed)
    start, config = to_numpy(layer.generator.state), layer.get_config()

    def drawn(process):
        monkeypatch.setattr(streams, "identity", lambda: process)
        layer.generator.state.assign(start)
        draws = [draw(layer), draw(layer)]
        assert to_numpy(layer.generator.state)[0] == start[0]
        assert layer.get_config() == config
        return draws

    processes = [home, (*home, 7), (*home, 8), (2**62,), (2**62 + 1,)]
    draws = [drawn(process) for process in processes]
    assert len({json.dumps(draw) for pair in draws for draw in pair}) == 2 * len(processes)
    assert [drawn(process) for process in processes] == draws


def test_layer_made_in_a_forked_process(monkeypatch):
    """It draws what its seed says, as the same layer in the first process does."""
    expected = places(RandomCropFlip(8, 8, seed=3, **LAST))
    child = (*streams.lineage(), 7)
    for name in ("identity", "lineage"):
        monkeypatch.setattr(streams, name, lambda: child)
    assert places(RandomCropFlip(8, 8, seed=3, **LAST)) == expected


@pytest.mark.medium
def test_copies_in_tf_data(monkeypatch):
    """A map draws other windows too, on whatever backend is running."""

    def drawn(process):
        layer = RandomCropFlip(8, 8, seed=3, **LAST)
        monkeypatch.setattr(streams, "identity", lambda: process)
        return next(iter(tf.data.Dataset.from_tensors(IMAGES).map(layer).as_numpy_iterator()))

    home = streams.identity()
    tops = []
    for process in (home, (*home, 7), (*home, 7), (*home, 8)):
        monkeypatch.undo()
        tops.append(read_places(drawn(process)).tops.tolist())
    assert tops[1] == tops[2]
    assert len({*map(tuple, tops)}) == 3


@pytest.mark.medium
def test_compiled_step(monkeypatch):
    """A copy can be compiled, and each step of what is compiled has windows of its own."""
    layer = RandomCropFlip(8, 8, seed=3, **LAST)
    process = (*streams.identity(), 7)
    monkeypatch.setattr(streams, "identity", lambda: process)
    step = step_of(layer)
    first, second = (read_places(step(IMAGES)).tops.tolist() for _ in range(2))
    assert first != second
    twin = RandomCropFlip(8, 8, seed=3, **LAST)
    twin.generator = layer.generator
    layer.generator.state.assign([3, 0])
    assert [places(twin), places(twin)] == [first, second]


def step_of(layer):
    """Return a function that runs a layer compiled, and keeps the state of its stream."""
    if BACKEND == "tensorflow":
        return tf.function(lambda x: layer(x, training=True), jit_compile=True)
    if BACKEND == "torch":  # whose compiler needs one for C++ on the machine
        return lambda x: layer(x, training=True)
    import jax

    run = jax.jit(lambda state, x: layer.stateless_call([], [state], x, training=True))

    def step(images):
        windows, (state,) = run(layer.generator.state.value, images)
        layer.generator.state.assign(state)
        return windows

    return step


# Prints the windows that three kinds of worker draw: PyTorch's, Keras's and Python's own.
WORKERS = """
import json, multiprocessing, os, warnings
import keras, numpy as np, torch
from coordinates import coordinate_images, read_places
from keras_alexnet import RandomCropFlip

warnings.simplefilter("ignore")
IMAGES = coordinate_images(8, 40, 40)
SECONDS = 300  # of a worker that hangs

def make(seed):
    return RandomCropFlip(8, 8, seed=seed, data_format="channels_last")

def tops(windows):
    return read_places(np.asarray(windows)).tops.tolist()

class Loaded(torch.utils.data.Dataset):
    def __init__(self, seed):
        self.layer = make(seed)

    def __len__(self):
        return 4

    def __getitem__(self, number):
        return self.layer(IMAGES, training=True)

def loaded(seed, start, **options):
    torch.manual_seed(start)
    loader = torch.utils.data.DataLoader(
        Loaded(seed), batch_size=None, num_workers=2, timeout=SECONDS, **options
    )
    return [tops(windows) for epoch in range(2) for windows in loader]

class Batches(keras.utils.PyDataset):
    def __init__(self):
        super().__init__(workers=2, use_multiprocessing=True)
        self.layer = make(1)

    def __len__(self):
        return 4

    def __getitem__(self, number):
        return np.asarray(self.layer(IMAGES, training=True)), np.zeros(8)

class Keep(keras.Model):
    seen = []

    def call(self, images):
        return images

    def train_step(self, data):
        self.seen.append(tops(data[0]))
        return {}

def put(queue, layer):
    queue.put(tops(layer(IMAGES, training=True)))

def forked(layer):
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    drawn = []
    for _ in range(2):
        process = context.Process(target=put, args=(queue, layer), daemon=True)
        process.start()
        process.join(SECONDS)
        drawn.append(queue.get())
    return [*drawn, tops(layer(IMAGES, training=True))]

if __name__ == "__main__":
    # A fork copies what PyTorch sets up in another thread half done, and the copy waits for its end
    # for ever. So this process has called all that Keras's main thread calls while it forks.
    home = tops(make(1)(IMAGES, training=True))
    drawn = {
        "home": home,
        "loader": [loaded(1, start) for start in (3, 3, 4)],
        "unseeded": loaded(None, 3),
        "persistent": loaded(1, 3, persistent_workers=True),
        "forked": forked(make(1)),
    }
    keep = Keep()
    keep.compile(run_eagerly=True)
    keep.fit(Batches(), epochs=2, verbose=0)
    print(json.dumps({**drawn, "keras": keep.seen}))
"""

if BACKEND == "torch":  # forked processes of the other two frameworks may wait for ever

    def distinct(*draws):
        """Return how many of some lists of numbers differ."""
        return len({*map(tuple, draws)})

    @pytest.mark.long
    def test_workers(tmp_path):
        """Real ones, of a process that has no GPU and no other framework's threads."""
        script = tmp_path / "workers.py"
        script.write_text(WORKERS)
        paths = [os.path.dirname(processes.__file__), os.environ.get("PYTHONPATH", "")]
        more = {"PYTHONPATH": os.pathsep.join(paths), "CUDA_VISIBLE_DEVICES": ""}
        with started(str(script), env={**os.environ, **more}) as process:
            code, output, errors = process.end()
        assert code == 0, errors
        drawn = json.loads(output)
        # Two workers in two epochs draw from four streams, which PyTorch's seed decides.
        first, again, other = drawn["loader"]
        assert first == again
        assert distinct(*first, *other, drawn["home"]) == 17
        assert distinct(*drawn["unseeded"]) == 8
        assert distinct(*drawn["persistent"]) == 8
        assert drawn["persistent"][:4] == first[:4]
        # No batch of a `PyDataset` has the windows of another, in two epochs.
        assert len(drawn["keras"]) == distinct(*drawn["keras"]) == 8
        # Forked processes differ, and leave the first one as it was.
        assert distinct(*drawn["forked"]) == 3
        assert drawn["forked"][-1] == drawn["home"]
