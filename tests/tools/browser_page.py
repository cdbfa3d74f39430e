"""The page of examples/browser as the tests see it in Chromium."""

import os
import pathlib

FILES = pathlib.Path(__file__).parents[2] / "examples/browser"
ROWS = "[...document.querySelectorAll('#classes li')].map(li => ({...li.dataset}))"
NAMES = "[...document.querySelectorAll('#classes b')].map(b => b.textContent)"
STATUS = "document.getElementById('status').textContent"


def link_page(folder):
    """Put links to the page's files, and to its runtime, into a folder."""
    for path in FILES.iterdir():
        if path.suffix != ".onnx":
            os.symlink(path, folder / path.name)


def shown(page, name):
    """Return the (class, probability) pairs that the page has for a picture, and their names."""
    page.wait_for(f"{STATUS}.startsWith('{name}: classified')")
    rows = page.value(ROWS)
    return [(int(row["index"]), float(row["probability"])) for row in rows], page.value(NAMES)


def message(page):
    """Return the error in the page, once there is one."""
    page.wait_for("document.body.dataset.state == 'error'")
    return page.value(STATUS)
