"""What pictures are like by their pixels, which are one, and which values the nearest items suggest."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from indexer.inspection.picture import BLURRED, PictureFacts, facts_of
from indexer.inspection.same import same_picture
from indexer.inspection.suggesting import LEAST, Calibration, Guess, Vote, calibrated, guess

Pixels = NDArray[np.uint8]


def drawn(seed: int = 1, size: tuple[int, int] = (384, 480)) -> Image.Image:
    """A garment-like thing with fine stripes, a button row and folds."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", size, (238, 236, 232))
    pen = ImageDraw.Draw(picture)
    colour = tuple(int(each) for each in rng.integers(30, 200, 3))
    pen.polygon([(90, 80), (294, 80), (340, 430), (50, 430)], fill=colour)
    for y in range(90, 430, int(rng.integers(9, 16))):
        pen.line([(60, y), (330, y)], fill=tuple(255 - each for each in colour), width=2)
    for y in range(100, 420, 40):
        pen.ellipse([186, y, 196, y + 10], fill=(20, 20, 20))
    noise = rng.normal(0, 4, (size[1], size[0], 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def pixels(picture: Image.Image) -> Pixels:
    return np.asarray(picture.convert("RGB"))


def test_a_picture_loses_its_sharpness_step_by_step() -> None:
    sharp = drawn()
    blurs = [
        facts_of(pixels(sharp.filter(ImageFilter.GaussianBlur(radius)) if radius else sharp)).blur
        for radius in (0, 2, 4, 8)
    ]
    assert blurs == sorted(blurs) and blurs[0] < BLURRED < blurs[2]
    assert facts_of(pixels(sharp)).hints == set()
    assert facts_of(pixels(sharp.filter(ImageFilter.GaussianBlur(5)))).hints == {"blurred"}


@pytest.mark.parametrize("step", [6, 8, 12, 24])
def test_stripes_do_not_hide_that_a_picture_is_blurred(step: int) -> None:
    """Fine patterns lose much when they are blurred once more, also where they are blurred already."""
    striped = Image.new("RGB", (480, 600), (238, 236, 232))
    pen = ImageDraw.Draw(striped)
    for y in range(100, 500, 2 * step):
        pen.rectangle([110, y, 370, y + step - 1], fill=(30, 40, 120))
    assert facts_of(pixels(striped)).hints == set()
    assert facts_of(pixels(striped.filter(ImageFilter.GaussianBlur(4)))).hints == {"blurred"}


def test_a_picture_without_edges_is_told_by_what_is_lost() -> None:
    assert PictureFacts(BLURRED + 0.01, 0.2, 40).hints == {"blurred"}
    assert PictureFacts(BLURRED + 0.01, 0.2, 40, edges=0.6).hints == set()
    across = np.linspace(60, 90, 400, dtype=np.float32)[None, :, None].repeat(500, 0).repeat(3, 2)
    assert facts_of(across.astype(np.uint8)).edges == -1


@pytest.mark.parametrize("grey", [0, 255, 128])
def test_one_colour_and_a_sign_on_it_are_placeholders(grey: int) -> None:
    empty = Image.new("RGB", (400, 500), (grey, grey, grey))
    assert facts_of(pixels(empty)).hints == {"placeholder"}
    ImageDraw.Draw(empty).rectangle([150, 200, 250, 260], fill=(200, 60, 60))
    assert facts_of(pixels(empty)).hints == {"placeholder"}


def test_a_placeholder_is_not_called_blurred_too() -> None:
    assert PictureFacts(0.99, 1.0, 1).hints == {"placeholder"}


def saved(picture: Image.Image, quality: int = 60) -> Image.Image:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return Image.open(io.BytesIO(out.getvalue()))


def test_a_picture_saved_again_resized_or_cropped_is_the_same() -> None:
    one = drawn()
    for other in (
        saved(one, 50), one.resize((192, 240)), one.crop((12, 15, 384, 480)), one.crop((19, 0, 384, 460)),
        saved(one.crop((8, 8, 376, 470)).resize((300, 380)), 70),
    ):  # fmt: skip
        assert same_picture(pixels(one), pixels(other)) and same_picture(pixels(other), pixels(one))


def test_another_colour_another_cut_and_a_turned_picture_are_others() -> None:
    one = drawn()
    sleeve = one.copy()
    ImageDraw.Draw(sleeve).polygon([(50, 100), (90, 80), (90, 300), (50, 300)], fill=(200, 20, 20))
    for other in (drawn(2), drawn(3), sleeve, one.transpose(Image.Transpose.ROTATE_180)):
        assert not same_picture(pixels(one), pixels(other))


def test_the_nearest_say_most() -> None:
    assert guess([]) is None and guess([Vote(0.9, "")]) is None
    near = [Vote(0.95, "red"), Vote(0.80, "blue"), Vote(0.80, "blue"), Vote(0.80, "blue")]
    found = guess(near)
    assert found is not None and found.value == "red" and 0.75 < found.share < 0.85
    even = guess([Vote(0.9, "red"), Vote(0.9, "blue")])
    assert even is not None and even.share == pytest.approx(0.5)
    fitting = guess([Vote(0.9, "red"), Vote(0.9, "blue")], {"red": 0.1, "blue": 0.3}.__getitem__)
    assert fitting is not None and fitting.value == "blue" and 0.8 < fitting.share < 0.9


def tried(share: float, right: int, wrong: int) -> list[tuple[Guess, str]]:
    return [(Guess("a", share), "a")] * right + [(Guess("a", share), "b")] * wrong


def test_the_cut_lies_where_guesses_are_right_often_enough() -> None:
    examples = [*tried(0.95, 120, 0), *tried(0.8, 79, 1), *tried(0.5, 5, 40)]
    found = calibrated(examples, precision=0.96)
    assert found.cut == pytest.approx(0.8)
    assert found.confidence(0.95) == 1.0
    assert found.confidence(0.8) == pytest.approx(199 / 200)
    assert found.confidence(0.79) is None
    assert calibrated(examples, precision=0.995).cut is None, "of 120 right ones 99.5 % is not yet said"
    assert calibrated(tried(0.9, 24, 1), precision=0.96).cut is None


def test_nothing_is_believed_on_few_or_bad_examples() -> None:
    assert calibrated(tried(0.99, LEAST - 1, 0)).cut is None
    assert calibrated(tried(0.99, 50, 50)).cut is None
    assert calibrated([]).confidence(1.0) is None
    assert isinstance(calibrated([]), Calibration)
