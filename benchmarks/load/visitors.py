"""What visitors ask for: a mix of the requests that a shop gets, the same for the same seed.

Half of the words are a few popular searches; the others are new each time, so that the model has work.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

COLOURS = ("red", "navy", "black", "white", "green", "beige", "pink", "grey")
GARMENTS = ("dress", "shirt", "coat", "skirt", "trousers", "jumper", "blouse", "jacket")
TRAITS = ("with long sleeves", "striped", "short", "with a collar", "plain", "floral", "under 80")
SHARES = {  # of all requests, in per cent
    "photo and words": 4, "words": 18, "page of words": 12, "refined page": 10, "product page": 10,
    "facets": 4, "suggestions": 7, "picture": 35,
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """One request, ready to be sent."""

    kind: str
    raw: bytes


class Visitors:
    """Makes requests to one shop. `skus` and `pictures` are what is there, `photos` what shoppers send."""

    def __init__(
        self, seed: int, host: str, skus: Sequence[str], pictures: Sequence[str], photos: Sequence[bytes]
    ) -> None:
        self._rng, self._host = random.Random(seed), host
        self._skus, self._pictures, self._photos = skus, pictures, photos
        self._popular = [self._phrase() for _ in range(30)]
        self._makers: dict[str, Callable[[], bytes]] = {
            "photo and words": self._photo, "words": lambda: self._json({"words": self._words()}),
            "page of words": lambda: self._get("/?" + urlencode({"q": self._words()})),
            "refined page": self._refined, "product page": lambda: self._get(f"/p/{quote(self._one(skus))}"),
            "facets": lambda: self._get(f"/api/v1/facets?colour={self._one(COLOURS)}"),
            "suggestions": lambda: self._get(f"/api/v1/suggest?q={self._one(GARMENTS)[:3]}"),
            "picture": lambda: self._get(self._one(pictures)),
        }  # fmt: skip

    def next(self) -> Request:
        """The next visitor's request."""
        kind = self._rng.choices(list(SHARES), list(SHARES.values()))[0]
        return Request(kind, self._makers[kind]())

    def _one(self, some: Sequence[str]) -> str:
        return self._rng.choice(some)

    def _phrase(self) -> str:
        return f"{self._one(COLOURS)} {self._one(GARMENTS)} {self._one(TRAITS)}"

    def _words(self) -> str:
        if self._rng.randrange(2):
            return self._one(self._popular)
        return f"{self._phrase()} no {self._rng.randrange(10**9)}"

    def _refined(self) -> bytes:
        asked = {"q": self._one(self._popular), "colour": self._one(COLOURS), "price_max": "90"}
        return self._get("/?" + urlencode(asked))

    def _get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode()

    def _json(self, said: dict[str, str]) -> bytes:
        return self._post("application/json", json.dumps(said).encode())

    def _photo(self) -> bytes:
        mark = "twirl-load"
        head = f'--{mark}\r\nContent-Disposition: form-data; name="words"\r\n\r\n{self._one(TRAITS)}\r\n'
        head += f'--{mark}\r\nContent-Disposition: form-data; name="photo"; filename="photo.jpg"\r\n\r\n'
        body = head.encode() + self._rng.choice(self._photos) + f"\r\n--{mark}--\r\n".encode()
        return self._post(f"multipart/form-data; boundary={mark}", body)

    def _post(self, kind: str, body: bytes) -> bytes:
        head = f"POST /api/v1/search HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: {kind}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
