"""The drawing: deterministic, complete, and true to its attributes."""

from dataclasses import replace

import numpy as np
import pytest

from atelier import Garment, draw, sample_garment
from atelier.attributes import KINDS, allowed, is_valid
from atelier.kinds import RULES
from atelier.palette import COLOURS, rgb

SMALL = 160  # px: enough to see an attribute, quick to draw
TEE = Garment("t-shirt", "women", "white", "navy", "plain", "cotton", "short", "regular", "crew", "", "flat")
DRESS = Garment("dress", "women", "navy", "white", "plain", "cotton", "short", "knee", "crew", "", "flat")


def pixels(garment, seed=3, size=SMALL):
    return np.asarray(draw(garment, size, seed), np.float32) / 255.0


def covered(garment, seed=3):
    """Share of the picture that differs clearly from the ground, for dark garments laid flat."""
    return float((pixels(garment, seed).mean(axis=2) < 0.6).mean())


def middle(picture):
    """Mean colour of the garment's heart: a patch a little off the centre line."""
    h, w, _ = picture.shape
    return picture[int(h * 0.46) : int(h * 0.62), int(w * 0.36) : int(w * 0.46)].reshape(-1, 3).mean(axis=0)


def test_the_same_seed_gives_the_same_bytes():
    garment = sample_garment(np.random.default_rng(4), "coat")
    assert draw(garment, 320, 5).tobytes() == draw(garment, 320, 5).tobytes()


def test_another_seed_gives_another_picture_of_the_same_garment():
    worn = replace(DRESS, presentation="figure")
    assert draw(worn, 320, 5).tobytes() != draw(worn, 320, 6).tobytes()


def test_pictures_are_rgb_and_four_to_five():
    picture = draw(TEE, 640, 1)
    assert picture.mode == "RGB"
    assert picture.size == (640, 800)


def test_a_tiny_size_is_refused_with_the_fix():
    with pytest.raises(ValueError, match="give 64 or more"):
        draw(TEE, 10)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_in_every_presentation(kind):
    rng = np.random.default_rng(8)
    for presentation in RULES[kind].presentations:
        garment = replace(sample_garment(rng, kind), presentation=presentation)
        assert pixels(garment).std() > 0.03, garment


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_every_attribute_draws_and_shows(kind):
    rng = np.random.default_rng(9)
    base = replace(sample_garment(rng, kind), presentation="flat")
    plain = pixels(base)
    for attribute in ("pattern", "sleeve", "length", "neckline", "detail"):
        for value in allowed(base, attribute):
            if value != getattr(base, attribute):
                other = replace(base, **{attribute: value})
                changed = np.abs(pixels(other) - plain).max(axis=2)
                assert (changed > 0.08).mean() > 0.001, (attribute, other)


@pytest.mark.parametrize("colour", COLOURS)
def test_the_garment_is_nearest_to_its_named_colour(colour):
    """A plain T-shirt's heart is closer to its own colour than to all but its nearest relatives."""
    seen = middle(pixels(replace(TEE, colour=colour)))
    ranked = sorted(COLOURS, key=lambda name: float(np.linalg.norm(rgb(name) - seen)))
    assert colour in ranked[:2], (seen, ranked[:3])


def test_longer_sleeves_cover_more():
    shares = [
        covered(replace(DRESS, sleeve=sleeve)) * ground(replace(DRESS, sleeve=sleeve))
        for sleeve in ("short", "three-quarter", "long")
    ]
    assert shares == sorted(shares) and shares[0] < shares[-1]


def ground(garment):
    """Picture area in cm2, so that shares of pictures framed differently compare."""
    from atelier.body import body_of, flat_pose
    from atelier.drawing import BUILDERS, build_top, camera

    body = body_of(garment.gender)
    build = BUILDERS.get(garment.kind, build_top)
    pattern = build(garment, body, flat_pose(body), np.random.default_rng(0))
    return SMALL * SMALL * 1.25 / camera(garment, pattern, SMALL, int(SMALL * 1.25))[0] ** 2


def test_longer_hems_cover_more():
    areas = [
        covered(replace(DRESS, length=length)) * ground(replace(DRESS, length=length))
        for length in ("mini", "knee", "midi", "maxi")
    ]
    assert areas == sorted(areas)


def test_a_pattern_shows_its_second_colour():
    striped = pixels(replace(TEE, pattern="striped"))
    near_navy = np.linalg.norm(striped - rgb("navy"), axis=2) < 0.25
    assert near_navy.mean() > 0.05
    assert (np.linalg.norm(pixels(TEE) - rgb("navy"), axis=2) < 0.25).mean() < 0.01


def test_sampled_garments_are_valid_and_readable():
    rng = np.random.default_rng(1)
    for _ in range(300):
        garment = sample_garment(rng)
        assert is_valid(garment), garment
        assert garment.colour in COLOURS and garment.second_colour in COLOURS
        assert garment.colour != garment.second_colour
