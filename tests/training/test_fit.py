"""The main job, small: it learns, saves, loads again, goes on after a stop, and loses nothing."""

import csv
import dataclasses
import json
import pathlib

import keras
import numpy as np
import pytest
from PIL import Image

from keras_alexnet import get_model_card, preprocessing
from keras_alexnet.cli import main
from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images
from keras_alexnet.data.split_record import SplitRecord
from keras_alexnet.errors import Interrupted, UserError
from keras_alexnet.training.images import load_images
from keras_alexnet.training.job import Job, build_model
from keras_alexnet.training.run import run
from runs import interrupted_after, quietly

SMALL = Job(variant="cifar10_18pct", epochs=5, drawn=600, learning_rate=3e-3, seed=1)
TINY = Job(variant="cifar10_19pct", epochs=3, drawn=40, learning_rate=1e-3)


@pytest.fixture
def folder(tmp_path):
    """A folder of drawn images, one folder a class."""
    images, labels = drawn_images(60, seed=0, size=40)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = tmp_path / "images" / CLASS_NAMES[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.jpg")
    return tmp_path / "images"


@pytest.mark.long
def test_a_small_run(tmp_path):
    """A CIFAR-sized network learns, and what it leaves is whole."""
    outcome = run(SMALL, str(tmp_path / "run"), verbose=False)
    check_learning(outcome)
    check_accuracy(outcome)
    check_files(outcome)


def check_learning(outcome):
    """It learns the drawn images far better than chance."""
    assert outcome.evaluation.classes == 10
    assert outcome.evaluation.top1 > 0.3
    assert (outcome.training_count, outcome.evaluation.images) == (480, 120)


def check_accuracy(outcome):
    """The file, loaded in this process, has the accuracy that was reported, on raw pixels."""
    model = keras.saving.load_model(outcome.model_path)
    images, labels = drawn_images(600, seed=1, size=32)
    predicted = model.predict(images[480:], verbose=0).argmax(axis=1)
    assert np.mean(predicted == labels[480:]) == pytest.approx(outcome.evaluation.top1, abs=1e-6)


def check_files(outcome):
    """Beside the model lie classes, settings, history, state, results and pictures, and no more."""
    place = pathlib.Path(outcome.folder)
    pictures = ["confusion.png", "conv1.png", "training.png"]
    tables = ["classes.json", "history.csv", "job.json", "model.keras", "results.json"]
    files = [*tables, "state-00005.npz", *pictures]
    assert sorted(path.name for path in place.iterdir()) == sorted(files)
    assert json.loads((place / "results.json").read_text())["pictures"] == [
        str(place / name) for name in ("training.png", "conv1.png", "confusion.png")
    ]
    assert json.loads((place / "classes.json").read_text()) == list(CLASS_NAMES)
    assert json.loads((place / "job.json").read_text())["learning_rate"] == 3e-3
    results = json.loads((place / "results.json").read_text())
    assert np.trace(results["confusion"]) / 120 == pytest.approx(outcome.evaluation.top1)
    rows = list(csv.DictReader((place / "history.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5]
    assert float(rows[-1]["val_accuracy"]) == pytest.approx(outcome.evaluation.top1, abs=1e-6)
    assert all((place / name).read_bytes().startswith(b"\x89PNG") for name in pictures)


@pytest.mark.long
@pytest.mark.parametrize(("recipe", "crops"), [(None, 10), ("cifar10_13pct", 9)])
def test_one_crop_and_several(recipe, crops, tmp_path):
    """Where windows are cut out of larger images, ten are measured, or the recipe's nine."""
    job = Job.of(recipe, variant="cifar10_13pct", drawn=30, epochs=1)
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
    with pytest.raises(ValueError, match=r"compile_mode='fast'\. It must be one of 'auto', 'xla'"):
        build_model(Job(variant="cifar10_18pct", compile_mode="fast"), 10)


@pytest.mark.long
def test_an_interrupted_run_goes_on_as_if_nothing_had_been(tmp_path, monkeypatch):
    """After Ctrl-C the same job in the same folder ends with the weights of a whole run."""
    job = Job(variant="cifar10_19pct", epochs=4, drawn=60, learning_rate=1e-3)
    quietly(job, tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupted_after(2, patch)
        with pytest.raises(Interrupted, match=r"2 of 4 epochs are kept in .*the same command"):
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
def test_an_unfinished_run_is_not_gone_on_with_otherwise(tmp_path, monkeypatch):
    """Other settings are named; --overwrite begins anew."""
    with monkeypatch.context() as patch:
        interrupted_after(1, patch)
        with pytest.raises(Interrupted):
            quietly(TINY, tmp_path / "run")
    other = Job(variant="cifar10_19pct", epochs=2, drawn=40, learning_rate=0.1)
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
    for _ in range(2):
        labels = np.concatenate([once[number][1] for number in range(len(once))])
        for number in range(len(once)):
            np.testing.assert_array_equal(once[number][0], again[number][0])
        orders.append(labels.tolist())
        once.on_epoch_end()
        again.on_epoch_end()
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


@pytest.mark.medium
def test_a_folder_is_trained_on(folder, tmp_path):
    """A folder of JPEGs trains and saves its class names; the plot extra is not needed for that."""
    job = Job(variant="cifar10_19pct", directory=str(folder), epochs=1)
    outcome = quietly(job, tmp_path / "run")
    assert outcome.pictures == () and not list((tmp_path / "run").glob("*.png"))  # no matplotlib
    assert outcome.evaluation.class_names == tuple(sorted(CLASS_NAMES))
    assert outcome.training_count + outcome.evaluation.images == 60


@pytest.fixture
def stopped(folder, tmp_path, monkeypatch):
    """A run on the folder of images that was interrupted after an epoch; a job of two."""
    job = Job(variant="cifar10_19pct", directory=str(folder), epochs=2, learning_rate=1e-3)
    with monkeypatch.context() as patch:
        interrupted_after(1, patch)
        with pytest.raises(Interrupted):
            quietly(job, tmp_path / "run")
    return job


@pytest.mark.medium
def test_a_run_goes_on_with_its_own_images_alone(stopped, folder, tmp_path):
    """Added, removed and changed images are named; with a flag held-out ones stay held out."""
    split = SplitRecord.read(tmp_path / "run" / "files.csv")
    gone, trained_on = sorted(split.held_out)[0], sorted(split.training)[0]
    (folder / gone).unlink()
    with open(folder / trained_on, "ab") as file:
        file.write(b"more")
    (folder / "new.jpg").write_bytes((folder / sorted(split.training)[1]).read_bytes())
    (folder / "new.jpg").rename(folder / CLASS_NAMES[0] / "new.jpg")
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "run").iterdir())
    with pytest.raises(UserError) as error:
        quietly(stopped, tmp_path / "run")
    for words in (
        f"1 image is missing ('{gone}')",
        f"1 image is new ('{CLASS_NAMES[0]}/new.jpg')",
        f"1 image is of another size ('{trained_on}')",
        "--accept-changed-data",
    ):
        assert words in str(error.value)
    kept = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "run").iterdir())
    assert kept == before
    outcome = quietly(stopped, tmp_path / "run", accept_changed_data=True)
    assert outcome.resumed_at == 1
    after = SplitRecord.read(tmp_path / "run" / "files.csv")
    assert after.held_out.keys() == split.held_out.keys() - {gone}
    assert after.training.keys() == split.training.keys() | {f"{CLASS_NAMES[0]}/new.jpg"}
    card = get_model_card(outcome.model_path)
    assert card.training.held_out_sha256 == after.held_out_hash()


@pytest.mark.medium
def test_a_run_goes_on_with_its_own_classes_alone(stopped, folder, tmp_path):
    """A renamed class folder would move the labels against the weights: refused, flag or not."""
    (folder / CLASS_NAMES[0]).rename(folder / "a_new_name")
    for accept in (False, True):
        with pytest.raises(UserError, match="a_new_name" if accept else "are not those that"):
            quietly(stopped, tmp_path / "run", accept_changed_data=accept)


@pytest.mark.long
def test_class_folders_with_odd_names(folder, tmp_path, capsys, monkeypatch):
    """Any bytes can name a class: results are written, pictures drawn, the run goes on after."""
    names = ["caf\udce9", "$x_^2", "a\\b$", "two\nlines", "carriage\rreturn"]
    for old, new in zip(sorted(folder.iterdir()), names, strict=False):
        old.rename(folder / new)
    monkeypatch.chdir(tmp_path)
    command = ["fit", "images", "--variant", "cifar10_19pct", "--output", "run", "--epochs"]
    assert main([*command, "1"]) == 0
    assert "could not be drawn" not in capsys.readouterr().out
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert set(names) < set(results["class_names"])
    assert len(results["pictures"]) == 3
    break_pictures = lambda *arguments: 1 / 0  # noqa: E731
    monkeypatch.setattr("keras_alexnet.pictures.plot_confusion", break_pictures)
    assert main([*command, "2"]) == 0
    out = capsys.readouterr().out
    assert "Going on after epoch 1 " in out
    assert "The picture 'run/confusion.png' could not be drawn: division by zero\n" in out
    size = (tmp_path / "run" / "state-00002.npz").stat().st_size
    assert f"go on from state-00002.npz ({size / 1e6:.1f} MB)" in out
    assert not (tmp_path / "run" / "confusion.png").exists()
    assert json.loads((tmp_path / "run" / "job.json").read_text())["finished"] is True


@pytest.mark.medium
def test_a_corrupt_image_stops_the_run_by_name(folder, tmp_path):
    """A truncated JPEG among the images is named, and no model is saved."""
    victim = sorted((folder / "star").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:300])
    job = Job(variant="cifar10_19pct", directory=str(folder), epochs=1)
    with pytest.raises(ValueError, match=rf"{victim.name}' cannot be read: .*Replace or remove"):
        run(job, str(tmp_path / "run"), verbose=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.medium
def test_quick_is_the_same_job_in_small():
    """The quick form has the full network's layers and fewer, smaller images."""
    quick = Job().quick()
    assert quick.variant == "paper"
    assert quick.image_size == 112
    assert build_model(quick, 10).get_layer("fc7").units == 4096


def damaged(path, where):
    """Damage a file in its header, so that it is no image, or cut its pixels short."""
    content = path.read_bytes()
    path.write_bytes(b"text" + content if where == "header" else content[:-100])


@pytest.mark.medium
@pytest.mark.parametrize("skips", [True, False])
def test_bad_images_are_skipped_or_stop_the_run(skips, folder, tmp_path):
    """A bad header is found before the training, pixels that are cut short in it; all are counted.

    A header that is bad is as if the file were not there; the others are where they would be.
    """
    split = load_images(Job(variant="cifar10_19pct", directory=str(folder))).split
    bad = {"header": sorted(split.training)[0], "pixels": sorted(split.held_out)[0]}
    for where, name in bad.items():
        damaged(folder / name, where)
    job = Job(
        variant="cifar10_19pct",
        directory=str(folder),
        epochs=1,
        bad_images="skip" if skips else "stop",
    )
    said = []
    if not skips:
        with pytest.raises(UserError, match=r"cannot be read.* --move-to FOLDER.*--bad-images"):
            quietly(job, tmp_path / "run", said.append)
        assert said == []  # it stopped before it trained
        return
    outcome = quietly(job, tmp_path / "run", said.append)
    paths = [str(folder / name) for name in bad.values()]
    assert [path for path, _ in outcome.skipped] == paths
    assert said[0] == f"Skipped 1 image that cannot be read: {paths[0]!r}."
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["skipped_count"] == 2
    assert [entry["path"] for entry in results["skipped"]] == paths
    assert results["skipped"][1]["reason"].startswith("it is cut short or damaged")
    held_out = SplitRecord.read(tmp_path / "run" / "files.csv").held_out
    assert outcome.evaluation.images == len(held_out) - (bad["pixels"] in held_out)
    assert outcome.training_count + len(held_out) == 59


@pytest.mark.medium
def test_a_file_that_breaks_later_ends_the_run_and_can_be_skipped(stopped, folder, tmp_path):
    """The epochs so far stay, the message says how to go on, and skipping goes on from there."""
    victim = folder / sorted(SplitRecord.read(tmp_path / "run" / "files.csv").training)[0]
    content = victim.read_bytes()
    victim.write_bytes(content[:700].ljust(len(content), b"\xff"))
    with pytest.raises(UserError, match=rf"{victim.name}' cannot be read.*--bad-images skip"):
        quietly(stopped, tmp_path / "run")
    assert (tmp_path / "run" / "state-00001.npz").exists()
    skipping = dataclasses.replace(stopped, bad_images="skip")
    outcome = quietly(skipping, tmp_path / "run")
    assert outcome.resumed_at == 1
    assert [path for path, _ in outcome.skipped] == [str(victim)]
