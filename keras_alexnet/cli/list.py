"""`keras-alexnet list`: the networks that can be built."""

import textwrap

from keras_alexnet.cli.output import print_json, print_table
from keras_alexnet.names import OTHER_NAMES
from keras_alexnet.published.lookup import checkpoints_of
from keras_alexnet.tables import add_numbers, new_table, screen_width
from keras_alexnet.variants import get_variant, list_variants


def add(command) -> None:
    """Declare the command."""
    summary = "list the networks that can be built"
    command("list", run, summary, "keras-alexnet list", needs_keras=False)


def run(arguments) -> None:
    """Print a row for every variant."""
    records = [get_variant(name) for name in list_variants()]
    if arguments.json:
        keys = ["name", "title", "differs", "source", "input_size", "classes"]
        keys += ["parameters", "multiply_adds", "neurons"]
        rows = ({key: getattr(record, key) for key in keys} for record in records)
        print_json([row | {"weights": checkpoints_of(row["name"])} for row in rows])
        return
    table = new_table()
    table.add_column("variant", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    add_numbers(table, "image", "parameters", "multiply-adds", "weights")
    for record in records:
        figures = (f"{record.parameters:,}", f"{record.multiply_adds:,}")
        published = str(len(checkpoints_of(record.name)) or "-")
        table.add_row(record.name, record.title, str(record.input_size), *figures, published)
    print_table(table, ("multiply-adds", "image", "parameters"))
    others = ", ".join(f"{name} is {other.variant}" for name, other in OTHER_NAMES.items())
    print("\n" + textwrap.fill(f"Other names: {others}.", screen_width()))
    text = "weights: published files of weights, which keras-alexnet download --list shows."
    print("\n" + textwrap.fill(text, screen_width()))
    print("keras-alexnet describe NAME shows the layers of one.")
