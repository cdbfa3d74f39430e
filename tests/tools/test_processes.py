"""Processes that tests start: none makes a test wait for ever."""

import signal

import pytest

import processes

# Its child has the same output, and would hold it open for ten minutes.
HANGS = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("begun", flush=True)
time.sleep(600)
"""


@pytest.mark.medium
@pytest.mark.parametrize("kind", [processes.started, processes.copied])
def test_a_process_is_killed_with_its_children(kind):
    """As when it takes too long: a forked copy may hang where its parent ended."""
    with kind("-c", HANGS) as process:
        process.wait_for("begun")
        processes._kill(process._started)
        assert process.end()[:2] == (-signal.SIGKILL, "")
