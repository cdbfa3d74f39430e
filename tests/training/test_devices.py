"""`fit` on several devices: the figures of one, and runs that go on with another number."""

import functools
import os

import keras
import numpy as np
import pytest

import processes
from keras_alexnet import UserError, jobs
from keras_alexnet.training.devices import device_scope
from keras_alexnet.training.history import read_rows
from keras_alexnet.training.job import Job, build_model
from runs import copied_after, quietly
from small_runs import values

BACKEND = keras.backend.backend()
DEVICES = {"jax": 8, "tensorflow": 2}.get(BACKEND, 0)
# 35 images to train on and 9 held out: neither 2 devices nor 8 divide the last batches.
SMALL = functools.partial(
    Job, "cifar10_19pct", drawn=44, augmentation=False, learning_rate=1e-3, schedule="constant"
)


def table(folder):
    """Return the rows of the history, less the seconds."""
    rows = read_rows(os.path.join(folder, "history.csv"))
    return [{name: row[name] for name in row if name != "seconds"} for row in rows]


def check_initial_values():
    """A run on several devices begins with the weights, the seeds and the rate of one."""
    found = []
    for devices in (1, DEVICES):
        with device_scope(devices):
            found.append(values(build_model(SMALL(epochs=1, devices=devices), 10)))
    for value, expected in zip(*found, strict=True):
        np.testing.assert_array_equal(value, expected)


def check_figures(folder):
    """An epoch on one device, one on several and one on one again are three epochs on one."""
    one, several = os.path.join(folder, "one"), os.path.join(folder, "several")
    with pytest.MonkeyPatch.context() as patch:
        copied_after(1, several, patch)
        whole = quietly(SMALL(epochs=3), one)
    for done, devices in enumerate((DEVICES, 1), start=1):
        job = SMALL(epochs=done + 1, devices=devices)
        outcome = quietly(job, several)
        assert outcome.resumed_at == done
    for row, expected in zip(table(several), table(one), strict=True):
        assert row == pytest.approx(expected, rel=1e-5)
    assert outcome.evaluation.top1 == whole.evaluation.top1
    keras.saving.load_model(outcome.model_path)


XLA = [({"devices": 2, "compile_mode": "xla"}, "for one device only.*--compile")]
XLA = XLA if BACKEND == "tensorflow" else []  # JAX compiles for all devices


def check_mistakes(folder):
    """What does not fit is refused before a folder is made."""
    there, path = DEVICES, os.path.join(folder, "none")
    for settings, message in [
        (
            {"devices": there + 1},
            f"devices={there + 1}, but Keras finds {there} devices?: .*--devices",
        ),
        ({"devices": there, "batch_size": 1}, "batch_size=1.*at least one image.*--batch-size"),
        ({"devices": there, "class_weights": True}, f"with {there} devices.*need one device"),
        *XLA,
    ]:
        with pytest.raises(UserError, match=message):
            jobs.fit(output=path, verbose=0, variant="cifar10_19pct", quick=True, **settings)
        assert not os.path.exists(path)


PROGRAM = """
import os, sys
tests = os.path.dirname(os.path.dirname(sys.argv[1]))
sys.path[:0] = [os.path.dirname(sys.argv[1]), os.path.join(tests, "tools")]
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import tensorflow_graphs
tensorflow_graphs.optimize(False)
tensorflow_graphs.share_stacks()
import test_devices
test_devices.check_initial_values()
test_devices.check_figures(sys.argv[2])
test_devices.check_mistakes(sys.argv[2])
"""


if DEVICES:

    @pytest.mark.long
    def test_several_devices(tmp_path):
        """The checks above, on virtual devices: eight of JAX, two of TensorFlow."""
        eight = processes.eight_devices()
        code, _, errors = processes.run("-c", PROGRAM, __file__, str(tmp_path), environment=eight)
        assert code == 0, errors

else:

    def test_pytorch_trains_on_one(tmp_path):
        """The message names the program that starts a process for each device."""
        path = str(tmp_path / "run")
        with pytest.raises(UserError, match=r"devices=2 on the torch backend\..*torchrun"):
            jobs.fit(output=path, devices=2, verbose=0)
        assert not os.path.exists(path)


if BACKEND == "jax":

    def test_a_set_distribution(tmp_path):
        """Devices are chosen in one place: `keras.distribution` or the argument."""
        path = str(tmp_path / "run")
        with (
            keras.distribution.DataParallel().scope(),
            pytest.raises(UserError, match=r"devices=2 after keras\.distribution\.set_dist"),
        ):
            jobs.fit(output=path, devices=2, verbose=0)
