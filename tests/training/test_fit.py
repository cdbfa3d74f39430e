"""`fit` in small: it learns, saves, loads, resumes, and loses nothing."""

import csv
import dataclasses
import json
import pathlib

import keras
import numpy as np
import pytest

from keras_alexnet import preprocessing
from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images
from keras_alexnet.errors import Interrupted, UserError
from keras_alexnet.training.images import load_images
from keras_alexnet.training.job import Job, build_model
from keras_alexnet.training.run import run
from runs import interrupted_after, quietly

SMALL = Job(
    variant="cifar10_18pct", epochs=4, drawn=400, learning_rate=3e-3, seed=1, schedule="constant"
)


TINY = Job(variant="cifar10_19pct", epochs=3, drawn=20, learning_rate=1e-3)


@pytest.mark.long
@pytest.mark.pictures
def test_a_small_run(tmp_path):
    """A CIFAR-sized network learns, and what it leaves is whole."""
    said = []
    outcome = run(SMALL, str(tmp_path / "run"), verbose=False, say=said.append)
    assert "conv1.png was not drawn: " in said[-1]
    check_learning(outcome)
    check_accuracy(outcome)
    check_files(outcome)


def check_learning(outcome):
    """It learns the drawn images far better than chance."""
    assert outcome.evaluation.classes == 10
    assert outcome.evaluation.top1 > 0.3
    assert (outcome.training_count, outcome.evaluation.images) == (320, 80)


def check_accuracy(outcome):
    """The file, loaded in this process, has the accuracy that was reported, on raw pixels."""
    model = keras.saving.load_model(outcome.model_path)
    images, labels = drawn_images(400, seed=1, size=32)
    predicted = model.predict(images[320:], verbose=0).argmax(axis=1)
    assert np.mean(predicted == labels[320:]) == pytest.approx(outcome.evaluation.top1, abs=1e-6)


def check_files(outcome):
    """Beside the model lie classes, settings, history, state, results and pictures, and no more."""
    place = pathlib.Path(outcome.folder)
    pictures = ["training.png", "confusion.png", "panel.png"]
    tables = ["classes.json", "curve.csv", "history.csv", "job.json", "model.keras", "results.json"]
    files = [*tables, "state-00004.npz", *pictures]
    assert sorted(path.name for path in place.iterdir()) == sorted(files)
    assert json.loads((place / "results.json").read_text())["pictures"] == [
        str(place / name) for name in pictures
    ]
    assert json.loads((place / "classes.json").read_text()) == list(CLASS_NAMES)
    assert json.loads((place / "job.json").read_text())["learning_rate"] == 3e-3
    results = json.loads((place / "results.json").read_text())
    assert np.trace(results["confusion"]) / 80 == pytest.approx(outcome.evaluation.top1)
    rows = list(csv.DictReader((place / "history.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    assert float(rows[-1]["val_accuracy"]) == pytest.approx(outcome.evaluation.top1, abs=1e-6)
    points = list(csv.DictReader((place / "curve.csv").read_text().splitlines()))
    assert len(points) == 4 * 20
    assert 0 < float(points[0]["epoch"]) < 0.05 and 3.95 < float(points[-1]["epoch"]) < 4
    assert all((place / name).read_bytes().startswith(b"\x89PNG") for name in pictures)


@pytest.mark.long
@pytest.mark.parametrize(("recipe", "crops"), [(None, 10), ("cifar10_13pct", 9)])
@pytest.mark.eager
def test_one_crop_and_several(recipe, crops, tmp_path):
    """Where windows are cut out of larger images, ten are measured, or the recipe's nine."""
    job = Job.of(recipe, variant="cifar10_13pct", drawn=30, epochs=1, batch_size=24)
    evaluation = quietly(job, tmp_path / "run").evaluation
    assert evaluation.crops == crops
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    held_out = load_images(job).held_out
    images, labels = (np.concatenate(part) for part in zip(*held_out, strict=True))
    assert images.shape == (6, 32, 32, 3)
    several = preprocessing.ten_crop_model(model, views=crops).predict(images, verbose=0)
    assert evaluation.ten_crop_top1 == np.mean(several.argmax(axis=1) == labels)
    one = model.predict(images, verbose=0)
    assert evaluation.top1 == np.mean(one.argmax(axis=1) == labels)


@pytest.mark.medium
@pytest.mark.parametrize("augmentation", [True, False])
def test_augmentation_is_the_variants_own(augmentation):
    """The model begins with the variant's stack, random or not, and takes any image size."""
    job = Job(variant="paper", image_size=67, augmentation=augmentation)
    model = build_model(job, 10)
    kinds = [type(layer) for layer in model.layers]
    assert (preprocessing.RandomCropFlip in kinds) == augmentation
    assert (preprocessing.PCAColorNoise in kinds) == augmentation
    assert (preprocessing.CenterCrop in kinds) != augmentation
    photo = np.zeros((1, 120, 90, 3), "uint8")
    assert model.predict(photo, verbose=0).shape == (1, 10)


def test_compile_modes():
    """Keras's own choice, which was measured to be the faster one, unless another is wished for."""
    chosen = build_model(Job(variant="cifar10_18pct"), 10)
    assert chosen.jit_compile == (keras.backend.backend() == "jax")
    assert not build_model(Job(variant="cifar10_18pct", compile_mode="plain"), 10).jit_compile
    if keras.backend.backend() == "torch":
        with pytest.raises(
            ValueError, match=r"'xla' on the PyTorch backend\. .*Leave it at 'auto'"
        ):
            build_model(Job(variant="cifar10_18pct", compile_mode="xla"), 10)
    else:
        assert build_model(Job(variant="cifar10_18pct", compile_mode="xla"), 10).jit_compile
    with pytest.raises(ValueError, match=r"compile_mode='fast'\. .* must be one of 'auto', 'xla'"):
        build_model(Job(variant="cifar10_18pct", compile_mode="fast"), 10)


@pytest.mark.long
def test_an_interrupted_run_goes_on_as_if_nothing_had_been(tmp_path, monkeypatch):
    """After Ctrl-C the same job in the same folder ends with the weights of a whole run."""
    job = Job(variant="cifar10_19pct", epochs=3, drawn=40, learning_rate=1e-3)
    quietly(job, tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupted_after(2, patch)
        with pytest.raises(Interrupted, match=r"2 of 3 epochs are kept in .*the same command"):
            quietly(job, tmp_path / "parts")
    assert not (tmp_path / "parts" / "model.keras").exists()
    assert quietly(job, tmp_path / "parts").resumed_at == 2
    whole, parts = (
        keras.saving.load_model(tmp_path / name / "model.keras") for name in ("whole", "parts")
    )
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == sorted(
        path.name for path in (tmp_path / "whole").iterdir()
    )


@pytest.mark.medium
@pytest.mark.eager
@pytest.mark.parametrize("recipe", [None, "cifar10_80sec"])
def test_the_variables_are_there_before_the_first_step(recipe, tmp_path, monkeypatch):
    """Those of the optimizer and of the metrics, at zero: else TensorFlow traces a step twice."""
    job = Job.of(recipe, variant="cifar10_19pct", drawn=10, epochs=1)
    fit, numbers = keras.Model.fit, []

    def counted(model, *arguments, **options):
        numbers.append(len([*model.optimizer.variables, *model.metrics_variables]))
        assert not any(np.any(keras.ops.convert_to_numpy(v)) for v in model.metrics_variables)
        fit(model, *arguments, **options)
        numbers.append(len([*model.optimizer.variables, *model.metrics_variables]))

    monkeypatch.setattr(keras.Model, "fit", counted)
    quietly(job, tmp_path / "run")
    assert numbers[0] == numbers[1] > len(build_model(job, 10).trainable_variables)


@pytest.mark.medium
@pytest.mark.eager
def test_an_unfinished_run_is_not_gone_on_with_otherwise(tmp_path, monkeypatch):
    """Other settings are named; --overwrite begins anew."""
    with monkeypatch.context() as patch:
        interrupted_after(1, patch)
        with pytest.raises(Interrupted):
            quietly(TINY, tmp_path / "run")
    other = dataclasses.replace(TINY, epochs=2, learning_rate=0.1)
    with pytest.raises(ValueError, match=r"learning_rate was 0.001 and is 0.1\. .*--overwrite"):
        quietly(other, tmp_path / "run")
    assert quietly(other, tmp_path / "run", overwrite=True).resumed_at == 0


def test_an_interrupt_before_the_first_epoch_leaves_nothing(tmp_path, monkeypatch):
    """No folder, no settings."""
    interrupted_after(0, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        quietly(TINY, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.initial_values
def test_same_seed_same_weights_and_batches():
    """The seed fixes the initial values, the images and their order in each epoch."""
    first, second = build_model(TINY, 10), build_model(TINY, 10)
    for old, new in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    once, again = (load_images(TINY).training for _ in range(2))
    orders = []
    for _ in range(2):  # an epoch is an iteration that takes all
        labels = []
        for (images, some), (others, _) in zip(once, again, strict=True):
            np.testing.assert_array_equal(images, others)
            labels += np.asarray(some).tolist()
        orders.append(labels)
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


@pytest.mark.medium
def test_quick_is_the_same_job_in_small():
    """The quick form has the full network's layers and fewer, smaller images."""
    quick = Job().quick()
    assert quick.variant == "paper"
    assert quick.image_size == 112
    assert build_model(quick, 10).get_layer("fc7").units == 4096


def test_a_backend_that_does_not_train_is_refused(tmp_path, monkeypatch):
    """Before a folder is made: Keras's own refusal comes only with the first step."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with pytest.raises(UserError) as refused:
        run(TINY, str(tmp_path / "run"), verbose=0)
    assert str(refused.value) == (
        "Received a training on the backend 'openvino'. The backend must compute gradients: "
        "TensorFlow, JAX and PyTorch do. Set KERAS_BACKEND to one of them before Keras is imported."
    )
    assert not (tmp_path / "run").exists()
