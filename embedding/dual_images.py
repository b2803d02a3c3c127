"""Photos through an encoder that somebody else trained: its own preprocessing, then its image tower.

What shapes a photo (resizing, cropping, cutting into patches) is the encoder's own processor, on the CPU; the
arithmetic on pixels that follows runs on the device. Both together are what `transformers` makes of the
photo, to the last bits (a test holds them to it).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.architectures import ARCHITECTURES, compute_in
from embedding.errors import PackRefused
from embedding.forward import CPU_BATCH, Forward
from embedding.preprocess import Pixels, check_pixels

Bytes = npt.NDArray[np.uint8]
_SHAPES = ((64, 48), (40, 90))  # of pictures that a processor is tried with


class DualForward(Forward):
    """An image tower that takes squares."""

    def __init__(
        self, model: nn.Module, processor: Any, device: str, precision: str, batch: int = CPU_BATCH
    ) -> None:
        """Takes the model over: it moves to the device, its image tower's products into the precision."""
        self._processor = processor
        super().__init__(self._find_room(), device, precision, batch)
        model.to(self.device)
        compute_in(model.vision_model, self.dtype)  # type: ignore[arg-type]
        self._features: Callable[..., Any] = model.get_image_features  # type: ignore[assignment]
        self._scale = float(processor.rescale_factor) if processor.do_rescale else 1.0
        channels = processor.image_mean, processor.image_std
        mean, std = channels if processor.do_normalize else ((0.0,) * 3, (1.0,) * 3)
        self._mean, self._std = self._spread(mean), self._spread(std)

    @property
    def side(self) -> int:
        """Of the square that the tower sees, pixels."""
        return self._room[-1]

    def shrink_one(self, pixels: Pixels) -> Bytes:
        """(H, W, 3) -> (3, S, S) uint8."""
        return np.asarray(self._shape(pixels)["pixel_values"][0])

    def compute(self, shrunk: Tensor) -> Tensor:
        """(B, *room) uint8 on the device -> (B, D) float32 unit rows."""
        return F.normalize(self._features(**self.inputs(shrunk)).pooler_output.float(), dim=-1)

    def inputs(self, shrunk: Tensor) -> dict[str, Tensor]:
        """(B, 3, S, S) uint8 -> what the tower takes."""
        return {"pixel_values": self._normalised(shrunk)}

    def _normalised(self, values: Tensor) -> Tensor:
        return (values.float() * self._scale - self._mean) / self._std

    def _spread(self, channels: Any) -> Tensor:
        """A number a channel, shaped to meet the pixels."""
        return torch.tensor(list(channels), dtype=torch.float32, device=self.device).view(3, 1, 1)

    def _shape(self, pixels: Pixels) -> Any:
        return self._processor(
            images=check_pixels(pixels), input_data_format="channels_last", return_tensors="np",
            do_rescale=False, do_normalize=False,
        )  # fmt: skip

    def _find_room(self) -> tuple[int, ...]:
        """The shape of a shrunk picture. Raises PackRefused where it depends on the picture."""
        tried = [self.shrink_one(np.zeros((*shape, 3), np.uint8)) for shape in _SHAPES]
        if tried[0].shape != tried[1].shape or tried[0].dtype != np.uint8:
            raise PackRefused(
                "encoder-preprocessor", "The encoder's preprocessing gives pictures of different sizes.",
                "Set do_resize and a size of its own in preprocessor_config.json.",
            )  # fmt: skip
        return tried[0].shape


class PatchForward(DualForward):
    """An image tower that takes patches, more or fewer as the photo's shape asks: NaFlex.

    A shrunk picture is one row of bytes a patch, padded, and one more row that begins with how many patches
    it is high and wide, two bytes each.
    """

    @property
    def side(self) -> int:
        """Of the largest square that the tower sees, pixels."""
        patches, width = self._room[0] - 1, self._room[1]
        return int(patches**0.5) * int((width // 3) ** 0.5)

    def shrink_one(self, pixels: Pixels) -> Bytes:
        """(H, W, 3) -> (N + 1, P * P * 3) uint8."""
        said = self._shape(pixels)
        patches = np.asarray(said["pixel_values"][0])  # (N, P * P * 3)
        last = np.zeros((1, patches.shape[1]), np.uint8)
        last[0, :4] = np.asarray(said["spatial_shapes"][0]).astype(">u2").view(np.uint8)
        return np.concatenate([patches, last])

    def inputs(self, shrunk: Tensor) -> dict[str, Tensor]:
        """(B, N + 1, P * P * 3) uint8 -> what the tower takes."""
        patches, last = shrunk[:, :-1], shrunk[:, -1].long()
        shapes = torch.stack([last[:, 0] * 256 + last[:, 1], last[:, 2] * 256 + last[:, 3]], dim=1)  # (B, 2)
        there = torch.arange(patches.shape[1], device=shrunk.device) < shapes.prod(1, keepdim=True)  # (B, N)
        values = self._normalised(patches) * there[..., None]
        return {"pixel_values": values, "pixel_attention_mask": there.int(), "spatial_shapes": shapes}

    def _spread(self, channels: Any) -> Tensor:
        row = torch.tensor(list(channels), dtype=torch.float32, device=self.device)
        return row.repeat(self._room[1] // 3)  # a patch's bytes are pixel by pixel


def image_forward(
    architecture: str, model: nn.Module, processor: Any, device: str, precision: str, batch: int
) -> DualForward:
    """The image tower of an architecture at work. Raises PackRefused where its preprocessing is of no use."""
    kind = PatchForward if ARCHITECTURES[architecture].patches else DualForward
    return kind(model, processor, device, precision, batch)
