import unicodedata

import numpy as np
import pytest

from vectors import lexical


def weight_of(sparse: lexical.Sparse, word: str) -> float:
    [token] = lexical.query(word).indices.tolist()
    [place] = np.flatnonzero(sparse.indices == token)
    return float(sparse.values[place])


def test_tokens_fold_case_accents_and_endings() -> None:
    assert lexical.tokens("Crème DRESSES, long-sleeved") == ["creme", "dress", "long", "sleev"]
    assert lexical.tokens(unicodedata.normalize("NFD", "Größe")) == lexical.tokens("GRÖSSE")
    assert lexical.tokens("黒 ワンピース ﬁne") == ["黒", "ワンピース", "fine"]


def test_a_sku_is_found_by_its_parts_and_underscores_split() -> None:
    assert lexical.tokens("WJ06-S_Purple") == ["wj06", "s", "purpl"]


def test_a_document_holds_saturated_frequencies_worked_by_hand() -> None:
    document = lexical.document(["red red", "dress"])
    norm = 1.2 * (1 - 0.6 + 0.6 * 3 / 32)  # three tokens
    assert weight_of(document, "red") == pytest.approx(2 * 2.2 / (2 + norm))
    assert weight_of(document, "dress") == pytest.approx(1 * 2.2 / (1 + norm))
    assert document.indices.dtype == np.uint32 and document.values.dtype == np.float32
    assert document.indices.tolist() == sorted(document.indices.tolist())


def test_repeating_a_word_helps_ever_less() -> None:
    weights = [weight_of(lexical.document(["red " * n]), "red") for n in (1, 2, 4, 64)]
    assert weights == sorted(weights)
    assert weights[-1] < 2.2


def test_a_query_weighs_every_word_once() -> None:
    assert lexical.query("red red dress").values.tolist() == [1.0, 1.0]
    assert len(lexical.query(" ,.- ").indices) == 0


def test_the_encoding_never_changes_between_runs() -> None:
    # zlib.crc32 of the stems; an index on disk depends on these numbers.
    assert lexical.query("red").indices.tolist() == [4200685455]
    assert lexical.query("dresses").indices.tolist() == [3903081983]
