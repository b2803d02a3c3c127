"""What the shopper asks for, as it stands in the address: parsed once, bounded, and written back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from searcher.understanding.chips import MODES
from web.language import noted, say
from web.problems import FieldError, invalid

FACETS = ("category", "brand", "colour", "pattern", "material", "gender", "age_group", "size", "availability")
SORTS = {
    "": noted("Best match"),
    "price": noted("Price, low to high"),
    "price-desc": noted("Price, high to low"),
    "newest": noted("Newest"),
}
BROWSING_SORTS = {  # with nothing to match, the newest come first
    "": noted("Newest"),
    "price": SORTS["price"],
    "price-desc": SORTS["price-desc"],
}
AS_LEARNED = 50  # per cent that the words count, where the composer decides
WHOLE = ("0", "0", "100", "100")  # of a photo, as a crop
MAX_WORDS = 500
MAX_NAME = 256
MAX_VALUES = 50
MAX_STEPS, MAX_STEP = 6, 800  # the way back that an address carries


@dataclass(frozen=True)
class PageState:
    """One search as an address can say it.

    `price_min` and `price_max` are in the currency's main unit, as the shopper typed them.
    """

    q: str = ""
    photo: str = ""
    like: str = ""
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    price_min: str = ""
    price_max: str = ""
    sort: str = ""
    balance: str = ""  # 0, the photo only, to 100, the words only; empty as learned
    crop: tuple[str, ...] = ()  # left, top, width, height of the part of the photo, per cent as typed
    choices: Mapping[str, str] = field(default_factory=dict)  # key of a wish -> how it counts
    via: tuple[str, ...] = ()  # the steps before: what their addresses said
    cursor: str = ""

    @classmethod
    def parse(cls, values: "MultiDict[str, str]") -> "PageState":
        """Read the address. Raises Refused (422) naming every part that cannot be used."""
        errors = tuple(_faults(values))
        if errors:
            raise invalid(errors)
        return cls.lenient(values)

    @classmethod
    def lenient(cls, values: "MultiDict[str, str]") -> "PageState":
        """Read the address, cutting what is too long: for pages that must be shown whatever was asked."""
        values = MultiDict([(name, value.replace("\0", "")) for name, value in values.items(multi=True)])
        given = {name: tuple(dict.fromkeys(v for v in values.getlist(name) if v)) for name in FACETS}
        return cls(
            q=" ".join(values.get("q", "").split())[:MAX_WORDS].strip(),
            photo=values.get("photo", "")[:MAX_NAME],
            like=values.get("like", "")[:MAX_NAME],
            filters={name: chosen[:MAX_VALUES] for name, chosen in given.items() if chosen},
            price_min=values.get("price_min", "").strip()[:12].strip(),
            price_max=values.get("price_max", "").strip()[:12].strip(),
            sort=values.get("sort", "") if values.get("sort", "") in SORTS else "",
            balance=_balance(values.get("balance", "")),
            crop=_crop(values),
            choices=_choices(values.getlist("wish")),
            via=tuple(each for each in values.getlist("via") if 0 < len(each) <= MAX_STEP)[-MAX_STEPS:],
            cursor=values.get("cursor", "")[:2048],
        )

    @property
    def has_reference(self) -> bool:
        """Whether a picture leads the search."""
        return bool(self.photo or self.like)

    @property
    def asks(self) -> bool:
        """Whether anything at all is asked for."""
        return bool(self.q or self.has_reference or self.filtered)

    @property
    def first_page(self) -> bool:
        """Whether this is how the shop greets who comes in."""
        return not (self.asks or self.sort or self.cursor)

    @property
    def filtered(self) -> bool:
        """Whether a filter is set."""
        return bool(self.filters or self.price_min or self.price_max)

    def pairs(self, *, without: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Names and values as an address or a form's hidden fields carry them, empty ones left out."""
        single = [(name, getattr(self, name)) for name in ("q", "photo", "like")]
        chosen = [(name, value) for name, values in self.filters.items() for value in values]
        parts = [("crop", each) for each in self.crop]
        parts += [("balance", self.balance if self.q and self.has_reference else "")]
        weighed = [("wish", f"{mode}:{key}") for key, mode in self.choices.items()]
        before = [("via", each) for each in self.via if self.asks]
        rest = [(name, getattr(self, name)) for name in ("price_min", "price_max", "sort", "cursor")]
        left_out, named = set(without), single + parts + chosen + weighed + before + rest
        return [(name, value) for name, value in named if value and name not in left_out]

    def url(self) -> str:
        """The address of this search."""
        query = urlencode(self.pairs())
        return f"/?{query}" if query else "/"

    def change(self, **changes: str) -> "PageState":
        """Another search, from its first page on; another photo is whole at first, and the start of a way."""
        whole = {"crop": (), "via": ()} if changes.get("photo", self.photo) != self.photo else {}
        return replace(self, **{"cursor": "", **whole, **changes})  # type: ignore[arg-type]

    def uncropped(self) -> "PageState":
        """The same search with the whole photo."""
        return replace(self, crop=(), cursor="")

    def drop(self, name: str, value: str | None = None) -> "PageState":
        """Without one filter, or one value of it."""
        if name == "price":
            return self.change(price_min="", price_max="")
        kept = {k: v for k, v in self.filters.items() if k != name}
        left = tuple(v for v in self.filters.get(name, ()) if value is not None and v != value)
        return replace(self, filters={**kept, name: left} if left else kept, cursor="")

    def choose(self, name: str, value: str) -> "PageState":
        """With one more value of a filter; an empty one adds nothing."""
        chosen = (*self.filters.get(name, ()), value) if value else self.filters.get(name, ())
        filters = {**self.filters, name: chosen} if chosen else dict(self.filters)
        return replace(self, filters=filters, cursor="")

    def weigh(self, key: str, mode: str) -> "PageState":
        """With one wish counting otherwise."""
        return replace(self, choices={**self.choices, key: mode}, cursor="")

    def unfiltered(self) -> "PageState":
        """The same search without any filter."""
        return replace(self, filters={}, price_min="", price_max="", cursor="")


def _choices(given: Iterable[str]) -> dict[str, str]:
    """Read "must:colour=red"; what is no such thing is left out."""
    pairs = [each[:MAX_NAME].partition(":") for each in given]
    return {key: mode for mode, _, key in pairs[:MAX_VALUES] if key and mode in MODES}


def _balance(typed: str) -> str:
    """Per cent as typed; the middle and what is no such thing are as learned."""
    number = int(typed) if typed.isdecimal() and len(typed) <= 3 else AS_LEARNED
    return str(number) if number <= 100 and number != AS_LEARNED else ""


def _crop(values: "MultiDict[str, str]") -> tuple[str, ...]:
    """The four numbers of a part of the photo; a part of no photo is none."""
    typed = tuple(each.strip()[:8] for each in values.getlist("crop"))
    part = len(typed) == 4 and all(typed) and typed != WHOLE and bool(values.get("photo"))
    return typed if part else ()


def _faults(values: "MultiDict[str, str]") -> Iterable[FieldError]:
    if len(values.get("q", "")) > MAX_WORDS:
        yield FieldError(
            "q", say("At most %(most)s characters; leave out what matters least.", most=MAX_WORDS)
        )
    for name in ("photo", "like"):
        if len(values.get(name, "")) > MAX_NAME:
            yield FieldError(name, say("At most %(most)s characters.", most=MAX_NAME))
    if len(values.get("cursor", "")) > 2048:
        yield FieldError("cursor", say("This is not a cursor of ours; start from the first page."))
    if values.get("sort", "") not in SORTS:
        yield FieldError("sort", say("Choose one of: %(names)s.", names=", ".join(s for s in SORTS if s)))
    for name in FACETS:
        if len(values.getlist(name)) > MAX_VALUES or any(len(v) > MAX_NAME for v in values.getlist(name)):
            yield FieldError(
                name, say("At most %(most)s values of %(long)s characters.", most=MAX_VALUES, long=MAX_NAME)
            )
