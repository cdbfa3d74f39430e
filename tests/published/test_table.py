"""The table of published checkpoints, against the sources, typed a second time."""

import re

import pytest

from keras_alexnet import get_variant, list_checkpoints, list_variants
from keras_alexnet.checkpoints.naming import DIALECTS
from keras_alexnet.formats.sniffing import FORMATS
from keras_alexnet.published.lookup import (
    checkpoints_of,
    get_checkpoint,
    imagenet_checkpoint,
    named_checkpoint,
)

pytestmark = pytest.mark.backend_free

NAMES = list_checkpoints()
# Variant, file, first digits of the strongest hash, bytes, top-1 and top-5 of the first accuracy.
PUBLISHED = {
    "owt_torchvision": (
        *("owt", "alexnet-owt-7be5be79.pth", "sha256:7be5be791159", 244_408_911, 0.56522, 0.79066),
    ),
    "bvlc_caffe": ("bvlc", "bvlc_alexnet.caffemodel", "sha256:4bff209a", 243_862_414, 0.571, 0.802),
    "caffenet_caffe": (
        *("caffenet", "bvlc_reference_caffenet.caffemodel"),
        *("sha256:472d4a06", 243_862_418, 0.574, 0.804),
    ),
    "ungrouped_imgclsmob": (
        *("ungrouped", "alexnet-1609-8ae4618e.tf2.h5", "sha1:8ae4618e", None),
        *(1 - 0.3806, 1 - 0.1609),
    ),
    "owt_torchvision_2017": (
        *("owt", "alexnet-owt-4df8aa71.pth", "sha256-prefix:4df8aa71", 244_418_560),
        *(0.56522, 0.79066),
    ),
    "owt_imgclsmob": (
        *("owt", "alexnetb-1706-df9cb6fd.tf2.h5", "sha1:df9cb6fd", None, 1 - 0.3928, 1 - 0.1706),
    ),
    "owt_imgclsmob_torch": (
        *("owt", "alexnetb-1747-ac887bf7.pth", "sha1:ac887bf7", None, 1 - 0.3974, 1 - 0.1747),
    ),
    "owt_paddle": (
        *("owt", "AlexNet_pretrained.pdparams", "md5:7f0f9f73", None, 1 - 0.433, 1 - 0.208),
    ),
    "ungrouped_imgclsmob_torch": (
        *("ungrouped", "alexnet-1664-2768cdb3.pth", "sha1:2768cdb3", None, 0.615, 0.8336),
    ),
    "bvlc_toronto": ("bvlc", "bvlc_alexnet.npy", "sha256:1294ef51", None, 0.571, 0.802),
    "bvlc_onnx": (
        *("bvlc", "bvlcalexnet-12.onnx", "sha256:6b0da951", 243_863_787),
        *(1 - 0.452, 1 - 0.2177),
    ),
    "caffenet_onnx": (
        *("caffenet", "caffenet-12.onnx", "sha256:ea563e5c", 243_863_798),
        *(1 - 0.4373, 1 - 0.2048),
    ),
}
DIGITS = {"sha256": 64, "sha1": 40, "md5": 32, "sha256-prefix": 8}


def test_every_checkpoint_is_there():
    assert set(NAMES) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_figures(name):
    variant, filename, digits, size, top1, top5 = PUBLISHED[name]
    record = get_checkpoint(name)
    assert (record.name, record.variant, record.filename) == (name, variant, filename)
    assert record.hashes[0].startswith(digits)
    assert record.size == size
    assert record.accuracies[0].top1 == pytest.approx(top1, abs=1e-6)
    assert record.accuracies[0].top5 == pytest.approx(top5, abs=1e-6)


@pytest.mark.parametrize("name", PUBLISHED)
def test_records_are_whole(name):
    """Every column has what the others rely on."""
    record = get_checkpoint(name)
    assert {kind.name for kind in FORMATS} >= set(record.formats)
    assert record.dialect in {dialect.name for dialect in DIALECTS}
    assert record.pixels == get_variant(record.variant).pixels
    assert record.class_order == "wordnet"
    assert record.title and record.licence and record.source and record.urls
    for url in record.urls:
        assert re.fullmatch(r"https://\S+|http://dl\.caffe\.berkeleyvision\.org/\S+", url)
    for text in record.hashes:
        algorithm, digits = text.split(":")
        assert re.fullmatch("[0-9a-f]+", digits) and len(digits) == DIGITS[algorithm]
    for accuracy in record.accuracies:
        assert 0.5 < accuracy.top1 < 0.65 < 0.75 < accuracy.top5 < 0.85
        assert accuracy.transform and accuracy.source
    assert record.member in (None, record.filename)
    assert (record.member is not None) == all(url.endswith(".zip") for url in record.urls)


@pytest.mark.parametrize("name", [name for name in PUBLISHED if PUBLISHED[name][3]])
def test_sizes_hold_the_weights(name):
    """A file is some kilobytes larger than four bytes for each parameter."""
    record = get_checkpoint(name)
    weights = 4 * get_variant(record.variant).parameters
    assert weights < record.size < weights + 20_000


def test_hashes_in_names():
    """PyTorch's and imgclsmob's names carry the first digits of the hash of the file."""
    for name in NAMES:
        record = get_checkpoint(name)
        found = re.search(r"-([0-9a-f]{8})\.", record.filename)
        if found:
            assert record.hashes[0].split(":")[1].startswith(found[1])


def test_imagenet():
    """`"imagenet"` is the best documented checkpoint; where there is none, it says who has one."""
    chosen = {
        name: imagenet_checkpoint(name).name for name in list_variants() if checkpoints_of(name)
    }
    assert chosen == {
        "bvlc": "bvlc_caffe",
        "caffenet": "caffenet_caffe",
        "owt": "owt_torchvision",
        "ungrouped": "ungrouped_imgclsmob",
    }
    for name in set(list_variants()) - set(chosen):
        with pytest.raises(
            ValueError,
            match=f"{name!r}, of which no weights.*: bvlc, caffenet, owt, ungrouped.*AlexNet",
        ):
            imagenet_checkpoint(name)


MISTAKES = [
    (("bvlc_caffe", "caffenet"), "belong to the variant 'bvlc', which.*Build AlexNet.'bvlc'"),
    (
        ("bvlc_cafe", "bvlc"),
        "no published checkpoint and no file.*mean 'bvlc_caffe'",
    ),
    (("imagnet", "owt"), "file, 'imagenet', or one of owt_torchvision.*mean 'imagenet'"),
    (("alexnett", "owt"), "no published checkpoint.*mean 'alexnet'"),
    (("cafenet", None, "model"), "no published checkpoint.*mean 'caffenet'"),
    (("no/such.h5",), "no such file.*owt_torchvision.*Check the spelling; the current folder is"),
    (
        ("no/a.keras", None, "model"),
        "no such file.*be a .keras file, a file of weights, or one",
    ),
    (("imagenet", "alexnot"), "variant='alexnot', which is not known"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_mistakes(arguments, message):
    with pytest.raises(ValueError, match=message):
        named_checkpoint(*arguments)


def test_unknown_checkpoint():
    with pytest.raises(ValueError, match=r"'owt_torch', which.*: owt_torchvision, .*Did you mean"):
        get_checkpoint("owt_torch")


def test_paths_are_no_names(tmp_path):
    """A path object is a path, whatever its text; so is a file of any name that exists."""
    assert named_checkpoint(tmp_path / "imagenet") is None
    path = tmp_path / "weights"
    path.touch()
    assert named_checkpoint(str(path)) is None
