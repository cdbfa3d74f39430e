"""The format of a file, recognised by its content: endings lie."""

import dataclasses
import functools
import re
from collections.abc import Callable

from keras_alexnet.formats.archives import zips
from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile

HEAD = 512  # bytes looked at: a tar header
# The first pickle of torch.save from 0.1.10 to 1.5: the number 0x1950a86a20f9469cfc6c.
LEGACY = re.compile(rb"\x80[\x02-\x05](\x95.{8})?\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", re.S)
PICKLE = re.compile(rb"\x80[\x02-\x05]")
WEB_PAGE = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<(!doctype|!--|html|head|body|script|\?xml)", re.I)
# Protocol buffers: the numbers of the fields that begin a NetParameter (name, layers, input,
# layer), a BlobProto (num and channels, or data), and a ModelProto (ir_version, any later field).
CAFFE = re.compile(rb"\x0a[\x80-\xff]?[\x00-\x7f]|\x12|\x1a|\xa2\x06", re.S)
CAFFE_MEAN = re.compile(rb"\x08[\x80-\xff]*[\x00-\x7f]\x10|\x2a", re.S)
ONNX = re.compile(rb"\x08[\x00-\x7f][\x12\x1a\x22\x28\x32\x3a\x42]", re.S)


class Beginning:
    """The beginning of a file, and further parts that tell its format.

    Args:
        file: The open file.

    Attributes:
        head: Its first bytes.
        size: Its size.
    """

    def __init__(self, file: CheckpointFile):
        self._file = file
        self.size = file.size
        self.head = file.pread(0, min(HEAD, file.size))

    @functools.cached_property
    def members(self) -> tuple[str, ...]:
        """The names in a zip archive; none in any other file."""
        if not self.head.startswith(zips.BEGINNING):
            return ()
        return tuple(zips.read_directory(self._file))


@dataclasses.dataclass(frozen=True)
class Format:
    """A format that can be read.

    Args:
        name: Its name in the program.
        title: Its name in sentences.
        recognises: Tells whether a file with this beginning has it.
        read: Module in this package and function that read it: imported when needed.
    """

    name: str
    title: str
    recognises: Callable[[Beginning], bool]
    read: str


def _matches(pattern: re.Pattern[bytes]) -> Callable[[Beginning], bool]:
    return lambda beginning: pattern.match(beginning.head) is not None


def _begins(start: bytes) -> Callable[[Beginning], bool]:
    return lambda beginning: beginning.head.startswith(start)


def _is_torch(beginning: Beginning) -> bool:
    return any(name.split("/")[-1] in ("data.pkl", "constants.pkl") for name in beginning.members)


def _is_npz(beginning: Beginning) -> bool:
    return bool(beginning.members) and all(name.endswith(".npy") for name in beginning.members)


def _is_keras(beginning: Beginning) -> bool:
    return "model.weights.h5" in beginning.members


def _is_tar(beginning: Beginning) -> bool:
    return beginning.head[257:262] == b"ustar"


def _is_safetensors(beginning: Beginning) -> bool:
    length = int.from_bytes(beginning.head[:8], "little")
    return beginning.head[8:9] == b"{" and length < beginning.size


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
class Mistake:
    """A kind of file that is often given for a checkpoint, and the remedy."""

    recognises: Callable[[Beginning], bool]
    wrong: str
    remedy: str


UNPACK = "Unpack it, and give the path of the checkpoint."
DOWNLOAD = "Download it again, in a way that gives the file itself."
COMPRESSED = _matches(re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ\0|\x28\xb5\x2f\xfd|7z\xbc\xaf|Rar!"))
PROTOTXT = re.compile(rb"\s*(#|name:|layers?\s*\{|input:|input_shape)")
MISTAKES = (
    Mistake(lambda beginning: beginning.size == 0, "The file is empty (0 bytes).", DOWNLOAD),
    Mistake(
        _matches(WEB_PAGE), "The file is a web page, perhaps of a login or an error.", DOWNLOAD
    ),
    Mistake(
        _begins(b"version https://git-lfs"),
        "The file is a pointer of Git LFS, not what it points to.",
        "Run `git lfs pull`, or download the file itself.",
    ),
    Mistake(COMPRESSED, "The file is compressed.", UNPACK),
    Mistake(_begins(b"MATLAB 5.0"), "The file is one of MATLAB's.", "Save it as .npz or HDF5."),
    Mistake(
        _matches(PROTOTXT),
        "The file is text, perhaps the description of a network without its weights.",
        "Give the .caffemodel.",
    ),
)


def recognise(file: CheckpointFile) -> Format:
    """Return the format of a file.

    Raises:
        CheckpointError: If it is none that can be read.
    """
    beginning = Beginning(file)
    for mistake in MISTAKES:
        if mistake.recognises(beginning):
            raise _unknown(mistake.wrong, mistake.remedy)
    for row in FORMATS:
        if row.recognises(beginning):
            return row
    if beginning.members:
        names = ", ".join(shown(name) for name in beginning.members[:3])
        raise _unknown(f"The file is a zip archive that begins with {names}.", UNPACK)
    raise _unknown(f"The file begins with {shown(beginning.head[:16])}.", "Check the path.")


def _unknown(wrong: str, remedy: str) -> CheckpointError:
    titles = ", ".join(row.title for row in FORMATS)
    return CheckpointError(
        wrong, f"A checkpoint was expected, in one of these formats: {titles}.", remedy
    )
