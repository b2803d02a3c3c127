"""In a process of its own: what is tried here changes the whole interpreter."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOADED = """
import gc, sys, time
from web.evenness import TURN_S, keep_even
kept = [{"name": [number]} for number in range(300_000)]  # what libraries and models leave behind

def pause():
    began = time.perf_counter()
    gc.collect()
    return time.perf_counter() - began

before = min(pause() for _ in range(3))
keep_even()
after = min(pause() for _ in range(3))
loop = []
loop.append(loop)
del loop  # garbage of a request, made after
assert sys.getswitchinterval() == TURN_S
assert gc.collect() >= 1, "what requests leave is collected still"
print(before / after)
"""


def test_a_search_for_garbage_no_longer_walks_over_what_was_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 10
