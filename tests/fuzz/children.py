"""Runs mutants in a process of their own, which may crash, hang, or ask for too much."""

import contextlib
import dataclasses
import faulthandler
import json
import mmap
import os
import resource
import select
import signal
import struct
import time
import traceback
from collections.abc import Callable, Iterator
from typing import NamedTuple

from fuzz import judging
from fuzz.mutants import Format, mutant, prepare

ALLOWED = 100 << 20  # bytes of memory, beside twice the file's
LIMIT = 1 << 30  # bytes beyond which the system itself says no
BATCH = 500  # mutants that a process reads, if none goes wrong
STUCK = 6  # times longer than it may compute may a process sleep
COUNTS = struct.Struct("<5q")
STATUS = "/proc/self/status"


@dataclasses.dataclass
class Counts:
    """What became of mutants; kept in memory that outlives the process.

    Attributes:
        number: The mutant at hand.
        refused: How many were refused.
        loaded: How many were loaded.
        slowest: The longest time that one took, in microseconds of the processor.
        memory: The most memory that one asked for, in bytes.
    """

    number: int = -1
    refused: int = 0
    loaded: int = 0
    slowest: int = 0
    memory: int = 0

    def write(self, shared: mmap.mmap) -> None:
        """Put all where the other process sees it."""
        COUNTS.pack_into(shared, 0, *dataclasses.astuple(self))

    @classmethod
    def seen(cls, shared: mmap.mmap) -> "Counts":
        """Return what the other process has put there."""
        return cls(*COUNTS.unpack_from(shared))


@dataclasses.dataclass(frozen=True)
class Failure:
    """A mutant with which something happened that must not.

    Args:
        number: Which.
        kind: "crash", "hang", "memory", "forbidden" or "wrong".
        detail: What happened.
    """

    number: int
    kind: str
    detail: str


class Memory(NamedTuple):
    """How many bytes a process has asked for, used or not: now, and at most so far."""

    now: int
    peak: int


@dataclasses.dataclass(frozen=True)
class Task:
    """Mutants to be read.

    Args:
        format: Their format.
        seed: The seed of the whole run.
        reader: Reads a file.
        path: Where the file at hand is written.
        seconds: The longest that one may take of the processor.
    """

    format: Format
    seed: int
    reader: Callable[[str], judging.Read]
    path: str
    seconds: float


def run(task: Task, numbers: range, tell: Callable[[int], None]) -> Iterator[Failure | Counts]:
    """Read mutants, in as many processes one after the other as it takes; give what happened.

    Args:
        task: What they are.
        numbers: Which.
        tell: Is told how many more are done, now and then.
    """
    prepare(task.format)
    while numbers:
        batch = numbers[:BATCH]
        counts, failures = _batch(task, batch)
        yield counts
        yield from failures
        done = max(counts.number, batch.start) + 1 - batch.start if failures else len(batch)
        tell(done)
        numbers = numbers[done:]


def _batch(task: Task, numbers: range) -> tuple[Counts, list[Failure]]:
    shared = mmap.mmap(-1, COUNTS.size)
    Counts().write(shared)
    receiver, sender = os.pipe()
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.close(receiver)
            _Child(task, shared, sender).work(numbers)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(sender)
    text, stuck = _watched(receiver, process, shared, STUCK * task.seconds)
    os.close(receiver)
    _, status = os.waitpid(process, 0)
    counts = Counts.seen(shared)
    failures = [Failure(**json.loads(line)) for line in text.decode().splitlines()]
    if stuck or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF):
        failures = [Failure(counts.number, "hang", f"more than {task.seconds} seconds")]
    elif status and not failures:
        failures = [Failure(counts.number, "crash", _ending(status))]
    return counts, failures


def _watched(receiver: int, process: int, shared: mmap.mmap, seconds: float) -> tuple[bytes, bool]:
    """Return what a process says until it ends, and whether it was ended for waiting so long."""
    said, last, waited, step = b"", None, 0.0, min(0.2, seconds / 20)
    while True:
        ready, _, _ = select.select([receiver], [], [], step)
        if ready:
            more = os.read(receiver, 1 << 16)
            said += more
            if not more:
                return said, False
        number = Counts.seen(shared).number
        if number != last:
            last, waited = number, 0
        # Not the clock's time: the whole machine may be asleep, or too busy to run the process.
        waited += step * _sleeps(process)
        if waited > seconds:
            os.kill(process, signal.SIGPROF)  # with a traceback
            return said, True


def _sleeps(process: int) -> bool:
    """Return whether all threads of a process wait for something that is not a processor."""
    states = []
    for thread in os.listdir(f"/proc/{process}/task"):
        with contextlib.suppress(OSError), open(f"/proc/{process}/task/{thread}/stat") as file:
            states.append(file.read().rpartition(") ")[2][0])  # behind a name with any brackets
    return set(states) == {"S"}


def _ending(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended with the code {os.WEXITSTATUS(status)}"


class _Child:
    """What the child does: judges mutants until one fails, and says so."""

    def __init__(self, task: Task, shared: mmap.mmap, sender: int):
        self._task, self._shared, self._sender = task, shared, sender
        self._whole = []
        self._counts = Counts()
        self._file = os.open(task.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        if task.format.summed:
            self._whole = [self._read(content) for content in task.format.whole]
        self._guard = judging.Guard(task.path)
        faulthandler.enable()
        faulthandler.register(signal.SIGPROF, chain=True)  # a traceback, and the end
        _limit()

    def work(self, numbers: range) -> None:
        """Judge mutants, up to the first that fails."""
        for number in numbers:
            self._counts.number = number
            self._counts.write(self._shared)
            kind, detail = self._judge(number)
            if kind is not None:
                words = {"number": number, "kind": kind, "detail": detail}
                os.write(self._sender, json.dumps(words).encode() + b"\n")
                break
        self._counts.write(self._shared)

    def _read(self, content: bytes) -> judging.Read:
        self._write(content)
        return self._task.reader(self._task.path)

    def _write(self, content: bytes) -> None:
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, content, 0)

    def _judge(self, number: int) -> tuple[str | None, str]:
        """Return what went wrong with a mutant, if anything did."""
        made = mutant(self._task.format, self._task.seed, number)
        self._write(made.content)
        before = _memory()
        signal.setitimer(signal.ITIMER_PROF, self._task.seconds)
        begin = time.process_time_ns()
        try:
            with self._guard:
                found = judging.judged(self._task.path, self._task.reader)
            if found is not None and not made.mended:
                self._compare(found)
        except BaseException:
            kind = "forbidden" if self._guard.seen else "wrong"
            return kind, traceback.format_exc(limit=-6)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        self._note(found, (time.process_time_ns() - begin) // 1000)
        if self._guard.seen:
            return "forbidden", self._guard.seen[0]
        return self._growth(len(made.content), before)

    def _compare(self, found: judging.Read) -> None:
        """Raise if checksums, which nobody mended, did not hold back other numbers."""
        summed = self._task.format.summed and found[0] == self._task.format.name
        if summed and found not in self._whole:
            raise judging.Wrong("It was loaded with other numbers, in spite of its checksums.")

    def _note(self, found: judging.Read | None, time_taken: int) -> None:
        self._counts.loaded += found is not None
        self._counts.refused += found is None
        self._counts.slowest = max(self._counts.slowest, time_taken)

    def _growth(self, size: int, before: Memory) -> tuple[str | None, str]:
        """Note how much memory was asked for; what lies below an earlier peak cannot be seen."""
        peak = _memory().peak
        more = peak - before.now if peak > before.peak else 0
        self._counts.memory = max(self._counts.memory, more)
        if more > 2 * size + ALLOWED:
            return "memory", f"{more >> 20} MB for {size} bytes"
        return None, ""


def _limit() -> None:
    """Let the system refuse what goes far beyond what is allowed."""
    resource.setrlimit(resource.RLIMIT_AS, (_memory().now + LIMIT,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _memory() -> Memory:
    """Return how much memory this process has asked for."""
    with open(STATUS, "rb") as file:
        lines = dict(line.split()[:2] for line in file if line.startswith((b"VmPeak", b"VmSize")))
    return Memory(int(lines[b"VmSize:"]) << 10, int(lines[b"VmPeak:"]) << 10)
