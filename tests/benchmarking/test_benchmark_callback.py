"""`BenchmarkCallback`: what counts as a step, in `fit`, `evaluate` and `predict`."""

import json
import threading
import types

import keras
import numpy as np
import pytest

from keras_alexnet import BenchmarkCallback
from keras_alexnet.benchmarking import callback
from processes import LIMIT
from timed_steps import BACKEND, small_model


class Clock(keras.callbacks.Callback):
    """A clock for the `BenchmarkCallback` that comes before it in the list of callbacks.

    Only what the test says takes time: a step takes `step(batch)` seconds, which pass after the
    other callback has noted its beginning. This callback is not `async_safe`, so Keras calls both
    in order, in the thread that trains.
    """

    def __init__(self, patch, step):
        super().__init__()
        self.now = 0.0
        self.step = step
        self.ended = -1  # the last step that has ended
        self.changed = threading.Condition()  # TensorFlow reads batches in a thread of its own
        patch.setattr(callback, "time", types.SimpleNamespace(perf_counter=lambda: self.now))

    def advance(self, seconds):
        """Let some time pass."""
        with self.changed:
            self.now += seconds

    def wait_for_end_of(self, step):
        """Wait until a step has ended."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.ended >= step, LIMIT)

    def on_train_batch_begin(self, batch, logs=None):
        self.advance(self.step(batch))

    def on_train_batch_end(self, batch, logs=None):
        with self.changed:
            self.ended = batch
            self.changed.notify_all()


class SlowBatches(keras.utils.PyDataset):
    """Batches of which each takes a while to come, by a clock that the test moves."""

    AHEAD = 3  # batches that may be read before a step needs them, however long it is held up

    def __init__(self, clock, count, seconds):
        super().__init__()
        self.clock = clock
        self.count = count
        self.seconds = seconds

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        self.clock.wait_for_end_of(number - self.AHEAD)
        self.clock.advance(self.seconds)
        return np.ones((8, 4), "float32"), np.ones((8, 1), "float32")


def test_steps_are_counted_as_they_are(monkeypatch):
    """First step, warm-up, full and partial batches of several epochs are kept apart."""
    timer = BenchmarkCallback(batch_size=8, images=20, warm_up=2, verbose=False)
    durations = iter([9.0, *[0.25] * 14])
    clock = Clock(monkeypatch, lambda batch: next(durations))
    x, y = np.ones((20, 4), "float32"), np.ones((20, 1), "float32")
    small_model().fit(x, y, batch_size=8, epochs=5, verbose=0, callbacks=[timer, clock])
    report = timer.report()["train"]
    # Three steps an epoch, the last with 4 images: 10 full ones, of which 1 is first and 2 warm up.
    assert (len(report.warm_up), len(report.seconds), len(report.partial)) == (2, 7, 5)
    assert report.images == 8
    assert (report.first, report.warm_up, report.median) == (9.0, (0.25, 0.25), 0.25)


@pytest.mark.medium
def test_steps_per_execution_is_divided_by(monkeypatch):
    """A batch's time is its part of an execution of several (Keras has no such on PyTorch)."""
    batches = 1 if BACKEND == "torch" else 5
    timer = BenchmarkCallback(batch_size=8, warm_up=1, verbose=False)
    clock = Clock(monkeypatch, lambda batch: 1.25)
    x, y = np.ones((160, 4), "float32"), np.ones((160, 1), "float32")
    model = small_model(steps_per_execution=batches)
    model.fit(x, y, batch_size=8, epochs=3, verbose=0, callbacks=[timer, clock])
    train = timer.report()["train"]
    assert train.first == 1.25
    assert train.warm_up == (1.25 / batches,)
    assert train.seconds == (1.25 / batches,) * (60 // batches - 2)


@pytest.mark.parametrize(("images", "partial"), [(104, ()), (103, (0.9, 0.9)), (96, (0.9, 0.9))])
def test_an_execution_with_a_partial_batch_is_left_out(images, partial, monkeypatch):
    """Of 13 batches in executions of 5, the last has 3, of which one may have fewer images."""
    now = 0.0
    monkeypatch.setattr(callback, "time", types.SimpleNamespace(perf_counter=lambda: now))
    timer = BenchmarkCallback(batch_size=8, images=images, warm_up=0, verbose=False)
    timer.set_model(small_model())
    timer.on_train_begin()
    for epoch in range(2):
        for begun, ended, seconds in ((0, 4, 2.0), (5, 9, 1.0), (10, 12, 0.9)):
            now += 0.25  # until the batches are there; of an epoch's first ones it counts nowhere
            timer.on_train_batch_begin(begun)
            now += seconds - 0.25 * (begun > 0)
            timer.on_train_batch_end(ended)
        timer.on_epoch_end(epoch)
        now += 60.0
    train = timer.report()["train"]
    last = () if partial else (0.9 / 3,)
    assert train.first == pytest.approx(2.0)
    assert train.seconds == pytest.approx((1.0 / 5, *last, 2.0 / 5, 1.0 / 5, *last))
    assert train.partial == pytest.approx(partial)
    if BACKEND == "torch":
        waits = (0.25 / 5, *(() if partial else (0.25 / 3,)))
        assert train.waits == pytest.approx((*waits, 0.0, *waits))


@pytest.mark.medium
def test_slow_input_is_told_where_it_can_be(monkeypatch):
    """Where batches come late, the device waits for most of the time."""
    timer = BenchmarkCallback(warm_up=1, verbose=False)
    clock = Clock(monkeypatch, lambda batch: 0.01)
    data = SlowBatches(clock, 20, 0.03)
    small_model().fit(data, shuffle=False, verbose=0, callbacks=[timer, clock])
    train = timer.report()["train"]
    # 18 steps are measured. All but AHEAD of their batches were made meanwhile.
    assert sum(train.seconds) >= 18 * 0.01 + (18 - data.AHEAD) * 0.03 - 1e-9
    if BACKEND == "torch":
        assert train.input_share == pytest.approx(0.75)
    else:
        assert train.waits is None


@pytest.mark.medium
def test_evaluate_and_predict_are_timed(capsys):
    """Both report at their end; validation inside `fit` is timed as well."""
    model = small_model()
    x, y = np.ones((80, 4), "float32"), np.ones((80, 1), "float32")
    timer = BenchmarkCallback(batch_size=8)
    model.fit(x, y, batch_size=8, validation_data=(x, y), verbose=0, callbacks=[timer])
    assert [one.name for one in timer.report().timings] == ["train", "test"]
    assert capsys.readouterr().out.count("ms per batch") == 1
    timer = BenchmarkCallback(batch_size=8)
    model.evaluate(x, y, batch_size=8, verbose=0, callbacks=[timer])
    model.predict(x, batch_size=8, verbose=0, callbacks=[timer])
    assert [one.name for one in timer.report().timings] == ["test", "predict"]
    assert capsys.readouterr().out.count("ms per batch") == 2


def test_dispatch_stays_asynchronous():
    """With this callback alone Keras goes on dispatching steps ahead, where it does at all."""
    timer = BenchmarkCallback(verbose=False)
    plain = keras.callbacks.CallbackList([], model=small_model())
    timed = keras.callbacks.CallbackList([timer], model=small_model())
    assert timed._async_train == plain._async_train
    assert timed._async_predict == plain._async_predict


@pytest.mark.medium
def test_training_is_the_same_with_it():
    """The weights do not depend on being timed."""
    x, y = np.random.default_rng(0).normal(size=(64, 4)), np.ones((64, 1))
    ends = []
    for callbacks in ([], [BenchmarkCallback(verbose=False)]):
        keras.utils.set_random_seed(0)
        model = small_model()
        model.fit(x, y, epochs=2, verbose=0, callbacks=callbacks)
        ends.append(model.get_weights()[0])
    np.testing.assert_array_equal(*ends)


def test_too_few_steps_are_said():
    """A report of nothing is an error."""
    timer = BenchmarkCallback(verbose=False)
    with pytest.raises(ValueError, match=r"Received 0 steps for a report\. .*more than 4 steps"):
        timer.report()


def test_the_callback_writes_its_report(tmp_path):
    """`path` is written when training ends."""
    x, y = np.ones((80, 4), "float32"), np.ones((80, 1), "float32")
    timer = BenchmarkCallback(batch_size=8, path=tmp_path / "times.json", verbose=False)
    small_model().fit(x, y, batch_size=8, verbose=0, callbacks=[timer])
    assert json.loads((tmp_path / "times.json").read_text())["environment"]["backend"] == BACKEND
