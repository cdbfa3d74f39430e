"""Which network a file of weights belongs to."""

import pytest

from conversions import QUIET, cifar_file, metadata_of, names
from keras_alexnet import convert_checkpoint
from keras_alexnet.checkpoints.networks import networks_of
from keras_alexnet.formats.arrays import MemoryArray
from keras_alexnet.formats.errors import CheckpointError
from made_checkpoints import WAYS, numbered
from made_networks import weights_like

TOWERS = {"paper", "source2012", "bvlc", "caffenet"}
SAME_SHAPES = {  # worked out by hand from the sources' tables
    "paper": TOWERS,
    "source2012_half": {"source2012_half"},
    "owt": {"owt", "cuda_convnet2", "notebook"},
    "slim_v2": {"slim_v2"},
    "ungrouped": {"ungrouped"},
    "cifar10_18pct": {"cifar10_18pct", "cifar10_19pct"},
    "cifar10_80sec": {"cifar10_80sec"},
}


def candidates(arrays):
    """Return the networks that a file of these arrays can be of, those that are known here."""
    known = set().union(*SAME_SHAPES.values())
    return known & set(networks_of({name: MemoryArray(a) for name, a in arrays.items()}))


@pytest.mark.backend_free
@pytest.mark.parametrize("way", [WAYS["keras"], numbered], ids=["named", "numbered"])
@pytest.mark.parametrize("variant", SAME_SHAPES)
def test_networks_of_own_files(variant, way):
    """Our own names tell layers and shapes; all networks that have these are meant."""
    assert candidates(way(weights_like(variant))) == SAME_SHAPES[variant]
    convs = candidates(way(weights_like(variant, top=False)))
    cifar = {"cifar10_18pct", "cifar10_19pct", "cifar10_80sec"}
    assert convs == (cifar if "cifar" in variant else SAME_SHAPES[variant])


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("way", "shapes", "expected"),
    [
        ("caffe", "paper", {"bvlc", "caffenet"}),
        ("toronto", "paper", {"bvlc", "caffenet"}),
        ("onnx_zoo", "paper", {"bvlc", "caffenet"}),
        ("two_towers", "paper", TOWERS),
        ("imgclsmob_torch", "ungrouped", {"ungrouped"}),
        ("imgclsmob_torch", "owt", {"owt"}),
        ("imgclsmob_tf2", "ungrouped", {"ungrouped"}),
        ("paddle", "owt", {"owt"}),
        ("torchvision", "owt", {"owt"}),
        ("torchvision", "slim_v2", set()),
        ("caffe", "owt", set()),
    ],
)
def test_networks_of_other_programs(way, shapes, expected):
    """Names of a program's layers tell more than shapes: what it has had networks of."""
    arrays = WAYS[way](weights_like(shapes, top=False))
    assert candidates(arrays) == expected


def test_an_ambiguous_file_names_the_candidates(tmp_path):
    """Where several networks have these shapes, they are named, and nothing is written."""
    source, out = tmp_path / "net.weights.h5", tmp_path / "out.keras"
    cifar_file(source, "cifar10_19pct")
    with pytest.raises(
        CheckpointError,
        match=r"net\.weights\.h5' fit several.*'cifar10_18pct' \(CIFAR-10, 18 %.*, 'cifar10_19"
        r"pct' \(.*compute differently\. Pass variant='cifar10_18pct', say",
    ):
        convert_checkpoint(source, out, **QUIET)
    assert names(tmp_path) == [source.name]
    convert_checkpoint(source, out, variant="cifar10_19pct", **QUIET)
    assert metadata_of(out)["variant"] == "cifar10_19pct"
    convert_checkpoint(out, tmp_path / "next.weights.h5", **QUIET)  # that file tells it
