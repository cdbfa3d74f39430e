"""A file of each format, with a network's weights as a program that uses the format keeps them."""

import pickle

import numpy as np

from caffe_files import caffemodel
from keras_files import archive, hdf5_file, weights_file
from made_checkpoints import (
    caffe,
    imgclsmob_tf2,
    imgclsmob_torch,
    onnx_zoo,
    paddle,
    torchvision,
    two_towers,
)
from numpy_files import dictionary2, saved, toronto_file
from onnx_files import onnx_file
from safetensors_files import safetensors_file
from torch_files import joined, legacy_parts, state, tar_file, tar_parts, zip_file, zip_parts


def _torch_zip(weights):
    arrays = torchvision(weights)
    return zip_file(zip_parts(state(arrays), arrays))


def _hdf5(weights):
    def write(root):
        for name, array in imgclsmob_tf2(weights).items():
            root[name] = array

    return hdf5_file(write)


FILES = {  # from kernels and biases by layer to the file's bytes
    "torch_zip": _torch_zip,
    "torch_legacy": lambda weights: joined(legacy_parts(arrays=imgclsmob_torch(weights))),
    "torch_tar": lambda weights: tar_file(tar_parts(torchvision(weights))),
    "npz": lambda weights: saved(np.savez, **two_towers(weights)),
    "npy": lambda weights: toronto_file(dictionary2(weights)),
    "pickle": lambda weights: pickle.dumps(paddle(weights), 2),
    "hdf5": _hdf5,
    "keras": lambda weights: archive(weights_file(weights)),
    "safetensors": lambda weights: safetensors_file(torchvision(weights)),
    "onnx": lambda weights: onnx_file(onnx_zoo(weights)),
    "caffe": lambda weights: caffemodel(caffe(weights)),
}
