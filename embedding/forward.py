"""The image tower at work on one device: pictures in, rows out.

On a GPU nothing waits that need not: threads shrink pictures straight into pinned memory, copying and
computing go on without the CPU, and it fetches the rows of a batch after it has sent off the next. On a CPU
the same calls come one after the other.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from embedding.composer import index_vectors
from embedding.inputs import Inputs
from embedding.precision import choose_precision
from embedding.preprocess import Pixels, Preprocessing, prepare
from embedding.towers import ImageTower

Floats = npt.NDArray[np.float32]
CPU_BATCH = 8  # images: what a core's cache holds; larger ones are no faster (docs/performance.md)
SHRINKERS = 16  # threads, at most, that shrink pictures for a GPU


class Started:
    """A batch that is being computed."""

    def __init__(self, rows: Tensor, done: "torch.cuda.Event | None") -> None:
        self._rows, self._done = rows, done

    def rows(self) -> Floats:
        """(B, D) float32 unit rows; waits for them."""
        if self._done is not None:
            self._done.synchronize()
        return np.array(self._rows.numpy())  # the memory itself goes back to be used for another batch


class Forward:
    """Encodes pictures by batches of at most `batch`. Thread-safe.

    The products of the tower's vision transformer are turned into the precision in place.
    """

    def __init__(
        self,
        tower: ImageTower,
        config: Preprocessing,
        device: str = "cpu",
        precision: str = "fp32",
        batch: int = CPU_BATCH,
    ) -> None:
        self.device, self.config, self.batch = torch.device(device), config, batch
        self.dtype = choose_precision(precision, self.device)
        self._tower = tower.to(self.device).eval()
        self._tower.vit.compute_in(self.dtype)
        self._inputs = Inputs(config, tower.vit.config.grid, self.device)
        self._gpu = self.device.type == "cuda"

    def encode(self, pixels: Sequence[Pixels]) -> Iterator[Floats]:
        """Pictures of (H, W, 3) -> rows in the same order, (up to `batch`, D) at a time."""
        batch = self.batch
        return self.stream(pixels[start : start + batch] for start in range(0, len(pixels), batch))

    def stream(self, batches: Iterable[Sequence[Pixels]]) -> Iterator[Floats]:
        """The rows of each batch in turn; the next batch is sent off before they are waited for."""
        before: list[Started] = []
        for pixels in batches:
            now = self._start_all(self.shrink(pixels))
            if before:
                yield _joined(before)
            before = now
        if before:
            yield _joined(before)

    def shrink(self, pixels: Sequence[Pixels]) -> Tensor:
        """B pictures of any size -> (B, S, S, 3) uint8 in memory that the device copies fast."""
        side = self.config.size
        room = torch.empty((len(pixels), side, side, 3), dtype=torch.uint8, pin_memory=self._gpu)
        squares = room.numpy()

        def fill(number: int) -> None:
            squares[number] = prepare(pixels[number], self.config)

        if self._gpu and len(pixels) > 1:
            list(self._shrinkers.map(fill, range(len(pixels))))
        else:
            for number in range(len(pixels)):
                fill(number)
        return room

    @torch.inference_mode()
    def start(self, squares: Tensor) -> Started:
        """Send (B, S, S, 3) uint8 off to be computed."""
        pixels, histograms = self._inputs(squares.to(self.device, non_blocking=True))
        rows = index_vectors(self._tower(pixels, histograms))
        if not self._gpu:
            return Started(rows, None)
        out = torch.empty(rows.shape, dtype=rows.dtype, pin_memory=True)
        out.copy_(rows, non_blocking=True)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record()
        return Started(out, done)

    def _start_all(self, squares: Tensor) -> list[Started]:
        """Send a batch off whole, or in halves where the GPU's memory is too small for it."""
        try:
            return [self.start(squares)]
        except torch.OutOfMemoryError:
            if len(squares) == 1:
                raise
            torch.cuda.empty_cache()
        half = (len(squares) + 1) // 2
        self.batch = max(1, min(self.batch, half))
        return self._start_all(squares[:half]) + self._start_all(squares[half:])

    @cached_property
    def _shrinkers(self) -> ThreadPoolExecutor:
        threads = min(SHRINKERS, len(os.sched_getaffinity(0)))
        return ThreadPoolExecutor(threads, thread_name_prefix="shrink")


def _joined(started: Sequence[Started]) -> Floats:
    return np.concatenate([each.rows() for each in started])
