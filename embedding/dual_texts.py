"""Words through an encoder that somebody else trained: its own tokenizer, then its text tower."""

import string
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TextEncoder:
    """Texts to unit vectors. Thread-safe.

    Words are lowered first: every family of encoders was trained on lowered text, and tokenizers of some
    folders leave that to the caller.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Any,
        tokens: int,
        pad_to_full: bool,
        device: torch.device,
        strips_punctuation: bool = False,
    ) -> None:
        """`tokens`: where a longer text is cut; `pad_to_full`: whether every text is padded to so many."""
        self._clean = canonical if strips_punctuation else str.lower
        self._features: Callable[..., Any] = model.get_text_features  # type: ignore[assignment]
        self._tokenizer, self._tokens, self._device = tokenizer, tokens, device
        self._padding = "max_length" if pad_to_full else "longest"
        self._guard = threading.Lock()  # a tokenizer notes how to pad and cut in itself

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> Tensor:
        """B texts -> (B, D) float32 unit rows on the device."""
        pieces = self.pieces(texts)
        return F.normalize(self._features(**pieces).pooler_output.float(), dim=-1)

    def pieces(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """B texts -> what the text tower takes, on the device."""
        with self._guard:
            found = self._tokenizer(
                [self._clean(text) for text in texts], padding=self._padding, truncation=True,
                max_length=self._tokens, return_tensors="pt",
            )  # fmt: skip
        return {name: tensor.to(self._device) for name, tensor in found.items()}


def canonical(text: str) -> str:
    """Lowered, without punctuation and needless space, as SigLIP's training texts were."""
    plain = text.replace("_", " ").translate(_NO_PUNCTUATION)
    return " ".join(plain.lower().split())
