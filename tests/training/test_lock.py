"""The lock of a run's folder: one process at a time, and no wait for one that has ended."""

import json
import os
import socket
import subprocess
import sys

import pytest

from keras_alexnet.errors import UserError
from keras_alexnet.training import lock
from keras_alexnet.training.job import Job
from keras_alexnet.training.lock import LOCK, Owner, check_lock, run_lock
from keras_alexnet.training.run import run
from keras_alexnet.training.run_folder import free_folder

pytestmark = pytest.mark.backend_free

ENDED = subprocess.Popen([sys.executable, "-c", ""])
ENDED.wait()


def write(folder, **changes):
    """Write the lock of this process, but for some changes."""
    folder.mkdir(exist_ok=True)
    owner = {**vars(Owner.current()), **changes}
    (folder / LOCK).write_text(json.dumps(owner))
    return folder / LOCK


def test_it_names_this_process_and_refuses_another(tmp_path):
    """Who tries in vain is told which process it is, and that file is left alone."""
    with run_lock(str(tmp_path)):
        content = (tmp_path / LOCK).read_text()
        owner = json.loads(content)
        assert (owner["pid"], owner["host"]) == (os.getpid(), socket.gethostname())
        message = rf"process {os.getpid()} on the machine .* since .*Wait.*remove '{tmp_path}/fit"
        with pytest.raises(UserError, match=message), run_lock(str(tmp_path)):
            raise AssertionError("it was locked twice")
        assert (tmp_path / LOCK).read_text() == content
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_it_is_released_on_every_exit(error, tmp_path):
    with pytest.raises(error), run_lock(str(tmp_path)):
        raise error
    assert list(tmp_path.iterdir()) == []


STALE = {
    "a process that has ended": {"pid": ENDED.pid},
    "a number beyond all": {"pid": 2**80},
    "a number that another process has now": {"start": "1"},
}


@pytest.mark.parametrize("case", STALE)
def test_a_stale_lock_is_replaced(case, tmp_path, monkeypatch):
    """On the same machine it is known that a process has ended."""
    monkeypatch.setattr(lock, "_state", lambda pid: ("S", "2"))  # this process's, as on Linux
    write(tmp_path, **STALE[case])
    with run_lock(str(tmp_path)):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_waits_for_its_parent_has_ended(tmp_path, monkeypatch):
    """A killed process keeps its number until its parent has asked for it."""
    start = json.loads(write(tmp_path).read_text())["start"]
    monkeypatch.setattr(lock, "_state", lambda pid: ("Z", start))
    check_lock(str(tmp_path))


def test_linux_tells_a_process_by_its_start():
    """Both are read from /proc, of this process and of none."""
    state, start = lock._state(os.getpid())
    assert state == "R" and int(start) > 0
    assert lock._state(ENDED.pid) == ("", "")


@pytest.mark.parametrize(
    "content", [b"", b"\xff\x00", b"[]", b'{"pid": 0}', b'{"pid": "1"}', b"[" * 100_000]
)
def test_a_lock_that_names_no_process_is_replaced(content, tmp_path):
    """A process that was killed while it made the lock can leave an empty one."""
    (tmp_path / LOCK).write_bytes(content)
    with run_lock(str(tmp_path)):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_another_machine_is_believed(tmp_path):
    """Whether a process of another machine runs cannot be seen: the file to remove is named."""
    path = write(tmp_path, host="elsewhere", pid=ENDED.pid)
    with pytest.raises(
        UserError, match=rf"'elsewhere' has been training .*no longer runs, remove '{path}'"
    ):
        check_lock(str(tmp_path))
    assert path.exists()


def test_a_lock_that_cannot_be_read(tmp_path):
    """What is no file is an error in words."""
    (tmp_path / LOCK).mkdir()
    with pytest.raises(UserError, match=r"fit\.lock' can be neither read nor written: .*remove"):
        check_lock(str(tmp_path))


def test_a_second_fit_is_refused(tmp_path):
    """Nothing is changed by it; without a folder of its own it takes the next free one."""
    with run_lock(str(tmp_path)):
        before = (tmp_path / LOCK).read_text()
        with pytest.raises(UserError, match=f"process {os.getpid()} "):
            run(Job(drawn=40), str(tmp_path), verbose=False, overwrite=True)
        assert (tmp_path / LOCK).read_text() == before
        assert len(list(tmp_path.iterdir())) == 1


def test_the_default_folder_of_a_second_fit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "alexnet-fit")
    assert free_folder(Job()) == "alexnet-fit-2"
    write(tmp_path / "alexnet-fit", pid=ENDED.pid)
    assert free_folder(Job()) == "alexnet-fit"
