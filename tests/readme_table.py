"""The README's table of variants, made from the code. `python tests/readme_table.py` renews it."""

import pathlib
import re

from keras_alexnet import get_variant, list_variants

README = pathlib.Path(__file__).parent.parent / "README.md"
START, END = "<!-- variants -->\n", "<!-- end of variants -->\n"


def variant_table() -> str:
    """Return the table in Markdown."""
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


def with_table(readme: str) -> str:
    """Return the README's text with the table between its marks renewed."""
    pattern = re.escape(START) + ".*?" + re.escape(END)
    return re.sub(pattern, lambda _: START + variant_table() + END, readme, flags=re.DOTALL)


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
