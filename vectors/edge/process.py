"""Starting the engine from another program, which it does not outlive."""

import json
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from vectors.edge.wire import unpack_error
from vectors.protocol import VectorStoreUnavailable

STOP_S = 15.0  # a little more than the engine gives its own shards


class EngineProcess:
    """A running engine. `pid` is its first process; killing that ends all of it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ready = False

    @property
    def pid(self) -> int:
        """The process to watch."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Return once every shard serves; raises the engine's own error (`store-locked`) or Unavailable."""
        deadline = time.monotonic() + timeout_s
        out = self._process.stdout
        while not self._ready and out is not None:
            readable, _, _ = select.select([out], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise _failed(f"The engine was not ready within {timeout_s:.0f} s.")
            line = out.readline()
            if not line:
                raise _failed(f"The engine ended with status {self._process.wait()}.")
            message = json.loads(line)
            if "error" in message:
                self._process.wait()
                raise unpack_error(message["error"])
            self._ready = True

    def stop(self) -> None:
        """End it cleanly; kill it when that takes too long. Safe to call twice."""
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def start_engine(root: Path, socket: Path, *, log: IO[bytes] | None = None) -> EngineProcess:
    """Start the engine over the shards in `root`; its log goes to `log`, or to our standard error.

    It ends with us: it reads our end of a pipe, which closes however we end. After it ended, start another.
    """
    command = [sys.executable, "-m", "vectors.edge", "--with-parent"]
    command += ["--root", str(root.absolute()), "--socket", str(socket.absolute())]
    home = Path(__file__).resolve().parents[2]  # where `vectors` is imported from, installed or not
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, cwd=home)  # noqa: S603 - our module
    return EngineProcess(process)


def _failed(message: str) -> VectorStoreUnavailable:
    return VectorStoreUnavailable("vectors-engine-failed", message, "Read the engine's log.")
