"""The command line: output, JSON, exit codes, one line per mistake."""

import json
import re
import signal

import keras
import pytest
from PIL import Image

from image_files import class_folders
from keras_alexnet import AlexNet, list_checkpoints, list_variants
from keras_alexnet.cli import main
from keras_alexnet.training.state import RunState
from processes import PAUSE, copied, run


@pytest.mark.backend_free
def test_list_names_every_variant(capsys):
    """`list` prints a line for every variant."""
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert [name for name in list_variants() if name not in out] == []
    assert "60,965,224" in out
    rows = {line.split()[0]: line.split()[-1] for line in out.splitlines() if "," in line}
    assert (rows["owt"], rows["bvlc"], rows["paper"]) == ("5", "3", "-")  # published weights


@pytest.mark.backend_free
def test_list_as_json(capsys):
    """`list --json` gives the records."""
    assert main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list_variants()
    assert rows[0]["parameters"] == 60_965_224
    published = {row["name"]: row["weights"] for row in rows}
    assert published["caffenet"] == ["caffenet_caffe", "caffenet_onnx"]
    assert published["paper"] == []
    found = [name for names in published.values() for name in names]
    assert sorted(found) == sorted(list_checkpoints())


def test_describe_a_variant(capsys, tmp_path):
    """`describe NAME` prints the table and draws the picture."""
    picture = tmp_path / "picture.png"
    assert main(["describe", "cifar10_18pct", "--plot", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "12,298,240" in out
    assert str(picture) in out
    assert picture.exists()


def test_describe_a_file_as_json(capsys, tmp_path):
    """`describe FILE.keras --json` describes a saved model."""
    path = str(tmp_path / "model.keras")
    AlexNet("cifar10_19pct", classes=3).save(path)
    assert main(["describe", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 89_578 - 7 * 1025


QUICK_FIT = ["fit", "--variant", "cifar10_19pct", "--quick"]


@pytest.fixture
def earlier(tmp_path, monkeypatch):
    """What an earlier run has left in the working folder."""
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "alexnet-fit" / "model.keras"
    model.parent.mkdir()
    model.write_text("of an earlier run")
    return model


@pytest.mark.medium
@pytest.mark.eager
def test_fit_reports_and_saves(capsys, tmp_path, earlier):
    """`fit` without a folder trains, reports held-out accuracy and says how to load the model.

    It is not where an earlier run's is.
    """
    assert main([*QUICK_FIT, "--batch-size", "40"]) == 0
    out = capsys.readouterr().out
    assert "40 images of 10 classes; guessing gives 10 %" in out
    assert "one crop" in out
    assert "keras.saving.load_model('alexnet-fit-2/model.keras')" in out
    assert (tmp_path / "alexnet-fit-2" / "model.keras").exists()
    assert earlier.read_text() == "of an earlier run"


@pytest.mark.medium
@pytest.mark.eager
def test_fit_overwrites_if_asked(capsys, earlier):
    """A folder that was named must be free, or `--overwrite`."""
    named = [*QUICK_FIT, "--json", "--output", "alexnet-fit", "--batch-size", "40"]
    assert main(named) == 2
    assert "where a run has no state" in capsys.readouterr().err
    assert earlier.read_text() == "of an earlier run"
    assert main([*named, "--overwrite"]) == 0
    assert json.loads(capsys.readouterr().out)["model_path"] == "alexnet-fit/model.keras"
    assert earlier.stat().st_size > 1000


MISTAKES = [
    (["describe", "nosuch"], "variant='nosuch'"),
    (["describe", "no.keras"], "no such file"),
    (["describe", "text.keras"], "which is no Keras model, or a damaged one."),
    (["describe", "foreign.keras"], "Could not locate class 'Foreign'"),
    (["describe", "cifar10_19pct", "--plot", "picture.xyz"], "ending must name a format"),
    (["fit", "nowhere"], "does not exist"),
    (["fit", "text.keras"], "which is a file"),
    (["fit", "empty"], "no class folders"),
    (["fit", "single"], "one class only, 'cats'"),
    (["fit", "--variant", "nosuch"], "The variants are"),
    (["fit", "--quick", "--output", "text.keras"], "cannot be made"),
    (["fit", "--variant", "cifar10_19pct", "--image-size", "3"], "too small"),
    (["benchmark", "nosuch"], "variant='nosuch'"),
    (["benchmark", "--variant", "nosuch"], "variant='nosuch'"),
    (["fit", "--epochs", "0"], "--epochs must be a whole number of at least 1"),
    (["fit", "--learning-rate", "nan"], "--learning-rate must be a positive number"),
]


@pytest.mark.medium
@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    """Every mistake gives one line on stderr, nothing on stdout, and exit code 2."""
    monkeypatch.chdir(tmp_path)
    prepare_mistakes(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def prepare_mistakes(folder):
    """Make the files and folders that the mistakes name."""
    (folder / "text.keras").write_text("no model")
    (folder / "empty").mkdir()
    (folder / "single" / "cats").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(folder / "single" / "cats" / "a.png")

    @keras.saving.register_keras_serializable(package="elsewhere")
    class Foreign(keras.layers.Layer):
        """A layer that another process would not know."""

    model = keras.Sequential([keras.Input((3,)), Foreign()])
    model.save(folder / "foreign.keras")
    keras.saving.get_custom_objects().pop("elsewhere>Foreign")


@pytest.mark.long
def test_a_process_prints_one_line_for_a_corrupt_image(tmp_path):
    """A bad file met while training is one line too, without TensorFlow's tracebacks."""
    folder = class_folders(tmp_path / "images", 5)
    (folder / "dogs" / "bad.jpg").write_text("no image")
    fit = ["fit", "images", "--variant", "cifar10_19pct", "--epochs", "1"]
    code, _, errors = run("-m", "keras_alexnet", *fit, folder=tmp_path)
    assert code == 2
    reason = "it is not an image of a known kind, but text that begins with 'no image'."
    assert f"'images/dogs/bad.jpg' cannot be read: {reason}" in errors
    assert errors.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["images"]


@pytest.mark.backend_free
@pytest.mark.parametrize(
    "command",
    [
        *("list", "describe", "check-images", "fit", "evaluate", "classify", "features"),
        *("download", "convert", "export", "benchmark"),
    ],
)
def test_help_has_an_example(command, capsys):
    """`--help` of every command ends in an example, and names each default that matters, once."""
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"example: keras-alexnet {command}" in out
    assert "(default: None)" not in out and "(default: False)" not in out
    assert not re.search(r"\(default: [^)]*\) \(default", out)


FIT = ["fit", "images", "--variant", "cifar10_19pct", "--schedule", "constant", "--epochs"]


def draw_images(folder):
    """Make a folder of twenty small images of two classes."""
    for name, shade in (("cats", 50), ("dogs", 200)):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(10):
            Image.new("L", (32, 32), shade + number).save(
                folder / "images" / name / f"{number}.png"
            )


def test_ctrl_c_in_the_first_epoch_leaves_nothing(tmp_path, monkeypatch, capsys):
    """An interrupt before an epoch is done ends with one line, code 130 and no half file."""
    draw_images(tmp_path)
    monkeypatch.chdir(tmp_path)
    interrupt = lambda *arguments: signal.raise_signal(signal.SIGINT)  # noqa: E731
    monkeypatch.setattr(RunState, "on_epoch_begin", interrupt)
    assert main([*FIT, "10000"]) == 130
    err = capsys.readouterr().err
    assert err.strip() == "keras-alexnet fit: interrupted; nothing was saved"
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


# The command, which stays where it begins its third epoch: no load of the machine lets it train
# further.
STOPPED = f"""{PAUSE}
import keras
from keras_alexnet.cli import main
from keras_alexnet.training.state import RunState

begin = RunState.on_epoch_begin

def begin_and_pause(self, epoch, logs=None):
    begin(self, epoch, logs)
    if epoch == 2:
        pause("paused")

RunState.on_epoch_begin = begin_and_pause
if keras.backend.backend() == "tensorflow":  # as in tests that are marked `eager`
    keras.Model.run_eagerly = property(lambda self: True, lambda self, value: None)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.long
@pytest.mark.eager
def test_a_run_goes_on_after_ctrl_c(tmp_path, capsys, monkeypatch):
    """What is kept is said; the same command goes on from there, with a row for every epoch."""
    draw_images(tmp_path)
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "keras-alexnet"  # named as the installed one
    script.write_text(STOPPED)
    with copied(script, *FIT, "10000") as process:
        process.wait_for("Training alexnet")
        process.wait_for("paused")
        code, _, err = process.end(signal.SIGINT)
    assert code == 130
    kept = "2 of 10000 epochs are kept in 'alexnet-fit', and the same command goes on from there"
    assert f"interrupted; {kept}" in err
    assert "Traceback" not in err
    assert main([*FIT, "4"]) == 0
    assert "Going on after epoch 2 " in capsys.readouterr().out
    rows = (tmp_path / "alexnet-fit" / "history.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == [1, 2, 3, 4]
