"""The check of the built site finds what it looks for."""

import pytest

import site_check

pytestmark = pytest.mark.backend_free

PAGE = '<h1 id="top">A</h1><a href="b.html#top"></a><img src="a.svg"><a href="https://x.org">x</a>'
FAULTS = {
    '<a href="c.html"></a>': "leads nowhere: c.html",
    '<a href="b.html#none"></a>': "leads nowhere: b.html#none",
    '<a href="#none"></a>': "leads nowhere: #none",
    '<img src="b.svg">': "leads nowhere: b.svg",
    '<script src="https://x.org/a.js"></script>': "fetches https://x.org/a.js",
    '<link rel="stylesheet" href="//x.org/a.css">': "fetches //x.org/a.css",
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
