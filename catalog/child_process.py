"""One child process as its parent sees it: its start, exchanges with a deadline, its end.

The child answers on pipes, one request after another, under limits that it sets itself at its start. Two
kinds there are: `catalog.pictures.exchange` for pictures, `catalog.importing.feed_process` for feeds.
"""

import fcntl
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

READY = b"!"  # what a child sends once, when all its imports are done
_ROOT = Path(__file__).resolve().parent.parent
_PIPE_BYTES = 2**20  # a picture's pixels pass in one or two writes
_START_SECONDS = 60.0


class ChildUnavailable(RuntimeError):
    """The child cannot be started: a fault of this machine or its settings, not of what it is to read."""


class ChildDied(Exception):
    """The child ended, or was ended for being late, in the middle of an exchange."""

    def __init__(self, late: bool, returncode: int | None) -> None:
        super().__init__(f"late: {late}, return code: {returncode}")
        self.over_limit = late or returncode == -signal.SIGXCPU


class ChildProcess:
    """A started child. Not for two threads at once."""

    MODULE: ClassVar[str]
    UNAVAILABLE: ClassVar[type[ChildUnavailable]] = ChildUnavailable
    WHAT: ClassVar[str] = "child"

    def __init__(self, memory_mb: int, *words: str) -> None:
        self.exchanges = 0
        self.owner = os.getpid()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the child)
        self._process = subprocess.Popen(  # noqa: S603 (our own module under our own interpreter)
            [sys.executable, "-P", "-W", "ignore", "-m", self.MODULE, str(memory_mb), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            cwd="/",
            env={"PYTHONPATH": str(_ROOT)},  # no secret of ours is in the child's environment
            start_new_session=True,  # Ctrl-C is for the parent, which then closes the pipes
        )
        assert self._process.stdin and self._process.stdout  # noqa: S101 (tells mypy that they are pipes)
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        for pipe in (self._to, self._from):
            os.set_blocking(pipe, False)
            _widen(pipe)
        self._await_ready(memory_mb)

    def usable(self) -> bool:
        """Say whether the child runs and is ours, not that of the process which we were forked from."""
        return self.owner == os.getpid() and self._process.poll() is None

    def kill(self) -> int | None:
        """End the child now; return how it had ended, had it ended by itself."""
        try:
            self._process.wait(0.2)  # its pipe closes a moment before its status can be read
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.forget()
        return self._process.returncode

    def forget(self) -> None:
        """Close our ends of the pipes; the child ends when it sees that."""
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                pipe.close()

    def _await_ready(self, memory_mb: int) -> None:
        try:
            ready = bytes(self._receive(1, time.monotonic() + _START_SECONDS))
        except OSError:
            ready = b""
        if ready != READY:
            self._errors.seek(0)
            words = self._errors.read().decode(errors="replace").strip()[-300:]
            self.kill()
            raise self.UNAVAILABLE(
                f"The {self.WHAT} does not start with {memory_mb} MB. Give it more memory. {words}"
            )

    def _send(self, parts: Iterable[bytes], deadline: float) -> None:
        for part in parts:
            rest = memoryview(part)
            while rest:
                try:
                    rest = rest[os.write(self._to, rest) :]
                except BlockingIOError:
                    _wait(self._to, select.POLLOUT, deadline)

    def _receive(self, length: int, deadline: float) -> memoryview:
        buffer = memoryview(bytearray(length))
        rest = buffer
        while rest:
            try:
                count = os.readv(self._from, [rest])
            except BlockingIOError:
                _wait(self._from, select.POLLIN, deadline)
                continue
            if not count:
                raise BrokenPipeError
            rest = rest[count:]
        return buffer


def _wait(pipe: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(pipe, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError


def _widen(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except OSError:  # the kernel's limit for this user: slower, not wrong
        return
