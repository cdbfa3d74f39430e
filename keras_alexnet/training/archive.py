"""The state of training as one file: weights, optimizer, seeds and generators."""

import contextlib
import json
import math
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.files import written_whole
from keras_alexnet.interrupts import delayed_interrupts
from keras_alexnet.operations.memory import as_array, assign_all
from keras_alexnet.training.generators import generator_states, set_generator_states

GENERATORS = "generators/"  # folder of the generators' states inside the file
# PyTorch raises RuntimeError or TypeError for a wrong state of a generator. zipfile raises
# RuntimeError for a file with a password, and its subclass NotImplementedError for unknown methods.
UNREADABLE = (
    *(OSError, EOFError, KeyError, ValueError, RuntimeError, TypeError, AttributeError),
    *(OverflowError, zipfile.BadZipFile, zlib.error),
)


def save_state(model, path: str) -> None:
    """Write the state of training of a compiled model into one file, whole or not at all.

    The file is an `.npz` archive with checksums. It holds `about.json`, the variables by number and
    the generators that are not variables. The variables are written one at a time, without a second
    copy of the model in memory.

    Raises:
        UserError: If the file cannot be written, such as on a full disk.
    """
    variables = _variables(model)
    with written_whole(path) as beside, zipfile.ZipFile(beside, "w") as archive:
        archive.writestr("about.json", json.dumps(_about(model, variables)))
        for number, variable in enumerate(variables):
            _write(archive, f"{number:05}", as_array(variable))
        for name, state in generator_states().items():
            _write(archive, GENERATORS + name, state)


def load_state(model, path: str) -> None:
    """Set a compiled model to the state that `save_state` wrote, all of it or none.

    The file is read to its end, into new memory, before the first variable changes.

    Raises:
        UserError: If the file cannot be read, or belongs to another model or optimizer. The model
            and its optimizer then do not change.
    """
    variables = _variables(model)
    with _readable(path):
        values, generators = _read_all(path, model, variables)
    before = generator_states()
    with delayed_interrupts():
        try:
            with _readable(path):
                set_generator_states(generators)
            assign_all(zip(variables, values, strict=True))
        except Exception:
            set_generator_states(before)
            raise


@contextlib.contextmanager
def _readable(path: str) -> Iterator[None]:
    """Turn every error of a block that reads a damaged file into a `UserError`."""
    try:
        yield
    except UserError:
        raise
    except UNREADABLE as error:
        raise UserError(
            f"The state of training {path!r} cannot be read: {error}.",
            "The file must be whole, as the run wrote it.",
            "Remove it to start from the first epoch, or restore it from a copy.",
        ) from error


def _read_all(path: str, model, variables) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Return the values of all variables, and the states of the generators by name."""
    with zipfile.ZipFile(path) as archive:
        _check_same(json.loads(archive.read("about.json")), model, variables, path)
        values = [_read(archive, f"{number:05}") for number in range(len(variables))]
        for number, (array, variable) in enumerate(zip(values, variables, strict=True)):
            if array.shape != tuple(variable.shape):
                raise ValueError(f"its variable {number} has the shape {array.shape}")
            if array.dtype.kind not in "biuf":
                raise ValueError(f"its variable {number} has the dtype {array.dtype}")
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        return values, {
            name.removeprefix(GENERATORS): _read(archive, name)
            for name in names
            if name.startswith(GENERATORS)
        }


def _write(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
        np.lib.format.write_array(entry, array, allow_pickle=False)


def _read(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    entry_name = f"{name}.npy"
    with archive.open(entry_name) as entry:  # the size is checked before memory is allocated
        version = np.lib.format.read_magic(entry)
        if version != (1, 0):
            raise ValueError(f"its array {name} has the format {version}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(entry)
        if math.prod(shape) * dtype.itemsize > archive.getinfo(entry_name).file_size:
            raise ValueError(f"its array {name} claims the shape {shape}")
    with archive.open(entry_name) as entry:
        return np.asarray(np.lib.format.read_array(entry, allow_pickle=False), order="C")


def _variables(model) -> list:
    """Return all variables that training changes: weights, seeds, the optimizer's."""
    if not (model.built and getattr(model, "optimizer", None)):
        raise UserError(
            f"Received the model {model.name!r}, which is not ready to be trained.",
            "The model must have an optimizer and variables of known shapes.",
            "Compile it first, and give it a keras.Input.",
        )
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _about(model, variables) -> dict:
    """Return the facts that identify a model; names of variables differ between processes."""
    return {
        "optimizer": type(model.optimizer).__name__,
        "shapes": [list(variable.shape) for variable in variables],
    }


def _check_same(saved: dict, model, variables, path: str) -> None:
    """Raise, with the first difference, unless a state fits a model's variables."""
    expected = _about(model, variables)
    optimizer, shapes = saved["optimizer"], saved["shapes"]
    if optimizer != expected["optimizer"]:
        differences = [f"its optimizer is {optimizer}, the model's is {expected['optimizer']}"]
    elif len(shapes) != len(variables):
        differences = [f"it holds {len(shapes)} variables, the model has {len(variables)}"]
    else:
        differences = [
            f"its values for {variable.path!r} have the shape {shape}, the variable has "
            f"{list(variable.shape)}"
            for shape, variable in zip(shapes, variables, strict=True)
            if shape != list(variable.shape)
        ]
    if differences:
        raise UserError(
            f"The state of training {path!r} belongs to another model: {differences[0]}.",
            "A run must continue with the network, classes and optimizer that it began with.",
            "Give the settings of the interrupted run, or another folder for a new run.",
        )
