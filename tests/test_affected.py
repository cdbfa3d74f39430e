"""The test files that a change affects, and the mutants that a seed chooses."""

import ast
import gc

import pytest

import affected
import mutations

pytestmark = [pytest.mark.backend_free, pytest.mark.medium]

NEAREST = {  # a changed file, and a test file that must be among the first
    "keras_alexnet/layers/lrn.py": "layers/test_lrn.py",  # through `import keras_alexnet`
    "keras_alexnet/data/decoder.py": "data/test_decoder.py",
    "keras_alexnet/formats/hdf5/chunks.py": "formats/test_damaged_hdf5.py",
    "tests/tools/local_server.py": "cli/test_download_command.py",  # a helper, through a fixture
    "tests/fuzz/mutants.py": "test_fuzz.py",  # through a program that the test starts
    "tests/test_files.py": "test_files.py",
    "examples/look_inside.py": "test_package.py",
    "examples/browser/classify.js": "browser/test_page.py",
    "README.md": "test_documents.py",
    "docs/weights.md": "test_documents.py",
}


@pytest.fixture
def no_collector():
    """No garbage collector, which would go through all syntax trees again and again."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_what_a_change_affects():
    """The test files that import it, the nearest first, and not all that import the package."""
    checkout = affected.Repository()
    for changed, nearest in NEAREST.items():
        assert f"tests/{nearest}" in list(checkout.affected([changed]))[:3], changed
    found = checkout.affected(["keras_alexnet/recipes/plateau.py"])
    assert 0 < len(found) < 10
    assert checkout.affected(["LICENSE"]) == {}


def test_mutants_follow_the_seed():
    """The same seed gives the same changes; each is another program, in its own place."""
    paths = list(mutations.core(affected.ROOT, ["*/layers/*"]))
    assert "keras_alexnet/layers/lrn.py" in paths
    chosen = mutations.choose(affected.ROOT, paths, 8, seed=0)
    assert chosen == mutations.choose(affected.ROOT, paths, 8, seed=0)
    assert chosen != mutations.choose(affected.ROOT, paths, 8, seed=1)
    for edit in chosen:
        text = (affected.ROOT / edit.path).read_bytes()
        assert ast.dump(ast.parse(edit.applied(text))) != ast.dump(ast.parse(text))
        assert edit.diff(text).count("\n@@ ") == 1
