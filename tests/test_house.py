"""The order of the rooms: a file imports only from its own room and from those before it."""

import ast
import functools
import graphlib
import pathlib
import re

import pytest

import keras_alexnet

pytestmark = pytest.mark.backend_free

PACKAGE = pathlib.Path(keras_alexnet.__file__).parent

# Files of the package itself stand among its folders. The command line alone imports from all.
ROOMS = (
    *("version", "type_aliases", "errors", "arguments", "names", "short_repr", "progress"),
    *("tables", "files", "startup", "interrupts", "operations", "layers", "variants", "formats"),
    *("published", "cards", "functional_graphs", "preprocessing", "checkpoints", "callback_copies"),
    *("model", "features", "fully_convolutional", "predictions", "data", "recipes", "evaluation"),
    *("conversion", "export", "pictures", "distribution", "training", "benchmarking", "describe"),
    *("jobs", "cli"),
)
OF_FORMATS = {"formats", "errors"}  # bytes to arrays: nothing else of the package


def names_of_modules():
    """Return the path of every module by its name, but the package's two entrances."""
    names = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts).removesuffix(".__init__")] = path
    return {name: path for name, path in names.items() if name.count(".") and "__" not in name}


MODULES = names_of_modules()


def imported(path):
    """Return the modules of the package that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= full & set(MODULES) or {node.module} & set(MODULES)
    return found


@functools.cache
def imports():
    """Return the modules of the package that each of them imports."""
    return {name: imported(path) for name, path in MODULES.items()}


def room(name):
    return name.split(".")[1]


def test_every_room_has_its_place():
    """A new one joins the list, where what it needs is before it."""
    assert {room(name) for name in MODULES} == set(ROOMS)


def test_no_import_runs_back():
    """Also none inside a function, where it would hide a circle."""
    assert [
        (name, other)
        for name, others in imports().items()
        for other in others
        if ROOMS.index(room(other)) > ROOMS.index(room(name))
    ] == []


def test_formats_know_bytes_and_arrays_alone():
    others = {
        room(o) for name, found in imports().items() if room(name) == "formats" for o in found
    }
    assert others == OF_FORMATS


def test_there_is_no_circle():
    """Within a room neither: there is an order in which every module follows what it imports."""
    order = [*graphlib.TopologicalSorter(imports()).static_order()]
    for name, others in imports().items():
        assert all(order.index(other) < order.index(name) for other in others)


def test_the_map_of_the_house_has_every_room():
    """`DESIGN.md` says of each room what is inside, in the order of the imports."""
    text = (pathlib.Path(__file__).parent.parent / "DESIGN.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text[text.index("## Map of the house") :], re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)/?`", row)]
    assert sorted(named) == sorted(set(ROOMS))
    assert named == sorted(named, key=ROOMS.index)
