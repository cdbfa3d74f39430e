"""A few damaged files of each format are read well, and what must not happen is noticed."""

import os
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.backend_free

RUN = os.path.join(os.path.dirname(__file__), "fuzz", "run.py")
FORMATS = 14


def fuzz(tmp_path, *options):
    """Return the exit code of the script, its table, and what was kept of failures by name."""
    done = subprocess.run(
        [sys.executable, RUN, "--save", tmp_path, *options],
        capture_output=True,
        text=True,
        timeout=1800,
    )
    head, *rows = (re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines())
    assert head[:4] == ["format", "mutants", "refused", "loaded"], done.stderr
    return done.returncode, rows, {file.name: file for file in tmp_path.iterdir()}


@pytest.mark.long
def test_damaged_files_are_refused_or_read_right(tmp_path):
    code, rows, kept = fuzz(tmp_path, "--count", "200")
    assert not kept, {name: file.read_text() for name, file in kept.items() if "txt" in name}
    assert code == 0 and len(rows) == FORMATS
    for name, count, refused, loaded, *_ in rows:
        assert (count, int(refused) + int(loaded)) == ("200", 200), name
        assert int(refused) > 50 and int(loaded) > 2, name  # neither nonsense alone, nor harmless


WRONG = {
    "crash": ("crash", "ended by SIGSEGV"),
    "hang": ("hang", r"more than 0\.5 seconds"),
    "wait": ("hang", r"more than 0\.5 seconds"),
    "grow": ("memory", r"1\d\d MB for \d+ bytes"),
    "want": ("wrong", "Too much memory was asked for"),
    "execute": ("forbidden", r"os\.system"),
    "look_elsewhere": ("forbidden", "open .*hostname"),
    "write": ("forbidden", "open "),
    "find_fault": ("wrong", "KeyError: 'conv1'"),
    "mutter": ("wrong", "The message is"),
}


@pytest.mark.long
@pytest.mark.parametrize("reader", WRONG)
def test_what_must_not_happen_is_noticed(tmp_path, reader):
    """It is put down to the mutant with which it happened, and the others are read all the same."""
    kind, detail = WRONG[reader]
    options = ("--format", "caffe", "--count", "12", "--seconds", "0.5")
    code, rows, kept = fuzz(tmp_path, *options, "--reader", f"fuzz.bad_readers:{reader}")
    assert code == 1 and rows[0][-1] == "1"
    assert sorted(kept) == ["caffe-0-7", "caffe-0-7.txt"]
    assert re.match(rf"{kind}: (.|\n)*{detail}", kept["caffe-0-7.txt"].read_text())


@pytest.mark.medium
def test_other_numbers_in_spite_of_checksums_are_noticed(tmp_path):
    options = ("--format", "npz", "--count", "40", "--reader", "fuzz.bad_readers:mislead")
    code, _, kept = fuzz(tmp_path, *options)
    assert code == 1
    assert any("in spite of its checksums" in f.read_text() for n, f in kept.items() if "txt" in n)


@pytest.mark.medium
def test_a_mutant_by_its_number(tmp_path):
    """The same number makes the same bytes, in a run of many and alone."""
    options = ("--format", "onnx", "--seed", "3")
    failing = ("--count", "9", "--reader", "fuzz.bad_readers:find_fault")
    for name, more in (("many", failing), ("one", ("--only", "7"))):
        (tmp_path / name).mkdir()
        fuzz(tmp_path / name, *options, *more)
    many, one = ((tmp_path / name / "onnx-3-7").read_bytes() for name in ("many", "one"))
    assert many == one
