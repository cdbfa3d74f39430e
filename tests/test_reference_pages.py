"""The reference of the site: every public name is on a page, and its docstring reads as meant."""

import ast
import builtins
import doctest
import importlib
import inspect
import pathlib
import re

import pytest

import keras_alexnet
from keras_alexnet import jobs

ROOT = pathlib.Path(__file__).parent.parent
pytestmark = pytest.mark.backend_free

PAGES = sorted((ROOT / "docs/reference").glob("*.md"))
NAMES = [
    name
    for page in PAGES
    for name in re.findall(r"^::: (\S+)", page.read_text(encoding="utf-8"), re.MULTILINE)
]
THINGS = {
    name: getattr(importlib.import_module(name.rpartition(".")[0]), name.rpartition(".")[2])
    for name in NAMES
}
# What a reader of an example knows without its import: the reference says where these are.
KNOWN = {*dir(builtins), *keras_alexnet.__all__, *jobs.__all__, "keras", "jobs"}


def docstrings(thing):
    """Yield the docstring of a function, or those of a class and of its public methods."""
    yield inspect.getdoc(thing) or ""
    if inspect.isclass(thing):
        for name, value in vars(thing).items():
            if not name.startswith("_"):
                yield inspect.getdoc(value) or ""


def test_every_public_name_has_its_place():
    shown = {thing.__name__ for thing in THINGS.values()}
    assert {*keras_alexnet.__all__, *jobs.__all__} <= shown


def unknown_names(docstring):
    """Yield the names that the examples of a docstring use and neither make nor import."""
    known = {*KNOWN}
    for example in doctest.DocTestParser().get_examples(docstring):
        nodes = [*ast.walk(ast.parse(example.source))]
        for node in nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                known.add(node.id)
            elif isinstance(node, ast.alias):
                known.add((node.asname or node.name).split(".")[0])
            elif isinstance(node, ast.arg):
                known.add(node.arg)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                known.add(node.name)
        names = (node.id for node in nodes if isinstance(node, ast.Name))
        yield from (name for name in names if name not in known)


@pytest.mark.parametrize("name", NAMES)
def test_examples_import_what_they_use(name):
    """A reader copies an example: a private constant of its module is not there."""
    found = [each for text in docstrings(THINGS[name]) for each in unknown_names(text)]
    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_values_are_not_read_as_types(name):
    """Google's form is `type: description`, so a colon in the first line ends a type."""
    for text in docstrings(THINGS[name]):
        for line in re.findall(r"^(?:Returns|Yields):\n +(.*)", text, re.MULTILINE):
            assert not re.search(r":( |$)", line), line
