"""The pages: their links lead somewhere, and the arithmetic of the plan is right."""

import pathlib
import re

import pytest

pytestmark = pytest.mark.backend_free

ROOT = pathlib.Path(__file__).parent.parent
FOLDERS = (ROOT, ROOT / "docs", ROOT / "examples/browser")
PAGES = [path.relative_to(ROOT) for folder in FOLDERS for path in sorted(folder.glob("*.md"))]


def headings(page):
    """Return the names by which a page's headings are linked to."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]


@pytest.mark.parametrize("name", PAGES, ids=str)
def test_links_lead_to_files_and_headings(name):
    page = ROOT / name
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    for link in (link for link in links if not link.startswith("http")):
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not heading or heading in headings(target), link


def test_the_plan_for_imagenet_adds_up():
    """What each part needs follows from the images of an hour, as the page has it."""
    text = (ROOT / "docs" / "which_when.md").read_text(encoding="utf-8")
    rate = 90 * 1_281_167 / 3600
    square, window = 3 * 256**2, 4 * 3 * 224**2  # bytes of uint8, of float32
    for part, needed in {
        "storage, JPEGs": f"{rate * 110e3 / 1e9:.1f} GB/s",
        "decoding, `image_folder`": f"{rate / 286:.0f} cores",
        "storage, decoded": f"{rate * square / 1e9:.1f} GB/s",
        "reading the cache, `image_folder(cache=...)`": f"{rate / 6388:.0f} cores",
        "host to GPU, uint8 of 256 x 256": f"{rate / 8 * square / 1e9:.1f} GB/s each",
        "host to GPU, float32 of 224 x 224": f"{rate / 8 * window / 1e9:.1f} GB/s each",
        "GPU, `paper`, JAX, float32": f"{rate / 8:,.0f} images/s each",
        "the host's work in `fit`, JAX": f"1,024 images in {1e3 * 1024 / rate:.0f} ms",
        "sum of the gradients": f"{61.1e6 * 4 * 2 * 7 / 8 * rate / 1024 / 1e9:.1f} GB/s each",
    }.items():
        assert f"| {part} | {needed} |" in text, part
