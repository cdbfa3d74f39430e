"""README.md and the pages of docs/: their code runs, their tables, commands and links hold."""

import contextlib
import dataclasses
import hashlib
import io
import json
import pathlib
import re
import shlex
import tempfile

import pytest
from PIL import Image

import keras_alexnet
import notebooks
from documents import (
    ADDRESS,
    PAGES,
    README,
    ROOT,
    TABLES,
    code_blocks,
    page_name,
    text_of,
    with_tables,
)
from keras_alexnet import AlexNet, cli, jobs
from keras_alexnet.published import lookup, table
from keras_alexnet.training.presets import PRESETS
from narrow_networks import narrow

RAW = "https://raw.githubusercontent.com/keras-alexnet/keras-alexnet/main/"
# These load published weights by name; the others are quick.
LOADING = ("README.md", "docs/weights.md", "docs/fine_tune.md")
WORDS = {15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen"}


def page_case(page):
    """Return the case of a page, and its marks."""
    length = pytest.mark.long if page_name(page) in LOADING else pytest.mark.medium
    return pytest.param(page, id=page_name(page), marks=length)


def pages_with(language):
    return [page for page in PAGES if code_blocks(page, language)]


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    """A file for `owt_torchvision` with initial values, and the record of it."""
    folder = tmp_path_factory.mktemp("weights")
    path = folder / "owt.weights.h5"
    with pytest.MonkeyPatch.context() as patch:
        narrow(patch, "owt")
        AlexNet("owt", data_format="channels_last").save_weights(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return folder, dataclasses.replace(
        table.OWT_TORCHVISION,
        filename=path.name,
        hashes=(f"sha256:{digest}",),
        size=path.stat().st_size,
        samples=(),
    )


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A reader's folder: `cat.jpg`, `photos/` with two classes of images, and no network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_ALEXNET_OFFLINE", "1")
    Image.new("RGB", (300, 260)).save("cat.jpg")
    for name in ("cats", "dogs"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(5):
            image = Image.new("RGB", (300, 260), (50 * number, 90, 30))
            image.save(tmp_path / "photos" / name / f"{number}.jpg")
    return tmp_path


@pytest.mark.eager
@pytest.mark.filterwarnings("default:.*look untrained", "default:.*keeps its initial values")
@pytest.mark.parametrize("page", [page_case(page) for page in pages_with("python")])
def test_code_runs(page, reader, monkeypatch, request):
    """All Python blocks of a page run, one after the other in one process.

    Their networks have narrow dense layers, but for the page that writes the same network out.
    """
    for name in keras_alexnet.list_variants() if page_name(page) != "docs/notebook.md" else ():
        narrow(monkeypatch, name)
    if page_name(page) in LOADING:
        folder, record = request.getfixturevalue("stand_in")
        monkeypatch.setenv("KERAS_ALEXNET_CHECKPOINTS", str(folder))
        monkeypatch.setattr(lookup, "CHECKPOINTS", {**table.CHECKPOINTS, record.name: record})
    names = {}
    for block in code_blocks(page):
        exec(compile(block, page_name(page), "exec"), names)
    if page_name(page) == "docs/notebook.md":
        assert names["same"]


@pytest.mark.backend_free
@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=page_name)
def test_code_fits_beside_the_contents(page):
    """Its lines have at most 88 columns: in a window of 1280 pixels none scrolls."""
    lines = "\n".join(code_blocks(page, r"\w+")).splitlines()
    assert [line for line in lines if len(line) > 88] == []


@pytest.mark.backend_free
def test_the_readme_is_one_screen_of_code():
    """Runnable code stands before line 15, after one sentence; all of it has at most 150 lines."""
    lines = text_of(README).splitlines()
    assert lines.index("```python") < 14
    assert len(lines) <= 150
    assert len(code_blocks(README)) >= 4


@pytest.mark.backend_free
@pytest.mark.parametrize("page", [README, ROOT / "docs/index.md", ROOT / "docs/which_when.md"])
def test_pages_count_the_variants(page):
    """In words: a variant more changes them."""
    (word,) = re.findall(r"\ball (\w+)(?= networks|\.)", text_of(page))
    assert word == WORDS[len(keras_alexnet.list_variants())]


@pytest.mark.backend_free
def test_only_pages_named_here_load_weights():
    loading = [
        page for page in PAGES if re.search(r'weights="[a-z_]+"', "".join(code_blocks(page)))
    ]
    assert {page_name(page) for page in loading} <= set(LOADING)


def test_a_page_quotes_the_stacks_sentence():
    """What the page on images says that a stack says is what it says."""
    comments = re.findall(r"^# (.*)$", text_of(ROOT / "docs" / "images.md"), re.MULTILINE)
    assert str(keras_alexnet.training_preprocessor("paper")) in " ".join(comments)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "<!-- " in text_of(page)], ids=page_name
)
def test_tables_are_the_codes(page):
    """The tables between marks are made from the package's own."""
    assert with_tables(text_of(page)) == text_of(page), "run: python tests/documents.py"


@pytest.mark.backend_free
def test_every_table_stands_on_a_page():
    text = "".join(map(text_of, PAGES))
    marks = [re.findall(rf"^<!-- ((?:end of )?{name}) -->$", text, re.M) for name in TABLES]
    assert marks == [[name, f"end of {name}"] for name in TABLES]


@pytest.mark.backend_free
@pytest.mark.parametrize("name", sorted(TABLES.keys() - {"cards"}))
def test_a_table_is_renewed(name):
    """What stands between its marks, and that alone, is replaced by a row for each record."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    renewed = with_tables(f"before\n{start}old\n{end}after\n")
    before, rows, after = re.split(r"<!-- .*-->\n", renewed)
    assert (before, after) == ("before\n", "after\n")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in rows.splitlines()]
    assert len({len(row) for row in cells}) == 1
    known = {
        "variants": keras_alexnet.list_variants,
        "checkpoints": keras_alexnet.list_checkpoints,
        "presets": lambda: PRESETS,
    }
    assert [row[0] for row in cells[2:]] == [f"`{record}`" for record in known[name]()]


@pytest.mark.backend_free
def test_the_table_of_published_weights_has_the_published_accuracies():
    """Accuracies stand in percent, beside the variant and the images they were measured on."""
    rows = {line.split("|")[1].strip(): line for line in TABLES["checkpoints"]().splitlines()}
    assert "| `owt` |" in rows["`owt_torchvision`"]
    assert "| 56.52 % | 79.07 % | RGB, shorter side 256" in rows["`owt_torchvision`"]
    assert "| 57.1 % | 80.2 % | BGR, warped to 256 x 256" in rows["`bvlc_caffe`"]


def test_every_published_file_has_a_model_card():
    """With its hashes, its licence and every accuracy that is known of it."""
    sections = re.split(r"^## ", text_of(ROOT / "docs" / "model_cards.md"), flags=re.MULTILINE)[1:]
    cards = {section.split("\n", 1)[0]: section for section in sections}
    assert list(cards) == keras_alexnet.list_checkpoints()
    for name, card in cards.items():
        record = keras_alexnet.get_checkpoint(name)
        assert record.licence in card
        assert [digest for digest in record.hashes if digest not in card] == []
        assert [row.source for row in record.accuracies if f"| {row.source} |" not in card] == []


def commands(page):
    """Return the commands `keras-alexnet` of a page, without comments."""
    lines = "\n".join(code_blocks(page, "bash")).replace("\\\n", "").splitlines()
    found = (line.partition("keras-alexnet ")[2] for line in lines if "&& keras-alexnet " in line)
    alone = (line.removeprefix("keras-alexnet ") for line in lines)
    whole = [line for line, full in zip(alone, lines, strict=True) if line != full]
    # A command alone, such as `keras-alexnet evaluate`, is its name.
    inline = re.findall(r"`keras-alexnet ([a-z-]+ [^`]+)`", text_of(page).replace("\n", " "))
    return [*found, *whole, *inline]


@pytest.mark.backend_free
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=page_name)
def test_commands_have_the_options_that_pages_give_them(page):
    """Every command of a page is one that the command line takes."""
    for command in commands(page):
        words = shlex.split(command.replace("VARIANT", "owt"), comments=True)
        with contextlib.redirect_stderr(io.StringIO()) as said:
            try:
                cli._parser().parse_args(words)
            except SystemExit as stop:
                assert stop.code == 0, (command, said.getvalue())


def links(page):
    """Return the targets of the links and pictures of a page."""
    text = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def anchors(page):
    """Return the anchors of the headings of a page, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.*)$", text_of(page).lower(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line).strip().replace(" ", "-") for line in headings}


def broken(page, link):
    """Return whether a link to a file of this project leads nowhere."""
    path, _, anchor = link.removeprefix(ADDRESS).removeprefix(RAW).partition("#")
    base = ROOT if link.startswith((ADDRESS, RAW)) else page.parent
    target = (base / path) if path else page
    return not target.exists() or bool(anchor and anchor not in anchors(target))


PAGES_AND_PROJECT = [*PAGES, *(ROOT / name for name in ("CONTRIBUTING.md", "DESIGN.md"))]


@pytest.mark.backend_free
@pytest.mark.parametrize("page", PAGES_AND_PROJECT, ids=page_name)
def test_links_lead_somewhere(page):
    """To files that exist, and to headings on them; the README's are absolute, for PyPI."""
    own = [
        link
        for link in links(page)
        if not link.startswith("http") or ADDRESS in link or RAW in link
    ]
    assert [link for link in own if broken(page, link)] == []
    if page == README:
        assert [link for link in own if not link.startswith("https://")] == []


@pytest.mark.backend_free
def test_the_reference_has_every_public_name():
    """And every page of docs/ stands in the site's contents."""
    text = "".join(text_of(page) for page in PAGES if page.parent.name == "reference")
    shown = set(re.findall(r"^::: keras_alexnet\.(\S+)$", text, re.MULTILINE))
    shown |= {name.partition(".")[0] for name in shown}  # of a module with the function's name
    wanted = {*keras_alexnet.__all__, *(f"jobs.{name}" for name in jobs.__all__)}
    assert wanted - shown == set()
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    docs = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page != README]
    assert [page for page in docs if f"- {page}\n" not in contents] == []


@pytest.mark.backend_free
@pytest.mark.parametrize("guide", notebooks.GUIDES)
def test_a_notebook_is_its_page(guide):
    """Cell for cell, with outputs where no weights are downloaded, and none that is an error."""
    path = notebooks.FOLDER / f"{guide}.ipynb"
    content = json.loads(path.read_text(encoding="utf-8"))
    found = [(cell["cell_type"], "".join(cell["source"])) for cell in content["cells"]]
    assert found == notebooks.cells(guide), "run: python tests/notebooks.py"
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    kinds = {output["output_type"] for cell in code for output in cell["outputs"]}
    assert kinds <= {"stream", "display_data", "execute_result"}
    ran = [cell["execution_count"] is not None for cell in code]
    assert ran == [not notebooks.DOWNLOADS.search("".join(cell["source"])) for cell in code]
    silent = [number for number, (kind, text) in enumerate(found) if kind == "code"]
    silent = [number for number in silent if notebooks.DOWNLOADS.search(found[number][1])]
    assert all(found[number + 1][1] == notebooks.NOTE.strip("\n") for number in silent)
    assert path.stat().st_size < 100_000


@pytest.mark.backend_free
def test_the_first_cell_of_a_notebook_draws_the_photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    exec(compile(notebooks.SET_UP, "notebook", "exec"), {})
    classes = [*pathlib.Path("photos").iterdir()]
    assert len(classes) == 2
    assert all(len([*folder.iterdir()]) >= 2 for folder in classes)
