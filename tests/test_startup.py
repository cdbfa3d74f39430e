"""The start of a process: oneDNN for the command line, no change for other programs."""

import contextlib
import gc
import os
import platform
import subprocess
import sys

import keras
import pytest

from keras_alexnet import AlexNet, cli, startup
from keras_alexnet.cli import COMMANDS, main

# Variables with which a user sets glibc's allocator.
SETTINGS = ["GLIBC_TUNABLES", *(name for name in os.environ if name.startswith("MALLOC_"))]


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["/usr/bin/python3", "-m", "keras_alexnet", "fit"], True),
        (["python", "/usr/local/bin/keras-alexnet", "list"], True),
        (["C:\\venv\\Scripts\\keras-alexnet.exe", "list"], True),
        (["python", "train.py", "fit"], False),
        (["python", "-m", "pytest", "tests", "-k", "keras_alexnet"], False),
        (["python", "-c", "import keras_alexnet"], False),
        (["python3", "-sP", "/usr/bin/keras-alexnet", "list"], True),
        (["python", "-X", "importtime", "-W", "error", "-m", "keras_alexnet", "list"], True),
        (["python", "-Im", "keras_alexnet", "list"], True),
        (["python", "-mkeras_alexnet"], True),
        (["python.exe", "-u", "C:\\venv\\Scripts\\keras-alexnet-script.py", "list"], True),
        (["python", "/usr/bin/pytest", "keras-alexnet"], False),
        (["python", "train.py", "--data=keras-alexnet"], False),
        (["python", "train.py", "-m", "keras_alexnet"], False),
        (["python", "/projects/keras-alexnet/train.py"], False),
        (["python", "my-keras-alexnet"], False),
        (["python", "-m", "keras_alexnet_extras"], False),
        (["python", "-c", "import keras_alexnet", "-m", "keras_alexnet"], False),
        (["python", "-Xkeras-alexnet", "-"], False),
        (["python", "-W"], False),
        ([], False),
    ],
)
def test_the_command_line_is_known_by_its_program(words, expected, monkeypatch):
    """A program that imports the package, or has its name among its arguments, is none."""
    monkeypatch.setattr(sys, "orig_argv", words)
    assert startup.is_command_line() is expected


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("machine", "given", "expected"),
    [
        ("x86_64", None, "1"),
        ("AMD64", None, "1"),
        ("x86_64", "0", "0"),
        ("arm64", None, None),
    ],
)
def test_one_dnn_is_chosen_where_it_was_measured(machine, given, expected, monkeypatch):
    """On x86 processors, and never against what the user has set."""
    # Not this process's own environment, which later tests hand on to theirs.
    environment = {} if given is None else {"TF_ENABLE_ONEDNN_OPTS": given}
    monkeypatch.setattr("os.environ", environment)
    monkeypatch.setattr("platform.machine", lambda: machine)
    startup.choose_convolutions()
    assert environment.get("TF_ENABLE_ONEDNN_OPTS") == expected


# Fill 64 MB, and return the number of pages that the system hands out for it.
PAGES = """
import resource
def filled():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(b"a") * 64_000_000
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
"""


# One after the other in a process: nothing is done until the last.
KEEPING = """
import os, sys
for words, variables in CASES:
    sys.orig_argv = words
    os.environ.update(variables)
    from keras_alexnet import startup
    startup.keep_memory()
    filled()
    print(filled(), startup.memory_is_kept)
    for name in variables:
        del os.environ[name]
"""
FIT = ["keras-alexnet", "fit"]
CASES = [
    (["python", "train.py"], {}),
    (FIT, {"MALLOC_MMAP_THRESHOLD_": "131072"}),
    (FIT, {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=131072"}),
    (FIT, {"GLIBC_TUNABLES": "glibc.cpu.x86_ibt=off"}),
]


def test_freed_memory_is_kept():
    """With glibc, the second block lies in the pages of the first, unless the user chose.

    TensorFlow gains nothing, and a program that imports the package has its own way.
    """
    program = f"{PAGES}\nCASES = {CASES}\n{KEEPING}"
    environment = {key: os.environ[key] for key in os.environ if key not in SETTINGS}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = [line.split() for line in done.stdout.splitlines()]
    kept = platform.libc_ver()[0] == "glibc" and keras.backend.backend() != "tensorflow"
    assert [said for _, said in found] == ["False"] * 3 + [str(kept)]
    few = [int(pages) < 1000 for pages, _ in found]  # 64 MB are 15,625 pages
    assert platform.libc_ver()[0] != "glibc" or few == [False] * 3 + [kept]


@pytest.mark.parametrize("error", [OSError, AttributeError, TypeError])
def test_another_c_library_is_left_alone(error, monkeypatch):
    """It has no such function, or cannot be opened by no name, as on Windows."""

    def library(name):
        raise error

    monkeypatch.setattr("os.environ", {})
    monkeypatch.setattr(sys, "orig_argv", ["keras-alexnet", "fit"])
    monkeypatch.setattr("ctypes.CDLL", library)
    startup.keep_memory()
    assert not startup.memory_is_kept


@pytest.mark.parametrize(
    "words", [["fit", "none"], ["benchmark", "cifar10_19pct", "--batches", "1"]]
)
def test_commands_of_many_steps_keep_memory(words, monkeypatch, capsys):
    """Before the first step."""
    calls = []
    monkeypatch.setattr(cli, "keep_memory", lambda: calls.append(1))
    main([*words, "--batch-size", "1"])
    assert calls == [1]
    main(["check-images", "none"])
    assert calls == [1]


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("words", "expected"),
    [(["keras-alexnet", "list"], ""), (["python", "train.py"], "a notice")],
)
def test_notices_are_held_back_in_the_command_line_alone(words, expected, monkeypatch, capfd):
    """What other programs write to their error stream stays."""
    monkeypatch.setattr(sys, "orig_argv", words)
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    with startup.notices_held_back():
        os.write(2, b"a notice")
    assert capfd.readouterr().err == expected


@pytest.mark.backend_free
def test_notices_are_shown_if_the_start_fails(monkeypatch, capfd):
    """They may say why."""
    monkeypatch.setattr(sys, "orig_argv", ["keras-alexnet", "list"])
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    with pytest.raises(ImportError, match="no backend"), startup.notices_held_back():
        os.write(2, b"a notice")
        raise ImportError("no backend")
    assert capfd.readouterr().err == "a notice"


@pytest.mark.backend_free
def test_notices_are_not_shown_after_ctrl_c(monkeypatch, capfd):
    """The user knows why it ended."""
    monkeypatch.setattr(sys, "orig_argv", ["keras-alexnet", "fit"])
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    with pytest.raises(KeyboardInterrupt), startup.notices_held_back():
        os.write(2, b"a notice")
        raise KeyboardInterrupt
    assert capfd.readouterr().err == ""


@pytest.mark.backend_free
@pytest.mark.parametrize("fails", [False, True])
def test_no_garbage_is_collected_during_the_import(fails, monkeypatch):
    """Afterwards it is, even if the import fails; but what was imported is passed over."""
    enabled = []

    def reload(module):
        enabled.append(gc.isenabled())
        if fails:
            raise ImportError("no backend")

    monkeypatch.setattr(startup, "_is_postponed", True)
    monkeypatch.setattr("importlib.reload", reload)
    monkeypatch.setattr(gc, "freeze", lambda: enabled.append(gc.isenabled()))
    with pytest.raises(ImportError) if fails else contextlib.nullcontext():
        startup.import_package()
    assert enabled == [False] * (1 if fails else 2) and gc.isenabled()


# Python imports `sitecustomize` when it starts. This one notes TensorFlow's setting at the end, and
# lets every machine be one for which the command line chooses it.
NOTE = """
import atexit, os, pathlib, platform
platform.machine = lambda: "x86_64"
note = pathlib.Path(__file__).with_name("setting.txt")
atexit.register(lambda: note.write_text(repr(os.environ.get("TF_ENABLE_ONEDNN_OPTS"))))
"""


def ended(folder, *program):
    """Run Python with a program; return how it ended, and the setting that it ended with."""
    (folder / "sitecustomize.py").write_text(NOTE)
    environment = {key: os.environ[key] for key in os.environ if key != "TF_ENABLE_ONEDNN_OPTS"}
    paths = [str(folder), *filter(None, [environment.get("PYTHONPATH")])]
    environment |= {"PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, *program], cwd=folder, env=environment, capture_output=True, text=True
    )
    return done, (folder / "setting.txt").read_text()


SLOW = ("keras", "tensorflow", "jax", "torch", "numpy")  # to import
# What pip installs as `keras-alexnet` is a program of this name; here with several commands.
LAUNCHER = f"""
import contextlib, io, sys
from keras_alexnet.cli import main
for words in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            code = main(words.split())
        except SystemExit as stop:
            code = stop.code
    imported = [name for name in {SLOW} if name in sys.modules]
    print(code, "printed" if printed.getvalue() else "silent", *imported)
if "keras" in imported:
    import keras_alexnet
    print(keras_alexnet.describe(keras_alexnet.AlexNet("cifar10_19pct")).parameters)
"""
HELP = [f"{module.__name__.rpartition('.')[2].replace('_', '-')} --help" for module in COMMANDS]
QUICK = [
    *("--version", "--help", *HELP),
    *("list", "list --json"),
]
WRONG = ["", "nosuch", "--nosuch", "fit --nosuch", "fit --epochs 0", "describe"]


def launched(folder, *commands):
    """Run commands in one process; return how it ended, and TensorFlow's setting at the end."""
    launcher = folder / "keras-alexnet"
    launcher.write_text(LAUNCHER)
    return ended(folder, str(launcher), *commands)


@pytest.mark.backend_free
@pytest.mark.medium
def test_help_lists_and_mistakes_need_no_keras(tmp_path):
    """They are answered before a library is imported that takes seconds."""
    done, _ = launched(tmp_path, *QUICK, *WRONG)
    expected = ["0 printed"] * len(QUICK) + ["2 silent"] * len(WRONG)
    assert done.stdout.splitlines() == expected
    assert done.stderr.count("\n") == len(WRONG)


@pytest.mark.backend_free
@pytest.mark.medium
def test_the_module_needs_no_keras_for_a_list(tmp_path):
    """`python -m keras_alexnet` starts as `keras-alexnet` does."""
    done, _ = ended(tmp_path, "-X", "importtime", "-m", "keras_alexnet", "list")
    assert done.returncode == 0
    assert "60,965,224" in done.stdout
    imported = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    assert "keras_alexnet.cli" in imported
    assert [name for name in imported if name.split(".")[0] in SLOW] == []


@pytest.mark.long
def test_a_command_that_needs_keras(tmp_path):
    """It has oneDNN, and the package as every program has it, even after another command.

    For a mistake it writes one line, the backend's own notices included.
    """
    done, setting = launched(tmp_path, "list", "describe nosuch")
    assert setting == "'1'"
    quick, slow, parameters = done.stdout.splitlines()
    assert quick == "0 printed"
    assert slow.startswith("2 silent keras")
    assert parameters == "89578"
    assert done.stderr.startswith("keras-alexnet describe: Received variant='nosuch'")
    assert done.stderr.count("\n") == 1


PROGRAM = """
import gc, sys
gc.disable()
import keras
try:
    keras.saving.load_model("model.keras")
except Exception as error:
    print("keras_alexnet" in str(error))
before = set(sys.modules)
import keras_alexnet
new = {name.split(".")[0] for name in set(sys.modules) - before}
print("PIL.TgaImagePlugin" in sys.modules)
import keras_alexnet.cli
keras_alexnet.cli.main(["list"])
model = keras.saving.load_model("model.keras")
print(model.output_shape, model.get_layer("norm1").region)
print(sorted(new - set(sys.stdlib_module_names)))
found = set(keras.saving.get_custom_objects())
import pkgutil, importlib
for module in pkgutil.walk_packages(keras_alexnet.__path__, "keras_alexnet."):
    if module.name != "keras_alexnet.__main__":
        importlib.import_module(module.name)
print(len(found), set(keras.saving.get_custom_objects()) - found)
"""


@pytest.mark.long
def test_a_program_that_imports_the_package(tmp_path):
    """TensorFlow's setting stays; no second backend, optional library or reader is imported.

    Before it does, it is told what it lacks to load a model; afterwards it needs no more.
    """
    AlexNet("cifar10_18pct").save(tmp_path / "model.keras")
    done, setting = ended(tmp_path, "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    assert setting == "None"
    assert "cifar10_80sec" in done.stdout
    lines = done.stdout.splitlines()
    assert lines[:2] == ["True", "False"]
    assert lines[-3:-1] == ["(None, 10) within_channel", "['keras_alexnet']"]
    count, missing = lines[-1].split(maxsplit=1)
    assert int(count) > 20
    assert missing == "set()"  # every class that can be saved is found
