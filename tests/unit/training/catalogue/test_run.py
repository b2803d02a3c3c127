import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from embedding.minilm import SHA256
from embedding.pack import load_pack
from embedding.pack_files import FORMAT, PackConfig, PackInfo, read_info, read_weights, write_pack
from embedding.tower_pack import Towers
from embedding.towers import TowerConfig
from embedding.vit import ViTConfig
from training.catalogue.features import FeatureCache, PictureUnreadable
from training.catalogue.heads import open_heads
from training.catalogue.items import CatalogueTooSmall
from training.catalogue.recipe import Recipe
from training.catalogue.run import Workshop, candidate_name, recipe_of, take_stock, train_on_catalogue

RECIPE = Recipe(threads=1, steps=50, batch=48, wordings=60, rate=3e-3, weight_keep=0.02)
SAVED = 20


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small pack that nobody trained."""
    folder = tmp_path_factory.mktemp("live") / "pack"
    config = PackConfig(
        tower=TowerConfig(vit=ViTConfig(width=48, depth=2, heads=3, mlp=96), hidden=96),
        text_tower_sha256=SHA256,
    )
    torch.manual_seed(0)
    parts = config.tower.parts
    info = PackInfo(
        FORMAT, "small", "", "Apache-2.0", parts.dimension, parts.aligned + parts.colour + 1, "", "", config,
        {}, {"studio": 1},
    )  # fmt: skip
    write_pack(folder, info, Towers(config).state_dict())
    return folder


@pytest.fixture(scope="module")
def trained(catalogue: Path, live: Path, tmp_path_factory: pytest.TempPathFactory):
    work = tmp_path_factory.mktemp("work")
    return train_on_catalogue(
        catalogue, live, work / "candidate", Workshop(work, saved=SAVED), RECIPE, "learned"
    ), work


def test_a_candidate_learns_and_says_how_it_was_made(trained, live: Path) -> None:
    outcome, work = trained
    judgement = outcome.judgement
    assert judgement.won.percent(10) > judgement.live["composed"].percent(10) + 20, judgement.record()
    info = read_info(work / "candidate")
    before = read_info(live)
    assert (info.name, info.fingerprint) == ("learned", outcome.fingerprint) != before.fingerprint
    assert info.training["catalogue"]["from"] == before.fingerprint
    assert recipe_of(work / "candidate") == RECIPE
    assert candidate_name(work / "candidate", "shoes") == candidate_name(live, "shoes") == "small-shoes"
    assert info.metrics["studio"] == 1
    assert info.metrics["this shop, held-out articles"] == judgement.record()


def test_the_towers_rest_and_the_heads_learn(trained, live: Path) -> None:
    _, work = trained
    before, after = (read_weights(each, read_info(each)) for each in (live, work / "candidate"))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert not [name for name in changed if name.startswith(("image.vit.", "image.look."))]
    for part in ("image.visual", "image.aligned", "image.colour", "text.aligned", "composer.share"):
        assert any(name.startswith(part) for name in changed), part


def test_a_run_that_was_cut_off_goes_on_to_the_same_figures(
    trained, catalogue: Path, live: Path, tmp_path: Path
) -> None:
    whole, _ = trained

    class CutOff(Exception):
        pass

    @contextmanager
    def show(what: str) -> Iterator:
        def progress(done: int, _total: int | None) -> None:
            if what == "learning" and done == 2 * SAVED + 5 and not (tmp_path / "again").exists():
                raise CutOff

        yield progress

    shop = Workshop(tmp_path, show, SAVED)
    with pytest.raises(CutOff):
        train_on_catalogue(catalogue, live, tmp_path / "candidate", shop, RECIPE, "learned")
    assert not (tmp_path / "candidate").exists()
    (tmp_path / "again").touch()
    done = train_on_catalogue(catalogue, live, tmp_path / "candidate", shop, RECIPE, "learned")
    assert done.judgement.record() == whole.judgement.record()  # six digits
    assert done.fingerprint == whole.fingerprint


def test_heads_answer_as_the_pack_does(trained) -> None:
    _, work = trained
    pack, heads = load_pack(work / "candidate"), open_heads(work / "candidate")
    pixels = [np.random.default_rng(n).integers(0, 256, (70, 60, 3), dtype=np.uint8) for n in range(3)]
    texts = ["in red", "rather navy", "green one"]
    with torch.inference_mode():
        image = heads.index(heads.look(pixels))
        rows, sentences = heads.read(texts)
        said = heads.words(sentences[[rows[each] for each in texts]])
        query = heads.query(image, said)
    indexed, words = pack.encode_images(pixels), pack.encode_texts(texts)
    assert np.abs(indexed - image.numpy()).max() < 0.02  # bf16 where the processor has it
    for n in range(3):
        mine, text = image[n].numpy(), words[n]
        assert np.allclose(pack.compose(mine, text), query.both[n], atol=1e-4)
        assert np.allclose(pack.compose(mine, None), query.photo[n], atol=1e-4)
        assert np.allclose(pack.compose(None, text), query.words[n], atol=1e-4)


def test_held_out_articles_are_asked_about_and_never_learned_from(catalogue: Path) -> None:
    from training.catalogue.lessons import Lessons

    stock = take_stock(catalogue, RECIPE)
    asked = {stock.items[n].group for n in stock.exam.sources}
    lessons = Lessons(stock.items, stock.triplets, RECIPE)
    seen = {stock.items[n].group for step in range(30) for n in lessons.batch(step).gallery}
    assert asked and seen and not asked & seen
    for text, rows in zip(stock.captions.texts, stock.captions.targets, strict=True):
        colour = text.removesuffix(" shirts")  # "red shirts": every red shirt; "shirts": every shirt
        wanted = {n for n, item in enumerate(stock.items) if colour in ("shirts", item.value("colour"))}
        assert rows == wanted
    for source, targets, out in zip(stock.exam.sources, stock.exam.targets, stock.exam.excluded, strict=True):
        assert source in out and not targets & out


def test_features_are_looked_at_once(catalogue: Path, live: Path, tmp_path: Path) -> None:
    heads, cache = open_heads(live), FeatureCache(tmp_path)
    pictures = [item.picture for item in take_stock(catalogue, RECIPE).items[:20]]
    counts: list[int] = []
    first = cache.features(heads, pictures[:18], lambda done, _total: counts.append(done))
    again = cache.features(heads, pictures, lambda done, _total: counts.append(done))
    assert counts == [0, 16, 18, 18, 20]
    assert torch.equal(again[:18], first)
    (tmp_path / "broken.png").write_bytes(pictures[0].read_bytes()[:40])
    with pytest.raises(PictureUnreadable, match=r"broken\.png"):
        cache.features(heads, [tmp_path / "broken.png"], lambda *_: None)


def test_a_catalogue_that_teaches_nothing_is_refused(catalogue: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in catalogue.read_text().splitlines()]
    lonely = tmp_path / "lonely.jsonl"
    lonely.write_text("".join(json.dumps(row | {"item_group_id": ""}) + "\n" for row in rows))
    with pytest.raises(CatalogueTooSmall, match="0 questions"):
        take_stock(lonely, RECIPE)
    with pytest.raises(CatalogueTooSmall) as refused:
        take_stock(catalogue, replace(RECIPE, held_out=0.01))
    assert "item_group_id" in refused.value.fix
