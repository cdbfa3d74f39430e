"""`keras-alexnet list`: the networks that can be built."""

import textwrap

from keras_alexnet.cli.shared import print_json, print_table
from keras_alexnet.names import OTHER_NAMES
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
        print_json([{key: getattr(record, key) for key in keys} for record in records])
        return
    table = new_table()
    table.add_column("variant", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    add_numbers(table, "image", "parameters", "multiply-adds")
    for record in records:
        figures = (f"{record.parameters:,}", f"{record.multiply_adds:,}")
        table.add_row(record.name, record.title, str(record.input_size), *figures)
    print_table(table, ("multiply-adds", "image", "parameters"))
    others = ", ".join(f"{name} is {other.variant}" for name, other in OTHER_NAMES.items())
    print("\n" + textwrap.fill(f"Other names: {others}.", screen_width()))
    print("\nkeras-alexnet describe NAME shows the layers of one.")
