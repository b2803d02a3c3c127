"""One decoding child process as the parent sees it: an exchange of a picture with a deadline."""

import json
import time
from typing import Any

from catalog.child_process import ChildDied, ChildProcess, ChildUnavailable
from catalog.pictures.child import LENGTH, REQUEST

__all__ = ["ChildDied", "DecoderProcess", "DecoderUnavailable"]


class DecoderUnavailable(ChildUnavailable):
    """The child cannot be started: a fault of this machine or its settings, not of a picture."""


class DecoderProcess(ChildProcess):
    """A started child. Not for two threads at once."""

    MODULE, UNAVAILABLE, WHAT = "catalog.pictures.child", DecoderUnavailable, "image decoder"

    def __init__(self, memory_mb: int, cpu_seconds: int) -> None:
        super().__init__(memory_mb, str(cpu_seconds))

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


def _body_length(header: dict[str, Any]) -> int:
    if "code" in header:
        return 0
    width, height = header["size"]
    return int(width * height * 3 + sum(length for _, length in header["renditions"]))
