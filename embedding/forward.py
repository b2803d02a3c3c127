"""An image encoder at work on one device: pictures in, rows out.

On a GPU nothing waits that need not: threads shrink pictures straight into pinned memory, copying and
computing go on without the CPU, and it fetches the rows of a batch after it has sent off the next. On a CPU
the same calls come one after the other.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.composer import index_vectors
from embedding.inputs import Inputs
from embedding.precision import choose_precision
from embedding.preprocess import Pixels, Preprocessing, prepare
from embedding.towers import ImageTower

Floats = npt.NDArray[np.float32]
CPU_BATCH = 8  # images: what a core's cache holds; larger ones are no faster (docs/performance.md)
PATCH_BLOCKS = 6  # of the tower's 12: deeper ones mix what lies beside into each patch (docs/adr/0223)
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


class Forward(ABC):
    """Encodes pictures by batches of at most `batch`. Thread-safe.

    Each kind of pack has its own: how a picture is shrunk, and how rows come of what was shrunk.
    """

    def __init__(
        self, room: tuple[int, ...], device: str = "cpu", precision: str = "fp32", batch: int = CPU_BATCH
    ) -> None:
        """`room` is the shape of one shrunk picture's bytes."""
        self.device, self.batch, self._room = torch.device(device), batch, room
        self.dtype = choose_precision(precision, self.device)
        self._gpu = self.device.type == "cuda"

    @property
    @abstractmethod
    def side(self) -> int:
        """Of a picture that needs no shrinking, pixels."""

    @abstractmethod
    def shrink_one(self, pixels: Pixels) -> npt.NDArray[np.uint8]:
        """One picture of any size -> the bytes that go to the device, of the shape `room`."""

    @abstractmethod
    def compute(self, shrunk: Tensor) -> Tensor:
        """(B, *room) uint8 on the device -> (B, D) float32 unit rows there."""

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
        """B pictures of any size -> (B, *room) uint8 in memory that the device copies fast."""
        made = torch.empty((len(pixels), *self._room), dtype=torch.uint8, pin_memory=self._gpu)
        rows = made.numpy()

        def fill(number: int) -> None:
            rows[number] = self.shrink_one(pixels[number])

        if self._gpu and len(pixels) > 1:
            list(self._shrinkers.map(fill, range(len(pixels))))
        else:
            for number in range(len(pixels)):
                fill(number)
        return made

    @torch.inference_mode()
    def start(self, shrunk: Tensor) -> Started:
        """Send (B, *room) uint8 off to be computed."""
        rows = self.compute(shrunk.to(self.device, non_blocking=True))
        if not self._gpu:
            return Started(rows, None)
        out = torch.empty(rows.shape, dtype=rows.dtype, pin_memory=True)
        out.copy_(rows, non_blocking=True)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record()
        return Started(out, done)

    def _start_all(self, shrunk: Tensor) -> list[Started]:
        """Send a batch off whole, or in halves where the GPU's memory is too small for it."""
        try:
            return [self.start(shrunk)]
        except torch.OutOfMemoryError:
            if len(shrunk) == 1:
                raise
            torch.cuda.empty_cache()
        half = (len(shrunk) + 1) // 2
        self.batch = max(1, min(self.batch, half))
        return self._start_all(shrunk[:half]) + self._start_all(shrunk[half:])

    @cached_property
    def _shrinkers(self) -> ThreadPoolExecutor:
        threads = min(SHRINKERS, len(os.sched_getaffinity(0)))
        return ThreadPoolExecutor(threads, thread_name_prefix="shrink")


class TowerForward(Forward):
    """The trained tower. The products of its vision transformer are turned into the precision in place."""

    def __init__(
        self,
        tower: ImageTower,
        config: Preprocessing,
        device: str = "cpu",
        precision: str = "fp32",
        batch: int = CPU_BATCH,
    ) -> None:
        super().__init__((config.size, config.size, 3), device, precision, batch)
        self.config = config
        self._tower = tower.to(self.device).eval()
        self._tower.vit.compute_in(self.dtype)
        self._inputs = Inputs(config, tower.vit.config.grid, self.device)

    @property
    def side(self) -> int:
        """Of the square that the tower sees, pixels."""
        return self.config.size

    def shrink_one(self, pixels: Pixels) -> Pixels:
        """(H, W, 3) -> (S, S, 3) uint8."""
        return prepare(pixels, self.config)

    def compute(self, shrunk: Tensor) -> Tensor:
        """(B, S, S, 3) uint8 on the device -> (B, D) float32 unit rows."""
        return index_vectors(self._tower(*self._inputs(shrunk)))

    @torch.inference_mode()
    def patches(self, pixels: Pixels) -> Floats:
        """(H, W, 3) uint8 RGB -> (G, G, width) float32 unit rows: what lies in each cell of the photo."""
        square = Image.fromarray(pixels).resize((self.side, self.side), Image.Resampling.BICUBIC)
        levels, _ = self._inputs(torch.from_numpy(np.array(square))[None].to(self.device))
        tokens = self._tower.vit.after(levels, PATCH_BLOCKS)[0, 1:].float()
        grid = self._tower.vit.config.grid
        return np.array(F.normalize(tokens, dim=-1).view(grid, grid, -1).cpu().numpy())


def _joined(started: Sequence[Started]) -> Floats:
    return np.concatenate([each.rows() for each in started])
