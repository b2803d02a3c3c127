import subprocess
import sys

import numpy as np
import pytest

from embedding.preprocess import Preprocessing, border_colour, normalise, prepare


def test_prepare_makes_a_square_of_any_image():
    for height, width in ((480, 320), (1, 1), (7, 900)):
        square = prepare(np.full((height, width, 3), 200, dtype=np.uint8), Preprocessing())
        assert square.shape == (224, 224, 3)
        assert (square == 200).all()


def test_a_letterbox_keeps_the_shape_on_the_ground_of_the_photo():
    pixels = np.full((100, 50, 3), 250, dtype=np.uint8)
    pixels[20:80, 10:40] = (200, 0, 0)
    square = prepare(pixels, Preprocessing(geometry="letterbox"))
    assert (square[:, 0] == 250).all()
    red = (square[..., 0].astype(int) - square[..., 1] > 100).nonzero()
    assert np.ptp(red[0]) / np.ptp(red[1]) == pytest.approx(2, abs=0.1)


def test_border_colour_is_the_median_of_the_edge():
    pixels = np.zeros((9, 9, 3), dtype=np.uint8)
    pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1] = 90, 90, 90, 90
    assert border_colour(pixels) == (90, 90, 90)


def test_normalise_puts_imagenets_mean_at_zero():
    config = Preprocessing()
    mean = np.round(np.array(config.mean) * 255).astype(np.uint8)
    batch = normalise(np.tile(mean, (2, 8, 8, 1)), config)
    assert batch.shape == (2, 3, 8, 8)
    assert np.abs(batch).max() < 0.02


@pytest.mark.parametrize(
    ("pixels", "complaint"),
    [
        (np.zeros((4, 4), dtype=np.uint8), "shape"),
        (np.zeros((4, 4, 4), dtype=np.uint8), "shape"),
        (np.zeros((4, 4, 3), dtype=np.float32), "uint8"),
        (np.zeros((0, 4, 3), dtype=np.uint8), "pixels"),
    ],
)
def test_what_is_no_image_is_refused(pixels, complaint):
    with pytest.raises(ValueError, match=complaint):
        prepare(pixels, Preprocessing())


def test_preprocessing_and_colour_do_not_import_torch():
    code = "import embedding.preprocess, embedding.colour, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
