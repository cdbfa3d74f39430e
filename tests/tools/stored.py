"""Reads whole files, and compares what was read with what it should be."""

import tracemalloc

import numpy as np

from keras_alexnet.formats.opening import open_checkpoint


def read_all(path, content=None):
    """Return the format, arrays and metadata of a file, once it has been given some bytes."""
    if content is not None:
        path.write_bytes(content)
    with open_checkpoint(path) as opened:
        assert opened.path == str(path)
        arrays = {name: array.read() for name, array in opened.arrays.items()}
        for name, array in opened.arrays.items():
            assert (array.shape, array.dtype) == (arrays[name].shape, arrays[name].dtype)
            if array.shape:
                half = array.shape[0] // 2
                np.testing.assert_array_equal(array.read(half), arrays[name][half:])
        return opened.format, arrays, opened.metadata


def assert_same(actual, expected):
    """Compare arrays by name: order, shapes, values, types; each is the reader's to change."""
    assert list(actual) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)
        assert actual[name].shape == np.shape(value)
        assert actual[name].dtype == np.asarray(value).dtype.newbyteorder("=")
        assert actual[name].flags.c_contiguous and actual[name].flags.writeable


def peak_of_rows(path, name, rows=1):
    """Return the most memory that opening a file and reading an array row by row takes."""
    tracemalloc.start()
    try:
        with open_checkpoint(path) as opened:
            array = opened.arrays[name]
            for start in range(0, array.shape[0], rows):
                array.read(start, start + rows)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def as_bfloat16(array):
    """Return an array with the upper halves of its numbers alone, and these, of 16 bits."""
    halves = (np.asarray(array, "f4").view("u4") >> 16).astype("<u2")
    return (halves.astype("u4") << 16).view("f4"), halves
