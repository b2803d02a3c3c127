"""Keeps out of the web process what Python itself would have a request wait for (ADR 173).

Measured over an import of 5,000 items: a full collection of garbage walked over everything that PyTorch and
the libraries had made, some 0.2 to 0.4 s in which no thread ran; and a thread that reads the shelves held
the interpreter 5 ms each time that a request had let go of it, which a request does some forty times.
"""

import gc
import sys

TURN_S = 0.0005  # for how long a thread keeps the interpreter when another one waits; Python's own is 0.005


def keep_even() -> None:
    """Once all is loaded: hand over sooner, and look for garbage only in what is made from now on."""
    sys.setswitchinterval(TURN_S)
    gc.collect()
    gc.freeze()
