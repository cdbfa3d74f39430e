"""The package as a whole: documentation that runs, imports, private names."""

import doctest
import importlib
import os
import pathlib
import pkgutil
import re
import runpy
import subprocess
import sys

import keras
import pytest

import keras_alexnet
from narrow_networks import UNITS, narrow
from processes import run

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = pathlib.Path(keras_alexnet.__file__).parent
BACKENDS = ("tensorflow", "jax", "torch")


def importable_modules():
    """Return the names of all modules but the command line's entrance."""
    names = [module.name for module in pkgutil.walk_packages([str(PACKAGE)], "keras_alexnet.")]
    return [name for name in names if not name.endswith("__main__")]


# These train to show a callback, files or pictures, or to have a trained network.
EAGER = (
    "keras_alexnet.recipes.color_noise",
    "keras_alexnet.training.state",
    "benchmarks/control.py",
    "benchmarks/precision.py",
    "benchmarks/training_starts.py",
    "fine_tune.py",
    "fit_folder.py",
    "look_inside.py",
)
# The rooms of bytes, of rows and of words, whose examples need no backend.
BACKEND_FREE = tuple(f"keras_alexnet.{room}" for room in ("formats", "cli", "pictures", "variants"))


def examples_of(name):
    """Return the case of a module, and its marks."""
    marks = [pytest.mark.backend_free] if name.startswith(BACKEND_FREE) else []
    marks += [pytest.mark.eager] if name in EAGER else []
    marks += [pytest.mark.long] if name == "keras_alexnet.jobs.training" else []  # it trains
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [examples_of(name) for name in importable_modules()])
def test_docstring_examples(name):
    """Every example in a docstring gives what it says."""
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


PUBLIC_CLASSES_AND_FUNCTIONS = [
    getattr(keras_alexnet, name) for name in sorted(keras_alexnet.__all__)
]


@pytest.mark.backend_free
@pytest.mark.parametrize("thing", PUBLIC_CLASSES_AND_FUNCTIONS, ids=lambda thing: thing.__name__)
def test_public_names_are_documented_with_an_example(thing):
    """Every public name has a docstring with an example that the tests run."""
    finder = doctest.DocTestFinder(recurse=False)
    assert any(test.examples for test in finder.find(thing)), thing


EXAMPLES = {  # what a part of the output of each quick form must be
    "cifar10.py": "test error",
    "googlenet_stem.py": "features of (28, 28, 192)",
    "fit_folder.py": "Held-out accuracy: ",
    "fine_tune.py": "from nothing ",
    "imagenet.py": "Top-1 and top-5 error, one crop: ",
    "look_inside.py": "Drew feature_maps.png",
    "lrn_effect.py": "of an activation is left",
    "tfrecords.py": "Read back 200 images",
    "benchmarks/augmentation.py": "into the training step",
    "benchmarks/callback_overhead.py": "ms per step without a callback",
    "benchmarks/checkpoint_loading.py": "keras_alexnet ",
    "benchmarks/cifar10_steps.py": "images/s",
    "benchmarks/compile_modes.py": "cifar10_19pct",
    "benchmarks/control.py": "2 epochs: ",
    "benchmarks/cost_growth.py": "ten times one crop",
    "benchmarks/export_errors.py": "100% kept",
    "benchmarks/exports.py": "of Keras's time",
    "benchmarks/decoding.py": "images/s of one core",
    "benchmarks/gpu.py": "curve of cifar10_19pct forward",
    "benchmarks/import_time.py": "s more than json alone.",
    "benchmarks/layers.py": "LRN (2, 27, 27, 256)",
    "benchmarks/optimizer_step.py": "of keras SGD",
    "benchmarks/mixed_training.py": "mixed_float16 seed 0: test error",
    "benchmarks/precision.py": "Keras, int8, dense layers",
    "benchmarks/step_profile.py": "arithmetic alone",
    "benchmarks/training_starts.py": "0 of 1",
    "benchmarks/steps.py": "ours, ",
}
# These run as several processes, in tests/training/test_several_machines.py.
ON_SEVERAL_MACHINES = {"several_machines_jax.py", "several_machines_torch.py"}
# These are programs, each in a process of its own that has only imported the package; the others
# run in the process of the tests. imagenet.py makes two virtual devices, which a process can do
# only before its backend starts. On PyTorch a benchmark finds what lies beside it as a program too.
PROGRAMS = {"imagenet.py"}
if keras.backend.backend() == "torch":
    PROGRAMS |= {"benchmarks/cifar10_steps.py"}


def as_a_program(path, folder):
    """Run a script in a process of its own, and return what it printed."""
    code, printed, errors = run(path, "--quick", folder=folder)
    assert code == 0, printed + errors
    return printed


def example(name):
    """Return the case of an example, and its marks."""
    marks = [pytest.mark.long if name in PROGRAMS else pytest.mark.medium]
    return pytest.param(name, marks=marks + [pytest.mark.eager] * (name in EAGER))


@pytest.mark.parametrize("name", [example(name) for name in EXAMPLES])
def test_examples_run(name, tmp_path, monkeypatch, capsys):
    """The quick form of every example runs to its end; in this process a warning is an error."""
    path = ROOT / "examples" / name
    if name in PROGRAMS:
        assert EXAMPLES[name] in as_a_program(path, tmp_path)
        return
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setattr(sys, "argv", [str(path), "--quick"])
    if name == "benchmarks/steps.py":  # it draws and copies the weights of a whole network
        narrow(monkeypatch, "owt")
        monkeypatch.setattr("peers.networks.UNITS", (UNITS, UNITS, 1000))
    runpy.run_path(str(path), run_name="__main__")
    assert EXAMPLES[name] in capsys.readouterr().out


@pytest.mark.backend_free
def test_every_example_is_tested():
    """No example stands in the folder without a test that runs it."""
    folder = ROOT / "examples"
    scripts = (path for path in folder.rglob("*.py") if not (path.parent / "__init__.py").exists())
    names = {str(path.relative_to(folder)) for path in scripts}
    assert names == EXAMPLES.keys() | ON_SEVERAL_MACHINES


@pytest.mark.backend_free
def test_no_private_keras_names():
    """The package uses Keras's public names only, but for the one file that has to do without."""
    uses = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bkeras\.src\b", path.read_text(encoding="utf-8"))
    ]
    assert uses == ["framework_ops.py"]


def run_python(code, **environment):
    """Run code in a fresh process and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# None in `sys.modules` is Python's own way to make an import fail.
WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None
import numpy as np, keras
from keras_alexnet import AlexNet
model = AlexNet("cifar10_18pct", initialization="robust")
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(np.zeros((4, 32, 32, 3), "float32"), np.zeros(4), verbose=0)
model.save("without.keras")
print(keras.saving.load_model("without.keras").count_params(), sys.modules["tensorflow"])
"""


if keras.backend.backend() != "tensorflow":

    @pytest.mark.long
    def test_without_tensorflow(tmp_path, monkeypatch):
        """Building, fitting arrays and files work with no TensorFlow installed."""
        monkeypatch.chdir(tmp_path)
        assert run_python(WITHOUT_TENSORFLOW).splitlines()[-1] == "89578 None"
