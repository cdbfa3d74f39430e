"""PyTorch's files are read as PyTorch reads them; older ones as it once did."""

import collections

import numpy as np
import pytest

import torch_files
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.opening import open_checkpoint

pytestmark = [pytest.mark.peer("torch"), pytest.mark.backend_free]
FORMATS = {"torch_zip": True, "torch_legacy": False}
OURS = {
    "torch_zip": lambda: torch_files.zip_file(torch_files.zip_parts()),
    "torch_legacy": lambda: torch_files.joined(torch_files.legacy_parts()),
    "torch_tar": lambda: torch_files.tar_file(torch_files.tar_parts()),
}


@pytest.fixture(scope="session")
def torch():
    """Return PyTorch."""
    import torch

    torch.manual_seed(0)
    return torch


@pytest.fixture
def saved(torch, tmp_path):
    """Return a function that has PyTorch save a value, and reads it."""

    def read(value, kind="torch_zip", **options):
        path = tmp_path / "weights.pth"
        torch.save(value, path, _use_new_zipfile_serialization=FORMATS[kind], **options)
        with open_checkpoint(path) as contents:
            assert contents.format == kind
            arrays = {name: array.read() for name, array in contents.arrays.items()}
            return arrays, contents.metadata

    return read


def every_kind(torch):
    """Return tensors that lie in their storages in every way."""
    base = torch.randn(6, 8)
    alone = torch.randn(3, 2)
    return collections.OrderedDict(
        plain=base,
        transposed=base.t(),
        strided=base[1:5:2, ::3],
        shared=base.view(-1)[5:20],
        parameter=torch.nn.Parameter(alone),
        parameter_of_shared=torch.nn.Parameter(base[2:]),
        half=torch.randn(5).half(),
        bfloat16=torch.randn(7, 3).bfloat16(),
        double=torch.randn(3).double(),
        strange=torch.tensor([float("nan"), float("inf"), -0.0]),
        scalar=torch.tensor(2.5),
        counter=torch.tensor(7),
        empty=torch.zeros(0, 4),
        channels_last=torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        one=torch.randn(1, 4)[:, :1],
    )


def assert_same(arrays, tensors, torch):
    assert list(arrays) == list(tensors)
    for name, value in tensors.items():
        wide = value.detach().float() if value.dtype == torch.bfloat16 else value.detach()
        np.testing.assert_array_equal(arrays[name], wide.numpy(), err_msg=name)
        assert arrays[name].dtype == wide.numpy().dtype


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_kind_of_tensor(saved, torch, kind, protocol):
    tensors = every_kind(torch)
    arrays, metadata = saved(tensors, kind, pickle_protocol=protocol)
    assert_same(arrays, tensors, torch)
    assert metadata == {}


@pytest.mark.parametrize("kind", FORMATS)
def test_module_with_metadata(saved, torch, kind):
    """A module's own state dict, with the versions of its layers and counters of batches."""
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2), torch.nn.BatchNorm2d(4))
    arrays, _ = saved(module.state_dict(), kind)
    assert_same(arrays, module.state_dict(), torch)
    assert arrays["1.num_batches_tracked"].dtype == "int64"


@pytest.mark.medium
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", ["state_dict", "model_state_dict", "model", "net"])
def test_what_training_scripts_save(saved, torch, kind, name):
    """The weights of several devices, beside the optimizer's state: all by their paths."""
    module = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9)
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    weights = {f"module.{key}": value for key, value in module.state_dict().items()}
    script = {"epoch": 90, "arch": "alexnet", name: weights, "best_acc1": torch.tensor(56.5)}
    script["optimizer"] = optimizer.state_dict()
    arrays, metadata = saved(script, kind)
    expected = {f"{name}/module.{key}": value for key, value in module.state_dict().items()}
    states = optimizer.state_dict()["state"]
    assert metadata == {}
    assert_same(
        arrays,
        {
            "best_acc1": script["best_acc1"],
            **expected,
            **{
                f"optimizer/state/{i}/momentum_buffer": states[i]["momentum_buffer"] for i in states
            },
        },
        torch,
    )


def test_rows(torch, tmp_path):
    """Rows are read alone, of transposed arrays as well."""
    tensors = {"plain": torch.randn(9, 4), "transposed": torch.randn(4, 9).t()}
    torch.save(tensors, tmp_path / "weights")
    with open_checkpoint(tmp_path / "weights") as contents:
        for name, value in tensors.items():
            np.testing.assert_array_equal(contents.arrays[name].read(2, 5), value[2:5].numpy())


def test_magnitude_of_a_part_is_not_that_of_the_whole(torch, tmp_path):
    """What lies in a storage between the elements of a view, or around them, does not count."""
    base = torch.ones(6, 4)
    base[1, 2] = torch.nan
    tensors = {"columns": base[:, :2], "rows": base[2:], "transposed": base[2:].t()}
    tensors["half"] = torch.ones(3, dtype=torch.bfloat16)
    tensors["all"] = torch.arange(6.0).reshape(2, 3).t()
    torch.save(tensors, tmp_path / "weights")
    with open_checkpoint(tmp_path / "weights") as contents:
        found = {name: array.magnitude for name, array in contents.arrays.items()}
    assert found == dict.fromkeys(tensors) | {"all": 5.0}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda torch: torch.nn.Linear(2, 2), r"torch\.nn\.modules\.linear\.Linear.*state_dict"),
        (lambda torch: torch.ones(3), "type Tensor, without tensors by name"),
        (lambda torch: [torch.ones(3)], "type list, without tensors by name"),
        (lambda torch: {"epoch": 3}, "type dict, without tensors by name"),
        (lambda torch: {"a": torch.ones(3, dtype=torch.complex64)}, "Tensor 'a'.*complex"),
        (lambda torch: {"a": torch.ones(1).expand(1000)}, "Tensor 'a'.*repeats.*contiguous"),
    ],
    ids=["module", "tensor", "list", "no tensors", "complex", "expanded"],
)
def test_what_is_no_state_dict(saved, torch, kind, value, message):
    with pytest.raises(CheckpointError, match=message):
        saved(value(torch), kind)


def test_without_checksums(saved, torch):
    """PyTorch can be told to write none; such a file is read all the same."""
    torch.serialization.set_crc32_options(False)
    try:
        arrays, _ = saved({"a": torch.arange(4.0)})
    finally:
        torch.serialization.set_crc32_options(True)
    np.testing.assert_array_equal(arrays["a"], np.arange(4))


def test_big_endian(torch, tmp_path):
    """What a machine with the highest byte first has written."""
    values = np.arange(6, dtype=">f4").reshape(2, 3)
    parts = torch_files.zip_parts(arrays={"a": values}) | {"archive/byteorder": b"big"}
    (tmp_path / "weights").write_bytes(torch_files.zip_file(parts))
    with open_checkpoint(tmp_path / "weights") as contents:
        array = contents.arrays["a"].read()
    np.testing.assert_array_equal(array, torch.load(tmp_path / "weights")["a"].numpy())
    np.testing.assert_array_equal(array, values)


@pytest.mark.parametrize("kind", OURS)
def test_our_own_writers(torch, tmp_path, kind):
    """PyTorch reads what the tests' own writers write, and so do we: Python 2's, tar archives."""
    path = tmp_path / "weights.pth"
    path.write_bytes(OURS[kind]())
    options = {} if kind == "torch_zip" else {"weights_only": False, "encoding": "latin1"}
    theirs = torch.load(path, **options)  # it refuses tar archives unless told to trust them
    with open_checkpoint(path) as contents:
        assert contents.format == kind
        arrays = {name: array.read() for name, array in contents.arrays.items()}
    assert_same(arrays, theirs, torch)
    for name, value in torch_files.ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], value)


def test_parts_of_storages(torch, tmp_path):
    """Before 0.4 a storage could be a part of another; the offset counts from there."""
    part = torch_files.storage("0", 24, extra=(("1", 10, 6),))
    name = torch_files.Named("torch._utils", "_rebuild_tensor")
    value = {"a": torch_files.Called(name, (part, 1, (2, 2), (2, 1)))}
    arrays = {"a": torch_files.ARRAYS["features.0.weight"]}
    path = tmp_path / "weights"
    path.write_bytes(torch_files.joined(torch_files.legacy_parts(value, arrays)))
    with open_checkpoint(path) as contents:
        np.testing.assert_array_equal(contents.arrays["a"].read(), [[11, 12], [13, 14]])
    theirs = torch.load(path, weights_only=False)["a"]
    np.testing.assert_array_equal(theirs.numpy(), [[11, 12], [13, 14]])
