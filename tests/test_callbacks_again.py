"""Callbacks used again: each begins anew, after a whole call and after one that was cut off."""

import re
import types

import keras
import numpy as np
import pytest

from keras_alexnet import BenchmarkCallback, FlatLossWarning, PCAColorNoise, ReduceOnPlateau
from keras_alexnet.benchmarking import callback as timing
from keras_alexnet.data.image_reader import StopOnFailure
from keras_alexnet.errors import UserError
from keras_alexnet.recipes.color_noise import ColorNoiseSteps
from keras_alexnet.recipes.records import Steps
from keras_alexnet.training.state import RunState

pytestmark = pytest.mark.eager
X, Y = np.zeros((40, 3), "float32"), np.arange(40) % 10


class CutOff(keras.callbacks.Callback):
    """Ends a call as Ctrl-C does, at one batch; the last callback, and none that is async-safe."""

    def __init__(self, batch, epoch=0):
        super().__init__()
        self.where = epoch, batch
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.where:
            raise KeyboardInterrupt

    on_test_batch_end = on_predict_batch_end = on_train_batch_end


def classifier(rate=0.01, model=None):
    """Return a softmax layer on three features, or one that there is, compiled anew."""
    layer = keras.layers.Dense(10, "softmax", kernel_initializer="zeros")
    model = model or keras.Sequential([keras.Input((3,)), layer])
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    model.set_weights([np.zeros((3, 10)), np.zeros(10)])  # on JAX an interrupt leaves none
    return model


def cut_off(model, *callbacks, batch=5, epoch=0, **options):
    """Begin to train in steps of four, and be interrupted."""
    stop = CutOff(batch, epoch)
    with pytest.raises(KeyboardInterrupt):
        fit(model, *callbacks, stop, **options)


def fit(model, *callbacks, **options):
    """Train in steps of four: ten in an epoch."""
    options = {"shuffle": False, "verbose": 0, **options}
    return model.fit(X, Y, batch_size=4, callbacks=list(callbacks), **options)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still for the timer but for a second in each step."""

    class Second(keras.callbacks.Callback):
        now = 0.0

        def on_train_batch_begin(self, batch, logs=None):
            self.now += 1.0

        def on_train_batch_end(self, batch, logs=None):
            """Is not async-safe: Keras calls the timer in its own thread, and in order."""

        on_test_batch_begin = on_predict_batch_begin = on_train_batch_begin
        on_test_batch_end = on_predict_batch_end = on_train_batch_end

    second = Second()
    now = types.SimpleNamespace(perf_counter=lambda: second.now)
    monkeypatch.setattr(timing, "time", now)
    return second


@pytest.mark.medium
def test_a_timer_after_a_fit_that_was_cut_off(clock):
    """Steps of the earlier call count neither as steps nor as ends of the later one's steps."""
    model, timer = classifier(), BenchmarkCallback(batch_size=4, warm_up=1, verbose=False)
    cut_off(model, timer, clock)
    fit(classifier(model=model), timer, clock)
    train = timer.report()["train"]
    assert (train.first, train.warm_up, train.seconds) == (1.0, (1.0,), (1.0,) * 8)
    assert train.images_per_second == 4.0


@pytest.mark.medium
def test_a_timer_of_other_calls_that_were_cut_off(clock, capsys):
    """Validation belongs to its own fit; evaluate and predict are known as such after one."""
    model, timer = classifier(), BenchmarkCallback(batch_size=4, images=40, warm_up=1)
    cut_off(model, timer, clock)
    classifier(model=model)
    options = {"batch_size": 4, "verbose": 0}
    for call in (lambda **o: model.evaluate(X, Y, **o), lambda **o: model.predict(X, **o)):
        with pytest.raises(KeyboardInterrupt):
            call(callbacks=[timer, clock, CutOff(5)], **options)
        classifier(model=model)
        assert "ms per batch" not in capsys.readouterr().out
        call(callbacks=[timer, clock], **options)
        assert "ms per batch" in capsys.readouterr().out
    report = timer.report()
    assert [one.name for one in report.timings] == ["test", "predict"]
    assert [one.seconds for one in report.timings] == [(1.0,) * 8] * 2
    fit(model, timer, clock, validation_data=(X, Y), epochs=2)
    report = timer.report()
    assert [len(one.seconds) for one in report.timings] == [18, 18, 8]


@pytest.mark.medium
def test_a_timer_of_another_model_forgets_the_first(clock):
    """A report is of one model, whose types and compile mode it names."""
    timer = BenchmarkCallback(batch_size=4, warm_up=1, verbose=False)
    fit(classifier(), timer, clock)
    classifier().predict(X, batch_size=4, verbose=0, callbacks=[timer, clock])
    assert [one.name for one in timer.report().timings] == ["predict"]


@pytest.mark.medium
@pytest.mark.parametrize("options", [{"verbose": True}, {"verbose": False, "path": "steps.json"}])
def test_a_timer_of_too_few_steps_says_so(options, tmp_path):
    """Where a report is asked for and there is none, that is said in words."""
    if "path" in options:
        options = {**options, "path": tmp_path / options["path"]}
    timer = BenchmarkCallback(warm_up=9, **options)
    with pytest.warns(UserWarning, match=r"more than 10 steps.*smaller `warm_up`"):
        fit(classifier(), timer)
    assert list(tmp_path.iterdir()) == []
    fit(classifier(), BenchmarkCallback(warm_up=9, verbose=False))  # nothing is asked for


@pytest.mark.medium
def test_a_flat_loss_after_a_fit_that_was_cut_off():
    """Steps and losses of the earlier call do not count."""
    texts = []
    watch = FlatLossWarning(steps=8, window=4, say=texts.append)
    cut_off(classifier(), watch)
    assert watch.message is None
    fit(classifier(), watch)
    (text,) = texts
    assert re.match(r"The loss is still 2\.303 after (8|9|10) steps", text)  # threads call it
    cut_off(classifier(), watch, batch=2)
    assert watch.message is None


@pytest.mark.medium
def test_a_plateau_takes_up_a_history_once():
    """A history is that of the next fit alone, even where it ends before its first epoch."""
    rates = {}
    past = {"loss": [1.0] * 3, "learning_rate": [0.01] * 3}
    for kind in ("fresh", "used"):
        model, plateau = classifier(1e-6), ReduceOnPlateau("loss", patience=3)
        if kind == "used":
            plateau.resume(past)
            cut_off(model, plateau)
        options = {"epochs": 5, "steps_per_epoch": 2}
        rates[kind] = fit(model, plateau, **options).history["learning_rate"]
    assert rates["used"] == rates["fresh"]


@pytest.mark.medium
def test_a_state_begins_anew_unless_it_resumes(tmp_path):
    """A second fit has a history and a state of its own; one that resumes goes on, once."""
    state = RunState(str(tmp_path))
    cut_off(classifier(), state, epochs=3, epoch=2)
    assert state.history["epoch"] == [1, 2]
    model = classifier()
    assert state.resume(model) == 2
    fit(model, state, initial_epoch=2, epochs=3)
    assert state.history["epoch"] == [1, 2, 3]
    fit(classifier(), state, epochs=1)
    assert state.history["epoch"] == [1]
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "history.csv",
        "state-00001.npz",
    ]


@pytest.mark.medium
def test_a_state_of_an_empty_folder_has_no_rows(tmp_path):
    """What an earlier fit noted is forgotten where there is nothing to resume."""
    state = RunState(str(tmp_path))
    fit(classifier(), state)
    state.discard()
    assert state.resume(classifier()) == 0
    fit(classifier(), state)
    assert state.history["epoch"] == [1]


@pytest.mark.medium
def test_a_bad_file_that_was_replaced_stops_nothing():
    """A failure ends the call in which it was met; the next call may meet another."""
    reader = types.SimpleNamespace(failure=UserError("the first", "", ""))
    stop = StopOnFailure(reader)
    model = classifier()

    def fail(batch, logs):
        reader.failure = UserError("met now", "", "")

    meet = keras.callbacks.LambdaCallback(on_train_batch_begin=fail)
    with pytest.raises(UserError, match="met now"):
        fit(model, meet, stop)
    fit(model, stop)
    reader.failure = UserError("the first", "", "")
    model.evaluate(X, Y, verbose=0, callbacks=[stop])


def test_colour_noise_is_that_of_the_epoch():
    """A run that begins again begins with the noise of its first epoch."""
    noise = PCAColorNoise(0.1, seed=1, data_format="channels_last")
    model = keras.Sequential([keras.Input((1, 1, 3)), noise])
    steps = ColorNoiseSteps(Steps((0.1, 0.0), (0, 1)), epochs=2)
    steps.set_model(model)
    model.compile("sgd", "mse")
    for epoch, strength in ((0, 0.1), (1, 0.0), (0, 0.1)):
        steps.on_epoch_begin(epoch)
        assert noise.std == strength
