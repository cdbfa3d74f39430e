"""The folder of a run: killed runs are finished, finished ones continue, refused ones stay."""

import csv
import dataclasses
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from keras_alexnet.errors import Interrupted, UserError
from keras_alexnet.training import run as run_module
from keras_alexnet.training.job import Job
from keras_alexnet.training.lock import LOCK
from keras_alexnet.training.run import run
from keras_alexnet.training.run_folder import RunFolder, free_folder
from runs import quietly
from small_runs import Instants

pytestmark = pytest.mark.eager

TINY = Job(variant="cifar10_19pct", epochs=1, drawn=20, learning_rate=1e-3, schedule="constant")
COSINE = Job(variant="cifar10_19pct", epochs=2)
NEW_SETTINGS = [*dataclasses.asdict(TINY)][13:]  # settings that earlier versions did not write
BY_STEPS = Job.of("cifar10_80sec", epochs=10)
BY_VALIDATION = Job.of("paper", epochs=2)


def made(folder, job, done, **changes):
    """Make what a run leaves, as far as names and settings go."""
    folder.mkdir(exist_ok=True)
    if done:
        (folder / f"state-{done:05}.npz").write_bytes(b"")
    (folder / "model.keras").write_bytes(b"")
    (folder / "job.json").write_text(json.dumps({**dataclasses.asdict(job), **changes}))
    return RunFolder(str(folder))


GOES_ON = [
    (TINY, 1, {"finished": True}, {"epochs": 4}),
    (TINY, 1, {"finished": False}, {}),
    (TINY, 1, {}, {}),  # killed at its end, by an earlier version
    (TINY, 2, {"epochs": 5}, {"epochs": 3}),
    (BY_STEPS, 10, {"finished": False}, {}),
    (BY_VALIDATION, 2, {"finished": True}, {"epochs": 4}),
    (COSINE, 1, {"finished": False}, {}),
]


@pytest.mark.backend_free
@pytest.mark.parametrize(("job", "done", "before", "now"), GOES_ON)
def test_a_run_goes_on(job, done, before, now, tmp_path):
    """An unfinished one, and a finished one with more epochs where no step would move."""
    folder = made(tmp_path, job, done, **before)
    assert folder.goes_on_after(dataclasses.replace(job, **now)) == done


REFUSED = [
    (TINY, 1, {"finished": True}, {}, r"for 1 epochs and is finished\..*more epochs"),
    (TINY, 3, {"epochs": 3}, {"epochs": 2}, r"epochs=2 for .* for 3 epochs\. .*--overwrite"),
    (TINY, 0, {"finished": True}, {"epochs": 4}, r"finished and has no state\. .*--overwr"),
    (BY_STEPS, 10, {"finished": True}, {"epochs": 12}, r"epochs was 10 and is 12\. .* at shares"),
    (TINY, 1, {"seed": 5}, {}, "seed was 5 and is 0"),
    (TINY, 1, {"later": 5}, {}, "later was 5 and is None"),
    (COSINE, 1, {}, {"epochs": 4}, r"epochs was 2 and is 4\. .*cosine .*schedule='constant'"),
    (COSINE, 1, {}, {"warmup_ratio": 0.5}, "warmup_ratio was 0.1 and is 0.5"),
    (COSINE, 0, {"finished": True}, {}, r"finished and has no state\. .* removes the state when"),
]


@pytest.mark.backend_free
@pytest.mark.parametrize(("job", "done", "before", "now", "message"), REFUSED)
def test_a_run_does_not_go_on(job, done, before, now, message, tmp_path):
    """The message names the folder, says the reason, and what can be done."""
    folder = made(tmp_path, job, done, **before)
    with pytest.raises(UserError, match=message) as caught:
        folder.goes_on_after(dataclasses.replace(job, **now))
    assert repr(str(tmp_path)) in caught.value.received


@pytest.mark.backend_free
def test_a_run_that_early_stopping_ended_is_finished(tmp_path):
    """More epochs change nothing, but the state can be removed, and a killed run is measured."""
    job = dataclasses.replace(TINY, epochs=9, early_stopping=2)
    folder = made(tmp_path, job, 4, finished=True)
    losses = ("0.5", "0.4", "0.6", "0.5")
    rows = [f"{number},{loss}" for number, loss in enumerate(losses, 1)]
    (tmp_path / "history.csv").write_text("\n".join(["epoch,val_loss", *rows]))
    for epochs in (9, 20):
        with pytest.raises(UserError, match=r"stopped after epoch 4 .* 2 epochs\. .*is finished"):
            folder.goes_on_after(dataclasses.replace(job, epochs=epochs))
    assert folder.goes_on_after(job, discard_state=True) == 4
    assert made(tmp_path, job, 4, finished=False).goes_on_after(job) == 4
    (tmp_path / "history.csv").write_text("\n".join(["epoch,val_loss", *rows[:3]]))
    assert made(tmp_path, job, 4, finished=True).goes_on_after(job) == 4  # the loss still falls


@pytest.mark.backend_free
def test_a_run_from_before_schedules_had_a_constant_rate(tmp_path):
    """Its settings name none; a recipe keeps its own."""
    for number, job in enumerate((TINY, BY_VALIDATION)):
        folder = made(tmp_path / str(number), job, 1)
        settings = dataclasses.asdict(job)
        old = {name: value for name, value in settings.items() if name not in NEW_SETTINGS}
        (tmp_path / str(number) / "job.json").write_text(json.dumps(old))
        assert folder.goes_on_after(dataclasses.replace(job, epochs=5)) == 1
    with pytest.raises(UserError, match="schedule was 'constant' and is 'cosine'"):
        RunFolder(str(tmp_path / "0")).goes_on_after(dataclasses.replace(TINY, schedule="cosine"))


DAMAGED = [
    ("job.json", b""),
    ("job.json", b"\xff\xfe\x00"),
    ("job.json", b"[1]"),
    ("job.json", b'{"epochs": "one"}'),
    ("job.json", b'{"augmentation": 1}'),
    ("job.json", b'{"finished": "no"}'),
    ("job.json", b"[" * 100_000),
    ("classes.json", b""),
    ("classes.json", b"{}"),
    ("classes.json", b"[1]"),
    ("classes.json", b"\xff"),
    ("files.csv", b""),
    ("files.csv", b"\x00\xff,,"),
]


@pytest.mark.backend_free
@pytest.mark.parametrize(("name", "content"), DAMAGED)
def test_a_damaged_file_is_named_and_nothing_changes(name, content, tmp_path):
    """One clear error; the folder of the run is byte for byte as it was."""
    made(tmp_path, TINY, 1, epochs=2)
    (tmp_path / name).write_bytes(content)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match=rf"{name}',? cannot be read: .*Restore (it|the file)"):
        run(dataclasses.replace(TINY, epochs=2), str(tmp_path), verbose=False, say=str)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.medium
def test_a_refused_run_changes_nothing(tmp_path):
    """A state that cannot be read is met last of all, and even then nothing was written."""
    made(tmp_path, TINY, 1, epochs=2)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match=r"state-00001\.npz' cannot be read"):
        quietly(dataclasses.replace(TINY, epochs=2), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.backend_free
def test_a_folder_that_was_not_named_is_free(tmp_path, monkeypatch):
    """A finished run is gone on with only where its folder is named."""
    monkeypatch.chdir(tmp_path)
    more = dataclasses.replace(TINY, epochs=4)
    made(tmp_path / "alexnet-fit", TINY, 1, finished=True)
    assert free_folder(more) == "alexnet-fit-2"
    made(tmp_path / "alexnet-fit", TINY, 1, finished=False)
    assert free_folder(more) == "alexnet-fit"


@pytest.mark.backend_free
def test_a_run_that_begins_anew_owns_what_it_leaves(tmp_path):
    """The old state goes before new settings come; Ctrl-C says which command goes on, and when."""
    folder, job = made(tmp_path, TINY, 1, finished=True), dataclasses.replace(TINY, seed=5)
    with pytest.raises(KeyboardInterrupt) as stop, folder.kept(job, overwrite=True):
        raise KeyboardInterrupt  # the earlier run is none of this command's
    assert not isinstance(stop.value, Interrupted)
    assert folder.state.epochs_done() == 1
    with (
        pytest.raises(Interrupted, match="same command without --overwrite goes on"),
        folder.kept(job, overwrite=True),
    ):
        folder.begin(job, ["a", "b"], None)
        assert folder.state.epochs_done() == 0
        assert folder.settings() == (dataclasses.asdict(job), False)
        (tmp_path / "state-00001.npz").write_bytes(b"")
        raise KeyboardInterrupt
    with pytest.raises(Interrupted, match="is finished"), folder.kept(job):
        folder.finish(job, discard_state=True)
        raise KeyboardInterrupt
    assert folder.settings() == (dataclasses.asdict(job), True)
    assert folder.state.path is None


def weights(folder):
    """Return the weights of the model in a folder."""
    return keras.saving.load_model(folder / "model.keras").get_weights()


def check_same(folder, expected):
    for found, wanted in zip(weights(folder), weights(expected), strict=True):
        np.testing.assert_array_equal(found, wanted)


def history(folder):
    rows = csv.DictReader((folder / "history.csv").read_text().splitlines())
    return [{name: row[name] for name in row if name != "seconds"} for row in rows]


def killed(folder):
    """Let the lock that a copy holds be one of a process that has ended."""
    if (folder / LOCK).exists():
        owner = json.loads((folder / LOCK).read_text() or "{}")
        (folder / LOCK).write_text(json.dumps({**owner, "pid": 2**80}))


@pytest.mark.long
def test_killed_while_it_ends_it_is_finished_by_the_same_command(tmp_path, monkeypatch):
    """Before each step from the model to the end; and after Ctrl-C, which says so."""
    run_folder, copies = tmp_path / "run", tmp_path / "copies"
    measure = run_module.measure
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "measure", lambda *a, **o: signal_interrupt())
        with pytest.raises(Interrupted, match=r"1 of 1 epochs are kept .* same command goes on"):
            quietly(TINY, run_folder)
    with monkeypatch.context() as patch:
        instants = Instants(run_folder, copies, patch)

        def measured(*arguments, **options):
            evaluation = measure(*arguments, **options)
            instants.on = True
            return evaluation

        patch.setattr(run_module, "measure", measured)
        outcome = quietly(TINY, run_folder)
        instants.on = False
    assert outcome.resumed_at == 1
    results = json.loads((run_folder / "results.json").read_text())
    seen = {}
    for copy in sorted(copies.iterdir()):
        names = frozenset(path.name for path in copy.iterdir() if path.is_file())
        seen[names, json.loads((copy / "job.json").read_text())["finished"]] = copy
    assert len(seen) >= 4  # without a model, with it, with results, and finished
    for (_, is_finished), copy in seen.items():
        killed(copy)
        if not is_finished:
            assert quietly(TINY, copy).resumed_at == 1
            again = json.loads((copy / "results.json").read_text())
            assert again["confusion"] == results["confusion"]
        check_same(copy, run_folder)
        with pytest.raises(UserError, match="is finished"):
            quietly(TINY, copy)
        assert not [path for path in copy.iterdir() if path.name.startswith((".", LOCK))]


def signal_interrupt():
    raise KeyboardInterrupt


@pytest.mark.long
def test_a_finished_run_goes_on(tmp_path):
    """With more epochs it ends as one that had them from the start; the state stays."""
    quietly(TINY, tmp_path / "parts")
    more = dataclasses.replace(TINY, epochs=2)
    outcome = quietly(more, tmp_path / "parts")
    assert outcome.resumed_at == 1
    assert outcome.state_path == str(tmp_path / "parts" / "state-00002.npz")
    quietly(more, tmp_path / "whole")
    check_same(tmp_path / "parts", tmp_path / "whole")
    assert history(tmp_path / "parts") == history(tmp_path / "whole")
    check_weights_alone(tmp_path / "parts" / "model.keras")
    assert quietly(more, tmp_path / "parts", discard_state=True).state_path is None
    check_same(tmp_path / "parts", tmp_path / "whole")
    assert not list((tmp_path / "parts").glob("state*"))
    with pytest.raises(UserError, match="a run is finished and has no state"):
        quietly(more, tmp_path / "parts")


def check_weights_alone(path):
    """The file has the numbers of the weights and of the seeds, and no others."""
    model = keras.saving.load_model(path)
    expected = sum(int(np.prod(variable.shape)) for variable in model.variables)
    sizes = []

    def add(name, item):
        if isinstance(item, h5py.Dataset):
            sizes.append(item.size)

    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as entry:
        with h5py.File(entry, "r") as file:
            file.visititems(add)
        assert not json.loads(archive.read("config.json")).get("compile_config")
    assert sum(sizes) == expected
