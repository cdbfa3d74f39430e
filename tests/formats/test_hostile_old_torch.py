"""PyTorch's files from before 1.6 and 0.1.10 that are damaged, or made to do harm, are refused."""

import struct
import tarfile

import numpy as np
import pytest

import torch_files
from hostile import assert_refused
from keras_alexnet.formats.opening import open_checkpoint
from pickle_writer import Called, Named, Persistent, Raw, Text2, opcodes, pickled
from torch_files import legacy_parts, storage, tar_file, tar_parts

pytestmark = pytest.mark.backend_free

ORDERED = Named("collections", "OrderedDict")


def changed_legacy(**parts):
    """Return a legacy file with other parts; underscores are spaces."""
    new = {name.replace("_", " "): value for name, value in parts.items()}
    assert not new.keys() - legacy_parts().keys() - {"end"}
    return torch_files.joined(legacy_parts() | new)


LEGACY = {
    "count too large": (changed_legacy(count_0=struct.pack("<q", 25)), "'0' has 25 elements"),
    "count negative": (changed_legacy(count_0=struct.pack("<q", -1)), "'0' has -1 elements"),
    "count 2^62": (changed_legacy(count_0=struct.pack("<q", 1 << 62)), "has 46116860184"),
    "data too short": (changed_legacy(data_1=b"1234567"), "ends early"),
    "data too long": (changed_legacy(end=b"x"), r"The last storage ends at byte \d+ of \d+\."),
    "magic": (changed_legacy(pickle_0=pickled(torch_files.MAGIC + 1)), "pickle ends at byte"),
    "protocol": (changed_legacy(pickle_1=pickled(1002)), "unknown version"),
    "protocol True": (changed_legacy(pickle_1=pickled(True)), "unknown version"),
    "big-endian": (changed_legacy(pickle_2=pickled({"little_endian": False})), "little-endian"),
    "no system": (changed_legacy(pickle_2=pickled([])), "little-endian"),
    "keys twice": (changed_legacy(pickle_4=pickled(["0", "1", "1"])), "list of storages"),
    "keys missing": (changed_legacy(pickle_4=pickled(["0"])), "list of storages"),
    "keys unknown": (changed_legacy(pickle_4=pickled(["0", "1", "2"])), "list of storages"),
    "keys in a dictionary": (changed_legacy(pickle_4=pickled({"0": 0, "1": 1})), "list of stor"),
    "keys not text": (changed_legacy(pickle_4=pickled([0, [], 1])), "list of storages"),
    "os.system": (
        changed_legacy(pickle_3=pickled(Called(Named("os", "system"), ("true",)))),
        r"asks for 'os\.system'",
    ),
    "module": (
        changed_legacy(pickle_3=pickled(Persistent(("module", ORDERED, "a.py", "import os")))),
        "that is not a storage",
    ),
    "references among the keys": (changed_legacy(pickle_4=pickled([storage()])), "outside of it"),
    "steps in all pickles": (
        changed_legacy(pickle_1=pickled(Raw(b"]" * 150_000 + b"a" * 149_999)), pickle_2=b""),
        "more than 200000 steps",
    ),
}


@pytest.mark.medium
@pytest.mark.parametrize(("content", "message"), LEGACY.values(), ids=LEGACY)
def test_hostile_legacy(tmp_path, content, message):
    assert_refused(tmp_path / "weights", message, content)


def changed_tar(**parts):
    """Return a tar file with other members."""
    return tar_file(tar_parts() | parts)


def kind_of(name, kind, target="sys_info"):
    """Return a tar file where one member is a link, or of another kind."""

    def change(info):
        if info.name == name:
            info.type, info.linkname, info.size = kind, target, 0
        return info

    return tar_file(tar_parts(), change)


def pax(**headers):
    """Return a tar file with more in its extended headers."""

    def change(info):
        info.pax_headers = headers
        return info

    return tar_file(tar_parts(), change)


def size_field(field):
    """Return a tar file whose first member has another size in its header."""
    content = bytearray(tar_file(tar_parts(), pax_format=tarfile.USTAR_FORMAT))
    content[124:136] = field
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    return bytes(content)


def storages(*parts):
    return pickled(len(parts) // 3) + b"".join(parts)


def one_storage(count, content=b"1234", end=()):
    """Return a stream with one storage, of a declared length."""
    key = pickled((5, "cpu", torch_files.FLOAT))
    return storages(key, struct.pack("<q", count), content) + pickled(list(end))


def one_tensor(rank=1, numbers=(1, 1, 0), key=5):
    """Return a stream with one tensor, of a declared rank."""
    kind = pickled((7, key, Named("torch", "FloatTensor")))
    return pickled(1) + kind + struct.pack(f"<i4x{len(numbers)}q", rank, *numbers)


def small_tar(storages, tensors):
    value = pickled({"a": Persistent("7")})
    return changed_tar(storages=storages, tensors=tensors, pickle=value)


TAR = {
    "symbolic link": (kind_of("pickle", tarfile.SYMTYPE, "/etc/passwd"), "type b'2'"),
    "hard link": (kind_of("pickle", tarfile.LNKTYPE), "type b'1'"),
    "folder": (kind_of("tensors", tarfile.DIRTYPE), "of type b'5'"),
    "device": (kind_of("tensors", tarfile.CHRTYPE), "type b'3'"),
    "sparse": (kind_of("tensors", tarfile.GNUTYPE_SPARSE), "type b'S'"),
    "long name": (
        tar_file(tar_parts() | {"a" * 200: b""}, pax_format=tarfile.GNU_FORMAT),
        "member '././@LongLink' of type b'L'",
    ),
    "twice": (tar_file([*tar_parts().items(), ("pickle", b"")]), "member 'pickle' of type b'0'"),
    "another": (changed_tar(more=b""), "member 'more' of type b'0'"),
    "elsewhere": (tar_file({"/etc/passwd": b"", **tar_parts()}), "member '/etc/passwd'"),
    "above": (tar_file({"../pickle": b"", **tar_parts()}), r"member '\.\./pickle'"),
    "missing": (
        tar_file({k: v for k, v in tar_parts().items() if k != "tensors"}),
        "only these members: pickle, storages, sys_info",
    ),
    "size 2^63": (size_field(b"\x80\0\0\0\x80" + b"\0" * 7), "has the number"),
    "size of 8 GB": (
        size_field(b"77777777777\0"),
        "'sys_info' reaches past the end of the archive",
    ),
    "size in letters": (size_field(b"0000000000x\0"), r"the number b'0000000000x"),
    "pax size": (pax(size="1"), "extended header about 'size'"),
    "pax path": (pax(path="pickle"), "extended header about 'path'"),
    "pax sparse": (pax(**{"GNU.sparse.size": "1"}), "extended header about 'GNU.sparse.size'"),
    "many headers": (tar_file([("pickle", b"")] * 20), "'pickle' of type b'0'"),
    "many extended headers": (
        tar_file([("x", b"")])[:1024] * 20,
        "more than 16 headers",
    ),
    "checksum": (b"x" + tar_file(tar_parts())[1:], "checksum is wrong"),
    "storage of -1": (
        small_tar(one_storage(-1), one_tensor()),
        "in place of a non-negative integer",
    ),
    "storage of 2^62": (small_tar(one_storage(1 << 62), one_tensor()), "ends early"),
    "rank -1": (small_tar(one_storage(1), one_tensor(-1)), "has -1 axes"),
    "rank 2^31": (small_tar(one_storage(1), one_tensor((1 << 31) - 1)), "has 2147483647 axes"),
    "size -1": (
        small_tar(one_storage(1), one_tensor(1, (-1, 1, 0))),
        "Tensor 'a': .*negative or not an integer",
    ),
    "size 2^62": (small_tar(one_storage(1), one_tensor(1, (1 << 62, 1, 0))), "Tensor 'a'.*at most"),
    "beyond": (small_tar(one_storage(1), one_tensor(1, (1, 1, 1))), "Tensor 'a'.*offset 1"),
    "storage missing": (small_tar(one_storage(1), one_tensor(key=6)), "or a storage is missing"),
    "storage of text": (small_tar(one_storage(1), one_tensor(key="5")), "or a storage is missing"),
    "part beyond": (
        small_tar(one_storage(1, end=[(6, 5, 1, 1)]), one_tensor()),
        "past the end of its storage",
    ),
    "part of nothing": (small_tar(one_storage(1, end=[(6, 4, 0, 1)]), one_tensor()), "is missing"),
    "part again": (small_tar(one_storage(1, end=[(5, 5, 0, 1)]), one_tensor()), "the key '5'"),
    "4097 storages": (small_tar(pickled(4097), one_tensor()), "has 4097 storages or tensors"),
    "longer stream": (small_tar(one_storage(1) + b"x", one_tensor()), "storages ends 1 bytes"),
    "tensor missing": (changed_tar(pickle=pickled(Persistent("7"))), "or a storage is missing"),
    "tensor elsewhere": (changed_tar(pickle=pickled(Persistent("../a"))), "that is not a tensor"),
    "tensor of digits": (
        changed_tar(pickle=pickled(Persistent("9" * 4000))),
        "that is not a tensor",
    ),
    "os.system": (
        changed_tar(pickle=pickled(Called(Named("os", "system"), ("true",)))),
        r"asks for 'os\.system'",
    ),
    "big-endian": (
        changed_tar(sys_info=pickled({"little_endian": False})),
        "not state that its numbers are little-endian",
    ),
}


@pytest.mark.parametrize(("content", "message"), TAR.values(), ids=TAR)
def test_hostile_tar(tmp_path, content, message):
    assert_refused(tmp_path / "weights", message, content)


def test_the_oldest_parameters(tmp_path):
    """Their state held the tensor: (data, gradient, hooks, requires_grad, volatile)."""
    made = Called(Named("torch.nn.parameter", "Parameter"), ())
    data = Persistent(Text2(b"7"))
    state = Raw(opcodes(made) + opcodes((data, None, torch_files.ordered(), True, False)) + b"b")
    content = pickled({"a": state})
    stored = one_storage(2, np.array([3, 4], "<f4").tobytes(), end=[(6, 5, 1, 1)])
    parts = {"storages": stored, "tensors": one_tensor(key=6), "pickle": content}
    (tmp_path / "weights").write_bytes(changed_tar(**parts))
    with open_checkpoint(tmp_path / "weights") as contents:
        assert contents.arrays["a"].read().tolist() == [4]


def test_a_number_without_axes(tmp_path):
    """A tensor may have no axes, as a count of steps has none."""
    (tmp_path / "weights").write_bytes(tar_file(tar_parts({"a": np.array(3, "f4")})))
    with open_checkpoint(tmp_path / "weights") as contents:
        assert contents.arrays["a"].read().tolist() == 3
