"""A folder for the sides of `examples/benchmarks/steps.py`, whose code a test writes."""

import importlib
import pathlib
import shutil

EXAMPLES = pathlib.Path(__file__).parent.parent.parent / "examples/benchmarks"


def peers_folder(tmp_path, monkeypatch):
    """Have `steps.py` look for the code of its sides in a new folder, and return that.

    The folder has the program that runs a side, and the names of the rows for a GPU.
    """
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr(importlib.import_module("steps"), "HERE", tmp_path)
    folder = tmp_path / "peers"
    folder.mkdir()
    for name in ("worker.py", "gpu_names.py"):
        shutil.copy(EXAMPLES / "peers" / name, folder)
    return folder
