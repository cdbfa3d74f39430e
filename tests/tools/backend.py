"""The backend in the processes that run tests: precision, seeds, settings, and who may use it."""

import contextlib
import copy
import functools
import gc
import importlib
import os
import sys
import tempfile
import threading
import typing

import keras
import pytest
from matplotlib.figure import Figure

import drawing
import tensor_guard
import tensorflow_graphs

BACKEND = keras.backend.backend()


def described():
    """Return the backend and Keras with their versions."""
    version = importlib.import_module(BACKEND).__version__
    return f"{BACKEND} {version}, keras {keras.__version__}"


def _share_contexts(jax, programs=100):
    """Let JAX write some programs, one after the other, with the same context of MLIR.

    It makes one for each program, which is a seventh of the time of its tests: they compile
    thousands of small programs. The programs are the same.
    """
    module = sys.modules[jax.interpreters.mlir.make_ir_context.__module__]
    make, own = module.make_ir_context, threading.local()

    def make_ir_context():
        if getattr(own, "left", 0) == 0:
            own.context, own.left = make(), programs
        own.left -= 1
        return own.context

    module.make_ir_context = make_ir_context


def _share_programs(cache):
    """Let the processes that run tests share JAX's cache of compiled programs.

    JAX writes an entry in place, and a process that reads at that moment finds half of one: it
    warns and compiles by itself. Here an entry is written beside the others and renamed. The
    processes that tests start write as JAX does, so they get a folder for each process that tests.
    """
    put = cache.put

    def put_whole(self, key, value):
        with tempfile.TemporaryDirectory(dir=self.path) as folder:
            beside = copy.copy(self)
            beside.path = self.path / os.path.basename(folder)
            put(beside, key, value)
            for file in beside.path.iterdir():
                file.replace(self.path / file.name)

    cache.put = put_whole
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if folder:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = os.path.join(folder, str(os.getpid()))


def _list_protocols_once():
    """Let Python 3.11 list the members of a protocol once, as later versions do.

    TensorFlow and Keras ask of each tensor whether it is of a protocol.
    """
    for name in ("_get_protocol_attrs", "_is_callable_members_only"):
        setattr(typing, name, functools.cache(getattr(typing, name)))


def _quantize_at_once(layer):
    """Let Keras quantize a layer without a collection of all garbage, a tenth of a second.

    It collects after each variable that a layer gives up, so that a GPU has room for the next.
    """
    delete = layer.__delattr__

    def delete_only(self, name):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gc, "collect", lambda: 0)
            delete(self, name)

    layer.__delattr__ = delete_only


def pytest_configure():
    """Compute in full float32 on a GPU as well, as the tolerances expect; draw with NumPy."""
    drawing.by_numpy()
    _quantize_at_once(keras.Layer)
    if sys.version_info < (3, 12):
        _list_protocols_once()
    if BACKEND == "jax":
        import jax
        import jax.interpreters.mlir
        from jax._src.lru_cache import LRUCache

        jax.config.update("jax_default_matmul_precision", "highest")
        _share_contexts(jax)
        _share_programs(LRUCache)
    elif BACKEND == "torch":
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
    else:
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(False)
        as_for_users = not os.environ["XLA_FLAGS"]
        tensorflow_graphs.optimize(as_for_users)
        if not as_for_users:
            tensorflow_graphs.trace_once()
            tensorflow_graphs.share_stacks()
            tensorflow_graphs.keep_kernels()


def pytest_collection_finish():
    """Let the garbage collector pass over what was imported: half a million objects that stay."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish():
    """Collect garbage once with all objects, and leave those that stay out from then on.

    pytest collects five times more before it ends, for errors in what is destroyed, and Python
    again. Millions of objects stay, and each time takes a second.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef):
    """Seed what several tests share, or it would depend on the test before."""
    if fixturedef.scope != "function":
        keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _setting(request):
    """Seed every test, heed its marks, and undo what it changes in Keras's settings.

    This is one fixture, because each takes a fifth of a millisecond, in thousands of tests.
    """
    marks = {mark.name for mark in request.node.iter_markers()}
    image_data_format = keras.config.image_data_format()
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.utils.set_random_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        for heed in (_initial_values, _eager, _pictures):
            heed(marks, patch)
        with _no_tensors(marks, patch):
            yield
    keras.config.set_image_data_format(image_data_format)
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


def _initial_values(marks, patch):
    """Let the backend draw them where a test is about them."""
    if "initial_values" in marks:
        patch.setattr(drawing.INITIALIZERS, "random", drawing.OWN)


def _eager(marks, patch):
    """Let TensorFlow take steps of training op by op where a test is about what stands around them.

    To trace the steps of a model takes a second, in which the hundred steps of such a test are
    taken. JAX and PyTorch train as ever.
    """
    if BACKEND == "tensorflow" and "eager" in marks:
        always = property(lambda self: True, lambda self, value: None)
        patch.setattr(keras.Model, "run_eagerly", always)


def _pictures(marks, patch):
    """Let a run draw its pictures where a test looks at them; elsewhere the files are empty.

    Drawing takes as long as the training of such a run.
    """
    if "pictures" not in marks:
        patch.setattr("keras_alexnet.training.run_pictures.attempted", _empty)


def _empty(draw, path, say):
    """Write an empty file in place of a picture, and return its path."""
    open(path, "w").close()
    return path


@contextlib.contextmanager
def _no_tensors(marks, patch):
    """Let every call of a tensor library raise in the tests that are marked to need none."""
    if "backend_free" not in marks:
        yield
        return
    tensor_guard.forbid_in_children(patch)
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
