"""Changes the package in small ways, and says which of the changes no test notices.

    python tests/mutants.py                                       # 30 mutants of the core
    python tests/mutants.py --count 4 --seed 1 --modules "keras_alexnet/layers/*"
    python tests/mutants.py --tests-from ../older                 # the tests of another checkout

A mutant is the package with one operator, number or statement changed. The same seed gives the
same mutants as long as the package stays the same. Each mutant is written into a copy of the
checkout in a temporary folder. There its docstring examples run, then the test files that import
the mutated module, the nearest first. A test that fails without the mutation too kills no mutant.
"""

import argparse
import contextlib
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from affected import MAX_DISTANCE, ROOT, Repository, git
from mutations import choose, core

# Without the options of pyproject.toml: neither several processes nor a random order are wanted.
OPTIONS = "-o addopts= -x -q -n 0 -p no:randomly -p no:cacheprovider -p mutant_plugin"
OPTIONS += " --basetemp=temporary --doctest-modules -o doctest_optionflags=ELLIPSIS"
# Notes which test runs, and fails the run if the package that was imported is not the mutant.
PLUGIN = """
import pathlib, sys, pytest
HERE = pathlib.Path(__file__).resolve().parent
def pytest_runtest_logstart(nodeid, location):
    (HERE / "running.txt").write_text(nodeid)
def pytest_collectreport(report):
    if report.failed:
        (HERE / "running.txt").write_text(report.nodeid)
def pytest_sessionfinish(session):
    file = getattr(sys.modules.get("keras_alexnet"), "__file__", None)
    if file and HERE not in pathlib.Path(file).resolve().parents:
        pytest.exit(f"The tests imported {file}, which is not the mutant.", returncode=99)
"""


def copy_checkout(folder, tests_from):
    """Copy the working tree to a folder, with the tests of another checkout if one is given."""
    for path in git("ls-files", "--cached", "--others", "--exclude-standard", "-z"):
        if (ROOT / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
    if tests_from:
        shutil.rmtree(folder / "tests")
        shutil.copytree(tests_from / "tests", folder / "tests")
        shutil.copy(tests_from / "pyproject.toml", folder)  # the settings of pytest
    (folder / "mutant_plugin.py").write_text(PLUGIN)


def run_tests(folder, tests, seconds, test_seconds):
    """Run tests in a copy of the checkout.

    Returns:
        How the run ended ("passed", "failed", "hangs" or "stopped"), and in which test.
    """
    running, log = folder / "running.txt", folder / "pytest.log"
    running.write_text("the start of pytest")
    command = [sys.executable, "-m", "pytest", *OPTIONS.split(), *tests]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    with open(log, "w") as output:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
        process = subprocess.Popen(
            command, cwd=folder, env=environment, start_new_session=True, **quiet
        )
        stopped = wait(process, running, time.time() + seconds, test_seconds)
    if not stopped and process.returncode in (4, 99):  # wrong arguments, or not the mutant
        raise RuntimeError(log.read_text()[-2000:])
    # 5 says that no test is left, where all fail without the mutation too.
    end = stopped or ("passed" if process.returncode in (0, 5) else "failed")
    return end, running.read_text()


def wait(process, running, deadline, test_seconds):
    """Wait until a run ends. Return "hangs" or "stopped" if it has to be killed."""
    try:
        while process.poll() is None:
            time.sleep(0.2)
            if time.time() > running.stat().st_mtime + test_seconds:
                return "hangs"
            if time.time() > deadline:
                return "stopped"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # pytest's workers, as well
        process.wait()
    return None


class Judge:
    """Runs the tests of mutants.

    Args:
        original: A copy of the checkout without a mutation.
        seconds: Longest time for a mutant.
        test_seconds: Longest time for a test.
    """

    def __init__(self, original, seconds, test_seconds):
        self.original, self.seconds, self.test_seconds = original, seconds, test_seconds
        self.repository = Repository(original)
        self.broken = []

    @functools.cache  # noqa: B019 - one judge lives as long as the process
    def passes_without(self, test):
        """Return whether a test passes, or a file of tests is importable, without a mutation."""
        tests = [test] if "::" in test else ["--collect-only", test]
        return run_tests(self.original, tests, self.seconds, self.test_seconds)[0] == "passed"

    def judge(self, edit):
        """Return how the tests of a mutant end, and in which test."""
        deadline = time.time() + self.seconds
        near = self.repository.affected([edit.path], MAX_DISTANCE)
        rounds = [[test for test in near if near[test] == far] for far in range(MAX_DISTANCE + 1)]
        rounds = [tests for tests in rounds if tests] or [[]]
        rounds[0].insert(0, edit.path)  # for the examples in its docstrings
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder).resolve() / "checkout"
            shutil.copytree(self.original, copy)
            (copy / edit.path).write_bytes(edit.applied((copy / edit.path).read_bytes()))
            for tests in rounds:
                end, test = self.run_whole(copy, tests, deadline)
                if end != "passed":
                    return end, test
        return "passed", ""

    def run_whole(self, copy, tests, deadline):
        """Run tests, without those that fail without the mutation too."""
        while left := [test for test in tests if test not in self.broken]:
            left += [f"--deselect={test}" for test in self.broken]
            end, test = run_tests(copy, left, deadline - time.time(), self.test_seconds)
            if end in ("passed", "stopped") or "/" not in test or self.passes_without(test):
                return end, test
            print(f"{test} fails without a mutation: left out", flush=True)
            self.broken.append(test)
        return "passed", ""


def report(edit, text, end, test, seconds):
    """Return the line about a mutant, and the change if the mutant survived."""
    place = f"{edit.path}:{len(text[: edit.start + 1].splitlines())}"
    if end in ("failed", "hangs"):
        return f"{place} killed by {test}{' (hangs)' * (end == 'hangs')}, {seconds:.0f} s"
    cut = f" what ran until {test}" if end == "stopped" else ""
    return f"{place} SURVIVED{cut}, {seconds:.0f} s\n{edit.diff(text)}"


def arguments():
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--modules", nargs="+", metavar="GLOB", default=["*"])
    parser.add_argument("--tests-from", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--minutes", type=float, default=10, help="longest time for a mutant")
    parser.add_argument("--test-seconds", type=float, default=240, help="longest time for a test")
    parser.add_argument("--list", action="store_true", help="show the mutants and run no test")
    return parser.parse_args()


def main():
    """Make mutants, run their tests, and print how each ended."""
    chosen = arguments()
    with tempfile.TemporaryDirectory() as folder:
        original = pathlib.Path(folder).resolve() / "checkout"
        copy_checkout(original, chosen.tests_from)
        edits = choose(original, core(original, chosen.modules), chosen.count, chosen.seed)
        judge = Judge(original, 60 * chosen.minutes, chosen.test_seconds)
        killed = 0
        for edit in edits:
            text, start = (original / edit.path).read_bytes(), time.time()
            if chosen.list:
                print(edit.diff(text))
                continue
            end, test = judge.judge(edit)
            killed += end in ("failed", "hangs")
            print(report(edit, text, end, test, time.time() - start), flush=True)
    if not chosen.list:
        print(f"{killed} of {len(edits)} killed")


if __name__ == "__main__":
    main()
