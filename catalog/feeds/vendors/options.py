"""Options and attributes that shops name themselves: "Colour: Red" finds its column whatever the language."""

from collections.abc import Iterable
from typing import Any

from catalog.feeds.columns import normalised

_SPELLINGS = {
    "color": "color colour farbe couleur colore kleur cor färg farve väri kolor barva цвет 色 颜色",
    "size": "size sizes größe groesse grösse taille talla taglia maat tamanho storlek størrelse koko rozmiar",
    "material": "material materials materiale matière matiere stoff fabric tessuto tejido materiał",
    "pattern": "pattern muster motif motivo print mønster",
    "gender": "gender geschlecht genre sexo target_gender",
    "age_group": "age_group altersgruppe",
    "brand": "brand brands marke marque marca merk",
}
_COLUMNS = {word: column for column, words in _SPELLINGS.items() for word in words.split()}


def column_of(name: str) -> str:
    """Return the column of an option: "Farbe", "pa_color" -> "color"; what is unknown keeps its own name."""
    name = normalised(name).removeprefix("pa_")
    return _COLUMNS.get(name, name)


def placed(options: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return {column: value}; of two options for one column the first counts, and empty ones do not."""
    found: dict[str, Any] = {}
    for name, value in options:
        if name and value:
            found.setdefault(column_of(name), value)
    return found
