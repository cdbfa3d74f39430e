"""Small whole files of each format, with as much of what a format allows as fits into each."""

import functools
import pickle
import zipfile

import h5py
import numpy as np
from h5py import h5f, h5g, h5p

import caffe_files
import keras_files
import numpy_files
import onnx_files
import safetensors_files
import torch_files
from caffe_files import blob
from numpy_files import saved
from pickle_writer import Called, Named, pickled
from protobuf_writer import field, fields, in_pieces, varint
from torch_files import ordered, parameter, tensor, zip_file

F4 = np.arange(24, dtype="<f4").reshape(2, 3, 2, 2)
BIAS = np.array([0.5, -1.5], "<f4")
MATRIX = np.arange(40, dtype="<f8").reshape(5, 8) - 7
HALVES = np.arange(12, dtype="<f2").reshape(3, 4)
COUNTER = np.array(7, "<i8")
LONG = np.arange(1300, dtype="<f4").reshape(26, 50)  # beyond what is read at once in a pickle
BFLOAT16 = Named("torch", "BFloat16Storage")


def _torch_zip():
    arrays = {"conv1": F4, "bias": BIAS, "fc6": F4}
    views = {
        "module.features.0.weight": parameter(tensor("0", (2, 3, 2, 2), (1, 2, 6, 12))),
        "module.features.0.bias": tensor("1", (2,)),
        "module.fc": tensor("2", (3, 4), offset=10, count=48, kind=BFLOAT16),
    }
    options = Called(Named("argparse", "Namespace"), (), {"lr": 0.1})
    wrapped = {"epoch": 3, "args": [options], "state_dict": ordered(*views.items())}
    return (
        zip_file(torch_files.zip_parts()),
        zip_file(torch_files.zip_parts(wrapped, arrays, prefix="a/b")),
    )


def _torch_legacy():
    views = {"fc.weight": tensor("0", (4, 6), (1, 4)), "fc.bias": tensor("1", (2,))}
    return (
        torch_files.joined(torch_files.legacy_parts()),
        torch_files.joined(torch_files.legacy_parts({"model": ordered(*views.items())})),
    )


def _torch_tar():
    arrays = {"a": BIAS, "b.weight": F4, "c": F4[0]}
    parts = torch_files.tar_parts(arrays)
    view = (7, 140_000_000_000_016, 4, 12)  # a part of the second storage, by its key
    parts["storages"] = parts["storages"].removesuffix(pickled([])) + pickled([view])
    return torch_files.tar_file(torch_files.tar_parts()), torch_files.tar_file(parts)


def _caffe():
    """Return a file in each version of layers, and one with numbers of each kind in pieces."""
    values = {"conv1/0": F4, "conv1/1": BIAS, "fc6/0": MATRIX}
    doubles = field(caffe_files.DOUBLE_DATA, MATRIX.tobytes())
    pieces = in_pieces(caffe_files.DATA, F4.tobytes(), 32) + fields(caffe_files.DATA, BIAS)
    blobs = [blob(MATRIX, "V2", doubles), blob(np.zeros(26), "V2", pieces)]
    return (
        caffe_files.caffemodel(values),
        caffe_files.caffemodel(values, "V2"),
        caffe_files.network(caffe_files.layer("conv1", blobs, "V2")),
    )


def _binaryproto():
    return caffe_files.mean_file(np.arange(48.0).reshape(3, 4, 4)), caffe_files.mean_file(MATRIX)


def _onnx():
    def written(name, array):
        """Return a tensor with its numbers in the field that its type has, not as they are."""
        number, content = FIELDS[array.dtype.name]
        return onnx_files.tensor(name, array, field(number, content(array)))

    counter = np.array([-1, 0, 1 << 40])
    arrays = {"conv1_w_0": F4, "fc6_w_0": MATRIX, "OC2_DUMMY_1": counter, "half": HALVES}
    brain = onnx_files.tensor("brain", HALVES.view("u2"), kind=onnx_files.BFLOAT16)
    small = onnx_files.tensor("i", np.arange(77, dtype="i1").reshape(7, 11))
    return (
        onnx_files.onnx_file(),
        onnx_files.onnx_file(arrays, written),
        onnx_files.model(onnx_files.graph([brain, small])),
        _layers(),
    )


def _layers():
    """Return a graph with the layers of an AlexNet, each with another way to have its kernel."""
    node, tensor = onnx_files.node, onnx_files.tensor
    nodes, tensors, last = [], [tensor("fc", MATRIX), tensor("fc_b", BIAS)], "x"
    for number in range(5):
        tensors += [tensor(f"w{number}", F4), tensor(f"b{number}", BIAS.reshape(1, -1, 1, 1))]
        nodes.append(node("Conv", [last, f"w{number}"], f"y{number}", group=1))
        nodes.append(node("Add", [f"y{number}", f"b{number}"], f"z{number}"))
        last = f"z{number}"
    nodes.append(node("Transpose", [last], "t", perm=[0, 2, 3, 1]))
    nodes.append(node("Constant", [], "k", value=tensor(None, MATRIX)))
    nodes.append(node("Gemm", ["t", "k", "fc_b"], "g", transB=1, alpha=1.0))
    nodes.append(node("Transpose", ["fc"], "kt", perm=[1, 0]))
    nodes.append(node("MatMul", ["g", "kt"], "m"))
    return onnx_files.model(onnx_files.graph(tensors, nodes))


def _varints(array):
    bits = array.view(f"u{array.itemsize}")
    return b"".join(map(varint, bits.ravel().tolist()))


FIELDS = {
    "float32": (onnx_files.FLOAT_DATA, np.ndarray.tobytes),
    "float64": (onnx_files.DOUBLE_DATA, np.ndarray.tobytes),
    "int64": (onnx_files.INT64_DATA, _varints),
    "float16": (onnx_files.INT32_DATA, _varints),
}


def _safetensors():
    about = {"__metadata__": {"format": "pt", "channel_order": "rgb"}}
    arrays = {"a": MATRIX, "b": HALVES, "n": COUNTER, "u": np.arange(5, dtype="u1"), "w": F4}
    brain = safetensors_files.table_of(arrays)["b"] | {"dtype": "BF16"}
    return (
        safetensors_files.safetensors_file(**about),
        safetensors_files.safetensors_file(arrays, b=brain),
    )


def _npy():
    big = np.asfortranarray(MATRIX.astype(">f4"))
    return saved(np.save, F4), saved(np.save, big), saved(np.save, COUNTER)


def _npy_pickled():
    few = {"conv1": [F4, BIAS], "fc6": [LONG, BIAS]}
    paddle = np.array({"conv1": {"weights": MATRIX, "biases": BIAS}}, dtype=object)
    return numpy_files.toronto_file(numpy_files.dictionary2(few)), saved(np.save, paddle)


def _npz():
    arrays = {"conv1.npy": F4, "fc6.npy": np.asfortranarray(MATRIX), "n.npy": COUNTER}
    parts = {name: saved(np.save, array) for name, array in arrays.items()}
    return tuple(zip_file(parts, way) for way in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))


def _pickle():
    arrays = {"fc.weight": ("fc.weight", LONG), "fc.bias": BIAS, "t": (MATRIX, HALVES), "n": 3}
    plain = {"conv1": [F4, np.asfortranarray(MATRIX)], "fc6": {"weights": HALVES, "biases": BIAS}}
    return (
        pickle.dumps(arrays, 2),
        pickle.dumps(plain, 4),
        pickle.dumps({"conv1": LONG, "fc6": BIAS}, 5),
        pickled(numpy_files.dictionary2({"conv1": [F4, BIAS]})),
    )


def _hdf5_file(fill, newest=False):
    """Return an HDF5 file in the oldest or the newest form; no times, to be the same tomorrow."""
    creation, access = h5p.create(h5p.FILE_CREATE), h5p.create(h5p.FILE_ACCESS)
    creation.set_obj_track_times(False)
    access.set_fapl_core(backing_store=False)
    access.set_libver_bounds(
        h5f.LIBVER_LATEST if newest else h5f.LIBVER_EARLIEST, h5f.LIBVER_LATEST
    )
    with h5py.File(h5f.create(b"in memory", h5f.ACC_TRUNC, creation, access)) as file:
        fill(file)
        file.flush()
        return file.id.get_file_image()


def _group(parent, *names):
    """Make a group in a group; it does not note the time."""
    creation = h5p.create(h5p.GROUP_CREATE)
    creation.set_obj_track_times(False)
    for name in names:
        parent = h5py.Group(h5g.create(parent.id, name.encode(), gcpl=creation))
    return parent


def _weights(file):
    """Write what Keras writes as .weights.h5."""
    layers = _group(file, "layers")
    for name, arrays in {"conv2d": (F4, BIAS), "dense": (MATRIX, HALVES)}.items():
        variables = _group(layers, name, "vars")
        for i, array in enumerate(arrays):
            variables.create_dataset(str(i), data=array)
    file.create_dataset("brain", data=HALVES.view("V2"))


def _legacy(file):
    """Write what Keras writes as .h5: a whole model, its configuration in attributes."""
    file.attrs["keras_version"] = "3.15.0"
    file.attrs["backend"] = np.bytes_("tensorflow")
    file.attrs["model_config"] = '{"class_name": "Sequential"}'
    weights = _group(file, "model_weights")
    weights.attrs["layer_names"] = [b"conv1", b"fc6"]
    for name, kernel in {"conv1": F4, "fc6": MATRIX.astype(">f4")}.items():
        group = _group(weights, name, name)
        group.attrs["weight_names"] = [b"kernel:0", b"bias:0"]
        group.create_dataset("kernel:0", data=kernel)
        group.create_dataset("bias:0", data=BIAS)


def _many(file):
    """Write so much into one group that it takes several tables, or a heap of its own."""
    for i in range(12):
        file.create_dataset(f"kernel{i}", data=BIAS * i)


def _crowd(file):
    """Write so much into one group that its heap has blocks of blocks, its tree several nodes."""
    for i in range(50):
        file.create_dataset(f"kernel of layer {i}", data=np.int8(i))
    for i in range(7):
        file.attrs[f"a{i}"] = np.bytes_(b"a" * 60)


def _chunks(file):
    """Write arrays in chunks, one that is much smaller in the file, and a header in pieces."""
    for i in range(9):
        file.attrs[f"a{i}"] = np.bytes_(b"a" * 60)
    file.create_dataset("kernel", data=MATRIX, chunks=(2, 3), compression="gzip", shuffle=True)
    file.create_dataset("zeros", (1000, 250), "f4", chunks=(500, 250), compression="gzip")[:] = 0


def _hdf5():
    newest = [_hdf5_file(fill, newest=True) for fill in (_weights, _many, _crowd)]
    return *newest, *map(_hdf5_file, (_weights, _many, _chunks))


def _h5():
    return (_hdf5_file(_legacy),)


def _keras():
    return tuple(keras_files.archive(_hdf5_file(fill)) for fill in (_weights, _legacy))


WRITERS = {
    "torch_zip": _torch_zip,
    "torch_legacy": _torch_legacy,
    "torch_tar": _torch_tar,
    "caffe": _caffe,
    "binaryproto": _binaryproto,
    "onnx": _onnx,
    "safetensors": _safetensors,
    "npy": _npy,
    "npy_pickled": _npy_pickled,
    "npz": _npz,
    "pickle": _pickle,
    "h5": _h5,
    "weights_h5": _hdf5,
    "keras": _keras,
}


@functools.cache
def whole_files(name):
    """Return the whole files of a format."""
    return WRITERS[name]()
