"""Bars: what is said of items, on a drawn shop of 320 products whose truth is known.

    python -m benchmarks.item_inspection [--products 320]

A fifth of the items lose their attributes and get suggestions from the others: how often these are right.
After that some items' pictures are saved again, resized and cropped a little as other items: how many are
found, and how many of the pairs that are found are none. Some are blurred, shrunk or replaced: how many are
told, and how many of the untouched ones are told of wrongly. And what a look at one item costs.
"""

import argparse
import io
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image as Pictures
from PIL import ImageFilter
from sqlalchemy import select

from benchmarks.bar import Bar, show
from bootstrap import Services
from catalog.items.pictures import Shown, arrange_pictures
from catalog.items.tables import ItemHint, ItemLook
from catalog.models import Image, Product
from indexer.inspection.suggesting import SUGGESTED
from tests.support.shop import index, small_shop

PRODUCTS, SEED, COPIES, SPOILT = 320, 5, 40, 20
HELD_OUT = 0.2
FIELDS = tuple(name for name in SUGGESTED if name != "age_group")  # which the drawn shop has one value of
PRECISION, RECALL, FOUND_RIGHT, TOLD, WRONGLY, COST_MS = 0.95, 0.9, 0.9, 0.9, 0.1, 500


@dataclass
class _Planted:
    """What was done to the shop: pairs of the same picture, spoilt pictures."""

    pairs: set[frozenset[int]] = field(default_factory=set)
    spoilt: dict[int, str] = field(default_factory=dict)  # by the hint that is due


def bars(products: int = PRODUCTS) -> Iterator[Bar]:
    """Precision and coverage of suggestions, of duplicates and of bad pictures; milliseconds an item."""
    with tempfile.TemporaryDirectory() as folder, small_shop(Path(folder), products=products) as services:
        yield from measured(services)


def measured(services: Services) -> Iterator[Bar]:
    """The same of a shop that is there; it is changed."""
    draw = random.Random(SEED)
    hidden = _hide(services, draw)
    began = time.process_time()
    looked = services.inspector.go_on(budget_s=3600)
    cost = (time.process_time() - began) / max(looked, 1) * 1000
    yield from _suggestions(services, hidden)
    planted = _plant(services, draw)
    index(services)
    services.inspector.go_on(budget_s=3600)
    yield from _duplicates(services, planted)
    yield from _pictures(services, planted)
    detail = f"{looked} items, without the engine's own process"
    yield Bar("a look at one item, processor time", cost, f"< {COST_MS} ms", cost < COST_MS, "ms", detail)


def _hide(services: Services, draw: random.Random) -> dict[int, dict[str, str]]:
    """Take the attributes of some items away; {item: what it had}."""
    hidden = {}
    with services.sessions.begin() as session:
        every = list(session.scalars(select(Product).order_by(Product.id)))
        for product in draw.sample(every, int(HELD_OUT * len(every))):
            hidden[product.id] = {name: getattr(product, name) for name in FIELDS}
            for name in FIELDS:
                setattr(product, name, "")
    return hidden


def _plant(services: Services, draw: random.Random) -> _Planted:
    planted = _Planted()
    with services.sessions() as session:
        every = list(session.scalars(select(Product).order_by(Product.id)))
    mains = list({each.item_group_id: each for each in every}.values())
    draw.shuffle(mains)
    copies, spoilt = mains[: 2 * COPIES], mains[2 * COPIES : 2 * COPIES + 3 * SPOILT]
    for number, (source, target) in enumerate(zip(copies[::2], copies[1::2], strict=True)):
        _give(services, target, _copied(_picture(services, source), number, draw))
        planted.pairs.add(frozenset({source.id, target.id}))
    for number, each in enumerate(spoilt):
        picture, due = _spoilt(_picture(services, each), number)
        _give(services, each, picture)
        planted.spoilt[each.id] = due
    return planted


def _copied(picture: Pictures.Image, number: int, draw: random.Random) -> Pictures.Image:
    """By turns: as it is, half as large, cropped by up to 5 % at each side, both."""
    wide, tall = picture.size
    if number % 4 in (2, 3):
        left, top, right, bottom = (draw.uniform(0, 0.05) for _ in range(4))
        box = (left * wide, top * tall, (1 - right) * wide, (1 - bottom) * tall)
        picture = picture.crop(tuple(round(each) for each in box))  # type: ignore[arg-type]
    if number % 4 in (1, 3):
        picture = picture.resize((picture.width // 2, picture.height // 2))
    return picture


def _spoilt(picture: Pictures.Image, number: int) -> tuple[Pictures.Image, str]:
    """A picture made worse, and the hint that is due."""
    if number % 3 == 0:
        return picture.filter(ImageFilter.GaussianBlur(picture.width / 120)), "blurred"
    if number % 3 == 1:
        return picture.resize((160, 200)), "small"
    return Pictures.new("RGB", (600, 750), (number, 200, 220)), "placeholder"


def _picture(services: Services, product: Product) -> Pictures.Image:
    with services.sessions() as session:
        mine = select(Image.sha256).where(Image.product_id == product.id, Image.position == 0)
        sha256 = str(session.scalars(mine).one())
    return Pictures.open(io.BytesIO(services.blobs.read(sha256, 1200))).convert("RGB")


def _give(services: Services, product: Product, picture: Pictures.Image) -> None:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=70)
    source = f"incoming:{services.incoming.put(out.getvalue())}"
    with services.sessions.begin() as session:
        rev = session.get_one(Product, product.id).rev
        arrange_pictures(session, product.merchant_id, product.id, rev, [Shown(source=source)])


def _suggestions(services: Services, hidden: dict[int, dict[str, str]]) -> Iterator[Bar]:
    with services.sessions() as session:
        hints = session.scalars(select(ItemHint).where(ItemHint.value != "")).all()
    by_field: dict[str, list[bool]] = {name: [] for name in FIELDS}
    for hint in hints:
        name = hint.code.removeprefix("missing-").replace("-", "_")
        if name in by_field and hint.product_id in hidden:
            by_field[name].append(hidden[hint.product_id][name] == hint.value)
    every = [right for rights in by_field.values() for right in rights]
    asked = sum(bool(value) for lost in hidden.values() for value in lost.values())
    precision = _share(every)
    said = ", ".join(f"{name} {_share(rights):.2f} of {len(rights)}" for name, rights in by_field.items())
    yield Bar(
        "suggested attributes that are right, held-out items", precision, f">= {PRECISION}",
        precision >= PRECISION, "", f"{len(every)} suggested of {asked} missing: {said}",
    )  # fmt: skip


def _duplicates(services: Services, planted: _Planted) -> Iterator[Bar]:
    groups: dict[int, set[int]] = {}
    with services.sessions() as session:
        rows = session.execute(select(ItemLook.alike, ItemLook.product_id).where(ItemLook.alike.is_not(None)))
        for head, product_id in rows:
            groups.setdefault(int(head or 0), set()).add(product_id)
    found = {frozenset({a, b}) for group in groups.values() for a in group for b in group if a < b}
    placeholders = {each for each, due in planted.spoilt.items() if due == "placeholder"}
    found = {pair for pair in found if not pair <= placeholders}  # those are one picture in fact
    recall = _share([pair in found for pair in planted.pairs])
    right = _share([pair in planted.pairs for pair in found])
    detail = f"{len(planted.pairs)} planted, {len(found)} found"
    yield Bar("duplicates that are found", recall, f">= {RECALL}", recall >= RECALL, "", detail)
    detail = "the others are garments drawn alike"
    yield Bar("found pairs that were planted", right, f">= {FOUND_RIGHT}", right >= FOUND_RIGHT, "", detail)


def _pictures(services: Services, planted: _Planted) -> Iterator[Bar]:
    codes = ("blurred", "small", "placeholder", "several-garments")
    with services.sessions() as session:
        hints = session.scalars(select(ItemHint).where(ItemHint.code.in_(codes))).all()
        looked = set(session.scalars(select(ItemLook.product_id)))
    told = {(hint.product_id, hint.code) for hint in hints}
    found = _share([(each, due) in told for each, due in planted.spoilt.items()])
    yield Bar("spoilt pictures told of", found, f">= {TOLD}", found >= TOLD, "", f"{len(planted.spoilt)}")
    clean = looked - planted.spoilt.keys()
    wrong = {code: sum((each, code) in told for each in clean) / len(clean) for code in codes}
    worst = max(wrong, key=lambda code: wrong[code])
    detail = ", ".join(f"{code} {100 * share:.1f} %" for code, share in wrong.items())
    yield Bar(
        f"good pictures told of wrongly, most often as {worst}", wrong[worst], f"<= {WRONGLY}",
        wrong[worst] <= WRONGLY, "", detail,
    )  # fmt: skip


def _share(rights: Sequence[bool]) -> float:
    return sum(rights) / len(rights) if rights else 0.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.item_inspection", description=__doc__)
    parser.add_argument("--products", type=int, default=PRODUCTS)
    sys.exit(not all(bar.ok for bar in show(bars(parser.parse_args().products))))
