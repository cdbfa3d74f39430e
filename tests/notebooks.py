"""The guides as notebooks: `python tests/notebooks.py` writes examples/notebooks/ from docs/.

Text and code are the pages'. Where the code has changed, all cells run but those that download
weights, and their outputs are kept. That needs nbclient and ipykernel: pip install ".[docs]".
tests/test_documents.py compares the cells with the pages.
"""

import json
import os
import pathlib
import re
import sys

from documents import ADDRESS, ROOT, text_of

FOLDER = ROOT / "examples" / "notebooks"
GUIDES = ("weights", "fine_tune", "train_as_published", "layers", "deploy")
DOWNLOADS = re.compile(r'weights="(imagenet|owt_torchvision)"')
NOTE = """\
*The cell above has no output: it downloads 244 MB of weights, and this notebook was made without a
network. The tests run it with a file of the same form.*
"""
LONGEST = 2_000  # characters of an output: the rest of a table says nothing more

SET_UP = """\
# A folder for this notebook's files, with photos/ as the guide has it: drawn images of two classes.
import os
import tempfile

from PIL import Image

from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images

os.chdir(tempfile.mkdtemp())
for number, (image, label) in enumerate(zip(*drawn_images(40, size=256), strict=True)):
    if label < 2:
        os.makedirs(f"photos/{CLASS_NAMES[label]}", exist_ok=True)
        Image.fromarray(image).save(f"photos/{CLASS_NAMES[label]}/{number}.jpg")
"""


def cells(guide: str) -> list[tuple[str, str]]:
    """Return the kind and the source of each cell of a guide."""
    page = ROOT / "docs" / f"{guide}.md"
    parts = re.split(r"^```python\n(.*?)^```\n", text_of(page), flags=re.DOTALL | re.MULTILINE)
    kinds = ("markdown", "code")
    found = [(kinds[number % 2], part.strip("\n")) for number, part in enumerate(parts)]
    texts = [(kind, for_notebook(part) if kind == "markdown" else part) for kind, part in found]
    origin = f"From the page [docs/{guide}.md]({ADDRESS}docs/{guide}.md), which has the links."
    made = [("markdown", origin), ("code", SET_UP.strip("\n"))]
    for kind, text in texts:
        made += [(kind, text)] * bool(text)
        made += [("markdown", NOTE.strip("\n"))] * (kind == "code" and bool(DOWNLOADS.search(text)))
    return made


def for_notebook(text: str) -> str:
    """Return the Markdown of a page with links that lead somewhere from a notebook."""
    text = re.sub(r"\]\((pictures/[^)]+)\)", r"](../../docs/\1)", text)
    return re.sub(r"\]\((\w[\w.]*\.md(?:#[\w-]+)?)\)", rf"]({ADDRESS}docs/\1)", text)


def notebook(guide: str) -> dict:
    """Return a guide as the content of an .ipynb file, without outputs."""
    made = []
    for number, (kind, source) in enumerate(cells(guide)):
        cell = {"cell_type": kind, "id": f"{guide}-{number}".replace("_", "-"), "metadata": {}}
        cell["source"] = source.splitlines(keepends=True)
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        made.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def with_outputs(content: dict) -> dict:
    """Return a notebook with the outputs of the cells that need no download."""
    import nbclient
    import nbformat

    run = nbformat.reads(json.dumps(content), as_version=4)
    code = [cell for cell in run.cells if cell.cell_type == "code"]
    client = nbclient.NotebookClient(run, timeout=600, kernel_name="python3")
    with client.setup_kernel():
        for number, cell in enumerate(run.cells):
            if cell in code and not DOWNLOADS.search(cell.source):
                client.execute_cell(cell, number)
    for cell in code:
        cell.metadata.pop("execution", None)  # times of day, which differ in every run
        cell.outputs = [shortened(out) for out in cell.outputs if out.get("name") != "stderr"]
    return json.loads(nbformat.writes(run))


def shortened(output):
    """Return an output whose text has at most `LONGEST` characters."""
    if len(output.get("text", "")) > LONGEST:
        output.text = output.text[:LONGEST].rpartition("\n")[0] + "\n...\n"
    return output


def known_outputs(content: dict, path: pathlib.Path) -> dict | None:
    """Return a notebook with the outputs that its file has, if the code is the same."""
    if not path.exists():
        return None
    old = code_cells(json.loads(path.read_text(encoding="utf-8")))
    new = code_cells(content)
    if [cell["source"] for cell in old] != [cell["source"] for cell in new]:
        return None
    for cell, known in zip(new, old, strict=True):
        cell |= {key: known[key] for key in ("outputs", "execution_count")}
    return content


def code_cells(content: dict) -> list[dict]:
    """Return the cells of a notebook that are code."""
    return [cell for cell in content["cells"] if cell["cell_type"] == "code"]


def main() -> None:
    """Write all notebooks, and run those that are named or whose code has changed."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    FOLDER.mkdir(exist_ok=True)
    for guide in GUIDES:
        path = FOLDER / f"{guide}.ipynb"
        known = None if guide in sys.argv[1:] else known_outputs(notebook(guide), path)
        content = known or with_outputs(notebook(guide))
        text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        path.write_text(text, encoding="utf-8")
        print(guide, f"{len(text):,} characters")


if __name__ == "__main__":
    main()
