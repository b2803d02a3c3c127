"""What the columns of a feed mean, where their names do not say it: proposed, then as a merchant decides.

A mapping is {the feed's normalised column: our column, one of LINKS, KEEP or LEAVE}. A column that it does
not name goes by its name, as without a mapping. Of several columns for one of ours the first that is filled
counts; several for `more_images` and for LINKS all count.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from rapidfuzz import fuzz, process

from catalog.feeds.cells import Row
from catalog.feeds.columns import LINKS, NAMES, REQUIRED, assigned, link_of
from catalog.feeds.values import as_text, clean

KEEP, LEAVE = "keep", "leave"  # with the product, as an attribute; not at all
TARGETS = (*NAMES, *LINKS, KEEP, LEAVE)
MULTIPLE = "more_images"
MAX_COLUMNS = 500
_NEAR = 84  # of 100: how alike two names must be
# Further names of our columns, as shops call them. What is like one of these is proposed, not taken.
_WORDS: dict[str, str] = {
    "sku": "article_number item_number product_number product_code part_number artikelnummer artikelnr "
    "artnr art_nr reference codice codigo product_sku variant_sku ean gtin referencia",
    "title": "product_name product_title item_name name titel bezeichnung produktname titre nom nombre "
    "titulo titolo nome",
    "description": "body long_description product_description text beschreibung descripcion descrizione "
    "body_html details",
    "link": "product_link page website webshop_link deeplink lien enlace",
    "image": "image_1 image1 main_image picture picture_url photo photo_url bild bild_url foto imagen "
    "immagine image_file img thumbnail product_image",
    "more_images": "image_2 image_3 image_4 image2 image3 image4 images gallery more_images other_images "
    "picture_2 picture_3 photo_2 photo_3 weitere_bilder additional_image",
    "price": "regular_price retail_price list_price unit_price preis prix precio prezzo amount rrp uvp "
    "price_eur price_usd price_gbp",
    "sale_price": "special_price discount_price reduced_price angebotspreis promo_price offer_price",
    "availability": "stock_status in_stock stock verfuegbarkeit disponibilite disponibilidad",
    "item_group_id": "group_id parent_id parent_sku parent style_id model_id variant_group gruppe",
    "brand": "manufacturer vendor marke marque marca label designer hersteller",
    "category": "categories product_category department kategorie categorie categoria type breadcrumb",
    "colour": "farbe couleur colore colour_name color_name main_color main_colour",
    "pattern": "muster motif print",
    "material": "fabric stoff matiere tessuto composition",
    "gender": "sex target_gender geschlecht genre sexe",
    "age_group": "age target_age altersgruppe",
    "size": "groesse taille talla taglia grosse size_name eu_size",
}  # fmt: skip


@dataclass(frozen=True)
class Proposal:
    """What one column is taken for: by its very name, by one that is like it, or not at all."""

    column: str
    target: str
    how: Literal["known", "near", "other"]


def header_hash(columns: Iterable[str]) -> str:
    """By which a header is known again: its normalised names, whatever their order."""
    return hashlib.sha256("\n".join(sorted(set(columns) - {""})).encode()).hexdigest()


def proposed(columns: Sequence[str]) -> list[Proposal]:
    """Return what each column seems to mean, each of ours for one column at most (but more images)."""
    known = {name: link for name in columns if (link := link_of(name))}
    known |= {theirs: ours for ours, theirs in assigned(columns).items()}
    free = [ours for ours in NAMES if ours not in known.values()]
    near = _near([name for name in columns if name not in known and name], free)
    return [
        Proposal(name, known[name], "known") if name in known
        else Proposal(name, near[name], "near") if name in near
        else Proposal(name, KEEP, "other")
        for name in columns if name
    ]  # fmt: skip


def _near(columns: Sequence[str], free: Sequence[str]) -> dict[str, str]:
    """{column: ours} of what is alike, the most alike first."""
    choices = {word: ours for ours in free for word in (*NAMES[ours], *_WORDS[ours].split())}
    if MULTIPLE not in free:
        choices |= dict.fromkeys(_WORDS[MULTIPLE].split(), MULTIPLE)
    scored = []
    for place, column in enumerate(columns):
        best = process.extractOne(column, choices.keys(), scorer=fuzz.ratio, score_cutoff=_NEAR)
        if best is not None:
            scored.append((-best[1], place, column, choices[best[0]]))
    found: dict[str, str] = {}
    for _, _, column, ours in sorted(scored):
        if ours == MULTIPLE or ours not in found.values():
            found[column] = ours
    return found


def as_mapping(proposals: Iterable[Proposal]) -> dict[str, str]:
    """The mapping that these proposals make."""
    return {each.column: each.target for each in proposals}


def checked(mapping: Mapping[str, Any], columns: Iterable[str]) -> dict[str, str]:
    """The mapping without columns that are not there and targets that there are not."""
    there = set(columns)
    return {name: target for name, target in mapping.items() if name in there and target in TARGETS}


def lacking(mapping: Mapping[str, str]) -> list[str]:
    """Which of our required columns no column is mapped to."""
    return [ours for ours in REQUIRED if ours not in mapping.values()]


def applied(row: Row, mapping: Mapping[str, str]) -> tuple[Row, dict[str, str]]:
    """Return a row without what is left out, and {ours: the column that holds it} for `record_of`."""
    cells = {name: value for name, value in row.cells.items() if mapping.get(name) != LEAVE}
    for name in [name for name in cells if mapping.get(name) in LINKS and not link_of(name)]:
        link = mapping[name]
        cells[link] = [*_parts(cells.get(link)), *_parts(cells.pop(name))]
    names = assigned([name for name in cells if name not in mapping])
    for ours in NAMES:
        columns = [name for name in cells if mapping.get(name) == ours]
        if ours == MULTIPLE and len(columns) > 1:
            cells[columns[0]] = [part for name in columns for part in _parts(cells[name])]
            for name in columns[1:]:
                del cells[name]
        if columns:
            names[ours] = next((name for name in columns if _filled(cells.get(name))), columns[0])
    return replace(row, cells=cells, raw=row.cells if row.raw is None else row.raw), names


def _parts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if _filled(value) else []


def _filled(value: Any) -> bool:
    return bool(clean(as_text(value))) if value not in (None, [], {}) else False
