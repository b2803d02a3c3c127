"""A supervised indexer gives way: by its own niceness and, on Linux, by its session's."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os
from pathlib import Path
from indexer.runner import lower_priority
lower_priority(7)
group = Path("/proc/self/autogroup")
print(os.nice(0), group.read_text().split()[-1] if group.exists() else "none")
"""


@pytest.mark.skipif(
    not os.access("/proc/self/autogroup", os.W_OK), reason="no autogroups here that we may set"
)
def test_process_and_session_give_way() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, start_new_session=True
    )
    assert done.stdout.split() == [str(min(os.nice(0) + 7, 19)), "7"]
