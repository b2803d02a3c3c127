import json
from pathlib import Path

import pytest

from training.published.fashion200k import LabelsRefused
from training.published.fashioniq import every_modification, read_gallery, read_modifications

ROOT = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "annotations" / "fashioniq"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "captions").mkdir()
    (tmp_path / "image_splits").mkdir()
    rows = [{"candidate": "A", "target": "B", "captions": ["is red ", "has sleeves"]}]
    (tmp_path / "captions" / "cap.dress.val.json").write_text(json.dumps(rows))
    (tmp_path / "image_splits" / "split.dress.val.json").write_text('["A", "B"]')
    return tmp_path


def test_a_pair_is_two_sentences(root: Path) -> None:
    (pair,) = read_modifications(root, "val", "dress")
    assert (pair.candidate, pair.target, pair.text) == ("A", "B", "is red and has sleeves")
    assert read_gallery(root, "val", "dress") == ["A", "B"]


@pytest.mark.parametrize("text", ['{"a": 1}', "[{}]", "no json", '[{"candidate": "A", "captions": ["x"]}]'])
def test_a_file_in_another_format_is_refused(root: Path, text: str) -> None:
    (root / "captions" / "cap.dress.val.json").write_text(text)
    with pytest.raises(LabelsRefused, match=r"cap\.dress\.val"):
        read_modifications(root, "val", "dress")


def test_what_is_missing_is_named(root: Path) -> None:
    with pytest.raises(LabelsRefused, match=r"split\.shirt\.val\.json is missing"):
        read_gallery(root, "val", "shirt")
    with pytest.raises(LabelsRefused, match="not 'shoe'"):
        read_gallery(root, "val", "shoe")


@pytest.mark.shared
@pytest.mark.skipif(not ROOT.is_dir(), reason="needs the sentences of ../shared/data")
def test_the_published_files_are_read_whole() -> None:
    counts = {split: sum(1 for _ in every_modification(ROOT, split)) for split in ("train", "val", "test")}
    assert counts == {"train": 18_000, "val": 6_016, "test": 6_118}
