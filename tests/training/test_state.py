"""The state of a run: killed at any moment, it resumes with the same numbers."""

import csv
import pathlib
import resource
import shutil
import signal

import keras
import numpy as np
import pytest

import processes
from keras_alexnet.errors import UserError
from keras_alexnet.training.archive import load_state, save_state
from keras_alexnet.training.state import RunState
from processes import PAUSE, copied
from small_runs import Instants, assert_equal, names, small_model, table, trained, values


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """An uninterrupted run: its model, its folder, and that folder as it was after two epochs."""
    folder = tmp_path_factory.mktemp("run")
    # Another one each time: tests of other modules may come between, and then this runs again.
    half = tmp_path_factory.mktemp("half") / "copy"

    def copy(epoch, logs):
        if epoch == 1:
            shutil.copytree(folder, half)

    state = RunState(str(folder))
    model = trained(state, after=[keras.callbacks.LambdaCallback(on_epoch_end=copy)])
    return model, folder, half


@pytest.fixture
def half(run, tmp_path):
    """A folder as a run leaves it that is killed in its third epoch."""
    return pathlib.Path(shutil.copytree(run[2], tmp_path / "half"))


@pytest.mark.medium
def test_a_resumed_run_ends_as_an_uninterrupted_one(run, half):
    """Two epochs, then two more in a model built anew, equal four: all variables, all figures."""
    model, state = small_model(seed=7), RunState(str(half))
    assert state.resume(model) == 2
    trained(state, model, first_epoch=2)
    assert_equal(model, run[0])
    assert table(half) == table(run[1])
    assert state.history["epoch"] == [1, 2, 3, 4]


@pytest.mark.medium
def test_without_the_seeds_it_would_not(run, half):
    """Keras's own weight files leave the seeds out: the test above could fail."""
    model, other = small_model(seed=7), small_model(seed=7)
    state = RunState(str(half))
    state.resume(model)
    model.save_weights(half / "keras.weights.h5")
    other.optimizer.build(other.trainable_variables)
    other.load_weights(half / "keras.weights.h5")
    assert all(map(np.array_equal, other.get_weights(), model.get_weights()))
    keras.utils.set_random_seed(7)  # the seed of PyTorch's own generator, which the state has set
    trained(state, other, first_epoch=2)
    assert not all(map(np.array_equal, values(other), values(run[0])))


@pytest.mark.medium
def test_the_table_has_what_keras_reports(tmp_path):
    """The rows hold the figures of Keras's own history to the last bit, and the learning rate."""
    history = keras.callbacks.History()
    halved = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    trained(RunState(str(tmp_path)), epochs=2, before=[halved, history])
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.reader(file))
    measured = ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert rows[0] == ["epoch", *measured, "learning_rate", "seconds"]
    columns = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
    assert columns["epoch"] == ("1", "2")
    assert columns["learning_rate"] == ("0.0005", "0.00025")
    for name in measured:
        assert [float(text) for text in columns[name]] == history.history[name]


def test_only_the_newest_state_is_kept_and_discard_removes_it(run, half):
    """One state file at a time, none after `discard`; the history stays."""
    assert names(run[1]) == ["history.csv", "state-00004.npz"]
    assert names(half) == ["history.csv", "state-00002.npz"]
    RunState(str(half)).discard()
    assert names(half) == ["history.csv"]
    assert RunState(str(half)).resume(small_model()) == 0


def test_how_far_a_run_came(half, tmp_path):
    """The number of epochs done is known without a model, also of a folder that is not there."""
    assert RunState(str(half)).epochs_done() == 2
    assert RunState(str(tmp_path / "none")).epochs_done() == 0


@pytest.mark.medium
def test_a_new_run_forgets_the_old_ones_state(half):
    """A run that does not resume is not continued from an earlier run's later state."""
    (half / ".writing-left").mkdir()
    trained(RunState(str(half)), epochs=1)
    assert names(half) == ["history.csv", "state-00001.npz"]
    assert len(table(half)) == 1


def test_a_lost_history_does_not_stop_a_run(half):
    """Without its history a run goes on, with a table that begins anew."""
    (half / "history.csv").unlink()
    state = RunState(str(half))
    assert state.resume(small_model()) == 2
    assert state.history == {}


@pytest.mark.long
def test_every_instant_of_saving_can_be_resumed_from(half, tmp_path, monkeypatch):
    """Killed before any step of writing, a run goes on from a whole state with its own rows."""
    model, state = small_model(), RunState(str(half))
    state.resume(model)
    before = values(model)
    copies = tmp_path / "copies"
    instants = Instants(half, copies, monkeypatch)
    write_array = np.lib.format.write_array

    def half_written(entry, array, **options):
        instants.take()
        write_array(entry, array, **options)

    monkeypatch.setattr(np.lib.format, "write_array", half_written)
    instants.on = True
    trained(state, model, epochs=3, first_epoch=2)
    instants.on = False
    monkeypatch.undo()
    after = values(model)

    reached, again = [], small_model(seed=7)
    for copy in sorted(copies.iterdir()):
        reached.append(RunState(str(copy)).resume(again))
        expected = before if reached[-1] == 2 else after
        for value, wanted in zip(values(again), expected, strict=True):
            np.testing.assert_array_equal(value, wanted)
        for variable in (*again.variables, *again.optimizer.variables):
            variable.assign(np.ones(variable.shape, variable.dtype))  # of no state
        assert [row["epoch"] for row in table(copy)] == list(range(1, reached[-1] + 1))
        assert not list(copy.glob(".writing-*"))
    assert len(reached) > 20
    assert reached == sorted(reached)
    assert set(reached) == {2, 3}


UNTIL_KILLED = f"""{PAUSE}
sys.path.insert(0, sys.argv[2])
import drawing, keras
from keras_alexnet.training.state import RunState
from small_runs import trained

class PauseInTheThirdEpoch(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (2, 1):
            pause("paused")

drawing.by_numpy()
trained(RunState(sys.argv[1]), after=[PauseInTheThirdEpoch()])
"""


@pytest.mark.long
def test_a_killed_process_is_resumed_by_another(run, tmp_path):
    """SIGKILL while another process trains; this one goes on, and equals an unbroken run."""
    tools = str(pathlib.Path(processes.__file__).parent)
    with copied("-c", UNTIL_KILLED, tmp_path, tools) as process:
        process.wait_for("paused")
        code, _, _ = process.end(signal.SIGKILL)
    assert code == -signal.SIGKILL

    model, state = small_model(seed=7), RunState(str(tmp_path))
    assert state.resume(model) == 2
    trained(state, model, first_epoch=2)
    assert_equal(model, run[0])
    assert table(tmp_path) == table(run[1])


@pytest.mark.medium
def test_a_full_disk_ends_a_run_in_words_and_loses_nothing(half):
    """A write that the system refuses: one error in three parts; the earlier state stands."""
    model, state = small_model(), RunState(str(half))
    state.resume(model)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (half / "state-00002.npz").stat().st_size
    message = r"state-00003\.npz': File too large\. The disk must have room.*Nothing was changed"
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1000, limits[1]))
        with pytest.raises(UserError, match=message):
            trained(state, model, first_epoch=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(half) == ["history.csv", "state-00002.npz"]
    assert RunState(str(half)).resume(small_model()) == 2
    assert [row["epoch"] for row in table(half)] == [1, 2]


@pytest.mark.medium
def test_bfloat16_variables_are_kept_exactly(tmp_path):
    """Weights in bfloat16, a type that NumPy does not have, come back bit for bit."""
    keras.config.set_dtype_policy("bfloat16")
    model, other = small_model(seed=0), small_model(seed=7)
    path = str(tmp_path / "state.npz")
    save_state(model, path)
    load_state(other, path)
    for variable, expected in zip(other.variables, model.variables, strict=True):
        assert variable.dtype == expected.dtype
        assert keras.ops.all(keras.ops.equal(variable.value, expected.value))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"units": 5},
            r"kernel' have the shape \[392, 4\], the variable has \[392, 5\]",
        ),
        ({"optimizer": "rmsprop"}, "its optimizer is Adam, the model's is RMSprop"),
        (
            {"optimizer": keras.optimizers.Adam(amsgrad=True)},
            "holds 24 variables, the model has 30",
        ),
    ],
)
def test_a_state_of_another_model_is_refused(half, settings, message):
    """Other classes or another optimizer are named, and the model stays as it was."""
    model = small_model(**settings)
    before = [np.array(weight) for weight in model.get_weights()]
    with pytest.raises(ValueError, match=rf"belongs to another model: .*{message}.*another folder"):
        RunState(str(half)).resume(model)
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("damage", ["empty", "cut", "bit", "text"])
def test_a_damaged_state_is_refused(half, damage):
    """An empty, a cut and an altered file are each said to be unreadable, with the remedy."""
    path = half / "state-00002.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    damaged = {"empty": b"", "cut": data[: len(data) // 2], "bit": data, "text": b"no archive"}
    path.write_bytes(damaged[damage])
    with pytest.raises(ValueError, match=r"state-00002\.npz' cannot be read: .*Remove it to start"):
        RunState(str(half)).resume(small_model())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"epoch,loss\n1,low\n", "'low'"),
        (b"epoch,loss\ninf,1\n", "infinity"),
        (b"epoch,loss\n1\n", "NoneType"),
        (b"\xff\x00", "can't decode"),
    ],
)
def test_a_damaged_history_is_refused(content, reason, half):
    """A table that is no table of numbers is named, and nothing in the folder changes."""
    (half / "history.csv").write_bytes(content)
    (half / ".writing-left").mkdir()
    before = names(half)
    with pytest.raises(ValueError, match=rf"history\.csv' cannot be read: .*{reason}.*Restore it"):
        RunState(str(half)).resume(small_model())
    assert names(half) == before
    assert (half / "history.csv").read_bytes() == content


def test_a_model_that_cannot_be_trained_has_no_state(half):
    """A model that was not compiled is refused in words."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"not ready to be trained.*Compile it first"):
        RunState(str(half)).resume(model)
