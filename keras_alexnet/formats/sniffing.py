"""The table of formats, and the detection of a file's format from its content.

The ending of a file's name is not used: it may be wrong.
"""

import dataclasses
import functools
import re
from collections.abc import Callable

from keras_alexnet.formats.archives import zips
from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile

START = 512  # bytes read to detect a format: a tar header
# The first pickle of torch.save from 0.1.10 to 1.5: the number 0x1950a86a20f9469cfc6c.
LEGACY = re.compile(rb"\x80[\x02-\x05](\x95.{8})?\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", re.S)
PICKLE = re.compile(rb"\x80[\x02-\x05]")
WEB_PAGE = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<(!doctype|!--|html|head|body|script|\?xml)", re.I)
# Protocol buffers begin with the number of a field: in a NetParameter (Caffe's weights) name,
# layers, input or layer; in a BlobProto (its mean image) num and channels, or data; in a ModelProto
# (ONNX) ir_version and then any later field.
CAFFE = re.compile(rb"\x0a[\x80-\xff]?[\x00-\x7f]|\x12|\x1a|\xa2\x06", re.S)
CAFFE_MEAN = re.compile(rb"\x08[\x80-\xff]*[\x00-\x7f]\x10|\x2a", re.S)
ONNX = re.compile(rb"\x08[\x00-\x7f][\x12\x1a\x22\x28\x32\x3a\x42]", re.S)


class FileStart:
    """The parts of a file that tell its format.

    Args:
        file: The open file.

    Attributes:
        content: Its first 512 bytes.
        size: Its size in bytes.
    """

    def __init__(self, file: CheckpointFile):
        self._file = file
        self.size = file.size
        self.content = file.pread(0, min(START, file.size))

    @functools.cached_property
    def members(self) -> tuple[str, ...]:
        """The names of a zip archive's members; empty for any other file."""
        if not self.content.startswith(zips.LOCAL_SIGNATURE):
            return ()
        return tuple(zips.read_directory(self._file))


@dataclasses.dataclass(frozen=True)
class Format:
    """A format that the package reads.

    Args:
        name: Its name in the program.
        title: Its name in sentences.
        matches: Returns whether a file with this start has the format.
        read: Module and function that read it, imported on demand.
    """

    name: str
    title: str
    matches: Callable[[FileStart], bool]
    read: str


def _matches(pattern: re.Pattern[bytes]) -> Callable[[FileStart], bool]:
    return lambda start: pattern.match(start.content) is not None


def _begins(signature: bytes) -> Callable[[FileStart], bool]:
    return lambda start: start.content.startswith(signature)


def _is_torch(start: FileStart) -> bool:
    return any(name.split("/")[-1] in ("data.pkl", "constants.pkl") for name in start.members)


def _is_npz(start: FileStart) -> bool:
    return bool(start.members) and all(name.endswith(".npy") for name in start.members)


def _is_keras(start: FileStart) -> bool:
    return "model.weights.h5" in start.members


def _is_tar(start: FileStart) -> bool:
    return start.content[257:262] == b"ustar"


def _is_safetensors(start: FileStart) -> bool:
    length = int.from_bytes(start.content[:8], "little")
    return start.content[8:9] == b"{" and length < start.size


FORMATS = (
    Format("torch_zip", "PyTorch (zip)", _is_torch, "torch.zip:read"),
    Format("npz", "NumPy .npz", _is_npz, "npy:read_archive"),
    Format("keras", "Keras .keras", _is_keras, "hdf5.keras_files:read_archive"),
    Format("torch_legacy", "PyTorch before 1.6", _matches(LEGACY), "torch.legacy:read"),
    Format("torch_tar", "PyTorch before 0.1.10 (tar)", _is_tar, "torch.tar:read"),
    Format("npy", "NumPy .npy", _begins(b"\x93NUMPY"), "npy:read"),
    Format("pickle", "pickled arrays", _matches(PICKLE), "pickle.numpy_arrays:read"),
    Format("hdf5", "Keras HDF5", _begins(b"\x89HDF\r\n\x1a\n"), "hdf5.keras_files:read"),
    Format("safetensors", "safetensors", _is_safetensors, "safetensors:read"),
    Format("onnx", "ONNX", _matches(ONNX), "protobuf.onnx:read"),
    Format("caffe_mean", "Caffe .binaryproto", _matches(CAFFE_MEAN), "protobuf.caffe:read_mean"),
    Format("caffe", "Caffe .caffemodel", _matches(CAFFE), "protobuf.caffe:read"),
)


@dataclasses.dataclass(frozen=True)
class WrongFile:
    """A kind of file that users often take for a checkpoint.

    Args:
        matches: Returns whether a file with this start is of the kind.
        received: A sentence on the kind, for the error.
        remedy: A sentence on the remedy, for the error.
    """

    matches: Callable[[FileStart], bool]
    received: str
    remedy: str


UNPACK = "Unpack the file, and give the path of the checkpoint in it."
DOWNLOAD = "Download the file again from a link that gives the file itself."
COMPRESSED = _matches(re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ\0|\x28\xb5\x2f\xfd|7z\xbc\xaf|Rar!"))
PICTURE = _matches(re.compile(rb"\xff\xd8\xff|\x89PNG\r\n|GIF8|RIFF.{4}WEBP", re.S))
PROTOTXT = re.compile(rb"\s*(#|name:|layers?\s*\{|input:|input_shape)")
WRONG_FILES = (
    WrongFile(lambda start: start.size == 0, "The file is empty (0 bytes).", DOWNLOAD),
    WrongFile(_matches(WEB_PAGE), "The file is a web page, such as a login or an error.", DOWNLOAD),
    WrongFile(
        _begins(b"version https://git-lfs"),
        "The file is a Git LFS pointer, not the checkpoint that it points to.",
        "Run `git lfs pull`, or download the checkpoint itself.",
    ),
    WrongFile(COMPRESSED, "The file is compressed.", UNPACK),
    WrongFile(PICTURE, "The file is an image.", "Give the path of the model or of its weights."),
    WrongFile(
        _begins(b"MATLAB 5.0"), "The file is a MATLAB file.", "Save the weights as .npz or HDF5."
    ),
    WrongFile(
        _matches(PROTOTXT),
        "The file is text, such as the definition of a Caffe network without its weights.",
        "Give the path of the .caffemodel.",
    ),
)


def detect_format(file: CheckpointFile) -> Format:
    """Return the format of a file.

    Raises:
        CheckpointError: If the file has none of the formats.
    """
    start = FileStart(file)
    for kind in WRONG_FILES:
        if kind.matches(start):
            raise _unknown_format(kind.received, kind.remedy)
    for row in FORMATS:
        if row.matches(start):
            return row
    if start.members:
        names = ", ".join(quoted(name) for name in start.members[:3])
        raise _unknown_format(f"The file is a zip archive that begins with {names}.", UNPACK)
    raise _unknown_format(
        "The file begins as no model and no file of weights does.",
        "Check the path, and if it is right, get or save the file again.",
    )


def _unknown_format(received: str, remedy: str) -> CheckpointError:
    titles = ", ".join(row.title for row in FORMATS)
    return CheckpointError(received, f"The format must be one of these: {titles}.", remedy)
