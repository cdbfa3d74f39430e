"""`keras_alexnet.jobs`: what the commands do, called from Python."""

import argparse
import dataclasses
import hashlib
import inspect
import json
import os
import pathlib
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from keras_alexnet import AlexNet, UserError, jobs
from keras_alexnet.cli import main
from keras_alexnet.cli.fit import add
from keras_alexnet.progress import has_display, verbosity
from keras_alexnet.published import lookup, table

COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}
TINY = {"variant": "cifar10_19pct", "quick": True, "verbose": 0}


def colour_model(size=8):
    """Return a model that knows red, green and blue by the mean of each channel."""
    inputs = keras.Input((size, size, 3))
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last")(inputs)
    dense = keras.layers.Dense(3, activation="softmax", use_bias=False)
    model = keras.Model(inputs, dense(x), name="colours")
    dense.kernel.assign(np.eye(3, dtype="float32")[:, [2, 1, 0]] / 100)  # blue, green, red
    return model


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder of two images per colour, of which one is in the wrong class."""
    monkeypatch.chdir(tmp_path)
    for name, colour in COLOURS.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (20, 12), colour).save(tmp_path / "photos" / name / f"{number}.png")
    Image.new("RGB", (20, 12), COLOURS["red"]).save(tmp_path / "photos" / "blue" / "1.png")
    return tmp_path / "photos"


def test_evaluate_a_model_in_memory(photos, capsys):
    """Without a file; `pathlib` paths work, and silence is silence."""
    result = jobs.evaluate(colour_model(), photos, verbose=0)
    assert capsys.readouterr() == ("", "")
    assert result.evaluation.top1 == 5 / 6
    assert result.evaluation.confusion.tolist() == [[1, 0, 1], [0, 2, 0], [0, 0, 2]]
    assert result.files.class_names == ("blue", "green", "red")
    assert result.measured == f"the images in {str(photos)!r}"
    assert result.notes == (
        "'colours' does not say how images are prepared: the model is assumed to take RGB pixels "
        "of 0 to 255.",
        "The model does not name its classes. The model's classes are assumed to be the folders, "
        "in alphabetical order.",
    )
    assert str(result).startswith(f"Measured {result.measured}.\n'colours' does not say how")
    assert "83.33 %" in result.summary(worst=1)
    assert repr(result).count("\n") == 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.notes = ()


def test_evaluate_equals_the_command(photos, capsys):
    """`--json` prints the record of the same call."""
    colour_model().save("model.keras")
    assert main(["evaluate", "model.keras", "photos", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    result = jobs.evaluate("model.keras", "photos", verbose=0)
    assert printed == {"plot": None, "panel": None, **result.to_dict()}


def test_a_model_of_the_package_is_prepared(photos):
    """The card of `AlexNet` says which layers go before it, as for a file of the same model."""
    model = AlexNet("cifar10_19pct", classes=3, initialization="robust")
    model.save("model.keras")
    inside, file = (jobs.evaluate(each, "photos", verbose=0) for each in (model, "model.keras"))
    assert inside.network.path is None
    assert inside.evaluation.confusion.tolist() == file.evaluation.confusion.tolist()
    results = [jobs.classify("photos/red/0.png", model=each) for each in (model, "model.keras")]
    scores = [[guess.score for guess in result.images[0].guesses] for result in results]
    # The one was compiled for batches of any size: its logits, near -29, round otherwise.
    np.testing.assert_allclose(*scores, rtol=1e-5, atol=1e-15)
    with pytest.raises(UserError, match=r"variant='owt' for 'alexnet_cifar10_19pct', which holds"):
        jobs.evaluate(model, "photos", variant="owt")


def test_pictures_of_an_evaluation(photos):
    """They are drawn from the result, when it is there."""
    result = jobs.evaluate(colour_model(), photos, verbose=0)
    assert result.plot_confusion("confusion.png") == "confusion.png"
    assert result.plot_panel("panel.png") == "panel.png"
    assert all(pathlib.Path(name).stat().st_size for name in ("confusion.png", "panel.png"))
    with pytest.raises(UserError, match="ending must name a format of pictures"):
        result.plot_panel("panel.xyz")


def test_classify(photos, capsys):
    """One path or several; the best class first."""
    paths = [photos / "red" / "0.png", str(photos / "green" / "1.png")]
    result = jobs.classify(paths, model=colour_model(), top=2, verbose=0)
    assert capsys.readouterr() == ("", "")
    assert result.model_name == "colours"
    assert [image.path for image in result.images] == [str(path) for path in paths]
    assert [image.guesses[0].name for image in result.images] == ["class 2", "class 1"]
    assert {len(image.guesses) for image in result.images} == {2}
    assert "'colours' does not name its classes" in result.assumptions[-1]
    alone = jobs.classify(paths[0], model=colour_model(), top=2)
    assert alone.images == result.images[:1]
    assert result.plot("classes.png") == "classes.png"


def test_classify_equals_the_command(photos, capsys):
    """`--json` prints the record of the same call."""
    colour_model().save("model.keras")
    words = ["photos/red/0.png", "--model", "model.keras", "--top", "2", "--json"]
    assert main(["classify", *words]) == 0
    printed = json.loads(capsys.readouterr().out)
    result = jobs.classify("photos/red/0.png", model="model.keras", top=2)
    assert printed == {"plot": None, **result.to_dict()}


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weights": "owt", "bad_images": "ignore"}, "Received bad_images='ignore'."),
        ({"weights": "owt", "csv": "cat.jpg"}, "Received the table 'cat.jpg'. The path of the"),
        ({"weights": "owt", "csv": 3}, "Received csv=3."),
        ({"weights": "owt", "model": "a.keras"}, "Received both `weights` and `model`."),
        ({"weights": "owt", "batch_size": 0}, "Received batch_size=0."),
        ({"weights": "nosuch"}, "no published checkpoint and no file"),
        ({"model": 3}, "Received model=3."),
        ({"weights": 3}, "Received weights=3."),
    ],
)
def test_mistakes_in_classify(given, message, tmp_path):
    """Three sentences, before any image is read."""
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(UserError) as caught:
        jobs.classify(tmp_path / "empty.jpg", **given)
    assert message in str(caught.value)
    assert caught.value.expected and caught.value.remedy


@pytest.mark.backend_free
def test_check_images(photos, capsys):
    """The bad ones with the reason, in a record."""
    (photos / "red" / "2.png").write_text("no image")
    (photos / "red" / "notes.txt").write_text("")
    findings = jobs.check_images(photos, photos.parent / "bad")
    assert capsys.readouterr() == ("", "")  # no terminal, no notebook
    assert (findings.checked, len(findings.bad)) == (7, 1)
    assert findings.bad[0].moved_to == str(photos.parent / "bad" / "red" / "2.png")
    assert "1 file without the ending of an image that can be read" in findings.passed_over_note()
    assert dataclasses.replace(findings, passed_over=()).passed_over_note() == ""


@pytest.mark.backend_free
def test_progress_in_a_notebook(photos, capsys, monkeypatch):
    """As Keras has it: a bar on a terminal and in a notebook."""
    assert (has_display(), verbosity("auto")) == (False, 2)
    monkeypatch.setitem(sys.modules, "ipykernel", None)
    assert (has_display(), verbosity("auto")) == (True, 1)
    jobs.check_images(photos)
    assert "6/6" in capsys.readouterr().out
    jobs.check_images(photos, verbose=0)
    assert capsys.readouterr().out == ""


@pytest.mark.backend_free
@pytest.mark.parametrize("verbose", ["loud", 3, -1, None, 1.5])
def test_verbose_is_keras_own(verbose):
    with pytest.raises(UserError, match=r"`verbose` must be 0, 1, 2 or 'auto', as in Keras\."):
        jobs.check_images("photos", verbose=verbose)


@pytest.mark.backend_free
def test_download_finds_a_copy(tmp_path, monkeypatch, capsys):
    """What is there is verified, and nothing is asked of the network."""
    monkeypatch.setenv("KERAS_ALEXNET_OFFLINE", "1")
    (tmp_path / "net.bin").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    row = dataclasses.replace(
        table.OWT_TORCHVISION,
        name="tiny",
        filename="net.bin",
        hashes=(f"sha256:{digest}",),
        size=7,
    )
    monkeypatch.setattr(lookup, "CHECKPOINTS", {"tiny": row})
    done = jobs.download("tiny", str(tmp_path))
    assert (done.name, done.path, done.downloaded) == ("tiny", str(tmp_path / "net.bin"), False)
    assert digest in done.verified
    assert capsys.readouterr().out == ""
    with pytest.raises(UserError, match="KERAS_ALEXNET_OFFLINE is set"):
        jobs.download("tiny", str(tmp_path / "elsewhere"), verbose=0)
    with pytest.raises(UserError, match=r"Did you mean 'tiny'\?"):
        jobs.download("tinny")
    monkeypatch.setenv("KERAS_ALEXNET_CHECKPOINTS", str(tmp_path))
    assert jobs.local_copy("tiny") == str(tmp_path / "net.bin")
    os.remove(tmp_path / "net.bin")
    assert jobs.local_copy("tiny") is None


@pytest.mark.medium
@pytest.mark.eager
def test_fit(tmp_path, monkeypatch, capsys):
    """It is silent if asked so, saves the run, and never replaces an earlier one by itself."""
    monkeypatch.chdir(tmp_path)
    settings = {**TINY, "batch_size": 160}
    outcome = jobs.fit(**settings)
    assert capsys.readouterr() == ("", "")
    assert outcome.folder == "alexnet-fit" and outcome.skipped_note() == ""
    assert json.loads((tmp_path / "alexnet-fit" / "results.json").read_text()) == outcome.to_dict()
    again = keras.saving.load_model(outcome.model_path)
    assert again.output_shape == (None, 10)
    with pytest.raises(UserError, match=r"'alexnet-fit', where a run is finished and has"):
        jobs.fit(**settings, output="alexnet-fit")


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"variant": "nosuch"}, "Received variant='nosuch'"),
        ({"recipe": "nosuch"}, "Received recipe='nosuch'"),
        ({"epochs": 0}, "Received epochs=0."),
        ({"batch_size": 1.5}, "Received batch_size=1.5."),
        ({"learning_rate": -1}, "Received learning_rate=-1."),
        ({"learning_rate": float("nan")}, "Received learning_rate=nan."),
        ({"learning_rate": "fast"}, "Received learning_rate='fast'."),
        ({"image_size": "big"}, "Received image_size='big'."),
        ({"initialization": "he"}, "Received initialization='he'."),
        ({"bad_images": "ignore"}, "Received bad_images='ignore'."),
        ({"seed": 0.5}, "Received seed=0.5."),
        ({"directory": 5}, "Received directory=5."),
        ({"schedule": "linear"}, "Received schedule='linear'."),
        ({"schedule": "cosine", "recipe": "owt"}, "schedule='cosine' with recipe='owt'."),
        ({"warmup_ratio": 0.2, "recipe": "owt"}, "warmup_ratio=0.2 with recipe='owt'."),
        ({"warmup_ratio": 0.2, "schedule": "constant"}, "with schedule='constant'."),
        ({"warmup_ratio": 1}, "Received warmup_ratio=1."),
        ({"label_smoothing": 1}, "Received label_smoothing=1."),
        ({"label_smoothing": "some"}, "Received label_smoothing='some'."),
        ({"early_stopping": 0}, "Received early_stopping=0."),
        ({"precision": "float16"}, "Received precision='float16'."),
        ({"preset": "finetune"}, "Did you mean 'fine_tune'?"),
        ({"preset": "fine_tune"}, "Received preset='fine_tune' without weights."),
        ({"preset": "scratch", "recipe": "owt"}, "preset='scratch' with recipe='owt'."),
        ({"log": "wandb"}, "Received log='wandb'."),
        ({"freeze": ["conv1"]}, "Received freeze=['conv1']."),
        ({"freeze": "conv1-conv7"}, "Received layer='conv7', which is not known."),
        ({"unfreeze_after": 2}, "Received unfreeze_after=2 without freeze."),
        ({"unfreeze_after": 0, "freeze": "conv1"}, "Received unfreeze_after=0."),
        ({"warmup_ratio": float("nan")}, "Received warmup_ratio=nan."),
        ({"directory": "nowhere"}, "which does not exist"),
    ],
)
def test_mistakes_in_fit(given, message, tmp_path, monkeypatch):
    """Three sentences, and no folder is left."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        jobs.fit(**given, verbose=0)
    assert message in str(caught.value)
    assert caught.value.expected and caught.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.backend_free
def test_the_command_has_the_defaults_of_fit():
    """Every option is an argument of `fit` with the same default."""
    parser = argparse.ArgumentParser()
    add(lambda *words, **settings: parser)
    defaults = {name: p.default for name, p in inspect.signature(jobs.fit).parameters.items()}
    assert vars(parser.parse_args([])) == {k: v for k, v in defaults.items() if k != "verbose"}
