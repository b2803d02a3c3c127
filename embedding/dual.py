"""The kind of pack that somebody else trained: CLIP, SigLIP, SigLIP 2, through `transformers`.

Photos and words lie in one space. A query of both is the point between them on the arc (slerp; Jang et al.,
2024, arXiv 2405.00571), or what a composer makes of them that was trained for this encoder.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.architectures import (
    ARCHITECTURES,
    compute_in,
    read_image_processor,
    read_model,
    read_tokenizer,
)
from embedding.composer import Query, slerp
from embedding.dual_files import COMPOSER, DualInfo, check_files, read_dual
from embedding.dual_images import image_forward
from embedding.dual_texts import TextEncoder
from embedding.errors import PackRefused
from embedding.forward import CPU_BATCH, Floats, Forward
from embedding.image_side import ImageSide
from embedding.preprocess import Pixels
from embedding.query_rows import check_balance, query_row, to_array
from embedding.residual import ResidualComposer


class DualPack(ImageSide):
    """Encoders and composer of one pack. Thread-safe."""

    def __init__(
        self, info: DualInfo, forward: Forward, texts: TextEncoder, composer: ResidualComposer | None = None
    ) -> None:
        self.info, self.name, self.fingerprint = info, info.name, info.fingerprint
        self.dimension, self.text_dimension = info.dimension, info.text_dimension
        self.forward, self._texts, self._device = forward, texts, str(forward.device)
        self.composer = composer.to(forward.device).eval() if composer is not None else None

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """B texts -> (B, D) float32 unit rows."""
        if not texts:
            return np.zeros((0, self.text_dimension), dtype=np.float32)
        return to_array(self._texts.encode(texts))

    least_kinship = -1.0

    def kinship(self, photo: Floats, found: Floats) -> None:
        """Not told: what such encoders' cosines mean differs from one to the next."""

    def patches(self, pixels: Pixels) -> None:
        """Not told: such encoders are taken as they are, and differ in what their patches hold."""

    @torch.inference_mode()
    def compose(self, image: Floats | None, text: Floats | None, balance: float = 0.5) -> Floats:
        """(D,) image and/or text vector -> (D,) float32 unit query vector.

        `balance` goes from 0, the photo only, to 1, the words only. With one of the two missing it has no
        effect. Raises ValueError when both are missing or a shape is wrong.
        """
        check_balance(balance)
        photo = query_row(image, self.dimension, "image", self._device)
        words = query_row(text, self.text_dimension, "text", self._device)
        given = [F.normalize(row, dim=-1) for row in (photo, words) if row is not None]
        if not given:
            raise ValueError("compose needs an image vector, a text vector or both")
        return to_array((given[0] if len(given) == 1 else self._mixed(given[0], given[1], balance))[0])

    def _mixed(self, photo: Tensor, words: Tensor, balance: float) -> Tensor:
        if self.composer is None:
            return slerp(photo, words, balance)
        return Query(photo, self.composer(photo, words), words).at(balance)


def load_dual_pack(
    directory: Path, device: str = "cpu", threads: int = 1, precision: str = "fp32", batch: int = CPU_BATCH
) -> DualPack:
    """Read, verify and build a pack of this kind; arguments and refusals as of `pack.load_pack`."""
    torch.set_num_threads(threads)
    info = read_dual(directory)
    check_files(directory, info)
    if info.config.architecture not in ARCHITECTURES:
        raise PackRefused(
            "encoder-unknown", f"This version of Twirl has no encoders of kind {info.config.architecture!r}.",
            "Use the version that the pack was added with, or a newer one.",
        )  # fmt: skip
    composer = _read_composer(directory, info)
    name, tokens = info.config.architecture, info.config.tokens
    model, processor = read_model(directory, name), read_image_processor(directory)
    forward = image_forward(name, model, processor, device, precision, batch)
    compute_in(model.text_model, forward.dtype)  # type: ignore[arg-type]
    full = ARCHITECTURES[name].pad_to_full
    strips = info.config.strips_punctuation
    texts = TextEncoder(model, read_tokenizer(directory), tokens, full, forward.device, strips)
    return DualPack(info, forward, texts, composer)


def _read_composer(directory: Path, info: DualInfo) -> ResidualComposer | None:
    """The trained composer, if the pack has one. Raises PackRefused."""
    if info.config.composer is None:
        return None
    composer = ResidualComposer(info.config.composer)
    try:
        composer.load_state_dict(load_file(directory / COMPOSER))
    except (OSError, RuntimeError) as error:
        message = f"The composer's weights do not fit its configuration: {error}."
        raise PackRefused("pack-weights-shape", message, "Train the composer again: twirl train") from error
    return composer
