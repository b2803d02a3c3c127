from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.published import fashion200k as f200k
from training.published.fashion200k import CaptionPairs, ImagesMissing, LabelsRefused

TRAIN = {
    "women/dresses/a/1.jpeg": "black lace dress",
    "women/dresses/a/2.jpeg": "red lace dress",
    "women/dresses/b/1.jpeg": "red floral dress",
    "women/tops/c/1.jpeg": "blue j.crew top",
    "women/tops/d/1.jpeg": "something else altogether",
}


def write(root: Path, split: str, captions: dict[str, str]) -> None:
    (root / "labels").mkdir(exist_ok=True, parents=True)
    by_kind = {"dress": "dresses", "top": "tops"}
    for kind, folder in by_kind.items():
        lines = [f"{path}\t0.8912\t{said}\n" for path, said in captions.items() if folder in path]
        (root / "labels" / f"{kind}_{split}_detect_all.txt").write_text("".join(lines))
    for n, path in enumerate(captions):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 30), (40 * n, 10, 10)).save(root / path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "train", TRAIN)
    return tmp_path


def test_a_split_is_read_file_by_file(root: Path) -> None:
    images = f200k.read_split(root, "train")
    assert [image.caption for image in images] == [
        "black lace dress", "red lace dress", "red floral dress", "blue jdotmarkcrew top",
        "something else altogether",
    ]  # fmt: skip
    assert images[0].score == pytest.approx(0.8912)
    assert f200k.check_images(image.path for image in images) == 5


def test_marks_become_words() -> None:
    assert f200k.clean_caption("what?  a & b * v.1") == "whatquestionmark a andmark b starmark vdotmark1"


def test_parents_are_one_word_shorter() -> None:
    assert f200k.parent_captions("red lace dress") == {"lace dress", "red dress", "red lace"}


def test_pairs_differ_in_one_word(root: Path) -> None:
    images = f200k.read_split(root, "train")
    pairs = CaptionPairs(images)
    assert len(pairs) == 3  # the top and the last have no sibling
    rng = np.random.default_rng(0)
    drawn = {pairs.draw(1, rng) for _ in range(50)}
    assert {(pair.target, pair.replace) for pair in drawn} == {
        (0, "replace red with black"),
        (2, "replace lace with floral"),
    }
    assert {pair.caption for pair in drawn} == {"black lace dress", "red floral dress"}


def test_the_same_seed_draws_the_same_pairs(root: Path) -> None:
    pairs = CaptionPairs(f200k.read_split(root, "train"))
    one, other = ([pairs.draw(1, np.random.default_rng(3)) for _ in range(5)] for _ in range(2))
    assert one == other


def test_test_queries_name_rows(root: Path) -> None:
    (root / "labels" / "test_queries.txt").write_text("women/dresses/a/1.jpeg women/dresses/a/2.jpeg\n")
    (query,) = f200k.read_test_queries(root, f200k.read_split(root, "train"))
    assert (query.source, query.target, query.replace) == (0, 1, "replace black with red")
    assert query.caption == "red lace dress"


@pytest.mark.parametrize(
    ("line", "said"),
    [("only-a-path\n", "line 1 is not"), ("a\tno number\tb\n", "line 1 is not"), ("a\t1\tb\tc\n", "line 1")],
)
def test_a_bad_label_line_is_named(root: Path, line: str, said: str) -> None:
    (root / "labels" / "dress_train_detect_all.txt").write_text(line)
    with pytest.raises(LabelsRefused, match=said):
        f200k.read_split(root, "train")


def test_a_query_of_an_unknown_image_is_named(root: Path) -> None:
    (root / "labels" / "test_queries.txt").write_text("women/dresses/a/1.jpeg nowhere.jpeg\n")
    with pytest.raises(LabelsRefused, match="line 1"):
        f200k.read_test_queries(root, f200k.read_split(root, "train"))


def test_missing_and_corrupt_images_are_counted_and_raise(root: Path) -> None:
    images = f200k.read_split(root, "train")
    images[0].path.unlink()
    images[1].path.write_bytes(images[1].path.read_bytes()[:40])
    with pytest.raises(ImagesMissing, match="2 of 5 images"):
        f200k.check_images(image.path for image in images)
