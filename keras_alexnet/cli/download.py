"""`keras-alexnet download`: published weights, fetched and verified where there is a network."""

import os
import textwrap

from keras_alexnet.cli.shared import notes_of, print_json
from keras_alexnet.errors import UserError
from keras_alexnet.tables import new_table, screen_width, table_text


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
    download.add_argument("--list", action="store_true", help="list what there is")
    download.add_argument(
        "--output", metavar="FOLDER", help="where to save; unset, where AlexNet finds it"
    )


def run(arguments) -> None:
    """Download one checkpoint, or list all."""
    from keras_alexnet.published.cache import find_copy, folders
    from keras_alexnet.published.download import download
    from keras_alexnet.published.hashes import size_and_hash

    if arguments.list:
        _list(arguments.json)
        return
    with notes_of("download"):
        checkpoint = _named(arguments.checkpoint)
    there, _ = find_copy(checkpoint, [arguments.output] if arguments.output else folders())
    path = there or download(checkpoint, arguments.output, progress=not arguments.json)
    verified = size_and_hash(checkpoint)
    if arguments.json:
        result = {"name": checkpoint.name, "path": path, "downloaded": there is None}
        print_json({**result, "verified": verified})
        return
    print(f"{'It was there:' if there else 'Saved'} {path}")
    print(f"Verified: {verified}")


def _named(name: str | None):
    """Return the record of a checkpoint by its name, or by that of a variant."""
    from keras_alexnet.published.lookup import get_checkpoint

    if name is None:
        raise UserError(
            "Received no name of a checkpoint.",
            "One was expected.",
            "keras-alexnet download --list shows them.",
        )
    return get_checkpoint(name)


def _copy(checkpoint) -> str | None:
    """Return the path of a copy, right or wrong, if there is one."""
    from keras_alexnet.published.cache import folders

    paths = (os.path.join(folder, checkpoint.filename) for folder in folders())
    return next((path for path in paths if os.path.isfile(path)), None)


def _list(as_json: bool) -> None:
    from keras_alexnet.published.lookup import get_checkpoint, list_checkpoints

    records = [get_checkpoint(name) for name in list_checkpoints()]
    if as_json:
        keys = ("name", "title", "variant", "filename", "urls", "hashes", "size", "licence")
        rows = ({key: getattr(record, key) for key in keys} for record in records)
        copies = ({"path": _copy(record)} for record in records)
        print_json([{**row, **copy} for row, copy in zip(rows, copies, strict=True)])
        return
    table = new_table()
    for heading in ("checkpoint", "variant"):
        table.add_column(heading, no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    table.add_column("at hand", overflow="fold")
    for record in records:
        size = "" if record.size is None else f"{record.size / 1e6:.1f}"
        row = (record.name, record.variant, size, record.title, _copy(record) or "")
        table.add_row(*row)
    print(table_text(table, screen_width(), ("at hand", "MB", "variant")))
    best = (
        "imagenet (or DEFAULT) means the best documented checkpoint of a variant, and so does the "
        "variant's own name. IMAGENET1K_V1 means owt_torchvision."
    )
    print("\n" + textwrap.fill(best, screen_width()))
