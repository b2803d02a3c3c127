"""A composer for an encoder that somebody else trained, learned from a catalogue."""

from pathlib import Path

import numpy as np
import pytest
import torch

from embedding.adding import add_encoder
from embedding.dual import DualPack
from embedding.dual_files import Origin
from embedding.pack import load_pack
from tests.support.encoders import clip
from training.catalogue.exam import examine, make_exam
from training.catalogue.features import FeatureCache
from training.catalogue.heads import open_heads
from training.catalogue.recipe import Recipe
from training.catalogue.run import Workshop, judge, take_stock, train_on_catalogue

RECIPE = Recipe(threads=1, steps=30, batch=48, wordings=60, rate=3e-3, shares=(1.0,))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CLIP that nobody trained, as a pack."""
    folder = tmp_path_factory.mktemp("clip")
    return add_encoder(clip(folder / "published"), folder / "kept", "tiny", Origin("tiny")).folder


@pytest.fixture(scope="module")
def trained(catalogue: Path, live: Path, tmp_path_factory: pytest.TempPathFactory):
    work = tmp_path_factory.mktemp("work")
    return train_on_catalogue(catalogue, live, work / "candidate", Workshop(work), RECIPE, "composed"), work


def loaded(folder: Path) -> DualPack:
    pack = load_pack(folder, precision="auto")
    assert isinstance(pack, DualPack)
    return pack


def test_a_composer_is_trained_and_photos_keep_their_vectors(trained, live: Path) -> None:
    outcome, work = trained
    before, after = loaded(live), loaded(work / "candidate")
    assert before.composer is None and after.composer is not None
    assert (after.name, after.fingerprint) == ("composed", outcome.fingerprint) != (before.name, "")
    assert after.info.training["catalogue"]["from"] == before.fingerprint
    photo = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    assert np.array_equal(before.encode_images([photo]), after.encode_images([photo]))
    image, text = after.encode_images([photo])[0], after.encode_texts(["in red"])[0]
    assert np.abs(after.compose(image, text) - before.compose(image, text)).max() > 1e-3


def test_without_a_composer_the_live_pack_is_slerp(trained) -> None:
    live = trained[0].judgement.live
    assert live["composed"].percent(10) == live["slerp"].percent(10)
    assert np.array_equal(live["composed"].first, live["slerp"].first)


def test_on_what_it_learned_from_the_composer_answers_more_than_slerp(
    trained, catalogue: Path, tmp_path: Path
) -> None:
    """Nothing more is asked of it: in a network that nobody trained, new photos mean nothing."""
    heads, stock = open_heads(trained[1] / "candidate"), take_stock(catalogue, RECIPE)
    taught = make_exam(stock.items, stock.triplets, RECIPE.seed, RECIPE.held_out + RECIPE.checked, 1.0, 500)
    pictures = [item.picture for item in stock.items]
    found = examine(heads, taught, FeatureCache(tmp_path).features(heads, pictures, lambda *_: None))
    assert found["composed"].percent(10) > found["slerp"].percent(10)


def test_the_same_again_gives_the_same_figures(trained, catalogue: Path, live: Path, tmp_path: Path) -> None:
    again = train_on_catalogue(catalogue, live, tmp_path / "c", Workshop(tmp_path), RECIPE, "composed")
    assert again.judgement.record() == trained[0].judgement.record()
    assert again.fingerprint == trained[0].fingerprint


def test_heads_answer_as_the_pack_does(trained) -> None:
    _, work = trained
    pack, heads = loaded(work / "candidate"), open_heads(work / "candidate")
    photos = [np.random.default_rng(n).integers(0, 256, (60, 50, 3), dtype=np.uint8) for n in range(2)]
    rows, sentences = heads.read(["in red", "navy please"])
    with torch.inference_mode():
        image = heads.index(heads.look(photos))
        said = heads.words(sentences[[rows["in red"], rows["navy please"]]])
        query = heads.query(image, said)
    for n, text in enumerate(pack.encode_texts(["in red", "navy please"])):
        assert np.allclose(pack.compose(image[n].numpy(), text), query.both[n], atol=1e-5)


def test_a_trained_composer_is_where_the_next_training_begins(
    trained, catalogue: Path, tmp_path: Path
) -> None:
    _, work = trained
    stock = take_stock(catalogue, RECIPE)
    same = judge(stock, work / "candidate", work / "candidate", Workshop(tmp_path))
    assert same.record()["R@1, R@10"]["live: composed"] == same.record()["R@1, R@10"]["candidate: composed"]
    assert same.live["composed"].percent(10) == trained[0].judgement.won.percent(10)
