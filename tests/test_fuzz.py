"""A short run of tests/fuzz, and the faults of a reader that it must notice."""

import os
import re
import subprocess
import sys

import pytest

from fuzz.mutants import FORMATS as FUZZED
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.sniffing import FORMATS as READ
from keras_alexnet.formats.sniffing import detect_format

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


def test_every_format_that_is_read_is_damaged(tmp_path):
    """A new row of the formats needs a whole file here, from which the fuzzer makes its mutants."""
    found = set()
    for row in FUZZED.values():
        for content in row.whole:
            (tmp_path / "whole").write_bytes(content)
            with CheckpointFile(tmp_path / "whole") as file:
                found.add(detect_format(file).name)
    assert found == {row.name for row in READ}


@pytest.mark.long
def test_damaged_files_are_refused_or_read_right(tmp_path):
    code, rows, kept = fuzz(tmp_path, "--count", "200")
    assert not kept, {name: file.read_text() for name, file in kept.items() if "txt" in name}
    assert code == 0 and len(rows) == FORMATS
    for name, count, refused, loaded, *_ in rows:
        assert (count, int(refused) + int(loaded)) == ("200", 200), name
        assert int(refused) > 50 and int(loaded) > 2, name  # neither nonsense alone, nor harmless


WRONG = (  # what `fuzz.bad_readers.each_fault` does, in its order
    ("wrong", "KeyError: 'conv1'"),
    ("wrong", "The message is"),
    ("forbidden", r"os\.system"),
    ("forbidden", "open .*hostname"),
    ("forbidden", "open .*mutant"),
    ("memory", r"1\d\d MB for \d+ bytes"),
    ("wrong", "Too much memory was asked for"),
    ("crash", "ended by SIGSEGV"),
    ("hang", r"more than 0\.25 seconds"),
    ("hang", r"more than 0\.25 seconds"),
)
EACH_FAULT = ("--reader", "fuzz.bad_readers:each_fault")


@pytest.mark.long
def test_what_must_not_happen_is_noticed(tmp_path):
    """It is put down to the mutant with which it happened, and the others are read all the same."""
    options = ("--format", "caffe", "--count", "24", "--seconds", "0.25")
    code, [[_, count, refused, loaded, *_, failures]], kept = fuzz(tmp_path, *options, *EACH_FAULT)
    assert (code, count, failures) == (1, "24", "10")
    noticed = [f"caffe-0-{2 * number + 1}" for number in range(len(WRONG))]
    assert sorted(kept) == sorted([*noticed, *(f"{name}.txt" for name in noticed)])
    for name, (kind, detail) in zip(noticed, WRONG, strict=True):
        assert re.match(rf"{kind}: (.|\n)*{detail}", kept[f"{name}.txt"].read_text()), name
    # Two faults are found once the file was read, which then counts among the read ones as well.
    assert int(refused) + int(loaded) == 24 - 10 + 2


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
    for name, more in (("many", ("--count", "4", *EACH_FAULT)), ("one", ("--only", "3"))):
        (tmp_path / name).mkdir()
        fuzz(tmp_path / name, *options, *more)
    many, one = ((tmp_path / name / "onnx-3-3").read_bytes() for name in ("many", "one"))
    assert many == one
