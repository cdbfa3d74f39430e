"""The README's tables, made from the code. `python tests/readme_table.py` renews them."""

import pathlib
import re

from keras_alexnet import get_checkpoint, get_variant, list_checkpoints, list_variants
from keras_alexnet.training.presets import PRESETS

README = pathlib.Path(__file__).parent.parent / "README.md"


def variant_table() -> str:
    """Return the table of variants in Markdown."""
    lines = [
        "| variant | what it is | how it differs | image | parameters | multiply-adds | neurons |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    for name in list_variants():
        record = get_variant(name)
        figures = (record.input_size, record.parameters, record.multiply_adds, record.neurons)
        cells = (f"`{name}`", record.title, record.differs, *(f"{figure:,}" for figure in figures))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def checkpoint_table() -> str:
    """Return the table of published weights in Markdown."""
    lines = [
        "| weights | variant | what they are | top-1 | top-5 | measured on images |",
        "|---|---|---|--:|--:|---|",
    ]
    for name in list_checkpoints():
        record = get_checkpoint(name)
        accuracy = record.accuracies[0]
        parts = (f"{100 * part:.4g} %" for part in (accuracy.top1, accuracy.top5))
        cells = (f"`{name}`", f"`{record.variant}`", record.title, *parts, accuracy.transform)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def preset_table() -> str:
    """Return the table of the presets of `fit` in Markdown."""
    lines = ["| preset | what it is for | settings | source |", "|---|---|---|---|"]
    for row in PRESETS.values():
        settings = f"`{row.describe()}`" if row.settings else ""
        lines.append("| " + " | ".join([f"`{row.name}`", row.purpose, settings, row.source]) + " |")
    return "\n".join(lines) + "\n"


TABLES = {"variants": variant_table, "checkpoints": checkpoint_table, "presets": preset_table}


def with_tables(readme: str) -> str:
    """Return the README's text with each table between its marks renewed."""
    for name, table in TABLES.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        pattern = re.escape(start) + ".*?" + re.escape(end)
        content = start + table() + end
        readme = re.sub(pattern, lambda _, text=content: text, readme, flags=re.DOTALL)
    return readme


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
