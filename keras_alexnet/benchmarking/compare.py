"""Timings of every installed backend and compile mode, each from a fresh process."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable

__all__ = ["compare"]

MODES = {"tensorflow": ("plain", "compiled"), "jax": ("compiled",), "torch": ("plain", "compiled")}


def compare(arguments: list[str], say: Callable[[str], object]) -> list[dict]:
    """Run `keras-alexnet benchmark` once for each installed backend and mode.

    Args:
        arguments: The arguments of the command, the same for all runs.
        say: Called with a line before each run.

    Returns:
        A dictionary for each run with `"backend"`, `"mode"`, and either `"report"`, the report as a
        dictionary, or `"error"`, the reason why the run failed.
    """
    results = []
    for backend, modes in MODES.items():
        if importlib.util.find_spec(backend) is None:
            say(f"{backend} is not installed.")
            continue
        for mode in modes:
            say(f"{backend}, {mode} ...")
            command = ["benchmark", *arguments, "--mode", mode, "--json"]
            done = subprocess.run(
                [sys.executable, "-m", "keras_alexnet", *command],
                env={**os.environ, "KERAS_BACKEND": backend},
                capture_output=True,
                text=True,
                check=False,
            )
            result = {"backend": backend, "mode": mode}
            if done.returncode == 0:
                result["report"] = json.loads(done.stdout)
            else:
                result["error"] = _reason(done.stderr) or f"exit code {done.returncode}"
            results.append(result)
    return results


def _reason(text: str) -> str:
    r"""Return the line of a traceback that names the error, or the last line if none does.

    Example:

    >>> _reason("Traceback ...\nValueError: too small\n\nArguments received:\n  x=3")
    'ValueError: too small'
    """
    lines = text.strip().splitlines()
    named = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return next(iter(reversed(named or lines)), "")
