"""README.md and the pages of docs/: their code, and the tables that are made from the package's.

`python tests/documents.py` renews the tables.
"""

import pathlib
import re

from keras_alexnet import (
    evaluation_preprocessor,
    get_checkpoint,
    get_variant,
    list_checkpoints,
    list_variants,
)
from keras_alexnet.training.presets import PRESETS

ROOT = pathlib.Path(__file__).parent.parent
README = ROOT / "README.md"
ADDRESS = "https://github.com/keras-alexnet/keras-alexnet/blob/main/"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]


def page_name(page: pathlib.Path) -> str:
    """Return the path of a page below the root, as an id of a test."""
    return page.relative_to(ROOT).as_posix()


def text_of(page: pathlib.Path) -> str:
    """Return the text of a page."""
    return page.read_text(encoding="utf-8")


def code_blocks(page: pathlib.Path, language: str = "python") -> list[str]:
    """Return the code blocks of a page in a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE)


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


def card_sections() -> str:
    """Return a section in Markdown for each published checkpoint: its model card."""
    return "\n".join(card_section(get_checkpoint(name)) for name in list_checkpoints())


def card_section(record) -> str:
    """Return the model card of one published checkpoint in Markdown."""
    size = "not published" if record.size is None else f"{record.size:,} bytes"
    rows = {
        "variant": f"`{record.variant}`, {get_variant(record.variant).title}",
        "file": f"`{record.filename}`"
        + (f", in the archive `{record.member}`" * bool(record.member)),
        "size": size,
        "format": ", ".join(f"`{name}`" for name in record.formats),
        "hashes": ", ".join(f"`{digest}`" for digest in record.hashes),
        "addresses": ", ".join(f"<{url}>" for url in record.urls),
        "licence": record.licence,
        "images": str(evaluation_preprocessor(record.name)),
        "classes": f"1000, in the order of `{record.class_order}`",
        "source": record.source,
    }
    if record.member:
        rows["addresses"] += f", archives with `{record.member}`"
    lines = [f"## {record.name}", "", f"{record.title}.{' ' * bool(record.remark)}{record.remark}"]
    lines += [
        "",
        "| field | value |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in rows.items()),
    ]
    lines += ["", "| top-1 | top-5 | by | measured on images |", "|--:|--:|---|---|"]
    for row in record.accuracies:
        top1, top5 = (f"{100 * part:.4g} %" for part in (row.top1, row.top5))
        lines.append(f"| {top1} | {top5} | {row.source} | {row.transform} |")
    return "\n".join(lines) + "\n"


TABLES = {
    "variants": variant_table,
    "checkpoints": checkpoint_table,
    "presets": preset_table,
    "cards": card_sections,
}


def with_tables(text: str) -> str:
    """Return the text of a page with each table between its marks renewed."""
    for name, table in TABLES.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        pattern = re.escape(start) + ".*?" + re.escape(end)
        if re.search(pattern, text, re.DOTALL):
            content = start + table() + end
            text = re.sub(pattern, lambda _, new=content: new, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_tables(text_of(page)), encoding="utf-8")
