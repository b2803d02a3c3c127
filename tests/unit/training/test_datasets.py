import csv

import numpy as np
import pytest
from PIL import Image

from training.datasets import DataMissing, load_photos, read_clothing, read_magento
from training.drawn import plan_families


def write_shop(data):
    folder = data / "magento"
    (folder / "images").mkdir(parents=True)
    rows = []
    for colour, rgb in (("Red", (190, 30, 30)), ("Blue", (30, 60, 190))):
        for view in ("main", "back"):
            pixels = np.full((120, 100, 3), 250, dtype=np.uint8)
            pixels[20:100, 25:75] = rgb
            Image.fromarray(pixels).save(folder / "images" / f"{colour}_{view}.png")
        rows.append(
            {
                "variant_id": f"S-{colour}", "style": "S", "colour": colour,
                "image": f"images/{colour}_main.png",
                "category": "Women/Tops/Tees", "title": "Tee", "description": "A soft tee for runs. • Dry.",
                "additional_images": f"images/{colour}_back.png", "split": "train",
            }
        )  # fmt: skip
    with (folder / "manifest.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_a_missing_folder_says_what_is_needed(tmp_path):
    with pytest.raises(DataMissing, match="shared/data"):
        read_clothing(tmp_path, "train")


def test_studio_photos_come_with_views_texts_and_exact_masks(tmp_path):
    write_shop(tmp_path)
    rows = read_magento(tmp_path, "train")
    assert [row.view for row in rows] == ["main", "back", "main", "back"]
    assert {row.garment for row in rows} == {"S"}
    assert rows[0].texts == ("Tee", "A soft tee for runs")
    photos = load_photos(rows, tmp_path / "cache")
    assert photos.masks[0, 30, 30] > 240
    assert photos.masks[0, 2, 2] < 5
    again = load_photos(rows, tmp_path / "cache")
    assert np.array_equal(again.squares, photos.squares)
    assert np.array_equal(again.names, photos.names)


def test_a_broken_photo_raises(tmp_path):
    write_shop(tmp_path)
    (tmp_path / "magento" / "images" / "Red_back.png").write_bytes(b"not a picture")
    with pytest.raises(OSError, match="identify"):
        load_photos(read_magento(tmp_path, "train"))


def test_drawn_families_differ_in_one_attribute_and_repeat(tmp_path):
    drawings, edits = plan_families(tmp_path, 6, seed=1)
    assert plan_families(tmp_path, 6, seed=1)[1] == edits
    garments = {drawing.photo.variant: drawing.garment for drawing in drawings}
    for edit in edits:
        before, after = garments[edit.source], garments[edit.target]
        assert getattr(before, edit.attribute) != getattr(after, edit.attribute)
    assert len(drawings) == 30
    assert len({drawing.photo.path for drawing in drawings}) == 30
