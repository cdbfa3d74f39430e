"""`run`: trains the model of a job, measures it, and saves the results."""

import dataclasses
import os
import time

import keras

from keras_alexnet.cards.records import ModelCard, Training
from keras_alexnet.errors import escaped
from keras_alexnet.evaluation import Evaluation, measure
from keras_alexnet.evaluation.figures import IN_WORDS
from keras_alexnet.files import made_folder, write_json, written_whole
from keras_alexnet.preprocessing.multi_crop import crop_layers, multi_crop_model
from keras_alexnet.progress import verbosity
from keras_alexnet.training.devices import check_devices, device_scope
from keras_alexnet.training.epochs import Epochs
from keras_alexnet.training.freezing import frozen_sentence
from keras_alexnet.training.images import Images, load_images
from keras_alexnet.training.job import Job, build_model
from keras_alexnet.training.lock import run_lock
from keras_alexnet.training.network import plain_model
from keras_alexnet.training.outcome import Outcome
from keras_alexnet.training.run_folder import MODEL, RESULTS, RunFolder
from keras_alexnet.training.run_pictures import can_draw, draw_run
from keras_alexnet.training.weights import load_initial
from keras_alexnet.version import __version__


def run(
    job: Job,
    output: str,
    verbose: int | str = "auto",
    overwrite: bool = False,
    say=print,
    accept_changed_data: bool = False,
    discard_state: bool = False,
) -> Outcome:
    """Train, measure on the held-out images, and save the results.

    The folder holds `model.keras`, `classes.json`, `files.csv` (the images of a folder, which were
    trained on and which held out), `history.csv` (a row for each epoch), `curve.csv` (twenty rows
    for each), `results.json`, `job.json`, the state of training (`state-00003.npz` after three
    epochs) and, with matplotlib installed, `training.png`, `confusion.png`, `panel.png` and, once
    the filters have begun to learn, `conv1.png`. The model holds no optimizer; its card holds the
    classes, how images are prepared, and how it was trained. A run that was interrupted continues
    from its last whole epoch if it runs again with the same job, folder and images; a finished run
    continues with a job of more epochs if its schedule is constant. After a cosine schedule no
    epoch can follow, so the finished run removes its state.

    Args:
        job: The job.
        output: The folder, which need not exist.
        verbose: How much Keras shows of its progress: see `verbosity`.
        overwrite: Whether to replace the model and the state of an earlier run.
        say: Called with each line of text on the progress.
        accept_changed_data: Whether to continue a run with other images than it began with.
        discard_state: Whether to remove the state at the end, after which no epoch can follow.

    Raises:
        UserError: If images cannot be found or read, the output cannot be written, another process
            trains into it, or it holds a run with other settings, classes or images, a finished run
            of as many epochs, or files that cannot be read. Then no file has changed.
    """
    start, verbose = time.perf_counter(), verbosity(verbose)
    check_devices(job)
    discard_state = discard_state or job.schedule == "cosine"
    with made_folder(output), run_lock(output):
        folder = RunFolder(output)
        with folder.kept(job, overwrite):
            first_epoch = 0 if overwrite else folder.goes_on_after(job, discard_state)
            split = folder.split() if first_epoch else None
            images = load_images(job, first_epoch, split, accept_changed_data, verbose == 1)
            if first_epoch:
                folder.check_classes(images.class_names)
            announced = images.skipped
            model, warning, best_epoch = _train(job, images, folder, first_epoch, verbose, say)
            evaluation = _measure(model, job, images, verbose, say)
            with written_whole(folder.file(MODEL)) as beside:
                model.save(beside)
            outcome = Outcome(
                output,
                folder.file(MODEL),
                evaluation,
                images.training_count,
                folder.state.epochs_done(),
                first_epoch,
                time.perf_counter() - start,
                warning,
                None if discard_state else folder.state.path,
                skipped=images.skipped,
                best_epoch=best_epoch,
            )
            if outcome.skipped != announced:  # damage inside a file shows only when it is decoded
                say(outcome.skipped_note())
            write_json(folder.file(RESULTS), outcome.to_dict())
            pictures = draw_run(model, images, evaluation, folder, say)
            if pictures:
                outcome = dataclasses.replace(outcome, pictures=pictures)
                write_json(folder.file(RESULTS), outcome.to_dict())
            folder.finish(job, discard_state)
    return outcome


def _train(
    job: Job, images: Images, folder: RunFolder, first_epoch: int, verbose: int, say
) -> tuple[keras.Model, str | None, int | None]:
    """Build the model of a run, and train it from its initial values or from its newest state.

    Returns:
        The model with its card; the warning of a flat loss, `None` if there was none; the number of
        the best epoch, `None` if the model is that of the last.
    """
    with device_scope(job.devices):
        model = build_model(job, len(images.class_names), images.steps_per_epoch(job))
        epochs = Epochs(model, job, images, folder, verbose, say)
        if first_epoch:
            epochs.resume(first_epoch)
            say(f"Going on after epoch {first_epoch} of the run in {folder.path!r}.")
        elif job.weights:
            for sentence in load_initial(model, job.weights, job.variant, images.class_names):
                say(sentence)
        folder.begin(job, images.class_names, images.split)  # after every check
        _announce(model, job, images, say)
        warning = epochs.train(first_epoch)
        best_epoch = folder.best.restore(model) if job.best else 0
    if best_epoch:
        say(f"The model is that of epoch {best_epoch}, with the lowest held-out loss.")
    model = plain_model(job, model)
    model.card = _card(job, images, folder.state.epochs_done(), best_epoch or None)
    return model, warning, best_epoch or None


def _card(job: Job, images: Images, epochs: int, best_epoch: int | None) -> ModelCard:
    """Return the facts that go into the file of the model."""
    pixels = dataclasses.replace(job.record.pixels, base=job.base)
    return ModelCard(
        variant=job.variant,
        input_size=job.window,
        pixels=pixels,
        channel_order=pixels.order,
        class_names=images.class_names,
        training=Training(
            recipe=job.recipe,
            epochs=epochs,
            batch_size=job.batch_size,
            learning_rate=job.learning_rate,
            seed=job.seed,
            images=images.training_count,
            held_out=images.held_out_count,
            held_out_sha256=images.split.held_out_hash() if images.split else None,
            weights=job.weights and (job.card.checkpoint or escaped(os.path.basename(job.weights))),
            best_epoch=best_epoch,
        ),
        licence=job.card.licence,
        keras_alexnet_version=__version__,
        keras_version=keras.__version__,
    )


def _announce(model, job: Job, images: Images, say) -> None:
    """Report the model, the images and the recipe."""
    for note in images.notes:
        say(note)
    if job.devices > 1:
        say(f"Every batch of {job.batch_size} images is divided among {job.devices} devices.")
    if not can_draw():
        say('The run leaves no pictures without matplotlib: pip install "keras-alexnet[plot]"')
    say(
        f"Training {model.name}, {model.count_params():,} parameters, on "
        f"{images.training_count:,} images of {len(images.class_names)} classes; "
        f"{images.held_out_count:,} are held out."
    )
    if recipe := job.adapted_recipe():
        say(f"By the recipe of {recipe.sentence()}")
    if job.class_weights:
        weights = ", ".join(
            f"{escaped(images.class_names[label])} {weight:.3g}"
            for label, weight in images.class_weight.items()
        )
        say(f"Class weights: {weights}.")
    if job.freeze:
        say(frozen_sentence(job.freeze, job.unfreeze_after))


def _measure(model, job: Job, images: Images, verbose: int, say) -> Evaluation:
    """Measure on the held-out images, with one crop and with several where the model cuts any."""
    ten_crops, crops = _ten_crops(model, job)
    also = f", one crop and {IN_WORDS[crops]}" if ten_crops else ""
    say(f"Measuring on the held-out images{also}.")
    data, names = images.to_measure(), images.class_names
    return measure(model, data, names, ten_crops, crops=crops, progress=verbose == 1)


def _ten_crops(model, job: Job) -> tuple[keras.Model | None, int]:
    """Return the ten-crop form of a model that cuts a window, and its number of crops.

    The number is nine if the recipe's published error averages nine. Most CIFAR networks cut none.
    """
    recipe = job.adapted_recipe()
    crops = recipe.views if recipe and recipe.views > 1 else 10
    return multi_crop_model(model, views=crops) if crop_layers(model) else None, crops
