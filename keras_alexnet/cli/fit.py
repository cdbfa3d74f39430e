"""`keras-alexnet fit`: train a network, measure it, save it."""

import argparse
import dataclasses
import os

from keras_alexnet.cli.shared import count, notes_of, positive, print_json
from keras_alexnet.errors import UserError, escaped
from keras_alexnet.recipes import list_recipes
from keras_alexnet.training.compile_modes import MODES
from keras_alexnet.training.job import Job


def add(command) -> None:
    """Declare the command and its arguments; the defaults are a job's."""
    job = Job()
    fit = command(
        "fit",
        run,
        "train a network on a folder of images, or on a small data set drawn for the purpose",
        "keras-alexnet fit photos/ --variant bvlc --epochs 10 --output run",
    )
    fit.add_argument(
        "directory",
        nargs="?",
        metavar="DIR",
        help="a folder with one folder of images per class, or with two such folders named "
        "train and val; without it, the package draws images of shapes and textures",
    )
    fit.add_argument(
        "--recipe",
        metavar="NAME",
        help="train as a published network was trained, with its steps in proportion to the "
        f"epochs: {', '.join(list_recipes())}; without it, Adam at one rate",
    )
    _add_settings(fit, job)
    _add_ways(fit, job)
    fit.add_argument(
        "--bad-images",
        choices=("stop", "skip"),
        default=job.bad_images,
        help="what to do about a file that cannot be read: stop before the training (if the damage "
        "is found later, with the epochs so far), or skip the file",
    )
    fit.add_argument("--output", metavar="FOLDER", help="where to save; alexnet-fit if unset")
    fit.add_argument("--overwrite", action="store_true", help="replace what an earlier run saved")
    fit.add_argument(
        "--discard-state",
        action="store_true",
        help="remove the state of training at the end, so that no more epochs can follow",
    )
    fit.add_argument(
        "--accept-changed-data",
        action="store_true",
        help="go on with an unfinished run although images were added or removed: new ones are "
        "trained on, held-out ones stay held out",
    )
    fit.add_argument("--quick", action="store_true", help="small images, few of them: a trial")


def _add_settings(fit, job: Job) -> None:
    """Declare what a recipe settles, unless it is given."""
    unset = {"default": argparse.SUPPRESS}  # a recipe has its own
    fit.add_argument(
        "--variant", **unset, help=f"the network; see keras-alexnet list (default: {job.variant})"
    )
    fit.add_argument(
        "--epochs", type=count, **unset, help=f"passes over the images (default: {job.epochs})"
    )
    fit.add_argument(
        "--batch-size", type=count, **unset, help=f"images per step (default: {job.batch_size})"
    )
    fit.add_argument(
        "--learning-rate",
        type=positive,
        **unset,
        help=f"of Adam, or the first of the recipe's (default: {job.learning_rate:g})",
    )


def _add_ways(fit, job: Job) -> None:
    """Declare what is the same with a recipe and without."""
    fit.add_argument("--image-size", type=count, help="side of the window that the network sees")
    fit.add_argument(
        "--no-augmentation",
        dest="augmentation",
        action="store_false",
        help="train on the centre of each image instead of random, mirrored windows with colour "
        "noise",
    )
    fit.add_argument(
        "--initialization",
        choices=("robust", "published"),
        default=job.initialization,
        help="initial values; the published ones may stall on small data",
    )
    fit.add_argument(
        "--compile",
        dest="compile_mode",
        choices=MODES,
        default=job.compile_mode,
        help="how the step is compiled; auto is Keras's own choice",
    )
    fit.add_argument("--seed", type=int, default=job.seed, help="of everything random")


def run(arguments) -> None:
    """Train, and say how good the network is and how to load it."""
    from keras_alexnet.data.bad_files import skipped_note
    from keras_alexnet.training.run import run as run_job

    fields = {field.name for field in dataclasses.fields(Job)}
    settings = {name: value for name, value in vars(arguments).items() if name in fields}
    with notes_of("fit"):
        job = Job.of(**settings)
    if arguments.quick:
        job = job.quick()
    output = arguments.output or _free_folder(job, arguments.overwrite)
    say = (lambda text: None) if arguments.json else print
    outcome = run_job(
        job,
        output,
        verbose=not arguments.json,
        overwrite=arguments.overwrite,
        say=say,
        accept_changed_data=arguments.accept_changed_data,
        discard_state=arguments.discard_state,
    )
    if arguments.json:
        print_json(outcome.to_dict())
        return
    if skipped := skipped_note(outcome.skipped):
        print(f"\n{skipped}")
    files = sorted(name for name in os.listdir(output) if name != "model.keras")
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


def _free_folder(job: Job, overwrite: bool) -> str:
    """Return the first folder without another run in it: an earlier model is never lost."""
    from keras_alexnet.training.lock import check_lock
    from keras_alexnet.training.run_folder import RunFolder

    folder, number = "alexnet-fit", 1
    while not overwrite:
        try:
            check_lock(folder)
            earlier = RunFolder(folder)
            earlier.goes_on_after(job)
            if not earlier.settings()[1]:
                break
        except UserError:
            pass
        number += 1
        folder = f"alexnet-fit-{number}"
    return folder
