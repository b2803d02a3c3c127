import numpy as np

from training.captions import Caption, Truth, change_colour, change_fact, describe, misspell, truth_table
from training.colours import NAMES, name_probabilities
from training.datasets import Photo
from training.facts import draw_caption, fact_row
from training.vocabulary import WORDS, fact_columns, kinds_of

NAVY = next(n for n, name in enumerate(NAMES) if name.name == "navy")
RED = next(n for n, name in enumerate(NAMES) if name.name == "red")
BLUE = next(n for n, name in enumerate(NAMES) if name.name == "blue")


def photo(category="t-shirt", **known):
    return Photo(None, "clothing", "g", "g", category, **known)


def colours(*main):
    shares = np.full((len(main), len(NAMES)), 1e-3, dtype=np.float32)
    for row, colour in zip(shares, main, strict=True):
        row[colour] = 1
    return shares / shares.sum(1, keepdims=True)


def table(photos, shares, captions):
    truth = Truth(np.stack([fact_row(p) for p in photos]), shares, tuple(p.garment for p in photos))
    return truth_table(truth, captions)


def test_a_colour_holds_for_garments_of_that_colour():
    holds, known = table([photo(), photo()], colours(NAVY, RED), [Caption("in navy", colour=NAVY)])
    assert holds[0, 0] == 1
    assert holds[1, 0] == 0
    assert known.all()


def test_a_broad_colour_holds_for_its_whole_family():
    holds, _ = table([photo(), photo()], colours(NAVY, RED), [Caption("in blue", colour=BLUE, family=True)])
    assert holds[:, 0].round(2).tolist() == [1, 0]


def test_unknown_facts_are_unknown_and_broken_ones_are_not():
    striped = Caption("striped t-shirt", (("kind", "t-shirt"), ("pattern", "striped")))
    holds, known = table([photo(), photo("dress")], colours(RED, RED), [striped])
    assert not known[0, 0]  # nobody says whether this t-shirt is striped
    assert known[1, 0]
    assert holds[1, 0] == 0  # but a dress is no t-shirt


def test_pants_may_be_jeans_but_a_dress_may_not():
    jeans = Caption("jeans", (("kind", "jeans"),))
    _, known = table([photo("pants"), photo("dress")], colours(RED, RED), [jeans])
    assert known[:, 0].tolist() == [False, True]


def test_a_sentence_of_one_garment_holds_for_no_other():
    mine = photo()
    other = Photo(None, "clothing", "other", "other", "t-shirt")
    holds, _ = table([mine, other], colours(RED, RED), [Caption("Our softest tee", garment="g")])
    assert holds[:, 0].tolist() == [1, 0]


def test_captions_hold_for_the_photo_that_they_were_drawn_from():
    rng = np.random.default_rng(0)
    rich = photo(
        "dress", facts=(("pattern", "floral"), ("length", "midi"), ("sleeve", "long")), texts=("Kyoto Dress",)
    )
    shares = colours(RED)
    captions = [draw_caption(rich, shares[0], rng) for _ in range(300)]
    holds, known = table([rich], shares, captions)
    assert known.all()
    assert (holds > 0.25).mean() > 0.97  # a rare draw names a minor colour
    assert len({caption.text for caption in captions}) > 150


def test_sentences_say_what_they_require():
    rng = np.random.default_rng(1)
    whole = describe("dress", (("pattern", "floral"), ("length", "midi")), RED, rng)
    assert whole.facts == (("kind", "dress"), ("pattern", "floral"), ("length", "midi"))
    assert whole.colour == RED
    assert change_fact(("sleeve", "long"), rng).colour == -1
    assert change_colour(NAVY, rng).facts == ()


def test_misspelling_changes_one_place_at_most():
    rng = np.random.default_rng(2)
    for _ in range(50):
        assert abs(len(misspell("burgundy", rng, share=1.0)) - len("burgundy")) <= 1
    assert misspell("red", rng, share=1.0) == "red"


def test_every_word_has_its_column_and_every_kind_its_chain():
    assert all(fact in fact_columns() for fact in WORDS)
    assert kinds_of("bras & tanks") == ("tank", "upper")
    assert kinds_of("not sure") == ()


def test_colour_names_are_those_that_people_would_use():
    lab = np.array([[25, 6, -28], [52, 68, 45], [97, 0, 0], [12, 0, 0]], dtype=np.float32)
    named = [NAMES[n].name for n in name_probabilities(lab).argmax(1)]
    assert named == ["navy", "red", "white", "black"]
