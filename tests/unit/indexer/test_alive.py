import os
import subprocess
import sys
import time
from pathlib import Path

from indexer.alive import Pulse, main

ROOT = Path(__file__).resolve().parents[3]


def test_who_beats_is_alive_and_who_fell_silent_is_not(tmp_path: Path) -> None:
    path = tmp_path / "alive"
    assert main([str(path)]) == 1  # not started
    pulse = Pulse(str(path), every_s=0)
    pulse.beat(sender="a signal's sender")
    assert main([str(path)]) == 0
    os.utime(path, (time.time() - 90,) * 2)
    assert main([str(path)]) == 1
    assert main([str(path), "--within", "120"]) == 0
    pulse.beat()
    assert main([str(path)]) == 0
    pulse.stop()
    assert main([str(path)]) == 1


def test_beats_are_not_written_more_often_than_needed(tmp_path: Path) -> None:
    path = tmp_path / "alive"
    pulse = Pulse(str(path), every_s=60)
    pulse.beat()
    os.utime(path, (0, 0))
    pulse.beat()
    assert path.stat().st_mtime == 0


def test_a_folder_that_is_gone_does_not_stop_the_work(tmp_path: Path) -> None:
    Pulse(str(tmp_path / "gone" / "alive")).beat()
    Pulse("").beat()


def test_the_check_is_cheap(tmp_path: Path) -> None:
    """It runs every few seconds in every container: no library beyond Python's own may be loaded."""
    (tmp_path / "alive").touch()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "indexer.alive", str(tmp_path / "alive")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for heavy in ("sqlalchemy", "numpy", "celery", "torch", "click"):
        assert f" {heavy}" not in done.stderr
