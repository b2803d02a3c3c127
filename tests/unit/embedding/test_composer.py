import time

import pytest
import torch
from torch.nn.functional import cosine_similarity, normalize

from embedding.composer import Balance, Composer, compose, index_vectors, make_composer, slerp, weigh
from embedding.towers import Parts, TowerConfig

PARTS = Parts(visual=6, kind=3, aligned=4, colour=4)


def unit(*shape):
    return normalize(torch.randn(*shape), dim=-1)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def query(names=1.0):
    composer = Composer(TowerConfig(parts=PARTS, hidden=8)).eval()
    image = index_vectors((unit(1, 6), unit(1, 3), unit(1, 4), unit(1, 4)))
    text = torch.cat([unit(1, 4), unit(1, 4), torch.full((1, 1), names)], dim=-1)
    with torch.no_grad():
        return image, text, compose(composer, image, text, PARTS, Balance())


def test_slerp_moves_evenly_along_the_arc():
    start, end = unit(1, 5), unit(1, 5)
    whole = torch.acos((start * end).sum())
    for share in (0.0, 0.25, 0.5, 1.0):
        point = slerp(start, end, share)
        assert torch.acos((start * point).sum().clamp(-1, 1)) == pytest.approx(float(share * whole), abs=1e-3)
    assert torch.allclose(slerp(start, start, 0.3), start, atol=1e-5)


def test_balance_goes_from_the_photo_to_the_words_without_turning_back():
    _, _, corners = query()
    assert torch.allclose(corners.at(0), corners.photo, atol=1e-5)
    assert torch.allclose(corners.at(1), corners.words, atol=1e-5)
    points = [corners.at(n / 20) for n in range(21)]
    to_photo = [float((point * corners.photo).sum()) for point in points]
    to_words = [float((point * corners.words).sum()) for point in points]
    assert to_photo[:11] == sorted(to_photo[:11], reverse=True)
    assert to_words[10:] == sorted(to_words[10:])


def test_a_named_colour_replaces_the_photos_and_an_unnamed_one_leaves_it():
    image, text, named = query(names=1.0)
    wanted = PARTS.split(named.both)[3]
    _, said, _ = PARTS.split_text(text)
    assert cosine_similarity(wanted, said) == pytest.approx(1, abs=1e-5)
    torch.manual_seed(0)
    image, _, silent = query(names=0.0)
    assert cosine_similarity(PARTS.split(silent.both)[3], PARTS.split(image)[3]) == pytest.approx(1, abs=1e-5)


def test_index_vectors_weigh_each_part_the_same():
    parts = PARTS.split(index_vectors((unit(3, 6), unit(3, 3), unit(3, 4), unit(3, 4))))
    for part in parts:
        assert part.norm(dim=-1) == pytest.approx(0.5, abs=1e-5)


def test_weighed_queries_are_unit_rows():
    assert weigh((unit(2, 6), unit(2, 3), unit(2, 4), unit(2, 4)), Balance().both).norm(
        dim=-1
    ) == pytest.approx(1, abs=1e-5)


def wishing(names: float, lean: float = 0.0, turn: float = 0.0):
    config = TowerConfig(parts=PARTS, hidden=8, wish=5, turn=3 if turn else 0)
    composer = make_composer(config).eval()
    if turn:
        for each in (composer.turn_aligned, composer.turn_visual):
            torch.nn.init.constant_(each.adds.weight, turn)
    image = index_vectors((unit(2, 6), unit(2, 3), unit(2, 4), unit(2, 4)))
    text = torch.cat([unit(2, 4), unit(2, 4), torch.full((2, 1), names), torch.rand(2, 5)], dim=-1)
    assert text.shape[1] == config.text_dimension
    torch.nn.init.normal_(composer.gain.weight)
    torch.nn.init.constant_(composer.lean.bias, lean)
    with torch.no_grad():
        return compose(composer, image, text, PARTS, Balance()).both


def test_the_wish_weighs_the_parts_anew_but_not_where_a_colour_is_named():
    for names, same in ((1.0, True), (0.0, False)):
        query = wishing(names)
        norms = [part.norm(dim=-1) for part in PARTS.split(query)]
        wanted = Balance().both if names else Balance().both_uncoloured
        alike = torch.allclose(norms[3] / norms[1], torch.tensor(wanted.colour / wanted.kind), atol=1e-4)
        assert alike is same
        assert query.norm(dim=-1) == pytest.approx(1, abs=1e-5)


def test_a_wish_can_point_away_from_photo_and_words():
    wanted = PARTS.split(wishing(0.0, lean=-50.0))[2]
    away = torch.full((2, 4), -0.5)
    assert cosine_similarity(wanted, away) == pytest.approx(1, abs=1e-2)


def test_a_wish_turns_parts_of_the_photo_but_not_where_a_colour_is_named():
    for names, same in ((1.0, (True, True)), (0.0, (False, False))):
        found = []
        for turn in (1e-9, 2.0):  # the same draws: with nothing added, and with much
            torch.manual_seed(0)
            found.append(PARTS.split(wishing(names, turn=turn)))
        for part, alike in zip((0, 2), same, strict=True):
            cosine = cosine_similarity(found[0][part], found[1][part])
            assert bool((cosine > 0.999).all()) is alike


def test_composing_is_fast():
    config = TowerConfig(wish=256, turn=64)
    composer, parts = make_composer(config).eval(), config.parts
    image, text = unit(1, parts.dimension), torch.rand(1, config.text_dimension)
    with torch.inference_mode():
        compose(composer, image, text, parts, Balance())
        times = []
        for _ in range(50):
            begun = time.perf_counter()
            compose(composer, image, text, parts, Balance())
            times.append(time.perf_counter() - begun)
    assert min(times) < 0.002
