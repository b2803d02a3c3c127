"""The demo catalogue: families, feed, queries with true answers."""

import json
from collections import Counter, defaultdict
from dataclasses import asdict

import pytest
from PIL import Image

from atelier import write_catalogue
from atelier.attributes import CHANGEABLE
from atelier.catalogue import plan, queries, style_key

ATTRIBUTES = ("gender", "kind", "second_colour", *CHANGEABLE)


@pytest.fixture(scope="module")
def rows():
    return plan(600, 7)


def test_six_hundred_products_with_one_to_four_colours(rows):
    variants = Counter(row.group for row in rows)
    assert len(variants) == 600
    assert set(variants.values()) <= {1, 2, 3, 4}
    assert 1000 <= len(rows) <= 1300
    assert len({row.sku for row in rows}) == len(rows)


def test_variants_of_a_product_differ_in_colour_only(rows):
    first = {}
    for row in rows:
        assert style_key(row.garment) == style_key(first.setdefault(row.group, row).garment)
    assert len({(row.group, row.garment.colour) for row in rows}) == len(rows)


def test_no_two_products_are_the_same_style(rows):
    groups = {row.group: style_key(row.garment) for row in rows}
    assert len(set(groups.values())) == len(groups)


def test_the_plan_depends_on_the_seed_alone():
    assert plan(40, 7) == plan(40, 7)
    assert plan(40, 7) != plan(40, 8)


def test_each_query_has_every_true_answer_and_no_other(rows):
    by_sku = {row.sku: tuple(asdict(row.garment)[name] for name in ATTRIBUTES) for row in rows}
    alike = defaultdict(set)
    for sku, values in by_sku.items():
        alike[values].add(sku)
    found = queries(rows, 7)
    assert len(found) == 500
    assert {query.attribute for query in found} == set(CHANGEABLE)
    for query in found:
        source = by_sku[query.query]
        for sku in query.targets:
            pairs = zip(ATTRIBUTES, source, by_sku[sku], strict=True)
            assert [name for name, old, new in pairs if old != new] == [query.attribute]
        assert set(query.targets) == alike[by_sku[query.targets[0]]]


def test_a_written_catalogue_is_a_feed_with_its_pictures(tmp_path):
    seen = []
    feed = write_catalogue(
        tmp_path, products=4, seed=5, progress=lambda *at: seen.append(at), workers=1, size=96
    )
    records = [json.loads(line) for line in feed.read_text(encoding="utf-8").splitlines()]
    assert seen[-1] == (len(records), len(records))
    for record in records:
        assert {
            "id",
            "title",
            "item_group_id",
            "price",
            "color",
            "product_type",
            "image_link",
        } <= record.keys()
        assert record["price"].endswith(".00 USD")
        with Image.open(tmp_path / record["image_link"]) as picture:
            assert picture.format == "JPEG" and picture.size == (96, 120)
    assert (tmp_path / "queries.jsonl").exists()


def test_two_workers_write_the_same_pictures_as_one(tmp_path):
    one = write_catalogue(tmp_path / "one", products=2, seed=5, workers=1, size=96)
    two = write_catalogue(tmp_path / "two", products=2, seed=5, workers=2, size=96)
    assert one.read_bytes() == two.read_bytes()
    for picture in sorted((tmp_path / "one" / "images").iterdir()):
        assert picture.read_bytes() == (tmp_path / "two" / "images" / picture.name).read_bytes()


def test_no_products_are_refused(tmp_path):
    with pytest.raises(ValueError, match="give 1 or more"):
        write_catalogue(tmp_path, products=0)
