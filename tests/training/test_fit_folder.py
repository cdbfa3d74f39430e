"""`fit` on a folder of images: changed, odd, damaged and missing files."""

import dataclasses
import json

import pytest
from PIL import Image

from keras_alexnet import get_model_card
from keras_alexnet.cli import main
from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images
from keras_alexnet.data.split_record import SplitRecord
from keras_alexnet.errors import Interrupted, UserError
from keras_alexnet.training.images import load_images
from keras_alexnet.training.job import Job
from keras_alexnet.training.run import run
from runs import interrupted_after, quietly

pytestmark = pytest.mark.eager


@pytest.fixture
def folder(tmp_path):
    """A folder of drawn images, one folder a class."""
    images, labels = drawn_images(60, seed=0, size=40)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = tmp_path / "images" / CLASS_NAMES[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.jpg")
    return tmp_path / "images"


@pytest.mark.medium
def test_a_folder_is_trained_on(folder, tmp_path):
    """A folder of JPEGs trains and saves its class names; the plot extra is not needed for that."""
    job = Job(variant="cifar10_19pct", directory=str(folder), epochs=1, batch_size=64)
    outcome = quietly(job, tmp_path / "run")
    assert outcome.pictures == () and not list((tmp_path / "run").glob("*.png"))  # no matplotlib
    assert outcome.evaluation.class_names == tuple(sorted(CLASS_NAMES))
    assert outcome.training_count + outcome.evaluation.images == 60


@pytest.fixture
def stopped(folder, tmp_path, monkeypatch):
    """A run on the folder of images that was interrupted after an epoch; a job of two."""
    settings = {"epochs": 2, "learning_rate": 1e-3, "batch_size": 64}
    job = Job(variant="cifar10_19pct", directory=str(folder), **settings)
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
@pytest.mark.pictures
def test_class_folders_with_odd_names(folder, tmp_path, capsys, monkeypatch):
    """Any bytes can name a class: results are written, pictures drawn, the run goes on after.

    A file that is skipped is named once.
    """
    names = ["caf\udce9", "$x_^2", "a\\b$", "two\nlines", "carriage\rreturn"]
    for old, new in zip(sorted(folder.iterdir()), names, strict=False):
        old.rename(folder / new)
    (folder / names[0] / "empty.jpg").touch()
    monkeypatch.chdir(tmp_path)
    command = ["fit", "images", "--variant", "cifar10_19pct", "--output", "run"]
    command += ["--bad-images", "skip", "--schedule", "constant", "--batch-size", "64", "--epochs"]
    assert main([*command, "1"]) == 0
    out = capsys.readouterr().out
    assert "could not be drawn" not in out and out.count("Skipped 1 image ") == 1
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert set(names) < set(results["class_names"])
    assert len(results["pictures"]) == 3
    break_pictures = lambda *arguments: 1 / 0  # noqa: E731
    for name in ("history", "confusion", "panel"):
        monkeypatch.setattr(f"keras_alexnet.pictures.plot_{name}", break_pictures)
    assert main([*command, "2"]) == 0
    out = capsys.readouterr().out
    assert "Going on after epoch 1 " in out
    assert "The picture 'run/confusion.png' could not be drawn: division by zero\n" in out
    size = (tmp_path / "run" / "state-00002.npz").stat().st_size
    assert f"go on from state-00002.npz ({size / 1e6:.1f} MB)" in out
    assert not list((tmp_path / "run").glob("*.png"))
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
        batch_size=64,
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
    assert [line for line in said if line.startswith("Skipped")] == [
        f"Skipped 1 image that cannot be read: {paths[0]!r}.",
        f"Skipped 2 images that cannot be read: {paths[0]!r}, {paths[1]!r}.",
    ]
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
