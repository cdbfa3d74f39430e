"""`run`: trains the model of a job, measures it, and saves the results."""

import dataclasses
import os
import time

import keras

from keras_alexnet.cards.records import ModelCard, Training
from keras_alexnet.data.image_reader import StopOnFailure
from keras_alexnet.errors import UserError, escaped
from keras_alexnet.evaluation import Evaluation, measure
from keras_alexnet.evaluation.figures import IN_WORDS
from keras_alexnet.files import made_folder, write_json, written_whole
from keras_alexnet.preprocessing.multi_crop import crop_layers, multi_crop_model
from keras_alexnet.progress import verbosity
from keras_alexnet.recipes.plateau import ReduceOnPlateau
from keras_alexnet.training.epoch_progress import EpochProgress
from keras_alexnet.training.flat_loss import FlatLossWarning
from keras_alexnet.training.freezing import Phase
from keras_alexnet.training.images import Images, load_images
from keras_alexnet.training.job import Job, build_model, compile_model, plain_model
from keras_alexnet.training.lock import run_lock
from keras_alexnet.training.outcome import Outcome
from keras_alexnet.training.padding import batch_shards, pad_batches
from keras_alexnet.training.run_folder import MODEL, RESULTS, RunFolder
from keras_alexnet.training.run_pictures import can_draw, draw_run
from keras_alexnet.training.schedule import warmup_steps
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
    discard_state = discard_state or job.schedule == "cosine"
    with made_folder(output), run_lock(output):
        folder = RunFolder(output)
        with folder.kept(job, overwrite):
            first_epoch = 0 if overwrite else folder.goes_on_after(job, discard_state)
            split = folder.split() if first_epoch else None
            images = load_images(job, first_epoch, split, accept_changed_data, verbose == 1)
            if first_epoch:
                folder.check_classes(images.class_names)
            steps = images.steps_per_epoch(job)
            model = build_model(job, len(images.class_names), steps)
            if first_epoch:
                _resume(model, job, steps, folder, first_epoch)
                say(f"Going on after epoch {first_epoch} of the run in {output!r}.")
            elif job.weights:
                for sentence in load_initial(model, job.weights, job.variant, images.class_names):
                    say(sentence)
            folder.begin(job, images.class_names, images.split)  # after every check
            _announce(model, job, images, say)
            warning = _train(model, job, images, folder, first_epoch, verbose, say)
            model = plain_model(job, model)
            model.card = _card(job, images)
            evaluation = _measure(model, job, images, verbose, say)
            with written_whole(folder.file(MODEL)) as beside:
                model.save(beside)
            outcome = Outcome(
                output,
                folder.file(MODEL),
                evaluation,
                images.training_count,
                job.epochs,
                first_epoch,
                time.perf_counter() - start,
                warning,
                None if discard_state else folder.state.path,
                skipped=images.skipped,
            )
            write_json(folder.file(RESULTS), outcome.to_dict())
            pictures = draw_run(model, images, evaluation, folder, say)
            if pictures:
                outcome = dataclasses.replace(outcome, pictures=pictures)
                write_json(folder.file(RESULTS), outcome.to_dict())
            folder.finish(job, discard_state)
    return outcome


def _card(job: Job, images: Images) -> ModelCard:
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
            epochs=job.epochs,
            batch_size=job.batch_size,
            learning_rate=job.learning_rate,
            seed=job.seed,
            images=images.training_count,
            held_out=images.held_out_count,
            held_out_sha256=images.split.held_out_hash() if images.split else None,
            weights=job.weights and (job.card.checkpoint or escaped(os.path.basename(job.weights))),
        ),
        licence=job.card.licence,
        keras_alexnet_version=__version__,
        keras_version=keras.__version__,
    )


def _announce(model, job: Job, images: Images, say) -> None:
    """Report the model, the images and the recipe."""
    for note in images.notes:
        say(note)
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
        _check_one_device()
        weights = ", ".join(
            f"{escaped(images.class_names[label])} {weight:.3g}"
            for label, weight in images.class_weight.items()
        )
        say(f"Class weights: {weights}.")
    if job.freeze:
        until = f" for {job.unfreeze_after} epochs" if job.unfreeze_after else ""
        say(f"The layers {job.freeze} stay as they are{until}.")


def _check_one_device() -> None:
    """Raise if batches are padded for several devices: Keras takes either kind of weights."""
    if batch_shards() > 1:
        raise UserError(
            f"Received class_weights=True with {batch_shards()} devices.",
            "Class weights need one device: on several, images that pad a batch have weights.",
            "Leave class_weights (--class-weights) out, or train without keras.distribution.",
        )


def _resume(model, job: Job, steps: int, folder: RunFolder, first_epoch: int) -> None:
    """Load the newest state into a model, compiled for the phase that it was saved in."""
    last = [phase for phase in job.phases() if phase.first < first_epoch][-1]
    if last.first:
        compile_model(model, job, last, steps)
    folder.state.resume(model)
    folder.curve.resume(first_epoch)


def _train(model, job: Job, images: Images, folder: RunFolder, first_epoch: int, verbose: int, say):
    """Train in phases, and return the warning of a flat loss, `None` if there was none."""
    warning = None
    for phase in job.phases():
        begin = max(phase.first, first_epoch)
        if begin >= phase.last:
            continue
        if begin:
            folder.state.go_on()
        if begin and begin == phase.first:
            compile_model(model, job, phase, images.steps_per_epoch(job))
            say("All layers are trained from here on.")
        found = _train_phase(model, job, images, folder, begin, phase, verbose, say)
        warning = warning or found
    return warning


def _train_phase(
    model, job: Job, images: Images, folder: RunFolder, begin: int, phase: Phase, verbose: int, say
):
    """Train from an epoch to the end of its phase, and return the warning of a flat loss."""
    watch = [StopOnFailure(images.reader)] if images.reader and job.bad_images == "stop" else []
    recipe = job.adapted_recipe()
    schedule = recipe.callbacks() if recipe else []
    for callback in schedule:
        if isinstance(callback, ReduceOnPlateau):
            callback.resume(folder.state.history)
    steps = images.steps_per_epoch(job) * (phase.last - phase.first)
    rising = warmup_steps(steps, job.warmup_ratio)
    wanted = max(300, 5 * len(images.class_names), 2 * rising)  # not while the rate rises
    flat = FlatLossWarning(wanted, say=lambda text: say(f"\n{text}"))
    training, held_out = (
        pad_batches(data, count, job.batch_size)
        for data, count in (
            (images.training, images.training_count),
            (images.held_out, images.held_out_count),
        )
    )
    model.fit(
        training,
        epochs=phase.last,
        initial_epoch=begin,
        verbose=verbose,
        validation_data=held_out,
        callbacks=[*watch, EpochProgress(), flat, *schedule, folder.curve, folder.state],
        class_weight=dict(images.class_weight) if job.class_weights else None,
        shuffle=False,  # the data has the order of the epoch
    )
    return flat.message


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
