"""What every kind of pack does with photos: its forward pass, a batch at a time."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from embedding.forward import Floats, Forward
from embedding.preprocess import Pixels


class ImageSide:
    """The half of a pack that encodes photos; the other half, words and composing, is each kind's own."""

    forward: Forward
    dimension: int

    @property
    def batch(self) -> int:
        """How many photos are best given at once."""
        return self.forward.batch

    def encode_images(self, pixels: Sequence[Pixels]) -> Floats:
        """B images of (H, W, 3) uint8 RGB, any size -> (B, D) float32 unit rows: what is indexed."""
        if not pixels:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.concatenate(list(self.forward.encode(pixels)))

    def encode_stream(self, batches: Iterable[Sequence[Pixels]]) -> Iterator[Floats]:
        """The vectors of each batch in turn; a GPU computes one while the next is fetched from `batches`."""
        return self.forward.stream(batches)
