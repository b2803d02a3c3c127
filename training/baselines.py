"""How a pack fares on a stand-in, beside photo alone, words alone and the plain sum."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedding.pack import Pack
from training.evaluation import ranking, recall_at_k
from training.standins import StandIn

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Row:
    """One line of the table: recall in percent."""

    method: str
    at_1: float
    at_10: float


def compare(pack: Pack, stand_in: StandIn, vectors: Floats | None = None) -> list[Row]:
    """The table of a stand-in. `vectors` are the gallery's index vectors if they are at hand."""
    gallery = pack.encode_images(stand_in.gallery) if vectors is None else vectors  # (N, D)
    texts = pack.encode_texts(stand_in.texts)  # (Q, T)
    photos = gallery[stand_in.queries]  # (Q, D)
    methods: dict[str, Callable[[int], Floats]] = {
        "photo alone": lambda n: pack.compose(photos[n], None),
        "words alone": lambda n: pack.compose(None, texts[n]),
        "sum": lambda n: pack.compose(photos[n], None) + pack.compose(None, texts[n]),
        "composed": lambda n: pack.compose(photos[n], texts[n]),
    }
    return [_row(name, method, gallery, stand_in) for name, method in methods.items()]


def _row(name: str, method: Callable[[int], Floats], gallery: Floats, stand_in: StandIn) -> Row:
    queries = np.stack([method(n) for n in range(len(stand_in.queries))])
    ranked = ranking(queries @ gallery.T, stand_in.excluded)
    recalls = [round(recall_at_k(ranked, stand_in.targets, k), 1) for k in (1, 10)]
    return Row(name, *recalls)
