"""A state file that fails during reading leaves model, optimizer and generators as they were.

`test_state.py` has the files that are whole.
"""

import io
import itertools
import json
import zipfile

import keras
import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet.errors import UserError
from keras_alexnet.training import archive
from keras_alexnet.training.archive import load_state, save_state

COUNT = 15  # variables: five of the model, with dropout's seed, and ten of Adam
LAST = f"{COUNT - 1:05}.npy"


def made(seed):
    """Return a compiled model with weights, a seed and an optimizer."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(3), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def bits(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [to_numpy(variable.value).tobytes() for variable in variables]


@pytest.fixture
def path(tmp_path):
    """The state of another model."""
    model = made(0)
    path = tmp_path / "state.npz"
    save_state(model, str(path))
    assert len(bits(model)) == COUNT
    return path


def assert_nothing_changes(path, error, message):
    """Assert that a state file is refused, and that a model and its optimizer stay as they are."""
    model = made(1)
    before, generators = bits(model), archive.generator_states()
    with pytest.raises(error, match=message):
        load_state(model, str(path))
    assert bits(model) == before
    for name, state in archive.generator_states().items():
        np.testing.assert_array_equal(state, generators[name])


def with_a_wrong_bit(path):
    """Change the last byte of the last variable."""
    with zipfile.ZipFile(path) as file:
        start, part = file.getinfo(LAST).header_offset, file.read(LAST)
    content = bytearray(path.read_bytes())
    content[content.index(part, start) + len(part) - 1] ^= 1
    path.write_bytes(content)


def with_another(array):
    """Return a function that writes another array in the place of the last variable."""
    content = io.BytesIO()
    np.lib.format.write_array(content, array)
    return with_content(content.getvalue())


def with_a_claim(shape):
    """Return a function that writes the header of an array there, and nothing more."""
    content = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, header)
    return with_content(content.getvalue())


def with_content(content):
    """Return a function that writes some bytes in the place of the last variable."""

    def change(path):
        with zipfile.ZipFile(path) as file:
            parts = {name: file.read(name) for name in file.namelist()}
        with zipfile.ZipFile(path, "w") as file:
            for name, part in {**parts, LAST: content}.items():
                file.writestr(name, part)

    return change


def with_facts(**changes):
    """Return a function that changes `about.json`."""

    def change(path):
        with zipfile.ZipFile(path) as file:
            parts = {name: file.read(name) for name in file.namelist()}
        about = {**json.loads(parts["about.json"]), **changes}
        with zipfile.ZipFile(path, "w") as file:
            for name, part in {**parts, "about.json": json.dumps(about)}.items():
                file.writestr(name, part)

    return change


def with_flag(bit):
    """Return a function that sets a flag of the last entry, in the directory of the archive."""

    def change(path):
        content = bytearray(path.read_bytes())
        content[content.rindex(b"PK\1\2") + 8] |= 1 << bit
        path.write_bytes(content)

    return change


LATE = {
    "a password": (with_flag(0), "encrypted"),
    "a patch": (with_flag(5), "patched data"),
    "shapes of numbers": (with_facts(shapes=5), "has no len"),
    "a wrong bit": (with_a_wrong_bit, "Bad CRC-32"),
    "another shape": (with_another(np.zeros((2, 9), "f4")), r"variable 14 has the shape \(2, 9\)"),
    "a shape beyond all memory": (with_a_claim((10**12,)), r"claims the shape \(1000"),
    "text": (with_another(np.array(["a", "b"])), "variable 14 has the dtype <U1"),
    "objects": (with_another(np.array([{}])), "Object arrays cannot be loaded"),
}


@pytest.mark.parametrize("case", LATE)
def test_damage_at_the_end(case, path):
    """The last variable cannot be read: nothing is assigned."""
    damage, message = LATE[case]
    damage(path)
    assert_nothing_changes(path, UserError, f"cannot be read: .*{message}.*Remove it to start")


@pytest.mark.parametrize("point", [1, COUNT])
def test_ctrl_c_while_it_is_read(point, path, monkeypatch):
    """An interrupt comes through at once."""
    read_array, count = np.lib.format.read_array, itertools.count(1)

    def read(*arguments, **options):
        if next(count) == point:
            raise KeyboardInterrupt
        return read_array(*arguments, **options)

    monkeypatch.setattr(np.lib.format, "read_array", read)
    assert_nothing_changes(path, KeyboardInterrupt, None)


def test_a_generators_state_that_is_none(path, monkeypatch):
    """What PyTorch refuses as its generator's state is unreadable, and the old one is put back."""
    states = []

    def refuse(state):
        states.append(state)
        if len(states) == 1:
            raise RuntimeError("RNG state is wrong size")

    monkeypatch.setattr(archive, "set_generator_states", refuse)
    monkeypatch.setattr(archive, "generator_states", lambda: {"torch-cpu": 1})
    assert_nothing_changes(path, UserError, "cannot be read: RNG state is wrong size")
    assert states[1:] == [{"torch-cpu": 1}]


def test_memory_that_ends_is_not_blamed_on_the_file(path, monkeypatch):
    """An error of the device comes as it is: a file that is whole must not be removed for it."""

    def refuse(pairs):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(archive, "assign_all", refuse)
    assert_nothing_changes(path, RuntimeError, "^out of memory")


def test_a_whole_file_is_loaded(path):
    """The files above would be loaded but for what was done to them."""
    model, other = made(1), made(2)
    load_state(model, str(path))
    load_state(other, str(path))
    assert bits(model) == bits(other)


def test_a_fact_more_stands_in_no_ones_way(path):
    """What a later version adds is not looked at, and every variable has the bits of the file."""
    with_facts(more=1)(path)
    model = made(1)
    load_state(model, str(path))
    assert bits(model) == bits(made(0))
