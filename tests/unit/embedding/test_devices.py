import subprocess
import sys
from pathlib import Path

import pytest

from embedding import devices
from embedding.devices import claim_device, claim_first
from embedding.errors import DeviceRefused

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys
from pathlib import Path
from embedding.devices import claim_first
from embedding.errors import DeviceRefused
try:
    print(claim_first(["aaa", "bbb"], Path(sys.argv[1])), flush=True)
except DeviceRefused as refused:
    print(refused.message, flush=True)
sys.stdin.read()
"""


class Process:
    """One that claims, says what it got and holds on to it."""

    def __init__(self, folder: Path) -> None:
        words = [sys.executable, "-c", HOLD, str(folder)]
        self.process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


def test_each_process_gets_a_gpu_of_its_own_and_a_killed_one_gives_it_back(tmp_path: Path) -> None:
    running = [Process(tmp_path) for _ in range(3)]
    assert [each.said for each in running] == ["0", "1", "All 2 GPUs are taken by other processes."]
    running[0].end()
    again = Process(tmp_path)
    assert again.said == "0"
    for each in [again, *running[1:]]:
        each.end()


def test_who_asks_twice_gets_the_same(tmp_path: Path) -> None:
    assert claim_first(["one", "two"], tmp_path) == claim_first(["one", "two"], tmp_path) == 0


def test_a_named_device_is_taken_as_it_is(tmp_path: Path) -> None:
    assert claim_device("cpu", tmp_path) == "cpu"
    assert claim_device("cuda:1", tmp_path) == "cuda:1"
    assert list(tmp_path.iterdir()) == []


def test_a_machine_without_a_gpu_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_gpus", list)
    with pytest.raises(DeviceRefused, match="sees no GPU"):
        claim_device("cuda:free", tmp_path)
