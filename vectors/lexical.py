"""Words as sparse vectors: the BM25 encoding that index and query share.

BM25 = sum over query terms of IDF(term) * saturation(tf, document length). The saturation is written into the
document's vector here, the query's weights are 1, and the engine multiplies by the IDF of its own statistics.
Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import snowballstemmer

from vectors.protocol import Sparse

SATURATION = 1.2  # k1: how soon a repeated word stops counting
LENGTH_PENALTY = 0.6  # b: below the usual 0.75, a long product description is no fault
AVERAGE_LENGTH = 32.0  # tokens of a usual product text; constant, so a document never depends on others

_ACCENT = re.compile("[\u0300-\u036f]")
_WORD = re.compile(r"[^\W_]+")


def tokens(text: str) -> list[str]:
    """Stems in order: compatibility forms and case folded, accents dropped, split at other signs."""
    bare = _ACCENT.sub("", unicodedata.normalize("NFKD", text))
    folded = unicodedata.normalize("NFKC", bare).casefold()  # composed again: other scripts need their marks
    return [_stem(word) for word in _WORD.findall(folded)]


def document(fields: Iterable[str]) -> Sparse:
    """The texts of one product -> token ids with saturated term frequencies, ids ascending."""
    counts = Counter(_token_id(token) for text in fields for token in tokens(text))
    length = sum(counts.values())
    norm = SATURATION * (1 - LENGTH_PENALTY + LENGTH_PENALTY * length / AVERAGE_LENGTH)
    return _sparse({token: n * (SATURATION + 1) / (n + norm) for token, n in counts.items()})


def query(words: str) -> Sparse:
    """What a shopper typed -> token ids with weight 1; empty when nothing is a word."""
    return _sparse({_token_id(token): 1.0 for token in tokens(words)})


def _sparse(weights: dict[int, float]) -> Sparse:
    ids = sorted(weights)
    return Sparse(np.array(ids, np.uint32), np.array([weights[token] for token in ids], np.float32))


def _token_id(token: str) -> int:
    return zlib.crc32(token.encode())  # stable between runs and machines, unlike hash()


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    # A stemmer keeps state while it works, so each uncached word gets its own: safe between threads.
    return str(snowballstemmer.stemmer("english").stemWord(word))
