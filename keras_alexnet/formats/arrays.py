"""Arrays in a file: their shapes are known, and their rows are read on demand."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from keras_alexnet.formats.errors import CheckpointError, errors_about
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.shapes import c_strides, checked_extent, checked_shape


class Use(NamedTuple):
    """The role of an array in a layer, from the graph in its file.

    Args:
        kind: `"conv"` or `"dense"`.
        number: The layer's index among those of its kind, from 0.
        part: `"kernel"` or `"bias"`.
        turned: Whether the kernel of a dense layer is stored as (inputs, outputs).
        channels_last: Whether feature maps are flattened with their channels last.
    """

    kind: str
    number: int
    part: str
    turned: bool = False
    channels_last: bool = False


class StoredArray:
    """An array in a checkpoint.

    Attributes:
        shape: Its sizes.
        dtype: The dtype that `read` returns, in this machine's byte order: float32 for a stored
            bfloat16, which NumPy lacks.
        is_unread: Whether the array stands for a tensor that cannot be read.
        use: Its role in a layer, if the file has a graph; else `None`.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    is_unread = False
    use: Use | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Number of bytes that `read()` returns."""
        return self.size * self.dtype.itemsize

    @property
    def magnitude(self) -> float | None:
        """The greatest magnitude of the numbers, NaN if one of them is NaN; `None` if unknown."""
        return None

    def read(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return a new array with rows `start` to `stop` of the first axis, by default all.

        Args:
            start: First row, from 0 on.
            stop: The row after the last one. An array without axes can only be read as a whole.

        Raises:
            CheckpointError: If the file has changed, or its content cannot be decoded.
        """
        rows = self.shape[0] if self.shape else 1
        stop = rows if stop is None else stop
        if not 0 <= start <= stop <= rows or (not self.shape and (start, stop) != (0, 1)):
            raise IndexError(f"Received rows {start} to {stop} of an array of shape {self.shape}.")
        shape = (stop - start, *self.shape[1:]) if self.shape else ()
        if 0 in shape:
            return np.empty(shape, self.dtype)
        return self._rows(start, stop).reshape(shape)

    def read_into(self, target: np.ndarray, start: int = 0) -> None:
        """Fill an array with the elements from row `start` on, converted to its dtype.

        Args:
            target: The array. It has as many elements as a number of whole rows; its shape may
                differ from theirs.
            start: First row.

        Raises:
            CheckpointError: If the file has changed, or its content cannot be decoded.
        """
        row = math.prod(self.shape[1:])
        stop = start + (target.size // row if row else 0)
        target[...] = self.read(start, stop).reshape(target.shape)

    def require(self) -> None:
        """Raise an error if the array cannot be read at all."""

    def from_axis(self, axis: int) -> "StoredArray":
        """Return the array without its first axes, all of size 1, so that `read` cuts a later one.

        Old versions of Caffe store every array with four axes, a matrix as (1, 1, rows, columns).
        """
        raise NotImplementedError

    def _rows(self, start: int, stop: int) -> np.ndarray:
        """Return a new C-contiguous array with these rows, which have at least one element."""
        raise NotImplementedError

    def __repr__(self) -> str:
        """Show type and shape, no values."""
        return f"<{type(self).__name__} {self.dtype} {self.shape}>"


class FileArray(StoredArray):
    """An array that a file stores unencoded, in either byte order, perhaps strided.

    Args:
        file: The open file.
        offset: Byte of the first element.
        shape: Sizes.
        dtype: Dtype as stored, with its byte order.
        strides: Strides in elements; `None` for C order.
        bfloat16: Whether the stored elements, of an unsigned 16-bit `dtype`, are the upper halves
            of float32 numbers.
        check: Function that is called before each read; it raises an error if this part of the
            file is damaged.

    Raises:
        CheckpointError: If the array does not lie in the file, or shape and strides are invalid.

    Example:

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "weights")
    >>> np.arange(6, dtype=">f4").tofile(path)
    >>> with CheckpointFile(path) as file:
    ...     FileArray(file, 0, (3, 2), ">f4").read(1)
    ...     FileArray(file, 0, (2, 3), ">f4", strides=(1, 2)).read()
    array([[2., 3.],
           [4., 5.]], dtype=float32)
    array([[0., 2., 4.],
           [1., 3., 5.]], dtype=float32)
    """

    def __init__(
        self,
        file: CheckpointFile,
        offset: int,
        shape: Sequence[int],
        dtype: np.dtype | str,
        strides: Sequence[int] | None = None,
        bfloat16: bool = False,
        check: Callable[[], None] | None = None,
    ):
        self.shape = checked_shape(shape)
        self._stored = np.dtype(dtype)
        self.dtype = np.dtype("float32") if bfloat16 else self._stored.newbyteorder("=")
        usual = c_strides(self.shape)
        self._strides = usual if strides is None else tuple(strides)
        self._extent = checked_extent(self.shape, self._strides)
        pairs = zip(self.shape, self._strides, usual, strict=True)
        self._plain = all(n == 1 or stride == other for n, stride, other in pairs)
        end = offset + self._extent * self._stored.itemsize
        if offset < 0 or end > file.size:
            raise CheckpointError(
                f"An array of shape {self.shape} would lie in bytes {offset} to {end} of a file "
                f"of {file.size} bytes.",
                "The whole array must lie inside the file.",
            )
        self._file, self._offset, self._bfloat16 = file, offset, bfloat16
        self._check = check or (lambda: None)

    @property
    def magnitude(self) -> float | None:
        """The greatest magnitude of the numbers, if the CRC check has computed it."""
        self._check()
        key = self._offset, self._extent * self._stored.itemsize, self._stored
        differs = self._bfloat16 or self._extent != self.size  # from the numbers in these bytes
        return None if differs else self._file.magnitudes.get(key)

    def _rows(self, start: int, stop: int) -> np.ndarray:
        if not self._plain:
            view = self._file.cached(self, self._strided)
            return self._native(np.array(view[start:stop] if self.shape else view, order="C"))
        row = math.prod(self.shape[1:])
        return self._native(self._flat(start * row, (stop - start) * row))

    def read_into(self, target: np.ndarray, start: int = 0) -> None:
        """Fill an array; if its dtype is the stored one, without another copy."""
        pieces = [target] if target.flags.c_contiguous else list(target)
        as_stored = self._plain and not self._bfloat16 and target.dtype == self._stored
        if not (as_stored and target.size and pieces[0].flags.c_contiguous):
            super().read_into(target, start)
            return
        self._check()
        first = start * math.prod(self.shape[1:])
        if first + target.size > self.size:
            raise IndexError(f"Received {target.size} elements from row {start} of {self!r}.")
        offset = self._offset + first * self._stored.itemsize
        self._file.read_into(offset, *(piece.data for piece in pieces))

    def from_axis(self, axis: int) -> "FileArray":
        """Return the array without its first axes, all of size 1."""
        shape, strides = self.shape[axis:], self._strides[axis:]
        source = self._file, self._offset
        return FileArray(*source, shape, self._stored, strides, self._bfloat16, self._check)

    def _strided(self) -> np.ndarray:
        """Return a view of the elements in the order of the strides."""
        strides = [stride * self._stored.itemsize for stride in self._strides]
        flat = self._flat(0, self._extent)
        return np.ndarray(self.shape, self._stored, flat, strides=strides)  # checks the bounds

    def _flat(self, first: int, count: int) -> np.ndarray:
        """Return elements in their stored dtype."""
        self._check()
        stored = np.empty(count, self._stored)
        offset = self._offset + first * self._stored.itemsize
        self._file.read_into(offset, stored.view(np.uint8).data)
        return stored

    def _native(self, stored: np.ndarray) -> np.ndarray:
        """Return stored elements in the dtype that `read` returns."""
        if self._bfloat16:
            return (stored.astype(np.uint32) << 16).view(np.float32)
        return stored.astype(self.dtype, copy=False)


class MemoryArray(StoredArray):
    """A small array that is decoded already.

    Example:

    >>> MemoryArray(np.arange(3)).read(1)
    array([1, 2])
    """

    def __init__(self, values: np.ndarray):
        self.shape = checked_shape(values.shape)
        self.dtype = values.dtype.newbyteorder("=")
        self._values = values

    def from_axis(self, axis: int) -> "MemoryArray":
        """Return the array without its first axes, all of size 1."""
        return MemoryArray(self._values.reshape(self.shape[axis:]))

    def _rows(self, start: int, stop: int) -> np.ndarray:
        return np.array(
            self._values[start:stop] if self.shape else self._values, self.dtype, order="C"
        )


class DecodedArray(StoredArray):
    """An array that must be decoded as a whole. The file caches the last one that is read in parts.

    Args:
        file: The open file.
        shape: Sizes.
        dtype: Dtype of the array that `decode` returns.
        decode: Function that returns the whole array, each time in new memory.
    """

    def __init__(
        self,
        file: CheckpointFile,
        shape: Sequence[int],
        dtype: np.dtype | str,
        decode: Callable[[], np.ndarray],
    ):
        self.shape = checked_shape(shape)
        self.dtype = np.dtype(dtype).newbyteorder("=")
        self._file, self._decode = file, decode

    def from_axis(self, axis: int) -> "DecodedArray":
        """Return the array without its first axes, all of size 1."""
        shape = self.shape[axis:]
        return DecodedArray(self._file, shape, self.dtype, lambda: self._decode().reshape(shape))

    def _rows(self, start: int, stop: int) -> np.ndarray:
        if not self.shape or (start, stop) == (0, self.shape[0]):
            return np.asarray(self._decoded(), self.dtype, order="C")  # without the cache
        whole = self._file.cached(self, self._decoded)
        return np.array(whole[start:stop], self.dtype, order="C")

    def _decoded(self) -> np.ndarray:
        with errors_about(f"{self._file.path!r} cannot be decoded:"):
            return self._decode()
