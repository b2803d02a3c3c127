"""A catalogue whose pictures tell its metadata, for every test of learning from one."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COLOURS = {"red": (190, 30, 40), "navy": (25, 35, 90), "green": (30, 130, 60), "yellow": (235, 210, 50)}
GROUPS = 30


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty shirts, each a pattern of its own, in four colours."""
    folder, rows = tmp_path_factory.mktemp("catalogue"), []
    for group in range(GROUPS):
        cut = np.kron(np.random.default_rng(group).random((4, 4)) < 0.5, np.ones((16, 16))) > 0
        for name, rgb in COLOURS.items():
            pixels = np.full((64, 64, 3), 245, dtype=np.uint8)
            pixels[cut] = rgb
            path = folder / f"{group}-{name}.png"
            Image.fromarray(pixels).save(path)
            rows.append(
                {
                    "id": f"{group}-{name}", "item_group_id": f"s{group}", "product_type": "Shirts",
                    "color": name, "image_link": str(path),
                }
            )  # fmt: skip
    path = folder / "catalogue.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
