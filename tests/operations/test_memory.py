"""New values for variables: all get theirs or none does, and no memory is shared."""

import signal
import threading

import keras
import numpy as np
import pytest

from helpers import double_precision, to_numpy
from keras_alexnet.interrupts import delayed_interrupts
from keras_alexnet.operations import memory
from keras_alexnet.operations.memory import assign_all, new_values


def full(variable, number):
    """Return an array for a variable, with one number everywhere."""
    values = new_values(variable)
    values.fill(number)
    return values


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_fast_assignment_is_keras_own(dtype):
    """Each backend's way to hand numbers over gives what Keras's own gives, and stays."""
    numbers = np.random.default_rng(0).normal(size=(70, 50))
    with double_precision():
        variable, other = (keras.Variable(np.zeros((70, 50)), dtype=dtype) for _ in range(2))
        values = new_values(variable)
        assert values.flags.c_contiguous and values.shape == (70, 50)
        values[...] = numbers
        other.assign(values)
        assign_all([(variable, values)])
        assert keras.backend.standardize_dtype(variable.dtype) == dtype
        found = to_numpy(variable.value)
        np.testing.assert_array_equal(found, to_numpy(other.value))
        np.testing.assert_allclose(found, numbers, rtol=8e-3)
        variable.assign(variable.value + 1)
        np.testing.assert_allclose(to_numpy(variable.value), found + 1, rtol=1e-2)


@pytest.mark.parametrize("dtype", ["bool", "int32", "uint32", "int64", "float16"])
def test_every_kind_of_number(dtype):
    """Counters and seeds are assigned like weights, and arrays of another type are converted."""
    with double_precision():
        variable = keras.Variable(np.zeros(3), dtype=dtype, trainable=False)
        values = np.array([0, 1, 1])
        assign_all([(variable, values.astype(dtype))])
        np.testing.assert_array_equal(to_numpy(variable.value), values.astype(dtype))
        assign_all([(variable, values[::-1].copy())])
        np.testing.assert_array_equal(to_numpy(variable.value), values[::-1].astype(dtype))
        assert keras.backend.standardize_dtype(variable.dtype) == dtype


def test_variables_share_no_memory():
    """Variables that are filled together keep their own numbers."""
    variables = [keras.Variable(np.zeros((300, 300), "float32")) for _ in range(3)]
    assign_all((variable, full(variable, number)) for number, variable in enumerate(variables))
    for number, variable in enumerate(variables):
        assert (to_numpy(variable.value) == number).all()


def read(variable):
    """Return a variable's numbers as a tensor; TensorFlow's own variables are none."""
    value = variable.value
    return value.read_value() if hasattr(value, "read_value") else value


def test_what_was_read_before_stays():
    """Numbers that were copied or assigned elsewhere stay; of PyTorch a read one is no copy."""
    variable, other = (keras.Variable(np.zeros((300, 300), "float32")) for _ in range(2))
    tensors = []
    for number in (1, 2, 3):
        tensors.append(read(variable))
        other.assign(tensors[-1])
        assign_all([(variable, full(variable, number))])
        assert (to_numpy(variable.value) == number).all()
        assert (to_numpy(other.value) == number - 1).all()
    expected = [3, 3, 3] if keras.backend.backend() == "torch" else [0, 1, 2]
    assert [float(to_numpy(tensor)[0, 0]) for tensor in tensors] == expected


def test_assignment_leaves_the_variable_as_any_other():
    """After it, an optimizer changes the variable and not what was read from it in between."""
    variable = keras.Variable(np.zeros((300, 300), "float32"), name="kernel")
    assign_all([(variable, full(variable, 1))])
    before = read(variable) + 0
    optimizer = keras.optimizers.SGD(0.5)
    optimizer.build([variable])
    optimizer.apply([keras.ops.ones((300, 300))], [variable])
    assert (to_numpy(variable.value) == 0.5).all() and (to_numpy(before) == 1).all()


@pytest.mark.parametrize("shape", [(), (0, 3), (1,)])
def test_the_smallest_variables(shape):
    """No axes, no elements and one element are assigned like others."""
    variable = keras.Variable(np.zeros(shape, "float32"))
    assign_all([(variable, full(variable, 2))])
    np.testing.assert_array_equal(to_numpy(variable.value), np.full(shape, 2))


def test_nothing_is_assigned_if_an_array_cannot_become_a_tensor(monkeypatch):
    """Where memory ends at the last variable, the first one keeps its numbers."""
    variables = [keras.Variable(np.zeros(3)) for _ in range(3)]
    new_tensor = memory.new_tensor

    def without_memory(variable, values):
        if variable is variables[2]:
            raise MemoryError
        return new_tensor(variable, values)

    monkeypatch.setattr(memory, "new_tensor", without_memory)
    with pytest.raises(MemoryError):
        assign_all([(variable, full(variable, 1)) for variable in variables])
    assert all((to_numpy(variable.value) == 0).all() for variable in variables)


def test_an_interrupt_waits_for_the_last_variable(monkeypatch):
    """Ctrl-C between two assignments, twice, leaves neither half of the variables as it was."""
    variables = [keras.Variable(np.zeros(3)) for _ in range(3)]
    assign = memory.assign

    def interrupted(variable, tensor):
        assign(variable, tensor)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(memory, "assign", interrupted)
    with pytest.raises(KeyboardInterrupt):
        assign_all([(variable, np.ones(3, "float32")) for variable in variables])
    assert all((to_numpy(variable.value) == 1).all() for variable in variables)
    with pytest.raises(KeyboardInterrupt):  # and from then on it comes at once, as before
        signal.raise_signal(signal.SIGINT)


@pytest.mark.backend_free
def test_interrupts_are_delayed_in_blocks_and_blocks_inside_them():
    """The outermost block decides; an error in it is not lost, nor a program's own handler."""
    steps = []
    before = signal.signal(signal.SIGINT, lambda *_: steps.append("interrupt"))
    try:
        with pytest.raises(ZeroDivisionError), delayed_interrupts():
            with delayed_interrupts():
                signal.raise_signal(signal.SIGINT)
                steps.append("inner")
            steps.append("outer")
            raise ZeroDivisionError
    finally:
        signal.signal(signal.SIGINT, before)
    assert steps == ["inner", "outer", "interrupt"]


@pytest.mark.backend_free
def test_other_threads_may_assign_too():
    """Only the main thread can handle signals; elsewhere there is nothing to delay."""
    steps = []

    def work():
        with delayed_interrupts():
            steps.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert steps == [signal.getsignal(signal.SIGINT)]


def test_new_values_are_asked_for_in_parts_that_cover_them(monkeypatch):
    """Each page of new memory is written to by one thread, and by none twice."""
    monkeypatch.setattr(memory, "PART_BYTES", 3 * memory.PAGE_BYTES)
    parts = []

    def run(write, firsts):
        parts.extend(firsts)
        return map(write, parts)

    values = new_values(keras.Variable(np.ones((7, 3000), "float32")), run)
    assert values.shape == (7, 3000) and values.ctypes.data % 64 == 0
    assert parts == list(range(0, 84064, 12288))
