"""`keras-alexnet fit`: train a network, measure it, save it."""

import os
from typing import get_args

from keras_alexnet.cli.options import count, job_arguments, positive
from keras_alexnet.cli.output import print_json
from keras_alexnet.errors import escaped
from keras_alexnet.recipes import list_recipes
from keras_alexnet.training.compile_modes import MODES
from keras_alexnet.training.job import LOGS, PRECISIONS, Job
from keras_alexnet.training.presets import PRESETS
from keras_alexnet.training.schedule import SCHEDULES
from keras_alexnet.type_aliases import BadImages, Initialization


def add(command) -> None:
    """Declare the command and its arguments; the defaults are a job's."""
    job = Job()
    fit = command(
        "fit",
        run,
        "train a network on a folder of images, or on a small data set that the package draws",
        "keras-alexnet fit photos/ --variant bvlc --epochs 10 --output run",
        many_steps=True,
    )
    fit.add_argument(
        "directory",
        nargs="?",
        metavar="DIR",
        help="a folder with one folder of images per class, or with two such folders named "
        "train and val; without it, the package draws images of shapes and textures",
    )
    fit.add_argument("--quick", action="store_true", help="small images, few of them: a trial")
    _add_network(fit.add_argument_group("network"), job)
    training = fit.add_argument_group("training")
    _add_steps(training, job)
    _add_schedule(training, job)
    _add_held_out_loss(training)
    _add_loss(fit.add_argument_group("loss"), job)
    _add_images(fit.add_argument_group("images"), job)
    _add_computing(fit.add_argument_group("computing"), job)
    _add_output(fit.add_argument_group("output"))


def _add_network(group, job: Job) -> None:
    """Declare the network, and what it begins with."""
    group.add_argument(
        "--variant", help=f"the network; see keras-alexnet list (default: {job.variant})"
    )
    group.add_argument(
        "--weights",
        metavar="NAME|FILE",
        help="begin with published weights or those of a file; the last layer is made new, unless "
        "the classes are the same",
    )
    group.add_argument(
        "--freeze",
        metavar="LAYERS",
        help="layers that stay as they are, names and ranges: conv1-conv5, or conv1,fc6-fc7; body "
        "for all but the last",
    )
    group.add_argument(
        "--unfreeze-after",
        type=count,
        metavar="EPOCHS",
        help="train the frozen layers as well after this many epochs",
    )
    group.add_argument(
        "--initialization",
        choices=get_args(Initialization),
        default=job.initialization,
        help="initial values; the published ones may stall on small data",
    )


def _add_steps(group, job: Job) -> None:
    """Declare the steps. A preset or a recipe decides what is not given."""
    presets = "; ".join(f"{row.name}: {row.purpose}" for row in PRESETS.values())
    group.add_argument(
        "--preset", metavar="NAME", help=f"settings that other options override. {presets}"
    )
    group.add_argument(
        "--recipe",
        metavar="NAME",
        help="train as a published network was trained, with its steps in proportion to the "
        f"epochs: {', '.join(list_recipes())}; without it, Adam with a schedule",
    )
    group.add_argument(
        "--epochs", type=count, help=f"passes over the images (default: {job.epochs})"
    )
    group.add_argument(
        "--batch-size", type=count, help=f"images per step (default: {job.batch_size})"
    )
    group.add_argument(
        "--learning-rate",
        type=positive,
        help="the highest rate of Adam, or the first rate of the recipe "
        f"(default: {job.learning_rate:g})",
    )


def _add_schedule(group, job: Job) -> None:
    """Declare how the rate changes."""
    group.add_argument(
        "--schedule",
        choices=SCHEDULES,
        help="how Adam's rate changes: cosine lets it rise from 0 and fall back to 0; only with "
        f"constant can more epochs follow a finished run (default: {job.schedule})",
    )
    group.add_argument(
        "--warmup-ratio",
        type=float,
        metavar="SHARE",
        help="share of all steps in which the rate rises, with cosine "
        f"(default: {job.warmup_ratio:g})",
    )


def _add_held_out_loss(group) -> None:
    """Declare what follows from the held-out loss."""
    group.add_argument(
        "--early-stopping",
        type=count,
        metavar="EPOCHS",
        help="end when the held-out loss has not fallen for this many epochs",
    )
    group.add_argument(
        "--best",
        action="store_true",
        help="save the model of the epoch with the lowest held-out loss, not the last",
    )


def _add_loss(group, job: Job) -> None:
    """Declare how the images count in the loss."""
    group.add_argument(
        "--label-smoothing",
        type=float,
        default=job.label_smoothing,
        metavar="SHARE",
        help="share of each label that is spread over all classes; 0.1 is usual "
        f"(default: {job.label_smoothing:g})",
    )
    group.add_argument(
        "--class-weights",
        action="store_true",
        help="give every class the same influence, however many images it has",
    )


def _add_images(group, job: Job) -> None:
    """Declare how images are read and prepared."""
    group.add_argument("--image-size", type=count, help="side of the window that the network sees")
    group.add_argument(
        "--no-augmentation",
        dest="augmentation",
        action="store_false",
        help="train on the centre of each image instead of random, mirrored windows with colour "
        "noise",
    )
    group.add_argument(
        "--bad-images",
        choices=get_args(BadImages),
        default=job.bad_images,
        help="what to do about a file that cannot be read: stop before the training (if the damage "
        "is found later, with the epochs so far), or skip the file",
    )
    group.add_argument(
        "--accept-changed-data",
        action="store_true",
        help="go on with an unfinished run although images were added or removed: new ones are "
        "trained on, held-out ones stay held out",
    )


def _add_computing(group, job: Job) -> None:
    """Declare how the steps are computed."""
    group.add_argument(
        "--compile",
        dest="compile_mode",
        choices=MODES,
        default=job.compile_mode,
        help="how the step is compiled; auto is Keras's own choice",
    )
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=job.precision,
        help="what the layers compute in; the model that is saved computes in float32",
    )
    group.add_argument(
        "--devices",
        type=count,
        default=job.devices,
        help="how many devices of this machine share every batch, on TensorFlow and JAX",
    )
    group.add_argument("--seed", type=int, default=job.seed, help="seed of everything random")


def _add_output(group) -> None:
    """Declare what the run writes."""
    group.add_argument("--output", metavar="FOLDER", help="where to save (default: alexnet-fit)")
    group.add_argument("--overwrite", action="store_true", help="replace what an earlier run saved")
    group.add_argument(
        "--discard-state",
        action="store_true",
        help="remove the state of training at the end, so that no more epochs can follow",
    )
    group.add_argument(
        "--log",
        choices=LOGS,
        help="record the epochs for TensorBoard, or as JSON lines; csv is history.csv, which every "
        "run writes",
    )


def run(arguments) -> None:
    """Train, and say how good the network is and how to load it."""
    from keras_alexnet import jobs

    outcome = jobs.fit(**job_arguments(arguments), verbose=0 if arguments.json else "auto")
    if arguments.json:
        print_json(outcome.to_dict())
        return
    files = sorted(name for name in os.listdir(outcome.folder) if name != "model.keras")
    print(
        f"\n{outcome.evaluation}\n\n"
        f"It took {outcome.seconds:.0f} seconds. Saved {escaped(outcome.model_path)}, and "
        f"beside it {', '.join(map(escaped, files))}.\n{_state_line(outcome.state_path)}"
        f"The model takes RGB pixels of 0 to 255, images of any size; to use it:\n\n"
        f"    import keras, keras_alexnet\n"
        f"    model = keras.saving.load_model({outcome.model_path!r})"
    )


def _state_line(path: str | None) -> str:
    """Return a line on the file of the state; empty if the state was removed."""
    if path is None:
        return ""
    return (
        f"More epochs go on from {os.path.basename(path)} ({os.path.getsize(path) / 1e6:,.1f} MB), "
        "the state of training; --discard-state removes it.\n"
    )
