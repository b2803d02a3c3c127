"""Sentences that describe an item, as shoppers search without a photo, and for which items they hold."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.catalogue.items import Item
from training.catalogue.wordings import shop_wording

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def draw_caption(item: Item, rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """A sentence for an item ("navy striped blouses") and what it names; "" for one without category."""
    names = [name for name, _ in item.values if name in ("colour", "pattern", "material", "fabric")]
    chosen = [name for name in names if rng.random() < 0.6]
    if not item.category:
        return "", ()
    words = [shop_wording(name, item.value(name)).adj for name in chosen]
    return " ".join([*words, item.category]), tuple(chosen)


class ValueTable:
    """Every item's values as numbers, to compare many at once."""

    def __init__(self, items: Sequence[Item]) -> None:
        names = sorted({name for item in items for name, _ in item.values})
        self._columns = {name: column for column, name in enumerate(["", *names])}
        said = [{"": item.category, **dict(item.values)} for item in items]
        codes: dict[tuple[str, str], int] = {}
        self._codes = np.full((len(items), len(self._columns)), -1, dtype=np.int64)
        for row, values in enumerate(said):
            for name, value in values.items():
                self._codes[row, self._columns[name]] = codes.setdefault((name, value), len(codes))

    def holds(self, rows: Sequence[int], named: Sequence[tuple[str, ...]], gallery: Rows) -> Mask:
        """(C, G): whether the items of the gallery share category and the named values with each row."""
        shown = np.zeros((len(rows), len(gallery)), dtype=bool)
        for n, (row, names) in enumerate(zip(rows, named, strict=True)):
            columns = [self._columns[name] for name in ("", *names)]
            shown[n] = (self._codes[gallery][:, columns] == self._codes[row, columns]).all(1)
        return shown
