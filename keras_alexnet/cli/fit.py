"""`keras-alexnet fit`: train a network, measure it, save it."""

import dataclasses
import os

from keras_alexnet.cli.shared import count, positive, print_json
from keras_alexnet.errors import UserError, explain
from keras_alexnet.fitting import Job
from keras_alexnet.fitting import run as run_job


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
    fit.add_argument("--variant", default=job.variant, help="the network; see keras-alexnet list")
    fit.add_argument("--epochs", type=count, default=job.epochs, help="passes over the images")
    fit.add_argument("--batch-size", type=count, default=job.batch_size, help="images per step")
    fit.add_argument("--learning-rate", type=positive, default=job.learning_rate, help="Adam's")
    fit.add_argument("--image-size", type=count, help="side of the images, the variant's if unset")
    fit.add_argument(
        "--initialization",
        choices=("robust", "published"),
        default=job.initialization,
        help="initial values; the published ones may stall on small data",
    )
    fit.add_argument("--seed", type=int, default=job.seed, help="of everything random")
    fit.add_argument("--output", metavar="FOLDER", help="where to save; alexnet-fit if unset")
    fit.add_argument("--overwrite", action="store_true", help="replace what an earlier run saved")
    fit.add_argument("--quick", action="store_true", help="small images, few of them: a trial")


def run(arguments) -> None:
    """Train, and say how good the network is and how to load it."""
    fields = {field.name for field in dataclasses.fields(Job)}
    settings = {name: value for name, value in vars(arguments).items() if name in fields}
    job = Job(**settings)
    if arguments.quick:
        job = job.quick()
    output = _output_folder(arguments.output, arguments.overwrite)
    say = (lambda text: None) if arguments.json else print
    outcome = run_job(job, output, verbose=not arguments.json, say=say)
    if arguments.json:
        print_json(outcome.to_dict())
        return
    print(
        f"\nHeld-out accuracy: {100 * outcome.accuracy:.1f} % of {outcome.held_out_count:,} "
        f"images; guessing gives {100 * outcome.chance:.1f} %. "
        f"It took {outcome.seconds:.0f} seconds.\n"
        f"Saved {outcome.model_path}. It takes pixels of 0 to 255; to use it:\n\n"
        f"    import keras, keras_alexnet\n"
        f"    model = keras.saving.load_model({outcome.model_path!r})"
    )


def _output_folder(given: str | None, overwrite: bool) -> str:
    """Return the folder asked for, or the first free one: an earlier run's model is never lost."""
    if given is None:
        given, number = "alexnet-fit", 1
        while _holds_model(given) and not overwrite:
            number += 1
            given = f"alexnet-fit-{number}"
    elif _holds_model(given) and not overwrite:
        raise UserError(
            explain(
                f"Received --output {given!r}, where an earlier run saved its model.",
                "A folder without a model.keras was expected.",
                "Choose another, or add --overwrite to replace it.",
            )
        )
    return given


def _holds_model(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "model.keras"))
