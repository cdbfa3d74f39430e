"""Writes files as torch.save does, and did before 1.6 and 0.1.10; with anything in them.

The tests of what PyTorch itself reads check these writers.
"""

import io
import itertools
import math
import struct
import tarfile
import zipfile

import numpy as np

from pickle_writer import Called, Long, Named, Persistent, Text2, pickled

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
KINDS = {"f2": "HalfStorage", "f4": "FloatStorage", "f8": "DoubleStorage"}
FLOAT = Named("torch", KINDS["f4"])
SYSTEM = {
    "protocol_version": PROTOCOL,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}
ARRAYS = {
    "features.0.weight": np.arange(24, dtype="f4").reshape(2, 3, 2, 2),
    "features.0.bias": np.array([0.5, -1.5], "f4"),
}


def storage(key="0", count=24, kind=FLOAT, extra=()):
    """Return a reference to a storage."""
    return Persistent(("storage", kind, key, "cpu", count, *extra))


def tensor(key="0", shape=(2, 3, 2, 2), strides=None, offset=0, count=None, kind=FLOAT, last=()):
    """Return a tensor, in C order unless strides are given, that fills its storage unless not."""
    shape = tuple(shape)
    if strides is None:
        strides = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    count = math.prod(shape) if count is None else count
    arguments = (storage(key, count, kind), offset, shape, strides, False, ordered(), *last)
    return Called(Named("torch._utils", "_rebuild_tensor_v2"), arguments)


def parameter(value):
    """Return a parameter that holds a tensor."""
    return Called(Named("torch._utils", "_rebuild_parameter"), (value, True, ordered()))


def ordered(*pairs):
    """Return an ordered dictionary, in the way of Python 2 if there is anything in it."""
    arguments = (list(map(list, pairs)),) if pairs else ()
    return Called(Named("collections", "OrderedDict"), arguments)


def state(arrays=None):
    """Return the state dict of some arrays, each in a storage of its own."""
    arrays = ARRAYS if arrays is None else arrays
    return {
        name: tensor(str(i), value.shape, kind=Named("torch", KINDS[value.dtype.str[1:]]))
        for i, (name, value) in enumerate(arrays.items())
    }


def zip_parts(value=None, arrays=None, prefix="archive"):
    """Return the members of an archive by name."""
    arrays = ARRAYS if arrays is None else arrays
    content = value if isinstance(value, bytes) else pickled(value or state(arrays))
    parts = {f"{prefix}/data.pkl": content, f"{prefix}/byteorder": b"little"}
    parts |= {f"{prefix}/data/{i}": value.tobytes() for i, value in enumerate(arrays.values())}
    return parts | {f"{prefix}/version": b"3\n"}


def zip_file(parts, method=zipfile.ZIP_STORED):
    """Return an archive of (name, content) pairs, or of a dictionary of them."""
    target = io.BytesIO()
    pairs = parts.items() if isinstance(parts, dict) else parts
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in pairs:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return target.getvalue()


def legacy_parts(value=None, arrays=None, keys=None, system=None):
    """Return what a file from 0.1.10 to 1.5 consists of, in order."""
    arrays = ARRAYS if arrays is None else arrays
    keys = [str(i) for i in range(len(arrays))] if keys is None else keys
    values = (MAGIC, PROTOCOL, system or SYSTEM, value or state_6(arrays), keys)
    parts = {f"pickle {i}": pickled(value) for i, value in enumerate(values)}
    for i, array in enumerate(arrays.values()):
        parts[f"count {i}"] = struct.pack("<q", array.size)
        parts[f"data {i}"] = array.tobytes()
    return parts


def state_6(arrays):
    """Return a state dict as Python 2 wrote it: names in bytes, sizes long, parts of storages."""
    pairs = []
    for i, (name, value) in enumerate(arrays.items()):
        kept = storage(Text2(str(i).encode()), value.size, extra=(None,))
        strides = tuple(Long(s // value.itemsize) for s in value.strides)
        arguments = (kept, Long(0), tuple(map(Long, value.shape)), strides)
        call = Called(Named("torch._utils", "_rebuild_tensor"), arguments)
        pairs.append((Text2(name.encode()), call))
    return ordered(*pairs)


def joined(parts):
    """Return parts one after the other."""
    return b"".join(parts.values())


def tar_parts(arrays=None, value=None):
    """Return the four members of a file up to 0.1.9."""
    arrays = ARRAYS if arrays is None else arrays
    keys = dict(zip(arrays, itertools.count(140_000_000_000_000, 16), strict=False))
    storages, tensors, pairs = [pickled(len(arrays))], [pickled(len(arrays))], []
    for name, array in arrays.items():
        key, strides = keys[name], [s // array.itemsize for s in array.strides]
        storages += [pickled((key, Text2(b"cpu"), FLOAT)), struct.pack("<q", array.size)]
        storages += [array.tobytes()]
        kind = Named("torch", "FloatTensor")
        numbers = (array.ndim, *array.shape, *strides, 0)
        tensors += [pickled((key + 8, key, kind))]
        tensors += [struct.pack(f"<i4x{2 * array.ndim + 1}q", *numbers)]
        data = Persistent(Text2(str(key + 8).encode()))
        made = Called(Named("torch.nn.parameter", "Parameter"), (data,), (True, False, ordered()))
        pairs.append((Text2(name.encode()), made))
    storages.append(pickled([]))
    return {
        "sys_info": pickled(SYSTEM),
        "pickle": pickled(value or ordered(*pairs)),
        "tensors": b"".join(tensors),
        "storages": b"".join(storages),
    }


def tar_file(parts, change=lambda info: info, pax_format=tarfile.PAX_FORMAT):
    """Return a tar archive; times are fractions, for which Python writes extended headers."""
    target = io.BytesIO()
    pairs = parts.items() if isinstance(parts, dict) else parts
    with tarfile.open(fileobj=target, mode="w:", format=pax_format) as archive:
        for name, content in pairs:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1483228800.5
            archive.addfile(change(info), io.BytesIO(content))
    return target.getvalue()
