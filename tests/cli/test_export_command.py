"""`keras-alexnet export` and `jobs.export`."""

import json
import os
import shlex

import keras
import numpy as np
import onnx
import pytest
from PIL import Image

from keras_alexnet import AlexNet, jobs
from keras_alexnet.cli import main
from keras_alexnet.export import onnx_files

pytestmark = pytest.mark.peer("onnx", "onnxruntime")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with weights, a model and two photos."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("run")
    os.mkdir("photos")
    model = AlexNet("cifar10_18pct", initialization="robust")
    model.save("run/model.keras")
    model.save_weights("net.weights.h5")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), "uint8")
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(f"photos/{number}.png")
    return model


def written():
    return sorted({*os.listdir()} - {"run", "photos", "net.weights.h5"})


@pytest.mark.medium
def test_the_example_of_the_help_runs(place, capsys):
    """It writes the file, runs it and says so."""
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    _, example = " ".join(capsys.readouterr().out.split()).split("example: keras-alexnet ")
    assert main(shlex.split(example)) == 0
    said = capsys.readouterr().out
    assert said.startswith("Wrote 'network.onnx': onnx, float32, ")
    assert "onnxruntime" in said and "12 drawn images" in said
    assert written() == ["network.onnx"]
    assert onnx.load("network.onnx").graph.input[0].type.tensor_type.elem_type == 2  # uint8


@pytest.mark.medium
def test_json_of_a_file_of_weights(place, capsys):
    """The network takes the model's own input, and what is assumed is said."""
    command = ["export", "net.weights.h5", "--variant", "cifar10_18pct", "--output", "net.onnx"]
    assert main([*command, "--photos", "photos", "--precision", "float16", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["path"] == "net.onnx" and printed["format"] == "onnx"
    assert printed["photos"] == "2 photos" and printed["images"] == 2
    assert printed["precision"] == "float16" and printed["error"] < 1e-2
    assert "does not say how images are prepared" in printed["notes"][0]
    x = np.random.default_rng(0).normal(0, 60, (2, 32, 32, 3)).astype("float32")
    (found,) = onnx_files.load("net.onnx")(x)
    np.testing.assert_allclose(found, place.predict_on_batch(x), atol=1e-2)


@pytest.mark.medium
@pytest.mark.parametrize("preprocessing", [False, True])
def test_the_job_in_a_notebook(preprocessing, place):
    """Of a model, and of its file, the same."""
    for model in (place, "run/model.keras"):
        made = jobs.export(
            model, "a.onnx", preprocessing=preprocessing, photos="photos", overwrite=True
        )
        assert made.error < 1e-4 and len(made.notes) == 1
        shape = onnx.load("a.onnx").graph.input[0].type.tensor_type.shape.dim
        assert shape[1].dim_value == (0 if preprocessing else 32)


def unknown():
    x = keras.Input((8, 8, 3))
    return keras.Model(x, keras.ops.square(x), name="odd")


MISTAKES = [
    (["--format", "onx"], "Received --format='onx'"),
    (["--output", "a.h5"], "Received the path 'a.h5' without a format."),
    (["--precision", "int8"], "Received precision='int8' without photos."),
    (["--output", "there.onnx"], "there is a file already"),
    (["--photos", "none"], "Received 'none', which does not exist."),
    (["--normalization", "plain"], "Received --normalization='plain'"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, message, place, capsys):
    """And no file is left."""
    with open("there.onnx", "w") as file:
        file.write("of before")
    output = [] if "--output" in arguments else ["--output", "a.onnx"]
    try:
        code = main(["export", "run/model.keras", *output, *arguments])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert (code, captured.out, captured.err.count("\n")) == (2, "", 1)
    assert message in captured.err
    assert written() == ["there.onnx"]


def test_a_layer_without_an_operator(place, capsys):
    unknown().save("odd.keras")
    assert main(["export", "odd.keras", "--output", "a.onnx"]) == 2
    assert "a Square, which cannot be exported" in capsys.readouterr().err
    assert written() == ["odd.keras"]
