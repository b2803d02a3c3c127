"""A loaded model pack: photos and words in, vectors out.

pack = load_pack(Path("packs/twirl-small"))
gallery = pack.encode_images(photos)                                   # (B, D)
query = pack.compose(gallery[0], pack.encode_texts(["in red"])[0])     # (D,)

There are two kinds: what Twirl trains itself (`tower_pack`), and an encoder of photos and words that somebody
else trained (`dual`): CLIP, SigLIP, SigLIP 2.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from embedding.dual_files import DUAL
from embedding.errors import PackRefused
from embedding.forward import CPU_BATCH, Floats, Forward
from embedding.pack_files import PackInfo, read_pack_json
from embedding.preprocess import Pixels
from embedding.tower_pack import TowerPack, Towers, load_tower_pack

__all__ = ["Pack", "PackInfo", "PackRefused", "TowerPack", "Towers", "load_pack", "load_tower_pack"]


class Pack(Protocol):
    """Encoders and composer of one pack, of either kind. Thread-safe."""

    name: str
    fingerprint: str
    dimension: int  # D of an index vector
    text_dimension: int  # T of a text vector
    forward: Forward

    @property
    def batch(self) -> int:
        """How many photos are best given at once."""

    def encode_images(self, pixels: Sequence[Pixels]) -> Floats:
        """B images of (H, W, 3) uint8 RGB, any size -> (B, D) float32 unit rows: what is indexed."""

    def encode_stream(self, batches: Iterable[Sequence[Pixels]]) -> Iterator[Floats]:
        """The vectors of each batch in turn; a GPU computes one while the next is fetched from `batches`."""

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """B texts -> (B, T) float32."""

    def patches(self, pixels: Pixels) -> Floats | None:
        """(H, W, 3) uint8 RGB -> (G, G, W) float32 unit rows of what lies in each cell of the photo.

        None where this kind of pack does not tell.
        """

    least_kinship: float  # below it what was found is of another kind than the photo

    def kinship(self, photo: Floats, found: Floats) -> float | None:
        """(D,) photo, (K, D) index vectors -> how far the nearest are of the photo's kind, a cosine.

        None where this kind of pack does not tell kinds.
        """

    def compose(self, image: Floats | None, text: Floats | None, balance: float = 0.5) -> Floats:
        """(D,) index vector and/or (T,) text vector -> (D,) float32 unit query vector.

        `balance` goes from 0, the photo only, to 1, the words only. With one of the two missing it has no
        effect. Raises ValueError when both are missing or a shape is wrong.
        """


def load_pack(
    directory: Path, device: str = "cpu", threads: int = 1, precision: str = "fp32", batch: int = CPU_BATCH
) -> Pack:
    """Read, verify and build the pack in `directory`; PackRefused (code, message, fix) when it can't be used.

    `threads` sets how many cores one forward pass of this process uses, `precision` (one of PRECISIONS) how
    exactly photos are encoded, `batch` how many of them at once.
    """
    if read_pack_json(directory).get("kind") == DUAL:
        from embedding.dual import load_dual_pack

        return load_dual_pack(directory, device, threads, precision, batch)
    return load_tower_pack(directory, device, threads, precision, batch)
