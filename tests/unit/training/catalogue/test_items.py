import json
from pathlib import Path

import numpy as np
import pytest

from training.catalogue.items import CatalogueTooSmall, attributes_of, read_items
from training.catalogue.triplets import find_triplets, side_of, twins
from training.catalogue.wordings import ask, shop_wording
from training.paraphrases import HELD_OUT

COLOURS = ("Red", "Navy", "Olive")


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(number: int, colour: str, **more: object) -> dict[str, object]:
    return {
        "id": f"a{number}-{colour}", "item_group_id": f"a{number}", "title": f"Shirt {number}",
        "product_type": "Men > Shirts", "color": colour, "image_link": f"{number}-{colour}.webp", **more,
    }  # fmt: skip


def test_an_item_is_read_with_what_can_be_seen_of_it(tmp_path: Path) -> None:
    rows = [
        row(n, colour, material="Linen" if n % 2 else "Wool", size="M", price=f"{n}.00 USD", brand="Acme")
        for n in range(4)
        for colour in ("Red/White", "Navy")
    ]
    item = read_items(written(tmp_path / "c.jsonl", rows))[0]
    assert (item.sku, item.group, item.category, item.path) == (
        "a0-Red/White",
        "a0",
        "shirts",
        "men > shirts",
    )
    assert dict(item.values) == {"colour": "red", "material": "wool"}


def test_columns_that_name_or_count_or_repeat_are_left_out() -> None:
    said = [
        {"colour": colour, "shade": f"the {colour}", "code": f"x{n}-{colour}", "fit": ("slim", "wide")[n % 2]}
        for n in range(5)
        for colour in ("red", "navy", "olive")
    ]
    assert attributes_of(said) == ("colour", "fit")


def test_no_item_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CatalogueTooSmall) as refused:
        read_items(written(tmp_path / "c.jsonl", []))
    assert "twirl import" in refused.value.fix


def test_pairs_differ_in_one_attribute_and_colour_stays_within_an_article(tmp_path: Path) -> None:
    rows = [row(n, colour, material=("Linen", "Wool")[n % 2]) for n in range(4) for colour in COLOURS]
    items = read_items(written(tmp_path / "c.jsonl", rows))
    found = find_triplets(items, seed=0)
    assert len(found.pairs) == 4 * 3 * 2  # each variant to each of its siblings
    for pair in found.pairs:
        (target,) = pair.targets
        assert pair.attribute == "colour" and items[pair.source].group == items[target].group
        assert (items[pair.source].value("colour"), items[target].value("colour")) == (pair.old, pair.value)


def test_articles_make_pairs_where_enough_else_is_the_same(tmp_path: Path) -> None:
    rows = []
    for n in range(24):
        looks = {"sleeve": ("long", "short")[n % 2], "pattern": ("plain", "striped")[n // 2 % 2]}
        fixed = {"material": ("linen", "wool")[n // 4 % 2], "neckline": ("crew", "boat")[n // 8 % 2]}
        rows.append(row(n, ("Red", "Navy")[n // 16], **looks, **fixed))
    items = read_items(written(tmp_path / "c.jsonl", rows))
    pairs = find_triplets(items, seed=0).pairs
    assert {"sleeve", "pattern", "material", "neckline"} <= {pair.attribute for pair in pairs}
    for pair in pairs:
        for target in pair.targets:
            changed = {
                name for name, value in items[pair.source].values if items[target].value(name) != value
            }
            assert changed == {pair.attribute} and not pair.same_group


def test_sizes_of_a_variant_are_twins(tmp_path: Path) -> None:
    variants = [row(n, colour) for n in range(2) for colour in COLOURS]
    rows = [each | {"id": f"{each['id']}-{size}", "size": size} for each in variants for size in "SM"]
    items = read_items(written(tmp_path / "c.jsonl", rows))
    assert twins(items)[0] == {0, 1}
    assert all(len(pair.targets) == 2 for pair in find_triplets(items, seed=0).pairs)


def test_a_group_stays_on_its_side_and_sides_are_even() -> None:
    sides = [side_of(f"group {n}", seed=0) for n in range(2000)]
    assert sides[7] == side_of("group 7", seed=0) != side_of("group 7", seed=1)
    assert 0.22 < np.mean([side < 0.25 for side in sides]) < 0.28


def test_any_value_of_any_attribute_is_asked_for_in_words() -> None:
    assert shop_wording("colour", "sea green").prep == "in sea green"
    assert shop_wording("material", "merino").adj == "merino"
    assert shop_wording("sleeve", "long").prep == "with long sleeves"  # as the atelier says it
    assert shop_wording("heel_height", "flat").prep == "with a flat heel height"
    assert shop_wording("sleeves", "cap sleeves").prep == "with cap sleeves"
    rng = np.random.default_rng(0)
    said = {ask("colour", "sea green", "red", rng) for _ in range(300)}
    assert len(said) > 30
    held = {each.format(adj="sea green", prep="in sea green", old="red", noun="colour") for each in HELD_OUT}
    assert not said & held
    assert ask("colour", "sea green", "red", rng, held_out=True).replace("color", "colour") in held
