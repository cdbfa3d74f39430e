"""The table of what works with which versions, and how it was made.

    python tests/versions.py --folder versions --python python3.11 --python python3.12

makes an environment with pip for each column, one after the other, runs the rows of
`version_checks.py` in it, and removes it (--keep leaves it for the next time). Each column is a
file in the folder; one that is there is not made again. At the end the table is printed as it
stands in docs/which_when.md.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import tempfile
import tomllib

import numpy as np

from version_checks import ROWS

TESTS = pathlib.Path(__file__).parent
PROJECT = tomllib.loads((TESTS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CHECKS = TESTS / "version_checks.py"
LIMIT = 900  # seconds for all rows of a column
# As in .ci/run: where a CPU build of this release is on offer, pip takes it instead of CUDA's.
BACKENDS = {
    "tensorflow": [],
    "jax": ["jax"],
    "torch": ["torch==2.13.0"],
    "openvino": ["openvino", "scipy"],  # Keras 3.15 imports SciPy there, and asks for none
}
EXPORT = ["onnx", "onnxruntime"]


@dataclasses.dataclass(frozen=True)
class Column:
    """An environment.

    Args:
        python: The interpreter, a name or a path.
        backend: Keras's backend.
        tensorflow: Whether TensorFlow is installed.
        oldest: Whether every dependency of the package has its lower bound.
    """

    python: str
    backend: str
    tensorflow: bool = True
    oldest: bool = False

    def packages(self) -> list[str]:
        """Return what pip installs besides the package."""
        needed = PROJECT["dependencies"]
        if self.oldest:
            needed = [f"{re.sub('>=', '==', text)}.*" for text in needed]
        needed = [text for text in needed if self.tensorflow or not text.startswith("tensorflow")]
        return [*needed, *BACKENDS[self.backend], *EXPORT]

    def name(self) -> str:
        """Return a name for the file of the column."""
        version = re.sub(r".*?(\d+\.\d+)[^/]*/?.*", r"\1", self.python)
        without = "" if self.tensorflow else "-without-tensorflow"
        return f"{self.backend}{without}{'-oldest' * self.oldest}-{version}"


def columns(pythons: list[str]) -> list[Column]:
    """Return the environments: all of them on the first interpreter, some on the others."""
    first, *others = pythons
    found = [Column(first, "tensorflow"), Column(first, "tensorflow", oldest=True)]
    for backend in ("jax", "torch", "openvino"):
        found += [Column(first, backend), Column(first, backend, tensorflow=False)]
    found.append(Column(first, "jax", tensorflow=False, oldest=True))
    for python in others:
        found.append(Column(python, "tensorflow"))
        found += [Column(python, backend, tensorflow=False) for backend in ("jax", "torch")]
    return found


def environment(column: Column, place: pathlib.Path) -> str:
    """Make the environment of a column in a folder, and return its Python."""
    python = str(place / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
    if not (place / "made").exists():
        subprocess.run([column.python, "-m", "venv", "--clear", str(place)], check=True)
        subprocess.run([*install, *column.packages()], check=True)
        (place / "made").touch()
    subprocess.run([*install, "--no-deps", "--force-reinstall", str(TESTS.parent)], check=True)
    return python


def measured(column: Column, kept: pathlib.Path | None) -> dict:
    """Run the rows in the environment of a column, and return what they said."""
    with tempfile.TemporaryDirectory() as folder:
        python = environment(column, (kept or pathlib.Path(folder)) / f"{column.name()}-env")
        listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], **captured(folder))
        versions = {row["name"].lower(): row["version"] for row in json.loads(listed.stdout)}
        assert ("tensorflow" in versions) == column.tensorflow, versions
        here = subprocess.run([python, "--version"], **captured(folder)).stdout.split()[1]
        rows = results([python, str(CHECKS)], folder, column.backend)
        return {"python": here, "versions": versions, "rows": rows}


def captured(folder: str, **environment: str) -> dict:
    """Return how a program runs: away from the source, by pip's package alone, and quietly."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": ""}
    return {
        "cwd": folder,
        "env": {**os.environ, **quiet, **environment},
        "capture_output": True,
        "text": True,
        "timeout": LIMIT,
    }


def results(command: list[str], folder: str, backend: str) -> dict[str, dict]:
    """Run all rows; after a row that ends the process, go on with the next one."""
    found = {}
    while left := [name for name in ROWS if name not in found]:
        done = subprocess.run([*command, *left], **captured(folder, KERAS_BACKEND=backend))
        printed = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]
        found |= {result["row"]: result for result in printed}
        if len(printed) < len(left):
            last = done.stderr.strip().splitlines()[-1:]
            found[left[len(printed)]] = {"error": f"the process ended: {' '.join(last)}"}
    return found


def remark(row: str, result: dict, reference: dict) -> str:
    """Return what the table says of a row that is not as it is in the first environment."""
    if "error" in result:
        name, _, words = result["error"].partition(": ")
        return f"{row}: {name}, {re.split(r'[.] | [(]', words)[0]}"  # the first sentence
    if row == "benchmark" and result["value"] != reference["value"]:
        return f"{row}: {result['value']} only"
    if row == "forward":
        ours, theirs = np.asarray(result["value"]), np.asarray(reference["value"])
        error = abs(ours - theirs).max() / abs(theirs).max()
        return f"{row}: {error:.0e} of the largest output off" if error > 1e-5 else ""
    return ""


def table(found: dict[str, dict]) -> str:
    """Return the table in Markdown, a line for each environment."""
    lines = [
        "| backend | TensorFlow | Python | Keras | NumPy | works | remarks |",
        "|---|---|---|---|---|--:|---|",
    ]
    reference = next(iter(found.values()))["rows"]
    for name, column in found.items():
        versions, rows = column["versions"], column["rows"]
        backend = name.split("-")[0]
        works = sum("error" not in rows[row] for row in ROWS)
        remarks = [remark(row, rows[row], reference[row]) for row in ROWS]
        cells = (
            f"{backend} {versions[backend]}",
            versions.get("tensorflow", "not installed"),
            column["python"],
            versions["keras"],
            versions["numpy"],
            f"{works} of {len(ROWS)}",
            "; ".join(filter(None, remarks)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("versions"))
    parser.add_argument("--python", action="append", help="an interpreter; the first has all rows")
    parser.add_argument("--keep", action="store_true", help="keep the environments, some GB each")
    parser.add_argument("--only", nargs="*", help="names of columns, as the table has them")
    options = parser.parse_args()
    kept = options.folder.absolute() if options.keep else None
    options.folder.mkdir(exist_ok=True)
    found = {}
    for column in columns(options.python or ["python3.11"]):
        path = options.folder / f"{column.name()}.json"
        if not path.exists():
            if options.only is not None and column.name() not in options.only:
                continue
            print(f"{column.name()} ...", flush=True)
            path.write_text(json.dumps(measured(column, kept), indent=1), encoding="utf-8")
        found[column.name()] = json.loads(path.read_text(encoding="utf-8"))
    print(table(found))


if __name__ == "__main__":
    main()
