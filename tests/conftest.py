"""What every test shares: the backend's precision, seeds, and the tests left out for a peer."""

import collections
import importlib
import importlib.util
import os
import signal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up notices

import keras
import pytest
from matplotlib.figure import Figure

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


def pytest_configure(config):
    """Heed Ctrl-C, and compute in full float32 on a GPU as well, as the tolerances expect."""
    config.stash[LEFT_OUT] = collections.Counter()
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


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Take from one of the processes side by side what all of them left out."""
    left_out = getattr(node, "workeroutput", {}).get("left_out", [])
    node.config.stash[LEFT_OUT] = collections.Counter({tuple(key): n for key, n in left_out})


def pytest_sessionfinish(session):
    """Tell the process that reports, if this is not it, what was left out."""
    if hasattr(session.config, "workeroutput"):
        left_out = session.config.stash[LEFT_OUT].items()
        session.config.workeroutput["left_out"] = [[list(key), n] for key, n in left_out]


def pytest_terminal_summary(terminalreporter, config):
    """Say in words what ran, what did not, and how it would."""
    others = [name for name in ("tensorflow", "jax", "torch") if name != BACKEND]
    terminalreporter.section("what ran, and what was left out")
    for sentence in _sentences(config):
        terminalreporter.line(sentence)
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
