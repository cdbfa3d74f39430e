"""The command line. It only translates: each command parses, calls the library, prints, exits."""

import argparse
import contextlib
import dataclasses
import json
import os
import re
import sys

import keras

import keras_alexnet
from keras_alexnet.errors import UserError, explain
from keras_alexnet.variants import get_variant, list_variants

MISTAKE, INTERRUPTED = 2, 130  # exit codes: a user's mistake; 128 + SIGINT, as shells have it


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        self.exit(MISTAKE, f"{self.prog}: {message}. See {self.prog} --help\n")


def main(argv=None) -> int:
    """Run one command and return its exit code: 0, or 2 for a user's mistake."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.command(arguments)
        sys.stdout.flush()
        return 0
    except UserError as error:
        print(f"keras-alexnet {arguments.name}: {error}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print(f"\nkeras-alexnet {arguments.name}: interrupted; nothing was saved", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - open until the process ends
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="keras-alexnet", description="AlexNet for Keras, every published form.")
    version = f"keras-alexnet {keras_alexnet.__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    def command(name, function, summary, example):
        added = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=f"example: {example}",
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        added.add_argument("--json", action="store_true", help="print JSON for scripts")
        added.set_defaults(command=function)
        return added

    command("list", _list, "list the networks that can be built", "keras-alexnet list")

    describe = command(
        "describe",
        _describe,
        "show a network's layers, parameters, neurons and multiply-adds",
        "keras-alexnet describe paper --plot paper.png",
    )
    describe.add_argument("model", help="a variant's name, or a .keras file")
    describe.add_argument("--plot", metavar="FILE", help="draw a picture into this file as well")

    fit = command(
        "fit",
        _fit,
        "train a network on a folder of images, or on a small data set drawn for the purpose",
        "keras-alexnet fit photos/ --variant bvlc --epochs 10 --output run",
    )
    _add_fit_arguments(fit)
    return parser


def _add_fit_arguments(fit: argparse.ArgumentParser) -> None:
    from keras_alexnet.fitting import Job

    job = Job()
    fit.add_argument(
        "directory",
        nargs="?",
        metavar="DIR",
        help="a folder with one folder of images per class, or with two such folders named "
        "train and val; without it, the package draws images of shapes and textures",
    )
    fit.add_argument("--variant", default=job.variant, help="the network; see keras-alexnet list")
    fit.add_argument("--epochs", type=_count, default=job.epochs, help="passes over the images")
    fit.add_argument("--batch-size", type=_count, default=job.batch_size, help="images per step")
    fit.add_argument("--learning-rate", type=_positive, default=job.learning_rate, help="Adam's")
    fit.add_argument("--image-size", type=_count, help="side of the images, the variant's if unset")
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


def _list(arguments) -> None:
    records = [get_variant(name) for name in list_variants()]
    if arguments.json:
        keys = ["name", "title", "differs", "source", "input_size", "classes"]
        keys += ["parameters", "multiply_adds", "neurons"]
        _print_json([{key: getattr(record, key) for key in keys} for record in records])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("variant", "what it is", box=None, pad_edge=False, header_style="bold")
    for heading in ("image", "parameters", "multiply-adds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record in records:
        figures = (f"{record.parameters:,}", f"{record.multiply_adds:,}")
        table.add_row(record.name, record.title, str(record.input_size), *figures)
    console = Console()
    console.print(table)
    console.print("\nkeras-alexnet describe NAME shows the layers of one.", highlight=False)


def _describe(arguments) -> None:
    model = _load_model(arguments.model) if arguments.model.endswith(".keras") else None
    description = keras_alexnet.describe(model or keras_alexnet.AlexNet(arguments.model))
    picture = description.plot(arguments.plot) if arguments.plot else None
    if arguments.json:
        print(description.to_json())
        return
    print(description)
    if picture:
        print(f"Drew {picture}")


def _fit(arguments) -> None:
    from keras_alexnet.fitting import Job, run

    fields = {field.name for field in dataclasses.fields(Job)}
    settings = {name: value for name, value in vars(arguments).items() if name in fields}
    job = Job(**settings)
    if arguments.quick:
        job = job.quick()
    output = _output_folder(arguments.output, arguments.overwrite)
    say = (lambda text: None) if arguments.json else print
    outcome = run(job, output, verbose=not arguments.json, say=say)
    if arguments.json:
        _print_json(outcome.to_dict())
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


def _load_model(path: str) -> keras.Model:
    if not os.path.isfile(path):
        raise UserError(
            explain(
                f"Received the model {path!r}, but there is no such file.",
                "A .keras file or the name of a variant was expected.",
                f"Check the path; the current folder is {os.getcwd()!r}.",
            )
        )
    try:
        return keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        # Keras wraps the reason in the config of every model around it.
        missing = re.search(r"Could not locate \w+ '[^']+'", str(error))
        reason = f"{missing[0]}." if missing else str(error).strip().split("\n")[0]
        raise UserError(
            explain(
                f"Received the model {path!r}, which Keras cannot load: {reason}",
                "A .keras file was expected, made of Keras's layers and this package's.",
                "Save it again with model.save(...), or load a model with other layers in "
                "Python, after importing the package that registers them.",
            )
        ) from error


def _print_json(value) -> None:
    print(json.dumps(value, indent=2))


def _count(text: str) -> int:
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def _positive(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
