from pathlib import Path

import pytest

from training.protocols import CAPTION, MODIFICATION, REPLACE, fashion200k_task
from training.published.fashion200k import Labelled, Pair

CAPTIONS = ("red dress", "blue dress", "blue dress", "blue skirt")
IMAGES = [Labelled(Path(f"{n}.jpg"), 1.0, caption) for n, caption in enumerate(CAPTIONS)]
QUERY = Pair(0, 1, "replace red with blue", "blue dress")


def test_a_hit_is_any_image_with_the_caption_and_the_query_is_left_out() -> None:
    task = fashion200k_task(IMAGES, [QUERY], CAPTION)
    assert task.targets == (frozenset({1, 2}),)
    assert task.excluded == (frozenset({0}),)
    assert task.texts == ("blue dress",)


def test_the_replace_protocol_says_what_is_replaced() -> None:
    assert fashion200k_task(IMAGES, [QUERY], REPLACE).texts == ("replace red with blue",)


def test_a_protocol_of_another_data_set_is_refused() -> None:
    with pytest.raises(ValueError, match="caption"):
        fashion200k_task(IMAGES, [QUERY], MODIFICATION)


def test_a_protocol_says_its_terms() -> None:
    assert str(CAPTION) == (
        "caption: text = the target's whole caption; hit = an image with the target's caption; "
        "query image excluded"
    )
