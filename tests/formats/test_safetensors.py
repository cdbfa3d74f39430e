"""safetensors files are read as their own library reads them."""

import json

import numpy as np
import pytest

import safetensors_files
from safetensors_files import ARRAYS, entry, framed, safetensors_file, table_of
from stored import as_bfloat16, assert_same, peak_of_rows, read_all

pytestmark = pytest.mark.backend_free

KINDS = {kind: np.arange(12).reshape(3, 4).astype(kind) for kind in safetensors_files.TYPES} | {
    "strange": np.array([np.nan, np.inf, -np.inf, -0.0], "f4"),
    "no axes": np.array(2.5, "f4"),
    "no numbers": np.ones((0, 4), "f4"),
    "eight axes": np.ones((1, 1, 2, 1, 3, 1, 1, 2), "f2"),
}


@pytest.mark.peer("safetensors")
@pytest.mark.parametrize("metadata", [None, {"format": "pt", "by": "ünïcode"}])
def test_what_the_library_writes(tmp_path, metadata):
    """Every type and shape; the library sorts tensors by their types."""
    from safetensors.numpy import save

    kind, arrays, said = read_all(tmp_path / "net", save(KINDS, metadata))
    assert kind == "safetensors" and said == (metadata or {})
    assert_same(dict(sorted(arrays.items())), dict(sorted(KINDS.items())))


@pytest.mark.peer("safetensors")
def test_our_own_writer(tmp_path):
    """The library reads what the tests' own writer writes, and so do we."""
    from safetensors.numpy import load

    content = safetensors_file(KINDS, __metadata__={"format": "np"})
    arrays = read_all(tmp_path / "net", content)[1]
    assert_same(arrays, KINDS)
    assert_same({name: load(content)[name].copy() for name in KINDS}, KINDS)


@pytest.mark.peer("safetensors", "torch")
def test_what_pytorch_saves(tmp_path):
    """A state dict, in bfloat16 and in float32."""
    import safetensors.torch
    import torch

    torch.manual_seed(0)
    state = {"conv1.weight": torch.randn(4, 3, 2, 2), "half": torch.randn(5, 3).bfloat16()}
    safetensors.torch.save_file(state, tmp_path / "net")
    arrays = read_all(tmp_path / "net")[1]
    expected = {name: value.float().numpy() for name, value in sorted(state.items())}
    assert_same(dict(sorted(arrays.items())), expected)


def test_bfloat16(tmp_path):
    """The upper halves of float32 numbers come as these."""
    expected, halves = as_bfloat16(np.linspace(-2, 2, 6).reshape(2, 3))
    content = safetensors_file({"a": halves}, a=entry(0, halves, dtype="BF16"))
    assert_same(read_all(tmp_path / "net", content)[1], {"a": expected})


@pytest.mark.peer("safetensors")
def test_tables_in_other_words(tmp_path):
    """JSON may have spaces, any order, and letters by their numbers; the library pads tables."""
    from safetensors.numpy import load

    table, content = table_of(ARRAYS), b"".join(a.tobytes() for a in ARRAYS.values())
    backwards = {name: dict(reversed(row.items())) for name, row in reversed(table.items())} | {
        "__metadata__": {}
    }
    for text in (
        json.dumps(table, indent=3) + " \n" * 100,
        json.dumps(backwards, separators=(",", ":")),
        json.dumps(table).replace("f", r"\u0066"),
    ):
        whole = framed(text.encode(), content)
        arrays = read_all(tmp_path / "net", whole)[1]
        assert_same(dict(sorted(arrays.items())), dict(sorted(ARRAYS.items())))
        assert load(whole).keys() == arrays.keys()


def test_rows_are_read_where_they_are(tmp_path):
    """4 MB of weights are never in memory as a whole."""
    path = tmp_path / "net"
    path.write_bytes(safetensors_file({"a": np.ones((1000, 1000), "f4")}))
    assert peak_of_rows(path, "a") < 1 << 19
