"""Training on a shop's catalogue and letting candidates in, by the commands that an operator types."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import cli
from bootstrap import Services
from catalog.importing.imports import import_feed
from catalog.promotions import list_promotions
from embedding.pack_files import read_info
from settings import Settings
from tests.support.packs import SHIPPED, disturbed_pack

COLOURS = {"red": (190, 30, 40), "navy": (25, 35, 90), "green": (30, 130, 60), "yellow": (235, 210, 50)}
GROUPS = 20


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Twenty shirts in four colours, imported and decoded; the live pack is a bad one."""
    folder = tmp_path_factory.mktemp("train")
    live, given = disturbed_pack(folder / "live", name="bad", share=2.0), Settings()
    settings = replace(
        given, storage=replace(given.storage, data=folder / "data"),
        model=replace(given.model, pack=folder / "live"),
    )  # fmt: skip
    services = Services(settings)
    services.prepare()
    assert services.fingerprint == live.fingerprint
    import_feed(services.sessions, services.merchant().id, write_feed(folder), folder, services.incoming)
    pipeline = services.pipeline()
    while pipeline.images(64).claimed:
        pass
    pipeline.close()
    yield services
    services.close()


def write_feed(folder: Path) -> Path:
    rows = []
    for group in range(GROUPS):
        cut = np.kron(np.random.default_rng(group).random((5, 5)) < 0.5, np.ones((32, 32))) > 0
        for name, rgb in COLOURS.items():
            pixels = np.full((160, 160, 3), 245, dtype=np.uint8)
            pixels[cut] = rgb
            Image.fromarray(pixels).save(folder / f"{group}-{name}.png")
            rows.append(
                {
                    "id": f"{group}-{name}", "item_group_id": f"s{group}", "title": f"Shirt {group} {name}",
                    "description": "A shirt", "link": f"https://shop.example/{group}", "price": "20 USD",
                    "availability": "in_stock", "image_link": f"{group}-{name}.png", "color": name,
                    "product_type": "Shirts",
                }
            )  # fmt: skip
    feed = folder / "feed.jsonl"
    feed.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return feed


def twirl(services: Services, *words: str) -> Result:
    environ = {
        "TWIRL_DATA": str(services.data), "TWIRL_PACK": str(services.settings.model.pack), "COLUMNS": "200",
    }  # fmt: skip
    return CliRunner().invoke(cli.main, words, env=environ)


def test_training_writes_a_candidate_and_changes_nothing(shop: Services) -> None:
    done = twirl(shop, "train", "--catalogue", "--steps", "8", "--threads", "1", "--name", "ours")
    assert done.exit_code == 0, done.output
    assert f"{4 * GROUPS} items of" in done.output and "composed" in done.output
    candidate = read_info(shop.data / "training" / shop.merchant().slug / "candidate")
    assert candidate.name == "ours" and candidate.training["catalogue"]["items"] == 4 * GROUPS
    assert f"ours in {shop.data}" in done.output
    assert candidate.fingerprint not in {each.fingerprint for each in shop.pack_folders}
    with shop.sessions() as session:
        assert list_promotions(session) == []


def test_what_to_learn_from_must_be_said(shop: Services) -> None:
    done = twirl(shop, "train")
    assert done.exit_code == 2 and "twirl train --catalogue" in done.output


def test_a_better_pack_is_let_in_and_can_be_filled(shop: Services) -> None:
    done = twirl(shop, "models", "promote", str(SHIPPED))
    assert done.exit_code == 0, done.output
    assert "it has won" in done.output
    better = read_info(SHIPPED)
    assert f"twirl reembed --pack {better.fingerprint[:16]}" in done.output
    assert (shop.data / "packs" / better.fingerprint / "pack.json").is_file()
    with shop.sessions() as session:
        (row,) = list_promotions(session)
    assert (row.fingerprint, row.live_fingerprint) == (better.fingerprint, shop.fingerprint)
    assert not row.forced and row.figures["queries"] >= 20


def test_a_worse_pack_is_refused_or_let_in_for_a_reason_that_is_kept(shop: Services, tmp_path: Path) -> None:
    worse = disturbed_pack(tmp_path / "worse", name="worse", share=10.0)
    refused = twirl(shop, "models", "promote", str(tmp_path / "worse"))
    assert refused.exit_code == 1 and "has not won" in refused.output, refused.output
    assert "--force" in refused.output
    assert not (shop.data / "packs" / worse.fingerprint).exists()
    assert twirl(shop, "models", "promote", str(tmp_path / "worse"), "--force").exit_code == 2
    why = "an experiment of the buyers"
    forced = twirl(shop, "models", "promote", str(tmp_path / "worse"), "--force", "--reason", why)
    assert forced.exit_code == 0 and "although it had not won" in forced.output, forced.output
    assert (shop.data / "packs" / worse.fingerprint / "pack.json").is_file()
    listed = twirl(shop, "models", "promotions")
    said = " ".join(listed.output.split())  # a narrow terminal breaks lines between words
    assert f"({worse.fingerprint[:16]}), forced: {why}" in said, listed.output


def test_the_live_pack_is_no_candidate(shop: Services) -> None:
    done = twirl(shop, "models", "promote", shop.fingerprint)
    assert done.exit_code == 1 and "is the live pack itself" in done.output
