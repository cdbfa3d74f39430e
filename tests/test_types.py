"""The types of the public names: they are complete, resolve, and mypy judges by them."""

import importlib
import inspect
import os
import pathlib
import pydoc
import re
import subprocess
import sys
import typing

import pytest

import keras_alexnet
from keras_alexnet import jobs, type_aliases
from keras_alexnet.arguments import DATA_FORMATS
from keras_alexnet.cards.texts import ORDERS
from keras_alexnet.checkpoints.loading import VERIFY
from keras_alexnet.data.bad_files import BAD_IMAGES
from keras_alexnet.data.image_folder import SUBSETS
from keras_alexnet.data.resizers import RESIZINGS
from keras_alexnet.distribution import LAYOUTS
from keras_alexnet.evaluation.precision import PRECISIONS as INFERENCE_PRECISIONS
from keras_alexnet.export.formats import EXPORT_FORMATS
from keras_alexnet.export.settings import NORMALIZATIONS
from keras_alexnet.export.settings import PRECISIONS as EXPORT_PRECISIONS
from keras_alexnet.jobs.extraction import POOLINGS
from keras_alexnet.layers.local import PADDINGS
from keras_alexnet.layers.lrn import EVEN_WINDOWS, REGIONS
from keras_alexnet.layers.pooling import REDUCTIONS
from keras_alexnet.model import _POOLINGS
from keras_alexnet.pictures.filters import SCALINGS
from keras_alexnet.preprocessing.noise import DIALECTS
from keras_alexnet.preprocessing.resize import ANTIALIASED
from keras_alexnet.recipes.coupled_sgd import VELOCITIES
from keras_alexnet.training.compile_modes import MODES
from keras_alexnet.training.job import LOGS, PRECISIONS
from keras_alexnet.training.schedule import SCHEDULES
from keras_alexnet.variants.records import INITIALIZATIONS
from signatures import signature
from test_public_names import MODULES

pytestmark = pytest.mark.backend_free

SCRIPTS = pathlib.Path(__file__).parent / "typing_scripts"


def words(alias):
    """Return the words of an alias's `Literal`, and whether any other string is right as well."""
    parts = typing.get_args(alias)
    if typing.get_origin(alias) is typing.Literal:
        return [*parts], False
    found = [word for part in parts for word in words(part)[0]]
    return found, str in parts or any(words(part)[1] for part in parts)


TABLES = [
    ("VariantName", keras_alexnet.list_variants(), True),
    ("CheckpointName", keras_alexnet.list_checkpoints(), True),
    ("RecipeName", keras_alexnet.list_recipes(), True),
    ("Weights", ["imagenet", *keras_alexnet.list_checkpoints()], True),
    ("BadImages", BAD_IMAGES, False),
    ("CaffeRegion", [region.upper() for region in REGIONS], False),
    ("ChannelOrder", ORDERS, False),
    ("CompileMode", MODES, False),
    ("DataFormat", DATA_FORMATS, False),
    ("DeviceLayout", LAYOUTS, False),
    ("EvenWindow", EVEN_WINDOWS, False),
    ("ExportFormatName", EXPORT_FORMATS, False),
    ("ExportPrecision", EXPORT_PRECISIONS, False),
    ("FeaturePooling", POOLINGS, False),
    ("InferencePrecision", INFERENCE_PRECISIONS, False),
    ("Initialization", INITIALIZATIONS, False),
    ("NoiseDialect", DIALECTS, False),
    ("NormalizationForm", NORMALIZATIONS, False),
    ("Log", LOGS, False),
    ("Precision", PRECISIONS, False),
    ("Padding", PADDINGS, False),
    ("Pooling", _POOLINGS, False),
    ("Reduction", REDUCTIONS, False),
    ("Region", REGIONS, False),
    ("Resizing", RESIZINGS, False),
    ("Resizing", ANTIALIASED, False),
    ("Scaling", SCALINGS, False),
    ("Schedule", SCHEDULES, False),
    ("Subset", [subset for subset in SUBSETS if subset], False),
    ("Velocity", VELOCITIES, False),
    ("Verify", VERIFY, False),
]


@pytest.mark.parametrize(("alias", "table", "is_open"), TABLES)
def test_words_are_those_of_the_tables(alias, table, is_open):
    """What an editor completes is all that there is, in the order of the table."""
    assert words(getattr(type_aliases, alias)) == ([*table], is_open)


def test_the_words_of_every_choice_are_compared():
    closed = [
        name
        for name, alias in vars(type_aliases).items()
        if typing.get_origin(alias) is typing.Literal
    ]
    assert {*closed} <= {alias for alias, *_ in TABLES}


def callables(module):
    """Return the functions, constructors and methods of a module's public names, by name."""
    found = {}
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isfunction(thing):
            found[name] = thing
        elif inspect.isclass(thing):
            members = {key: getattr(value, "__func__", value) for key, value in vars(thing).items()}
            members = {key: getattr(value, "fget", value) for key, value in members.items()}
            own = {"__init__", *(key for key in members if not key.startswith("_"))}
            found |= {
                f"{name}.{key}": member
                for key, member in members.items()
                if key in own and inspect.isfunction(member)
            }
    return found


@pytest.mark.parametrize("name", ["", ".jobs", *(f".{name}" for name in MODULES)])
def test_everything_public_has_types(name):
    """Every parameter and what is returned, of functions, constructors and methods."""
    module = importlib.import_module(f"keras_alexnet{name}")
    for label, function in callables(module).items():
        wanted = {key for key in signature(function).parameters if key not in ("self", "cls")}
        assert wanted <= {*function.__annotations__}, label
        assert label.endswith("__init__") or "return" in function.__annotations__, label


def test_inherited_constructors_have_types():
    """An editor shows those of a base class as well, such as `TenCrop`'s."""
    for member in map(keras_alexnet.__dict__.get, keras_alexnet.__all__):
        if inspect.isclass(member):
            for parameter in signature(member).parameters.values():
                assert parameter.annotation is not parameter.empty, (member, parameter)


@pytest.mark.parametrize("module", [keras_alexnet, jobs])
def test_types_resolve(module):
    """`typing.get_type_hints` finds every name in them, as documentation tools need it."""
    late = {"Recipe.optimizer"}  # the table of recipes needs no Keras, its optimizer does
    for label, function in callables(module).items():
        if label not in late:
            assert typing.get_type_hints(function) or label == "list_variants", label


def test_help_shows_types_by_name():
    """Fifteen names of variants in the first line would hide the other arguments."""
    text = pydoc.plain(pydoc.render_doc(keras_alexnet.AlexNet))
    for shown in (
        "variant: 'VariantName | None' = None",
        "weights: 'Weights | None' = None",
        "classes: 'int | None' = None",
        "-> 'keras.Model'",
    ):
        assert shown in text
    shown = str(signature(keras_alexnet.LocalResponseNormalization))
    assert "region: Literal['across_channels', 'within_channel'] = 'across_channels'" in shown


# As a user has it: strict, and without the types of libraries that have none. All of JAX and
# PyTorch, which the package's own files name, would only cost minutes.
CONFIGURATION = """
[mypy]
strict = True
follow_imports = silent
[mypy-keras.*,h5py.*,jax.*,matplotlib.*,tensorflow.*,torch.*]
ignore_missing_imports = True
follow_imports = skip
"""


def checked(script, folder):
    """Return the lines of a script in which mypy finds an error, each with the error's code."""
    configuration = folder / "mypy.ini"
    configuration.write_text(CONFIGURATION)
    root = pathlib.Path(keras_alexnet.__file__).parents[1]
    environment = dict(os.environ)
    if root.name != "site-packages":  # where mypy looks in any case
        environment["MYPYPATH"] = str(root)
    options = ["--config-file", str(configuration), "--cache-dir", str(folder / "cache")]
    result = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(SCRIPTS / script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode in (0, 1), result.stdout + result.stderr
    found = re.findall(rf"{script}:(\d+): error: .*\[(.*)\]\n", result.stdout)
    assert len(found) == result.stdout.count("error:"), result.stdout
    return {int(number): code for number, code in found}


@pytest.mark.long
@pytest.mark.peer("mypy")
def test_mypy_judges_scripts_by_the_types(tmp_path):
    """A script with every public name is right, and each mistake of another one is found."""
    right = (SCRIPTS / "right.py").read_text()
    public = [*(f"keras_alexnet.{name}" for name in keras_alexnet.__all__)]
    public += [f"jobs.{name}" for name in jobs.__all__]
    assert [name for name in public if not re.search(rf"{re.escape(name)}\b", right)] == []
    assert checked("right.py", tmp_path) == {}
    lines = (SCRIPTS / "wrong.py").read_text().splitlines()
    marked = {number: line.split("# ")[1] for number, line in enumerate(lines, 1) if "# " in line}
    assert checked("wrong.py", tmp_path) == marked
