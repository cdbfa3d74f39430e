"""Chromium without a window, through the pipe of its DevTools protocol."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
LIMIT = 180  # seconds for any one answer: much more than a busy machine needs
# Without a sandbox, since the tests may run as root in a container, which has no room for one. No
# name resolves, so that a page which asks another host than this machine's fails.
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--remote-debugging-pipe"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
MOVE = 'exec 3<&"$0" 4>&"$1"; shift; exec "$@"'  # the protocol's pipes are the descriptors 3 and 4


def program():
    """Return the path of Chromium, `None` if it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """A page of Chromium.

    Args:
        requests: Descriptor that Chromium reads.
        answers: Descriptor that it writes.
    """

    def __init__(self, requests, answers):
        self._requests = requests
        self._answers = answers
        self._read = b""
        self._number = 0
        self._session = {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    def call(self, method, **params):
        """Return the answer to a command of the protocol."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": params, **self._session}
        os.write(self._requests, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + LIMIT
        while (message := self._message(deadline)).get("id") != self._number:
            pass  # an event
        assert "error" not in message, message
        return message["result"]

    def _message(self, deadline):
        while b"\0" not in self._read:
            left = deadline - time.monotonic()
            assert left > 0, f"Chromium did not answer in {LIMIT} s."
            if select.select([self._answers], [], [], left)[0]:
                chunk = os.read(self._answers, 2**20)
                assert chunk, "Chromium has ended."
                self._read += chunk
        message, _, self._read = self._read.partition(b"\0")
        return json.loads(message)

    def value(self, expression):
        """Return the value of a JavaScript expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, expression):
        """Return the value of an expression once it is true."""
        deadline = time.monotonic() + LIMIT
        while not (value := self.value(expression)):
            assert time.monotonic() < deadline, f"{expression} was not true in {LIMIT} s."
            time.sleep(0.02)
        return value

    def open(self, address):
        """Go to an address, and return when its document is there."""
        assert not self.call("Page.navigate", url=address).get("errorText"), address
        self.wait_for(f"document.readyState == 'complete' && location.href == {address!r}")

    def choose_file(self, selector, path):
        """Do what a person does who picks a file in an input of the page."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def press(self, key, code):
        """Press a key by its name and its virtual key code."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)


@contextlib.contextmanager
def page():
    """Start Chromium, and yield an empty page of it; it ends with the block."""
    theirs, requests = os.pipe()
    answers, ours = os.pipe()
    with tempfile.TemporaryDirectory() as profile, contextlib.ExitStack() as at_the_end:
        for descriptor in (requests, answers):
            at_the_end.callback(os.close, descriptor)
        command = [program(), *ARGUMENTS, f"--user-data-dir={profile}"]
        started = subprocess.Popen(
            ["bash", "-c", MOVE, str(theirs), str(ours), *command],
            pass_fds=(theirs, ours),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        at_the_end.callback(_end, started)
        os.close(theirs)
        os.close(ours)
        yield Page(requests, answers)


def _end(started):
    """Kill Chromium and the processes that it has started, which lie in its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, 9)
    started.wait()
