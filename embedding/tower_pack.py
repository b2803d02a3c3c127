"""The kind of pack that Twirl trains itself: image tower, text head over MiniLM, composer."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from embedding.colour import bin_centres
from embedding.composer import compose, make_composer, weigh, words_query
from embedding.errors import PackRefused
from embedding.forward import CPU_BATCH, Floats, Forward, TowerForward
from embedding.image_side import ImageSide
from embedding.minilm import TextTower, shared_text_tower
from embedding.pack_files import PackConfig, PackInfo, read_info, read_weights
from embedding.plain_words import plain
from embedding.preprocess import Pixels, check_pixels
from embedding.query_rows import check_balance, query_row, to_array
from embedding.towers import ImageTower, TextHead

KIN = 3  # of the first hits, those that must be of the photo's kind: a small shop has few of a kind


class Towers(nn.Module):
    """All trained weights of a pack under one name each."""

    def __init__(self, config: PackConfig) -> None:
        super().__init__()
        self.config = config.tower
        self.image = ImageTower(config.tower)
        self.text = TextHead(config.tower)
        self.composer = make_composer(config.tower)


class TowerPack(ImageSide):
    """Encoders and composer of one pack. Thread-safe."""

    def __init__(
        self,
        info: PackInfo,
        towers: Towers,
        text_tower: TextTower,
        device: str = "cpu",
        precision: str = "fp32",
        batch: int = CPU_BATCH,
    ) -> None:
        """Takes the towers over: they move to the device, the ViT's products into the precision."""
        self.info, self.name, self.fingerprint = info, info.name, info.fingerprint
        self.dimension, self.text_dimension = info.dimension, info.text_dimension
        self.towers, self._text_tower, self._device = towers.to(device).eval(), text_tower, device
        self._precision, self.least_kinship = precision, info.config.least_kinship
        forward = TowerForward(towers.image, info.config.preprocessing, device, precision, batch)
        self.forward: Forward = forward
        self._patches = forward.patches

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """B texts -> (B, T) float32: their parts of the vector, and how much they say of colour."""
        if not texts:
            return np.zeros((0, self.text_dimension), dtype=np.float32)
        sentences = self._text_tower.encode(texts).to(self._device)
        return to_array(self.towers.text.vectors(sentences))

    @torch.inference_mode()
    def kinship(self, photo: Floats, found: Floats) -> float | None:
        """(D,) photo, (K, D) index vectors -> how near the nearest of them are in kind; None of nothing.

        The mean cosine of the parts for kind, of the KIN nearest.
        """
        if not len(found):
            return None
        rows = torch.from_numpy(np.concatenate([photo[None], found]))
        kinds = nn.functional.normalize(self.info.config.tower.parts.split(rows)[1], dim=-1)
        near = kinds[1:] @ kinds[0]
        return float(near.topk(min(KIN, len(near))).values.mean())

    def patches(self, pixels: Pixels) -> Floats:
        """(H, W, 3) uint8 RGB -> (G, G, W) float32 unit rows of what lies in each cell of the photo."""
        return self._patches(check_pixels(pixels))

    @torch.inference_mode()
    def compose(self, image: Floats | None, text: Floats | None, balance: float = 0.5) -> Floats:
        """(D,) index vector and/or (T,) text vector -> (D,) float32 unit query vector.

        `balance` goes from 0, the photo only, to 1, the words only; 0.5 is the learned default. With one of
        the two missing it has no effect. Raises ValueError when both are missing or a shape is wrong.
        """
        parts, weights = self.info.config.tower.parts, self.info.config.balance
        check_balance(balance)
        photo = query_row(image, self.dimension, "image", self._device)
        words = query_row(text, self.text_dimension, "text", self._device)
        if photo is not None and words is not None:
            query = compose(self.towers.composer, photo, words, parts, weights).at(balance)
        elif words is not None:
            query = words_query(words, parts, weights)
        elif photo is not None:
            visual, kind, *rest = (nn.functional.normalize(part, dim=-1) for part in parts.split(photo))
            query = weigh((visual, kind, rest[0], rest[1]), weights.photo)
        else:
            raise ValueError("compose needs an image vector, a text vector or both")
        return to_array(query[0])

    def with_towers(self, towers: Towers) -> "TowerPack":
        """The same pack around other weights, for comparisons; its fingerprint no longer tells them apart."""
        batch = self.forward.batch
        return TowerPack(self.info, towers, self._text_tower, self._device, self._precision, batch)

    def vision_state(self) -> dict[str, torch.Tensor]:
        """The weights of the vision transformer, as float32."""
        return {name: tensor.float() for name, tensor in self.towers.image.vit.state_dict().items()}


def load_tower_pack(
    directory: Path, device: str = "cpu", threads: int = 1, precision: str = "fp32", batch: int = CPU_BATCH
) -> TowerPack:
    """Read, verify and build a pack of this kind; arguments and refusals as of `pack.load_pack`."""
    torch.set_num_threads(threads)
    info = read_info(directory)
    towers = Towers(info.config)
    if info.config.tower.bins != len(bin_centres()):
        raise PackRefused(
            "pack-bins", "The pack was made with other colour bins.", "Train the pack again with: make train"
        )
    try:
        towers.load_state_dict(read_weights(directory, info))
    except RuntimeError as error:
        message = f"The weights do not fit the configuration: {error}."
        raise PackRefused("pack-weights-shape", message, "Train the pack again with: make train") from error
    return TowerPack(info, towers, text_tower_of(info.config), device, precision, batch)


def text_tower_of(config: PackConfig) -> TextTower:
    """The text tower as a pack of this configuration hears words. Raises PackRefused."""
    tower = shared_text_tower(config.text_tower_sha256)
    return tower.hearing(plain) if config.plain_words else tower
