"""How many pictures to encode at once: found by measuring, within a bound of memory, and remembered.

    tried = list(try_batches(pack.forward))   # doubles while that gains
    BatchSizes(folder / "batches.json").note(pack.forward, pack.fingerprint, tried)

A CPU is not measured unasked: it takes seconds that a first search would wait for, and the answer differs
little (docs/performance.md); `twirl tune` measures it. A GPU is measured when the pack is loaded, in a second
or two.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from embedding.forward import CPU_BATCH, Forward

MOST = {"cpu": 64, "cuda": 1024}
GAIN = 1.05  # what a larger batch must bring to be worth its memory and its cache misses
SHARE = 0.5  # of the memory that is free: others, and a second pack, need some too
ROUNDS_S = {"cpu": 0.8, "cuda": 0.2}  # how long one size is tried


@dataclass(frozen=True)
class Tried:
    """One size of batch as it was measured."""

    batch: int
    rate: float  # images a second; on one CPU thread, of its processor time: others' load does not count
    memory_mb: float  # at most, while it was computed, beyond what was there before


def try_batches(forward: Forward, memory_mb: float | None = None) -> Iterator[Tried]:
    """Measure sizes 1, 2, 4 ... until two in a row have gained nothing, or the memory is at an end.

    `memory_mb` bounds what one batch may take; None: half of what is free.
    """
    best, idle = 0.0, 0
    for tried in _doubling(forward, memory_mb if memory_mb is not None else SHARE * _free_mb(forward.device)):
        yield tried
        idle = 0 if tried.rate > GAIN * best else idle + 1
        best = max(best, tried.rate)
        if idle == 2:
            return


def best_batch(tried: Sequence[Tried]) -> Tried:
    """The smallest size that is nearly as fast as the fastest."""
    fastest = max(each.rate for each in tried)
    return next(each for each in tried if GAIN * each.rate >= fastest)


def _doubling(forward: Forward, bound_mb: float) -> Iterator[Tried]:
    """Sizes 1, 2, 4 ... while they fit, each measured."""
    batch, most = 1, MOST[forward.device.type]
    _forget_peak(forward.device)
    before = _peak_mb(forward.device)
    while batch <= most:
        try:
            tried = _try(forward, batch, before)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            return
        if batch > 1 and tried.memory_mb > bound_mb:
            return
        yield tried
        if 2 * tried.memory_mb > bound_mb:  # the next would not fit: it is not even tried
            return
        batch *= 2


def _try(forward: Forward, batch: int, before_mb: float) -> Tried:
    side = forward.side
    noise = np.random.default_rng(batch).integers(0, 256, (batch, side, side, 3), dtype=np.uint8)
    shrunk = forward.shrink(list(noise))
    forward.start(shrunk).rows()  # the first of a size is slower, and tells how much memory it takes
    memory_mb = max(0.0, _peak_mb(forward.device) - before_mb)
    best = 0.0
    until = time.monotonic() + ROUNDS_S[forward.device.type]
    while time.monotonic() < until or not best:
        began = _clock(forward.device)
        forward.start(shrunk).rows()
        best = max(best, batch / max(_clock(forward.device) - began, 1e-9))
    return Tried(batch, best, memory_mb)


def _clock(device: torch.device) -> float:
    """Seconds; of this thread's processor time where one thread does it all."""
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    return time.thread_time() if alone else time.perf_counter()


def _peak_mb(device: torch.device) -> float:
    """MiB that were in use at most since the peak was forgotten."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    with suppress(OSError):
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    return 0.0


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak is what is in use now


def _free_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] / 2**20
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20


class BatchSizes:
    """Sizes that were found, in a JSON file: by device, threads, precision and pack."""

    def __init__(self, path: Path, fixed: int = 0) -> None:
        """`fixed` is the size where an operator has chosen one; 0: what was found."""
        self.path, self.fixed = path, fixed

    def of(self, forward: Forward, fingerprint: str) -> int:
        """The size for this pack on this device: as noted, else measured on a GPU, else the usual one."""
        if self.fixed:
            return self.fixed
        noted = self._read().get(_key(forward, fingerprint))
        if noted is not None:
            return int(noted["batch"])
        if forward.device.type != "cuda":
            return CPU_BATCH
        return self.note(forward, fingerprint, list(try_batches(forward)))

    def note(self, forward: Forward, fingerprint: str, tried: Sequence[Tried]) -> int:
        """Remember what was measured; return the size. A folder that cannot be written costs only that."""
        best = best_batch(tried)
        noted = self._read() | {_key(forward, fingerprint): asdict(best)}
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside = self.path.with_name(f".{self.path.name}-{os.getpid()}")
            beside.write_text(json.dumps(noted, indent=1, sort_keys=True) + "\n")
            beside.replace(self.path)
        return best.batch

    def _read(self) -> dict[str, dict[str, float]]:
        try:
            said = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}


def _key(forward: Forward, fingerprint: str) -> str:
    name = "cpu"
    if forward.device.type == "cuda":
        name = torch.cuda.get_device_name(forward.device)
    exactly = str(forward.dtype).removeprefix("torch.")
    return f"{name}, {torch.get_num_threads()} threads, {exactly}, torch {torch.__version__}, {fingerprint}"
