"""Real photos through the running HTTP API: 372 queries "same but in COLOUR" over 196 studio photos.

    python -m benchmarks.http_magento

Imports the `dev` half of ../shared/data/magento with a feed made from its manifest, starts the storefront
and asks /api/v1/search. Protocol: the photo is the query variant's own, uploaded; the query variant is
excluded from the answer; no collapsing of variants; a hit is the variant asked for. No pack is trained on
this half.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.bar import SHARED, Bar, show
from benchmarks.shop import Shop, shop

MAGENTO = SHARED / "data" / "magento"


def _rows(name: str) -> list[dict[str, str]]:
    with (MAGENTO / name).open(newline="") as source:
        return [row for row in csv.DictReader(source) if row["split"] == "dev"]


def write_feed(path: Path) -> int:
    """Write the dev half as a JSONL feed, the main photo of each variant; return the number of rows."""
    rows = _rows("manifest.csv")
    with path.open("w") as out:
        for row in rows:
            out.write(json.dumps(_record(row)) + "\n")
    return len(rows)


def _record(row: dict[str, str]) -> dict[str, Any]:
    return {
        "id": row["variant_id"],
        "item_group_id": row["style"],
        "title": row["title"],
        "description": row["description"],
        "product_type": row["category"].replace("/", " > "),
        "color": row["colour"],
        "gender": "male" if row["gender"] == "Men" else "female",
        "material": row["material"].replace("|", ", "),
        "pattern": row["pattern"].replace("|", ", "),
        "price": f"{row['price']} USD",
        "availability": "in_stock",
        "link": f"https://shop.example/{row['variant_id']}",
        "image_link": row["image"],
    }


def ranks(running: Shop, words: bool, photo: bool) -> list[int]:
    """The rank of each query's target (1 is first), 0 when it is not in the first 100."""
    pictures = {row["variant_id"]: (MAGENTO / row["image"]).read_bytes() for row in _rows("manifest.csv")}
    found = []
    for pair in _rows("pairs_same_style_other_colour.csv"):
        answer = running.search(
            photo=pictures[pair["query_variant"]] if photo else None,
            words=pair["text"] if words else "",
            exclude=[pair["query_variant"]],
            collapse=False,
            facets=False,
            limit=100,
        )
        skus = [hit["sku"] for hit in answer["hits"]]
        target = pair["target_variant"]
        found.append(skus.index(target) + 1 if target in skus else 0)
    return found


def recall(found: list[int], k: int) -> float:
    """Per cent of queries whose target is in the first k."""
    return 100 * sum(1 <= rank <= k for rank in found) / len(found)


def bars() -> Iterator[Bar]:
    """R@1 and R@10 of photo and words, with the rows of photo alone and words alone beside them."""
    if not MAGENTO.exists():
        raise FileNotFoundError(
            f"{MAGENTO} is missing: this bar needs the real photos kept beside the project."
        )
    with shop() as running:
        feed = running.data / "magento.jsonl"
        rows = write_feed(feed)
        printed = running.import_feed(feed, MAGENTO)
        if f"{rows} created" not in printed:
            raise RuntimeError(printed)
        running.start()
        both, photo = ranks(running, True, True), ranks(running, False, True)
        words = ranks(running, True, False)
    beside = (
        f"photo alone {recall(photo, 1):.1f}/{recall(photo, 10):.1f}, "
        f"words alone {recall(words, 1):.1f}/{recall(words, 10):.1f}"
    )
    for k, target in ((1, 82), (10, 98)):
        figure = recall(both, k)
        name = f"studio photos over HTTP: photo + colour, R@{k}"
        yield Bar(name, figure, f">= {target}", figure >= target, "%", beside)


if __name__ == "__main__":
    show(bars())
