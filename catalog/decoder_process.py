"""One decoding child process as the parent sees it: its start, an exchange with a deadline, its end."""

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from catalog.images_child import LENGTH, READY, REQUEST

_ROOT = Path(__file__).resolve().parent.parent
_PIPE_BYTES = 2**20  # a picture's pixels pass in one or two writes
_START_SECONDS = 60.0


class DecoderUnavailable(RuntimeError):
    """The child cannot be started: a fault of this machine or its settings, not of a picture."""


class ChildDied(Exception):
    """The child ended, or was ended for being late, in the middle of an exchange."""

    def __init__(self, late: bool, returncode: int | None) -> None:
        super().__init__(f"late: {late}, return code: {returncode}")
        self.over_limit = late or returncode == -signal.SIGXCPU


class DecoderProcess:
    """A started child. Not for two threads at once."""

    def __init__(self, memory_mb: int, cpu_seconds: int) -> None:
        self.exchanges = 0
        self.owner = os.getpid()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the child)
        limits = (str(memory_mb), str(cpu_seconds))
        self._process = subprocess.Popen(  # noqa: S603 (our own module under our own interpreter)
            [sys.executable, "-P", "-W", "ignore", "-m", "catalog.images_child", *limits],
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

    def exchange(self, data: bytes, renditions: bool, timeout_s: float) -> tuple[dict[str, Any], memoryview]:
        """Send one picture; return the answer's header and body. ChildDied when none comes in time."""
        self.exchanges += 1
        deadline = time.monotonic() + timeout_s
        try:
            self._send((REQUEST.pack(len(data), int(renditions)), data), deadline)
            length = LENGTH.unpack(self._receive(LENGTH.size, deadline))[0]
            header = json.loads(bytes(self._receive(length, deadline)))
            return header, self._receive(_body_length(header), deadline)
        except TimeoutError:
            self.kill()
            raise ChildDied(late=True, returncode=None) from None
        except OSError:  # a closed pipe
            raise ChildDied(late=False, returncode=self.kill()) from None

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
            raise DecoderUnavailable(
                f"The image decoder does not start with {memory_mb} MB. Give it more memory. {words}"
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


def _body_length(header: dict[str, Any]) -> int:
    if "code" in header:
        return 0
    width, height = header["size"]
    return int(width * height * 3 + sum(length for _, length in header["renditions"]))


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
