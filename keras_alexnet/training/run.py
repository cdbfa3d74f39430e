"""The main job: train, measure with one crop and several, save everything that came of it."""

import contextlib
import dataclasses
import importlib.util
import json
import os
import sys
import time

import keras

from keras_alexnet.cards.records import ModelCard, Training
from keras_alexnet.data.reading import StopOnFailure
from keras_alexnet.data.split_record import FILES, SplitRecord
from keras_alexnet.errors import Interrupted, UserError, explain
from keras_alexnet.evaluation import Evaluation, measure
from keras_alexnet.evaluation.figures import IN_WORDS
from keras_alexnet.files import made_folder, written_whole
from keras_alexnet.preprocessing import RandomCropFlip, ten_crop_model
from keras_alexnet.preprocessing.crop import CenterCrop
from keras_alexnet.recipes.plateau import ReduceOnPlateau
from keras_alexnet.tables import json_text
from keras_alexnet.training.flat_loss import FlatLossWarning
from keras_alexnet.training.images import Images, load_images
from keras_alexnet.training.job import Job, build_model, plain_model
from keras_alexnet.training.state import RunState
from keras_alexnet.variants import get_variant

MODEL, SETTINGS, CLASSES, RESULTS = "model.keras", "job.json", "classes.json", "results.json"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a job."""

    folder: str
    model_path: str
    evaluation: Evaluation
    training_count: int
    epochs: int
    resumed_at: int
    seconds: float
    warning: str | None
    pictures: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict:
        """Return all figures as plain lists and numbers."""
        figures = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "evaluation"
        }
        skipped = [{"path": path, "reason": reason} for path, reason in self.skipped]
        figures |= {"pictures": list(self.pictures), "skipped": skipped}
        return {**figures, "skipped_count": len(skipped), **self.evaluation.to_dict()}


def run(
    job: Job,
    output: str,
    verbose: bool = True,
    overwrite: bool = False,
    say=print,
    accept_changed_data: bool = False,
) -> Outcome:
    """Train, measure on the held-out images and save what came of it.

    The folder holds `model.keras`, `classes.json`, `files.csv` (the images of a folder, which were
    trained on and which held out), `history.csv` (a row for each epoch), `results.json`,
    `job.json` and, with matplotlib installed, `training.png`, `conv1.png` and `confusion.png`. The
    model's card holds the classes, how images are prepared, and how it was trained. A run that was
    interrupted goes on from its last whole epoch when it is run again with the same job, folder
    and images.

    Args:
        job: What to train and how.
        output: The folder; made if it does not exist.
        verbose: Whether Keras shows its progress: a bar on a terminal, a line an epoch in a log.
        overwrite: Whether an earlier run's model may be replaced, and an unfinished run forgotten.
        say: Called with a line of text now and then.
        accept_changed_data: Whether an unfinished run goes on if there are other images now than
            it began with.

    Raises:
        UserError: If images cannot be found or read, the output cannot be written, or it holds
            an unfinished run with other settings, classes or images.
    """
    start = time.perf_counter()
    with made_folder(output), _kept_settings(job, output, overwrite) as state:
        images = _images(job, output, state, overwrite, accept_changed_data, verbose)
        steps = -(-images.training_count // job.batch_size)
        model = build_model(job, len(images.class_names), steps)
        first_epoch = 0 if overwrite else state.resume(model)
        if first_epoch:
            images = images.going_on(first_epoch)
            say(f"Going on after epoch {first_epoch} of the run in {output!r}.")
        _announce(model, job, images, say)
        warning = _train(model, job, images, state, first_epoch, verbose, say)
        model = plain_model(job, model)
        model.card = _card(job, images)
        ten_crops, crops = _ten_crops(model, job)
        also = f", one crop and {IN_WORDS[crops]}" if ten_crops else ""
        say(f"Measuring on the held-out images{also}.")
        data, names = images.to_measure(), images.class_names
        evaluation = measure(model, data, names, ten_crops, crops=crops, progress=verbose)
        images.check()
        path = os.path.join(output, MODEL)
        with written_whole(path) as beside:
            model.save(beside)
        outcome = Outcome(
            output,
            path,
            evaluation,
            images.training_count,
            job.epochs,
            first_epoch,
            time.perf_counter() - start,
            warning,
            _draw(model, evaluation, state, output),
            images.skipped,
        )
        _write_json(os.path.join(output, RESULTS), outcome.to_dict())
        state.finish()
    return outcome


def _images(
    job: Job, output: str, state: RunState, overwrite: bool, accept: bool, verbose: bool
) -> Images:
    """Return the images of a run, of which the output folder then has a list.

    Raises:
        UserError: If the run goes on, and has begun with other classes or images.
    """
    files, classes = os.path.join(output, FILES), os.path.join(output, CLASSES)
    goes_on = not overwrite and state.epochs_done() > 0
    earlier = SplitRecord.read(files) if goes_on else None
    images = load_images(job, 0, earlier, accept, verbose and sys.stdout.isatty())
    names = list(images.class_names)
    if goes_on and os.path.exists(classes):
        with open(classes, encoding="utf-8") as file:
            earlier = json.load(file)
        if earlier != names:
            raise UserError(
                explain(
                    f"Received the class folders {', '.join(names)} for a run that began with "
                    f"{', '.join(earlier)}.",
                    "The classes and their order must stay: the weights belong to them.",
                    "Restore the names of the folders, or begin anew with --overwrite.",
                )
            )
    _write_json(classes, names)
    if images.split is not None:
        images.split.write(files)
    elif os.path.exists(files):
        os.remove(files)
    return images


def _card(job: Job, images: Images) -> ModelCard:
    """Return the facts that go into the file of the model."""
    from keras_alexnet import __version__  # not before the package is complete

    pixels = dataclasses.replace(get_variant(job.variant).pixels, base=job.base)
    return ModelCard(
        variant=job.variant,
        input_size=job.window,
        pixels=pixels,
        channel_order=pixels.order,
        class_names=images.class_names,
        training=Training(
            recipe=job.recipe,
            epochs=job.epochs,
            batch_size=job.batch_size,
            learning_rate=job.learning_rate,
            seed=job.seed,
            images=images.training_count,
            held_out=images.held_out_count,
            held_out_sha256=images.split.held_out_hash() if images.split else None,
        ),
        keras_alexnet_version=__version__,
        keras_version=keras.__version__,
    )


def _announce(model, job: Job, images: Images, say) -> None:
    """Say what is trained, on what and how."""
    for note in images.notes:
        say(note)
    say(
        f"Training {model.name}, {model.count_params():,} parameters, on "
        f"{images.training_count:,} images of {len(images.class_names)} classes; "
        f"{images.held_out_count:,} are held out."
    )
    if recipe := job.adapted_recipe():
        say(f"By the recipe of {recipe.sentence()}")


def _train(model, job: Job, images: Images, state: RunState, first_epoch: int, verbose, say):
    """Train, and return what was said of a loss that stayed flat, if it did."""
    watch = [StopOnFailure(images.reader)] if images.reader and job.bad_images == "stop" else []
    recipe = job.adapted_recipe()
    schedule = recipe.callbacks() if recipe else []
    for callback in schedule:
        if isinstance(callback, ReduceOnPlateau):
            callback.resume(state.history)
    flat = FlatLossWarning(say=lambda text: say(f"\n{text}"))
    model.fit(
        images.training,
        epochs=job.epochs,
        initial_epoch=first_epoch,
        verbose=_verbosity() if verbose else 0,
        validation_data=images.held_out,
        callbacks=[*watch, flat, *schedule, state],
        shuffle=False,  # the images come in the order of the epoch
    )
    return flat.message


@contextlib.contextmanager
def _kept_settings(job: Job, output: str, overwrite: bool):
    """Give the state of a run, with its settings beside it as long as there is something to keep.

    Raises:
        UserError: If the folder holds a finished run, or an unfinished one of another job.
        Interrupted: If the block was interrupted with epochs done, which are kept.
    """
    state = RunState(output)
    if not overwrite:
        check_output(job, output)
    settings = os.path.join(output, SETTINGS)
    _write_json(settings, dataclasses.asdict(job))
    try:
        yield state
    except BaseException as error:
        done = state.epochs_done()
        if not done and not os.path.exists(os.path.join(output, MODEL)):
            for name in (SETTINGS, CLASSES, FILES):
                with contextlib.suppress(FileNotFoundError):
                    os.remove(os.path.join(output, name))
        if done and isinstance(error, KeyboardInterrupt):
            raise Interrupted(
                f"{done} of {job.epochs} epochs are kept in {output!r}, and the same command "
                "goes on from there"
            ) from error
        raise


def check_output(job: Job, output: str) -> None:
    """Raise if a folder holds a finished run, or an unfinished one of another job."""
    if os.path.exists(os.path.join(output, MODEL)):
        raise UserError(
            explain(
                f"Received the output folder {output!r}, where an earlier run saved its model.",
                "A folder without a model.keras was expected.",
                "Choose another, or add --overwrite to replace it.",
            )
        )
    path = os.path.join(output, SETTINGS)
    if RunState(output).epochs_done() and os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            job.continues(json.load(file))


def _ten_crops(model, job: Job) -> tuple[keras.Model | None, int]:
    """Return the ten-crop form of a model that cuts a window, and of how many crops it is.

    They are nine where the recipe's published error is of nine. Most CIFAR networks see all.
    """
    recipe = job.adapted_recipe()
    crops = recipe.views if recipe and recipe.views > 1 else 10
    cuts = any(isinstance(layer, (RandomCropFlip, CenterCrop)) for layer in model.layers)
    return ten_crop_model(model, views=crops) if cuts else None, crops


def _draw(model, evaluation: Evaluation, state: RunState, output: str) -> tuple[str, ...]:
    """Draw the pictures of a run where matplotlib is installed, and return their paths."""
    if importlib.util.find_spec("matplotlib") is None:
        return ()
    from keras_alexnet import pictures

    return (
        pictures.plot_history(state.history, os.path.join(output, "training.png")),
        pictures.plot_filters(model, os.path.join(output, "conv1.png")),
        pictures.plot_confusion(
            evaluation.confusion, evaluation.class_names, os.path.join(output, "confusion.png")
        ),
    )


def _write_json(path: str, value) -> None:
    with written_whole(path) as beside, open(beside, "w", encoding="utf-8") as file:
        file.write(json_text(value))


def _verbosity() -> int:
    """Return Keras's number for a progress bar on a terminal, a line an epoch in a log."""
    return 1 if sys.stdout.isatty() else 2
