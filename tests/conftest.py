"""Which tests run, in which order, and the summary at the end."""

import collections
import gc
import importlib.util
import os
import pathlib
import shutil
import signal

import pytest

import chromium

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up notices
if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a process for each core. More threads would wait for each other: a training step of
    # PyTorch takes four times as long then. The processes that tests start take this over.
    for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(threads, "1")
# A seventh of the time of the tests is the system's, most of it to clear memory that was handed
# back a moment before. The processes that run them keep up to 1 GiB, and blocks of that size too,
# which are the kernels of dense layers. glibc reads this when a process starts.
for threshold in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
    os.environ.setdefault(threshold, str(2**30))
# The tests write 3 GB in thousands of files. In memory a file is made ten times as fast as on disk,
# and pytest removes the files of each test that passes (tmp_path_retention_policy).
MEMORY = "/dev/shm"
ROOM = os.path.isdir(MEMORY) and shutil.disk_usage(MEMORY).free > 8 * 2**30
if ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)
# XLA needs half of the time of a test of compiled code to compile what runs once. It needs a tenth
# of that with its older emitters of fused operations, without LLVM's optimizations, and in one
# piece. The operations are the same; XLA_FLAGS="" tests as XLA compiles for users.
XLA_FLAGS = (
    "--xla_backend_optimization_level=0",
    "--xla_backend_extra_options=xla_cpu_disable_new_fusion_emitters",  # ignored where not known
    "--xla_cpu_parallel_codegen_split_count=1",
)
os.environ.setdefault("XLA_FLAGS", " ".join(XLA_FLAGS))

# Tables are as wide as they are without a terminal, whatever the caller or pytest-xdist has set.
os.environ.pop("COLUMNS", None)
# A slow machine makes the command line say every 30 seconds how far it is, which is tested apart.
os.environ.setdefault("KERAS_ALEXNET_PROGRESS_SECONDS", "0")

BROWSER = pathlib.Path(__file__).parent.parent / "examples/browser"
INSTALL = {
    "tensorflow": "pip install keras-alexnet",
    "jax": 'pip install "keras-alexnet[jax]"',
    "torch": 'pip install "keras-alexnet[torch]"',
    "onnx": 'pip install "keras-alexnet[onnx]"',
    "onnxruntime": "pip install onnxruntime",
    "openvino": "pip install openvino",
    "tf2onnx": "pip install tf2onnx",
    "safetensors": "pip install safetensors",
    "mypy": 'pip install "keras-alexnet[dev]"',
    "cv2": 'pip install "opencv-python-headless<5"',  # 5 reads no files of Caffe
    "chromium": "apt-get install chromium",
    "onnxruntime-web": "npm install --prefix examples/browser",
}
# Peers that are no modules of Python, and whether they are installed.
NO_MODULES = {
    "chromium": chromium.program() is not None,
    "onnxruntime-web": (BROWSER / "node_modules" / "onnxruntime-web").is_dir(),
}
LENGTHS = ("long", "medium")  # the longest first; a test without such a mark is short


class Said:
    """What a process says at the end of the tests that it has collected.

    Attributes:
        backend: The backend and Keras, with their versions.
        left_out: How many tests are left out, by the peers that are missing.
        free: How many tests use no tensor library.
        others: How many use one.
    """

    def __init__(self, backend="", left_out=(), free=0, others=0):
        self.backend = backend
        self.left_out = collections.Counter({tuple(peers): count for peers, count in left_out})
        self.free = free
        self.others = others

    def message(self):
        """Return all as what one process can send to another."""
        left_out = [[list(peers), count] for peers, count in self.left_out.items()]
        return [self.backend, left_out, self.free, self.others]


SAID = pytest.StashKey[Said]()


def pytest_configure(config):
    """Heed Ctrl-C, and start the backend, unless other processes run the tests."""
    config.stash[SAID] = Said()
    # What a shell starts in the background ignores Ctrl-C, and so would the processes that tests
    # start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        gc.disable()  # until all is imported and collected, which stays: see backend.py
        import backend

        config.stash[SAID].backend = backend.described()
        config.pluginmanager.register(backend, "backend")


def _missing_peers(item):
    """Return the peers that a test compares with and that are not installed."""
    peers = {name for mark in item.iter_markers("peer") for name in mark.args}
    return tuple(sorted(name for name in peers if not _installed(name)))


def _installed(peer):
    """Return whether a program or a module that tests compare with is installed."""
    if peer in NO_MODULES:
        return NO_MODULES[peer]
    return importlib.util.find_spec(peer) is not None


@pytest.hookimpl(trylast=True)  # after -k and -m: a test that was not asked for is not left out
def pytest_collection_modifyitems(config, items):
    """Leave out the tests whose peers are not installed, count the others, and sort them."""
    said = config.stash[SAID]
    missing = {item: _missing_peers(item) for item in items}
    left_out = [item for item in items if missing[item]]
    if left_out:
        said.left_out.update(missing[item] for item in left_out)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not missing[item]]
    if left_out and os.environ.get("KERAS_ALEXNET_NOTHING_LEFT_OUT") == "1":
        raise pytest.UsageError(
            "KERAS_ALEXNET_NOTHING_LEFT_OUT=1, but this would be left out.\n"
            + "\n".join(_sentences(said.left_out))
        )
    said.free = sum(item.get_closest_marker("backend_free") is not None for item in items)
    said.others = len(items) - said.free
    # pytest-randomly has shuffled them; this sort is stable. So no core is idle at the end, while
    # another computes a long test.
    items.sort(key=_length)


def _length(item):
    """Return the class of a test's length, 0 for the longest."""
    marks = {mark.name for mark in item.iter_markers()}
    return next((n for n, name in enumerate(LENGTHS) if name in marks), len(LENGTHS))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Take over what one of the processes side by side says: they all say the same."""
    message = getattr(node, "workeroutput", {}).get("said")
    if message:
        node.config.stash[SAID] = Said(*message)


def pytest_sessionfinish(session):
    """Tell the process that reports, if this is not it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["said"] = session.config.stash[SAID].message()


def pytest_terminal_summary(terminalreporter, config):
    """Say in words what ran, what did not, and how it would."""
    said = config.stash[SAID]
    others = [name for name in ("tensorflow", "jax", "torch") if not said.backend.startswith(name)]
    terminalreporter.section("what ran, and what was left out")
    for sentence in _sentences(said.left_out):
        terminalreporter.line(sentence)
    terminalreporter.line(
        f"{said.others:,} tests use the backend. {said.free:,} use no tensor library, and one "
        f"backend is enough for them: -m 'not backend_free' leaves them out on the others."
    )
    terminalreporter.line(
        f"The tests ran on {said.backend}. "
        f"KERAS_BACKEND={others[0]} or KERAS_BACKEND={others[1]} runs them on the others."
    )


def _sentences(left_out):
    """Return a sentence for each combination of peers that tests were left out for."""
    return [
        f"Left out: {count} test{'s that compare' if count > 1 else ' that compares'} with "
        f"{' and '.join(peers)}, not installed here. To run "
        f"{'them' if count > 1 else 'it'}: {' and '.join(INSTALL[peer] for peer in peers)}"
        for peers, count in sorted(left_out.items())
    ]
