"""The check of the built site finds what it looks for; words stay whole where they should."""

import importlib.util
import pathlib

import pytest

import site_check

ROOT = pathlib.Path(__file__).parent.parent
pytestmark = pytest.mark.backend_free

PAGE = '<h1 id="top">A</h1><a href="b.html#top"></a><img src="a.svg"><a href="https://x.org">x</a>'
FAULTS = {
    '<a href="c.html"></a>': "leads nowhere: c.html",
    '<a href="b.html#none"></a>': "leads nowhere: b.html#none",
    '<a href="#none"></a>': "leads nowhere: #none",
    '<img src="b.svg">': "leads nowhere: b.svg",
    '<script src="https://x.org/a.js"></script>': "fetches https://x.org/a.js",
    '<link rel="stylesheet" href="//x.org/a.css">': "fetches //x.org/a.css",
    ">Returns:</span></p> <ul><li>A</li><li>B</li></ul>": (
        "each line of a docstring's Returns is a value of its own"
    ),
    '"field-body"> <b><code>seed</code></b> (int, default: <code><span>seed</span></code>)': (
        "the default of seed is shown as a name"
    ),
    "<style>@import url(https://x.org/a.css)</style>": "fetches https://x.org/a.css",
}


def site(folder, text=""):
    (folder / "a.svg").write_text("<svg/>")
    for number in range(site_check.FEWEST):
        (folder / f"{number}.html").write_text("")
    (folder / "a.html").write_text(PAGE + text)
    (folder / "b.html").write_text('<h1 id="top">B</h1>')
    return [*site_check.problems(folder)]


def test_a_good_site_has_no_problem(tmp_path):
    assert site(tmp_path) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault, tmp_path):
    (problem,) = site(tmp_path, fault)
    assert problem == f"{tmp_path}/a.html: {FAULTS[fault]}"


def test_a_style_that_fetches_and_a_site_without_pages(tmp_path):
    (tmp_path / "a.css").write_text("body { background: url('https://x.org/a.png') }")
    assert [*site_check.problems(tmp_path)] == [
        f"{tmp_path}/a.css: fetches https://x.org/a.png",
        f"{tmp_path}: only 0 pages",
    ]


@pytest.fixture(scope="module")
def whole_words():
    """The module that `hooks` of mkdocs.yml names."""
    spec = importlib.util.spec_from_file_location("whole_words", ROOT / "docs/whole_words.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WHOLE = [
    "--seed",
    "-m",
    "2e-5",
    "2026-11-27",
    "1,168 s",
    "19.45 %",
    "11 of 11",
    "top-1",
    "keras-alexnet[jax]",
    "torch 2.13.0+cpu",
    "256 x 256",
    "32 x 32 x 3",
]


@pytest.mark.parametrize("word", WHOLE)
def test_words_that_stay_whole(word, whole_words):
    kept = f'<span class="whole">{word}</span>'
    assert whole_words.on_page_content(f"<code>a {word}</code>") == f"<code>a {kept}</code>"
    assert whole_words.on_page_content(f"<p>({word})</p>") == f"<p>({kept})</p>"


@pytest.mark.parametrize(
    "text", ['<a href="x--seed.html#top-1">', "<pre>a --seed\n2e-5</pre>", "well-known", "3 sides"]
)
def test_tags_code_blocks_and_other_words_stay_as_they_are(text, whole_words):
    assert whole_words.on_page_content(text) == text
