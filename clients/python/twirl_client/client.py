"""The client: one method for each thing that the API can do."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, TypeVar, Unpack
from urllib.parse import quote

import httpx

from twirl_client.answers import Facet, Hit, Piece, Product, Results, Suggestion, read
from twirl_client.errors import TwirlUnreachable, error_of

T = TypeVar("T")
Filters = Mapping[str, object]
Box = tuple[float, float, float, float]
TIMEOUT_S = 30.0
TRIES = 3
LONGEST_WAIT_S = 5.0
_PASSING = (502, 503, 504)


class SearchOptions(TypedDict, total=False):
    """What a search may say beside its words and its photo; docs/api.md explains each."""

    photo_id: str | None
    reference: str | None
    crop: Box | None
    filters: Filters
    balance: float
    sort: Literal["", "price", "price-desc", "newest"]
    limit: int
    cursor: str | None
    collapse: bool
    facets: bool
    understand: bool
    chips: Mapping[str, Literal["prefer", "must", "off"]]
    exclude: Sequence[str]


class Twirl:
    """A shop's API. Use it as a context, or `close` it; one may serve many threads.

    `address` is the shop's, such as "https://shop.example"; every request ends within `timeout_s` a try.
    """

    def __init__(
        self, address: str, *, key: str | None = None, timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        base = f"{address.rstrip('/')}/api/v1/"
        self._http = httpx.Client(base_url=base, headers=headers, timeout=timeout_s, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def search(
        self, words: str = "", *, photo: bytes | None = None, **options: Unpack[SearchOptions]
    ) -> Results:
        """One page of hits. `photo` is the bytes of a JPEG, PNG, WebP or GIF. Raises TwirlError."""
        return self._searched(Results, "search", words, photo, options)

    def keep_photo(self, photo: bytes | None = None, *, url: str | None = None) -> str:
        """The `photo_id` of a photo, from its bytes or from a public address. Raises TwirlError."""
        if (photo is None) == (url is None):
            raise ValueError("give the photo or its url")
        sent = {"files": {"photo": photo}} if url is None else {"files": {"url": (None, url)}}
        return str(self._json("POST", "photos", **sent)["photo_id"])

    def forget_photo(self, photo_id: str) -> None:
        """Have the shop delete a kept photo at once. Raises TwirlError."""
        self._send("DELETE", f"photos/{part(photo_id)}")

    def garments(self, photo_id: str) -> tuple[Box, ...]:
        """Boxes of a kept photo's garments, each good as a `crop`: left, top, width, height as shares."""
        found = self._json("GET", f"photos/{part(photo_id)}/garments")["garments"]
        return tuple((left, top, width, height) for left, top, width, height in found)

    def product(self, sku: str) -> Product:
        """One product with its variants and pictures. Raises TwirlError."""
        return self._answer(Product, "GET", f"products/{part(sku)}", params={"view": "shop"})

    def look(self, sku: str) -> tuple[Piece, ...]:
        """At most four pieces of other kinds that go with a product. Raises TwirlError."""
        return self._each(Piece, self._json("GET", f"products/{part(sku)}/look")["pieces"])

    def facets(self, filters: Filters | None = None) -> tuple[Facet, ...]:
        """What the shop can be filtered by, counted under these filters. Raises TwirlError."""
        asked: Any = dict(filters or {})
        return self._each(Facet, self._json("GET", "facets", params=asked)["facets"])

    def suggest(self, words: str) -> tuple[Suggestion, ...]:
        """What a shopper may be about to type. Raises TwirlError."""
        return self._each(Suggestion, self._json("GET", "suggest", params={"q": words})["suggestions"])

    def chose(self, hit: Hit, kind: Literal["open", "compare", "similar"] = "open") -> None:
        """Have the shop count what was done with a hit, within a day of its search. Raises TwirlError."""
        if hit.origin:
            self._send("POST", "events", json={"origin": hit.origin, "sku": hit.sku, "kind": kind})

    def picture(self, sha256: str, size: Literal[160, 480, 1200] = 480) -> bytes:
        """One picture as WebP, by its longest side in pixels. Raises TwirlError."""
        return self._send("GET", f"images/{part(sha256)}/{size}").content

    def _searched(
        self, kind: type[T], path: str, words: str, photo: bytes | None, options: Mapping[str, Any]
    ) -> T:
        asked = {"words": words, **{name: value for name, value in options.items() if value is not None}}
        if photo is None:
            return self._answer(kind, "POST", path, json=asked)
        form = {name: _field(value) for name, value in asked.items()}
        return self._answer(kind, "POST", path, data=form, files={"photo": photo})

    def _answer(self, kind: type[T], method: str, path: str, **sent: Any) -> T:
        return self._each(kind, [self._json(method, path, **sent)])[0]

    def _each(self, kind: type[T], said: Iterable[Any]) -> tuple[T, ...]:
        try:
            return tuple(read(kind, each) for each in said)
        except (KeyError, TypeError) as error:
            raise TwirlUnreachable(f"The answer is not of the API's shape: {error!r}") from error

    def _json(self, method: str, path: str, **sent: Any) -> Any:
        answer = self._send(method, path, **sent)
        try:
            return answer.json()
        except ValueError:
            raise error_of(answer) from None

    def _send(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """The answer, after as many tries as it may take: each request may be sent again without harm."""
        for left in reversed(range(TRIES)):
            try:
                answer = self._http.request(method, path, **sent)
            except httpx.TransportError as error:
                if not left or isinstance(error, httpx.TimeoutException):
                    raise TwirlUnreachable(f"{self._http.base_url} does not answer: {error}") from error
                time.sleep(0.2)
                continue
            if answer.status_code not in _PASSING or not left:
                break
            time.sleep(_wait(answer))
        if answer.is_success:
            return answer
        raise error_of(answer)


def part(name: str) -> str:
    """A name as one part of an address."""
    return quote(name, safe="")


def _field(value: object) -> str:
    """How a form says it: text as it is, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _wait(answer: httpx.Response) -> float:
    """Seconds until another try."""
    said = answer.headers.get("Retry-After", "")
    return min(float(said), LONGEST_WAIT_S) if said.isdigit() else 0.5
