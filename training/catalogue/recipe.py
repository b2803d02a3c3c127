"""All that decides what is learned from a catalogue. Saved in the candidate pack."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How heads and composer learn from a merchant's catalogue."""

    seed: int = 0
    threads: int = (
        1  # cores, of which a second gains little; with another number the last digits of a figure may differ
    )
    items: int = 20_000  # whole articles are drawn from a larger catalogue
    held_out: float = 0.25  # of the articles: the exam; nothing is learned from them, no choice made on them
    checked: float = 0.10  # of the articles: how far to go from the live pack is chosen on them
    queries: int = 1000  # of the exam, at most
    steps: int = 600
    batch: int = 160  # pairs a batch
    negatives: int = 2  # hard ones a pair: items that differ from the photo in one other attribute
    rate: float = 2e-3
    weight_decay: float = 0.02
    noise: float = 0.02  # of the sentence vectors, so that unseen wordings land near
    scale: float = 22.0  # inverse temperature
    wordings: int = 9000  # different sentences to hear, about
    weight_words: float = 0.4  # captions against photos
    weight_keep: float = 4.0  # staying near the live pack's vectors: what it knew before
    shares: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)  # of the way from the live weights to the learned ones
