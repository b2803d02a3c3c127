"""What of a pack a merchant's catalogue may change, over features that it may not.

The towers stay as they are: what they see of a photo and of a sentence is computed once. Above that lie heads
and composer, and those learn.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from embedding.composer import Query
from embedding.dual_files import DUAL, DualInfo
from embedding.pack_files import PackInfo, read_pack_json
from embedding.preprocess import Pixels
from training.catalogue.tower_heads import TowerHeads


class Heads(Protocol):
    """A pack cut in two: frozen towers that look once, and heads that learn."""

    @property
    def info(self) -> PackInfo | DualInfo:
        """The whole of `pack.json`."""

    trunk: str  # names the frozen half: features of one trunk fit every pack that stands on it

    def look(self, pictures: Sequence[Pixels]) -> Tensor:
        """B pictures of (H, W, 3) -> (B, F) features, frozen."""

    def read(self, texts: Sequence[str]) -> tuple[dict[str, int], Tensor]:
        """Texts -> the row of each, and the (N, S) features of all, frozen."""

    def index(self, features: Tensor) -> Tensor:
        """(B, F) features of photos -> (B, D) unit rows: what is indexed."""

    def words(self, sentences: Tensor) -> Tensor:
        """(B, S) features of sentences -> (B, T) text vectors."""

    def query(self, image: Tensor, text: Tensor) -> Query:
        """(B, D) index vectors and (B, T) text vectors -> the query by photo, by both, by words."""

    def by_words(self, text: Tensor) -> Tensor:
        """(B, T) text vectors -> (B, D) unit rows: the query by words alone."""

    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """What learns, each with its share of the rate."""

    def state(self) -> dict[str, Tensor]:
        """The weights that learn, by name."""

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""

    def learning(self, on: bool) -> None:
        """Whether what follows is learning or use."""

    def write(
        self, out: Path, name: str, said: str, training: dict[str, Any], metrics: dict[str, Any]
    ) -> str:
        """Write the whole pack to a new folder, `said` of it in a sentence; its fingerprint."""


def open_heads(folder: Path) -> Heads:
    """The heads of the pack in `folder`, of either kind. Raises PackRefused."""
    if read_pack_json(folder).get("kind") == DUAL:
        # Brings `transformers`, which the packs of Twirl's own kind do without.
        from training.catalogue.dual_heads import DualHeads

        return DualHeads(folder)
    return TowerHeads(folder)
