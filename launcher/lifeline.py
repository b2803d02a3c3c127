"""A child ends when its supervisor does, however the supervisor ended.

The supervisor holds the write end of the child's standard input and never writes. When it goes away, by
exit or by kill -9, the kernel closes that end, the child reads end-of-file and terminates itself.
"""

import os
import signal
import sys
import threading


def hold() -> None:
    """Terminate this process (SIGTERM, so that it stops cleanly) when standard input ends."""
    threading.Thread(target=_wait, name="lifeline", daemon=True).start()


def _wait() -> None:
    while os.read(sys.stdin.fileno(), 64):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
