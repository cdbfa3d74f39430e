"""`keras-alexnet download`: published weights, fetched and verified where there is a network."""

import dataclasses
import textwrap

from keras_alexnet.cli.output import print_json, print_table
from keras_alexnet.errors import UserError
from keras_alexnet.tables import add_numbers, new_table, screen_width


def add(command) -> None:
    """Declare the command and its arguments."""
    download = command(
        "download",
        run,
        "download published weights, verify them and say where they are",
        "keras-alexnet download owt_torchvision",
    )
    download.add_argument(
        "checkpoint",
        nargs="?",
        metavar="NAME",
        help="a published checkpoint, or a variant for its best documented one",
    )
    download.add_argument("--list", action="store_true", help="list all published weights")
    download.add_argument(
        "--output", metavar="FOLDER", help="where to save (default: where AlexNet finds it)"
    )


def run(arguments) -> None:
    """Download one checkpoint, or list all."""
    if arguments.list:
        _list(arguments.json)
        return
    if arguments.checkpoint is None:
        raise UserError(
            "Received no name of a checkpoint.",
            "The command must have the name of a checkpoint, or --list.",
            "Choose one of the names that keras-alexnet download --list shows.",
        )
    from keras_alexnet import jobs

    done = jobs.download(
        arguments.checkpoint, arguments.output, verbose=0 if arguments.json else "auto"
    )
    if arguments.json:
        print_json(dataclasses.asdict(done))
        return
    print(f"{'Saved' if done.downloaded else 'Found a copy:'} {done.path}")
    print(f"Verified: {done.verified}")


def _list(as_json: bool) -> None:
    from keras_alexnet import get_checkpoint, jobs, list_checkpoints

    records = [get_checkpoint(name) for name in list_checkpoints()]
    if as_json:
        keys = ("name", "title", "variant", "filename", "urls", "hashes", "size", "licence")
        rows = ({key: getattr(record, key) for key in keys} for record in records)
        copies = ({"path": jobs.local_copy(record.name)} for record in records)
        print_json([{**row, **copy} for row, copy in zip(rows, copies, strict=True)])
        return
    table = new_table()
    for heading in ("checkpoint", "variant"):
        table.add_column(heading, no_wrap=True)
    add_numbers(table, "MB")
    table.add_column("what it is", overflow="fold")
    table.add_column("copy", overflow="fold")
    for record in records:
        size = "" if record.size is None else f"{record.size / 1e6:.1f}"
        row = (record.name, record.variant, size, record.title, jobs.local_copy(record.name) or "")
        table.add_row(*row)
    print_table(table, ("copy", "MB", "variant"))
    best = (
        "imagenet (or DEFAULT) means the best documented checkpoint of a variant, and so does the "
        "variant's own name. IMAGENET1K_V1 means owt_torchvision."
    )
    print("\n" + textwrap.fill(best, screen_width()))
