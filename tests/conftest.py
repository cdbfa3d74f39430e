"""Precision, seeds and order of all tests; which tests run on one backend, or not at all."""

import collections
import importlib
import importlib.util
import os
import signal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up notices
if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a process for each core. More threads would wait for each other: a training step of
    # PyTorch takes four times as long then. The processes that tests start take this over.
    for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(threads, "1")
# Half of the time of a test of compiled code is LLVM's, for code that runs once. The operations are
# the same without its optimizations; XLA_FLAGS="" tests with them. JAX computes everything so, and
# draws random numbers three times as fast with a few.
if os.environ.get("KERAS_BACKEND") == "jax":
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1")
else:
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import keras
import pytest
from matplotlib.figure import Figure

import tensor_guard

BACKEND = keras.backend.backend()
INSTALL = {
    "tensorflow": "pip install keras-alexnet",
    "jax": 'pip install "keras-alexnet[jax]"',
    "torch": 'pip install "keras-alexnet[torch]"',
    "onnx": 'pip install "keras-alexnet[onnx]"',
    "onnxruntime": "pip install onnxruntime",
    "safetensors": "pip install safetensors",
    "cv2": 'pip install "opencv-python-headless<5"',  # 5 reads no files of Caffe
}
LEFT_OUT = pytest.StashKey[collections.Counter]()
BACKEND_FREE = pytest.StashKey[collections.Counter]()
LENGTHS = ("long", "medium")  # the longest first; a test without such a mark is short


def pytest_configure(config):
    """Heed Ctrl-C, and compute in full float32 on a GPU as well, as the tolerances expect."""
    config.stash[LEFT_OUT] = collections.Counter()
    config.stash[BACKEND_FREE] = collections.Counter()
    # What a shell starts in the background ignores Ctrl-C, and so would the processes that tests
    # start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if BACKEND == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
    elif BACKEND == "torch":
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
    else:
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(False)


def pytest_report_header():
    """Say what is tested."""
    version = importlib.import_module(BACKEND).__version__
    return f"backend: {BACKEND} {version}, keras {keras.__version__}"


def _missing_peers(item):
    """Return the peers that a test compares with and that are not installed."""
    peers = {name for mark in item.iter_markers("peer") for name in mark.args}
    return tuple(sorted(name for name in peers if importlib.util.find_spec(name) is None))


@pytest.hookimpl(trylast=True)  # after -k and -m: a test that was not asked for is not left out
def pytest_collection_modifyitems(config, items):
    """Leave out the tests whose peers are not installed, and remember them."""
    missing = {item: _missing_peers(item) for item in items}
    left_out = [item for item in items if missing[item]]
    if left_out:
        config.stash[LEFT_OUT].update(missing[item] for item in left_out)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not missing[item]]
    if left_out and os.environ.get("KERAS_ALEXNET_NOTHING_LEFT_OUT") == "1":
        raise pytest.UsageError(
            "KERAS_ALEXNET_NOTHING_LEFT_OUT=1, but this would be left out.\n"
            + "\n".join(_sentences(config))
        )
    # pytest-randomly has shuffled them; this sort is stable. So no core is idle at the end, while
    # another computes a long test.
    items.sort(key=_length)
    free = sum(item.get_closest_marker("backend_free") is not None for item in items)
    config.stash[BACKEND_FREE].update({True: free, False: len(items) - free})


def _length(item):
    """Return the class of a test's length, 0 for the longest."""
    marks = {mark.name for mark in item.iter_markers()}
    return next((n for n, name in enumerate(LENGTHS) if name in marks), len(LENGTHS))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Take from one of the processes side by side what all of them left out."""
    left_out = getattr(node, "workeroutput", {}).get("left_out", [])
    node.config.stash[LEFT_OUT] = collections.Counter({tuple(key): n for key, n in left_out})
    free = getattr(node, "workeroutput", {}).get("backend_free", [])
    node.config.stash[BACKEND_FREE] = collections.Counter(dict(free))


def pytest_sessionfinish(session):
    """Tell the process that reports, if this is not it, what was left out."""
    if hasattr(session.config, "workeroutput"):
        left_out = session.config.stash[LEFT_OUT].items()
        session.config.workeroutput["left_out"] = [[list(key), n] for key, n in left_out]
        free = session.config.stash[BACKEND_FREE].items()
        session.config.workeroutput["backend_free"] = [list(pair) for pair in free]


def pytest_terminal_summary(terminalreporter, config):
    """Say in words what ran, what did not, and how it would."""
    others = [name for name in ("tensorflow", "jax", "torch") if name != BACKEND]
    terminalreporter.section("what ran, and what was left out")
    for sentence in _sentences(config):
        terminalreporter.line(sentence)
    free = config.stash[BACKEND_FREE]
    terminalreporter.line(
        f"{free[False]:,} tests use the backend. {free[True]:,} use no tensor library, and one "
        f"backend is enough for them: -m 'not backend_free' leaves them out on the others."
    )
    terminalreporter.line(
        f"The tests ran on the {BACKEND} backend. "
        f"KERAS_BACKEND={others[0]} or KERAS_BACKEND={others[1]} runs them on the others."
    )


def _sentences(config):
    """Return a sentence for each combination of peers that tests were left out for."""
    return [
        f"Left out: {count} test{'s that compare' if count > 1 else ' that compares'} with "
        f"{' and '.join(peers)}, not installed here. To run "
        f"{'them' if count > 1 else 'it'}: {' and '.join(INSTALL[peer] for peer in peers)}"
        for peers, count in sorted(config.stash[LEFT_OUT].items())
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef):
    """Seed what several tests share, or it would depend on the test before."""
    if fixturedef.scope != "function":
        keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _same_start():
    """Seed every test, and undo what it changes in Keras's settings."""
    image_data_format = keras.config.image_data_format()
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_image_data_format(image_data_format)
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


@pytest.fixture(autouse=True)
def _no_tensors(request, monkeypatch):
    """Let every call of a tensor library raise in the tests that are marked to need none."""
    if request.node.get_closest_marker("backend_free") is None:
        yield
        return
    tensor_guard.forbid_in_children(monkeypatch)
    tensor_guard.forbid()
    yield
    tensor_guard.allow()


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved."""
    figures = []
    save = Figure.savefig

    def keep(self, *arguments, **options):
        figures.append(self)
        return save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures
