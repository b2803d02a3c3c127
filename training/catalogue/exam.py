"""Held-out articles as an exam, and what a pack reaches in it beside the simple ways to mix photo and words.

Protocol: the photo of an item of a held-out article, one changed attribute in wordings that training never
hears, every item of the catalogue in the gallery; a hit is an item that answers; the query item and the sizes
that look like it are taken out, and so are items of other articles that would answer too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.composer import slerp
from training.catalogue.captions import ValueTable, draw_caption
from training.catalogue.heads import Heads
from training.catalogue.items import Item
from training.catalogue.triplets import Pair, Triplets, side_of, twins
from training.catalogue.wordings import ask
from training.evaluation import bootstrap_interval, hits_at_k, ranking

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

COMPOSED = "composed"
_CHUNK = 200  # queries ranked at once
_ROWS = 4096  # items indexed at once


@dataclass(frozen=True)
class Exam:
    """Q queries over the items of a catalogue."""

    sources: Rows  # (Q,) rows of the items
    texts: tuple[str, ...]
    targets: tuple[frozenset[int], ...]
    excluded: tuple[frozenset[int], ...]
    attributes: tuple[str, ...]  # which one each query asks to change
    items: int

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Result:
    """How one method fares: 1 where a target is among the first, for each query."""

    method: str
    first: Floats  # (Q,) hits at 1
    ten: Floats  # (Q,) hits at 10

    def percent(self, k: int) -> float:
        """Recall@k for k 1 or 10, in percent."""
        return 100 * float(np.mean(self.first if k == 1 else self.ten, dtype=np.float64))

    def interval(self, k: int) -> tuple[float, float]:
        """Its 95 % bootstrap interval, percent."""
        low, high = bootstrap_interval(self.first if k == 1 else self.ten)
        return 100 * low, 100 * high


def make_exam(
    items: Sequence[Item], triplets: Triplets, seed: int, low: float, high: float, most: int
) -> Exam:
    """At most `most` queries about the articles whose side lies in [low, high); possibly none."""
    held = np.array([low <= side_of(item.group, seed) < high for item in items], dtype=bool)
    rng = np.random.default_rng([seed, 23])
    pairs = [pair for pair in triplets.pairs if held[pair.source] and any(held[n] for n in pair.targets)]
    if len(pairs) > most:
        pairs = [pairs[n] for n in sorted(rng.choice(len(pairs), most, replace=False))]
    same = twins(items)
    targets = [frozenset(row for row in pair.targets if held[row]) for pair in pairs]
    return Exam(
        sources=np.array([pair.source for pair in pairs], dtype=np.int64),
        texts=tuple(_text(items, each, seed) for each in pairs),
        targets=tuple(targets),
        excluded=tuple(
            same[pair.source] | (pair.targets - wanted) for pair, wanted in zip(pairs, targets, strict=True)
        ),
        attributes=tuple(pair.attribute for pair in pairs),
        items=len(items),
    )


def _text(items: Sequence[Item], pair: Pair, seed: int) -> str:
    """A held-out wording that stays the pair's own when the catalogue grows."""
    said = f"{items[pair.source].sku}|{pair.attribute}|{pair.value}"
    rng = np.random.default_rng([seed, *said.encode()])
    return ask(pair.attribute, pair.value, pair.old, rng, held_out=True)


@dataclass(frozen=True)
class Captions:
    """C sentences that describe held-out items, to be searched without a photo."""

    texts: tuple[str, ...]
    targets: tuple[frozenset[int], ...]  # every item that a sentence holds for

    def __len__(self) -> int:
        return len(self.texts)


def make_captions(items: Sequence[Item], seed: int, share: float, most: int) -> Captions:
    """At most `most` different sentences about the articles below `share`; possibly none."""
    rng = np.random.default_rng([seed, 29])
    said: dict[str, tuple[int, tuple[str, ...]]] = {}
    for row, item in enumerate(items):
        text, named = draw_caption(item, rng)
        if text and side_of(item.group, seed) < share:
            said.setdefault(text, (row, named))
    texts = sorted(said)
    if len(texts) > most:
        texts = [texts[n] for n in sorted(rng.choice(len(texts), most, replace=False))]
    chosen = [said[text] for text in texts]
    everything = np.arange(len(items))
    shown = ValueTable(items).holds([row for row, _ in chosen], [named for _, named in chosen], everything)
    return Captions(tuple(texts), tuple(frozenset(np.flatnonzero(row).tolist()) for row in shown))


@torch.inference_mode()
def examine_words(heads: Heads, captions: Captions, features: Tensor) -> Result:
    """How often words alone find an item that they describe. Raises ValueError without captions."""
    if not captions.texts:
        raise ValueError("words are examined by one caption or more")
    gallery = index_all(heads, features)
    rows, sentences = heads.read(captions.texts)
    queries = heads.by_words(heads.words(sentences[[rows[each] for each in captions.texts]]))
    nothing = (frozenset[int](),) * len(captions)
    return _result("captions", queries, gallery, captions.targets, nothing)


@torch.inference_mode()
def examine(heads: Heads, exam: Exam, features: Tensor, only_composed: bool = False) -> dict[str, Result]:
    """{method: result} of a pack over (N, F) features of the exam's items."""
    gallery = index_all(heads, features)  # (N, D)
    rows, sentences = heads.read(sorted(set(exam.texts)))
    text = heads.words(sentences[[rows[each] for each in exam.texts]])  # (Q, T)
    query = heads.query(gallery[exam.sources], text)
    asked = {COMPOSED: query.both}
    if not only_composed:
        asked |= {
            "photo alone": query.photo,
            "words alone": query.words,
            "sum": F.normalize(query.photo + query.words, dim=-1),
            "slerp": slerp(query.photo, query.words, 0.5),
        }
    return {
        method: _result(method, rows_of, gallery, exam.targets, exam.excluded)
        for method, rows_of in asked.items()
    }


def index_all(heads: Heads, features: Tensor) -> Tensor:
    """(N, F) features -> (N, D) index vectors, a part at a time."""
    parts = range(0, len(features), _ROWS)
    return torch.cat([heads.index(features[start : start + _ROWS]) for start in parts])


def _result(
    method: str,
    queries: Tensor,
    gallery: Tensor,
    targets: Sequence[frozenset[int]],
    excluded: Sequence[frozenset[int]],
) -> Result:
    first, ten = [], []
    for start in range(0, len(queries), _CHUNK):
        part = slice(start, start + _CHUNK)
        ranked = ranking((queries[part] @ gallery.T).numpy(), excluded[part])
        first.append(hits_at_k(ranked, targets[part], 1))
        ten.append(hits_at_k(ranked, targets[part], 10))
    return Result(method, np.concatenate(first), np.concatenate(ten))
