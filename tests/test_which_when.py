"""The pages of machines, backends and formats: the plan for ImageNet, the table of formats."""

import re

import pytest

from documents import README, ROOT, text_of
from keras_alexnet.export.formats import EXPORT_FORMATS


@pytest.mark.backend_free
def test_the_plan_for_imagenet_adds_up():
    """What each part needs follows from the images of an hour, as the page has it."""
    text = text_of(ROOT / "docs" / "which_when.md")
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


@pytest.mark.backend_free
def test_the_table_of_formats_in_the_documentation():
    """Each has its row, with its path and its precisions."""
    text = text_of(ROOT / "docs" / "deploy.md")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| .* \| (.*?) \|$", text, re.MULTILINE)
    assert [name for name, *_ in rows] == [*EXPORT_FORMATS]
    for name, path, precisions in rows:
        form = EXPORT_FORMATS[name]
        names = [f"`network{end}`" for end in (form.ending, form.companion) if end]
        assert path == (", ".join(names) or "a folder")
        assert precisions == ", ".join(form.precisions)


@pytest.mark.backend_free
def test_the_times_of_exported_files_stand_in_the_readme_too():
    """The same table, figure for figure."""
    (times,) = re.findall(
        r"^\| \| `bvlc`, 1 \|.*\n(?:\|.*\n)+", text_of(ROOT / "docs/which_when.md"), re.MULTILINE
    )
    assert len(times.splitlines()) == 2 + len(EXPORT_FORMATS)
    assert times in text_of(README)
