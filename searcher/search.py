"""The one way from a query to a page of hits: encode, compose, filter, search, hydrate."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from searcher import cursor as cursors
from searcher.admission import ModelAway
from searcher.crop import Crop
from searcher.cursor import Cursor
from searcher.encode import Vector
from searcher.errors import QueryRefused, SearchBusy, SearchUnavailable
from searcher.facets import Counted, FacetCounter
from searcher.filters import Filters, tenant
from searcher.hydrate import Hydrator
from searcher.looks.links import LinkReader
from searcher.looks.look import PIECES, Looks, Piece, nearest_with
from searcher.match import Match, asks_for_another_kind, by_photo, by_words
from searcher.merchandising.acting import Acting
from searcher.merchandising.rulebook import Rulebook, Search
from searcher.merchandising.rulebooks import Rulebooks
from searcher.models import Model, Models
from searcher.pages import Page, Read, read_page
from searcher.query import MAX_LIMIT, SearchQuery
from searcher.ranked import Ranked, Source
from searcher.ranking import Preferred, Ranker
from searcher.results import Degraded, Facet, Likeness, ProductHit, Results
from searcher.shelf import Bools, Shelf
from searcher.sold_out import SoldOut, without_hidden
from searcher.sources import Sources
from searcher.stock import LOOK_EVERY_S, Stock
from searcher.suggest import Suggester
from searcher.understanding.reasons import reasons
from searcher.understanding.told import Told
from searcher.understanding.wishes import Reading, Wish, Wishes, preferred
from vectors.budget import within
from vectors.protocol import Filter, VectorStore, VectorStoreUnavailable

RETRY_AFTER_S = 2
PATIENCE_S = 1.5  # for all that one search asks of the vector engine
LEXICAL = "lexical"  # what a cursor names in place of a model, where words were looked up without one
KIN = 10  # first hits whose kind is held against the photo's
Sides = tuple[Vector | None, Vector | None]
Span = Callable[[str], AbstractContextManager[object]]  # marks a stage where traces are sent


class Searcher:
    """Answers searches over the catalogue. Thread-safe; holds nothing that must be closed."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        models: Models,
        store: VectorStore,
        look_every_s: float = LOOK_EVERY_S,
        patience_s: float = PATIENCE_S,
        span: Span = nullcontext,
        sold_out: SoldOut = SoldOut.BEHIND,
    ) -> None:
        self.sessions, self.models, self._span, self._sold_out = sessions, models, span, sold_out
        self._sources = Sources(sessions, store, sold_out)
        self.stock = Stock(sessions, look_every_s)
        self._patience_s = patience_s
        self._counter = FacetCounter()
        self._hydrator = Hydrator(sessions)
        self._wishes = Wishes(Told(sessions))
        self._rulebooks = Rulebooks(sessions, look_every_s)
        self.suggester = Suggester(sessions, self.stock, self._hidden)
        self._looks = Looks(self._hydrator, LinkReader(sessions, 60 * look_every_s))

    def warm_up(self, merchant_id: int) -> None:
        """Read now what the first search of a shop would else wait for."""
        shelf = self.stock.shelf(merchant_id)
        synonyms = self._rulebooks.of(merchant_id).synonyms
        self._wishes.read(SearchQuery(merchant_id, words="warm"), shelf, synonyms)

    def search(
        self, query: SearchQuery, model: Model | None = None, rulebook: Rulebook | None = None
    ) -> Results:
        """One page of hits, on the live model and under the rules in force, or on and under those given.

        Raises QueryRefused and SearchUnavailable.
        """
        began, clock = time.perf_counter(), _Clock(self._span)
        after = cursors.decode(query.cursor, query.digest()) if query.cursor else None
        model = model or self._model(query, after)  # once: nothing below may look which one is live
        with _outages(self._patience_s):
            shelf = self.stock.shelf(query.merchant_id)
            with clock.stage("understand"):
                book = self._rulebooks.of(query.merchant_id) if rulebook is None else rulebook
                reading = self._wishes.read(query, shelf, book.synonyms)
            asked, wishes = reading.query, reading.wishes
            asked = replace(asked, filters=without_hidden(asked.filters, self._sold_out))
            ruled = Search(replace(query, filters=asked.filters), reading.meant)
            acting = Acting.on(book, ruled, shelf, datetime.now(UTC))
            sides = self._encoded(asked, model, clock, after)
            source = self._source(asked, model, acting, clock, preferred(wishes), sides)
            page = self._page(asked, source, after, clock)
            match = self._match(reading, model, shelf, sides, page) if after is None else Match()
        with clock.stage("facets"):
            counted = self._counter.count(acting, asked.filters, self.models.admission.pressed)
        timings = {**clock.stages, "total": (time.perf_counter() - began) * 1000}
        facets = counted.facets if query.facets else []
        degraded = _degraded(asked, sides, counted)
        following = _cursor(query, LEXICAL if "lexical" in degraded else model.fingerprint, after, page)
        hits = _with_reasons(page.hits, wishes)
        mode, total = query.mode, counted.total
        told = (following, facets, timings, wishes, acting.rules, match, degraded)
        return Results(hits, total, mode, model.fingerprint, *told)

    def similar(self, merchant_id: int, sku: str, limit: int = 12) -> Likeness:
        """More like this: the nearest other products. Raises QueryRefused and SearchUnavailable."""
        _check_limit(limit)
        model = self.models.live()
        product = model.encoder.product(merchant_id, sku)
        with _outages(self._patience_s):
            vector = model.encoder.of_product(product)
            if vector is None:
                return Likeness([], model.fingerprint)
            composed = model.pack.compose(vector, None)
            source = self._sources.similar(product, model.collection, self._everywhere(merchant_id), composed)
            hits = read_page(source, self._reader(merchant_id, True, _Clock(self._span)), limit).hits
            return Likeness(hits, model.fingerprint)

    def look(self, merchant_id: int, sku: str, limit: int = PIECES) -> list[Piece]:
        """Pieces of other kinds that go with an item. Raises QueryRefused and SearchUnavailable."""
        _check_limit(limit)
        model = self.models.live()
        product = model.encoder.product(merchant_id, sku)
        with _outages(self._patience_s):
            vector = model.encoder.of_product(product)
            if vector is None:
                return []
            acting = self._everywhere(merchant_id)
            hidden = acting.without("hide")
            nearest = nearest_with(
                lambda where: self._sources.ranker(model.collection, (*where, *hidden), True),
                merchant_id,
                vector,
            )
            return self._looks.of(product, acting.shelf, nearest, limit)

    def garments(self, photo_id: str) -> list[Crop]:
        """Where the garments of a kept photo are, the largest first. Raises SearchBusy."""
        try:
            return self.models.live().encoder.garments(photo_id)
        except ModelAway as error:
            raise SearchBusy(error.message, error.retry_after) from error

    def facets(self, merchant_id: int, filters: Filters | None = None) -> list[Facet]:
        """What can be chosen beside the other fields' choices; counts are products."""
        return self._counter.count(self._everywhere(merchant_id), filters or Filters()).facets

    def rulebook(self, merchant_id: int) -> Rulebook:
        """The merchant's rulebook in force, as of a moment ago."""
        return self._rulebooks.of(merchant_id)

    def reading(self, query: SearchQuery) -> Reading:
        """The query as it is searched with, and what was understood of its words."""
        shelf, book = self.stock.shelf(query.merchant_id), self._rulebooks.of(query.merchant_id)
        return self._wishes.read(query, shelf, book.synonyms)

    @property
    def sold_out(self) -> SoldOut:
        """Where what is sold out stands."""
        return self._sold_out

    def ranker(self, collection: str, where: Filter, collapse: bool = True) -> Ranker:
        """Ranks what the terms leave, without any rules."""
        return self._sources.ranker(collection, where, collapse)

    def _everywhere(self, merchant_id: int) -> Acting:
        """The shelf, and the rules that act on what nobody searched for."""
        shelf, book = self.stock.shelf(merchant_id), self._rulebooks.of(merchant_id)
        return Acting.everywhere(book, shelf, datetime.now(UTC))

    def _hidden(self, merchant_id: int) -> Bools | None:
        """(N,) what is never to be found; None where nothing is."""
        acting = self._everywhere(merchant_id)
        return acting.mask("hide") if acting.rules else None

    def _model(self, query: SearchQuery, after: Cursor | None) -> Model:
        """The live model; a later page is of the model that gave the page before, while that one is kept."""
        if after is None or after.model == LEXICAL or query.mode == "browse":  # which need none
            return self.models.live()
        held = self.models.held(after.model)
        if held is None:
            raise QueryRefused(
                "cursor-of-another-model", "The model that gave the page before is no longer kept.",
                "Start from the first page.", "cursor",
            )  # fmt: skip
        return held

    def _encoded(self, query: SearchQuery, model: Model, clock: "_Clock", after: Cursor | None) -> Sides:
        """The picture and the words as vectors, each None where there is none.

        Words alone can do without a model that is away or busy, but not in the middle of a search that
        began with it. Raises SearchBusy for all else.
        """
        if query.mode == "browse" or (after is not None and after.model == LEXICAL):
            return None, None
        with clock.stage("encode"):
            try:
                return model.encoder.picture(query), model.encoder.text(query.words)
            except ModelAway as error:
                if query.mode == "words" and after is None:
                    return None, None
                raise SearchBusy(error.message, error.retry_after) from error

    def _match(self, reading: Reading, model: Model, shelf: Shelf, sides: Sides, page: Page) -> Match:
        """How well the first page answers what was asked."""
        query, (picture, _) = reading.query, sides
        if query.mode == "words":
            mine = tenant(query.merchant_id)
            return by_words(reading, shelf, self._sources.ranker(model.collection, mine, True).has)
        if picture is None or query.reference or query.sort or asks_for_another_kind(reading):
            return Match()
        found = model.encoder.of_hits(page.hits[:KIN])
        # Where filters leave a few, the one that is meant may be the only one of its kind.
        groups = [found[n : n + 1] for n in range(len(found))] if query.filters.terms() else [found]
        kinships = [model.pack.kinship(picture, each) for each in groups if len(each)]
        told = [each for each in kinships if each is not None]
        return by_photo(max(told, default=None), model.pack.least_kinship)

    def _source(
        self,
        query: SearchQuery,
        model: Model,
        acting: Acting,
        clock: "_Clock",
        liked: Preferred,
        sides: Sides,
    ) -> Source:
        """Where the ranked places of this query come from."""
        if query.mode == "browse":
            return self._sources.on_shelf(query, acting)
        with clock.stage("compose"):
            encoded = any(side is not None for side in sides)
            vector: Vector | None = model.pack.compose(*sides, query.balance) if encoded else None  # (D,)
        return self._sources.of(query, model.collection, acting, vector, liked)

    def _page(self, query: SearchQuery, source: Source, after: Cursor | None, clock: "_Clock") -> Page:
        def timed(wanted: int) -> list[Ranked]:
            with clock.stage("search"):
                return source(wanted)

        read = self._reader(query.merchant_id, query.collapse, clock)
        if after is None:
            return read_page(timed, read, query.limit)
        return read_page(timed, read, query.limit, after.seen, after.after)

    def _reader(self, merchant_id: int, collapse: bool, clock: "_Clock") -> Read:
        def read(places: Sequence[Ranked]) -> list[ProductHit]:
            with clock.stage("hydrate"):
                return self._hydrator.hits(merchant_id, places, collapse)

        return read


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        raise QueryRefused("limit-range", "limit is out of range.", f"Use 1 to {MAX_LIMIT}.", "limit")


def _with_reasons(hits: list[ProductHit], wishes: Sequence[Wish]) -> list[ProductHit]:
    chips = [wish.chip for wish in wishes if wish.mode == "prefer"]  # a must needs no saying
    return [replace(hit, why=reasons(hit.product, chips)) for hit in hits] if chips else hits


def _degraded(query: SearchQuery, sides: Sides, counted: Counted) -> tuple[Degraded, ...]:
    lexical = query.mode == "words" and sides[1] is None
    return (*(("lexical",) if lexical else ()), *(("facets",) if counted.stale else ()))


def _cursor(query: SearchQuery, model: str, before: Cursor | None, page: Page) -> str | None:
    if page.end is None:
        return None
    seen = (before.seen if before else 0) + len(page.hits)
    return Cursor(query.digest(), model[:16], seen, page.end).encode()


class _Clock:
    """Milliseconds by stage; a stage that comes twice adds up. Each time is a span where traces are sent."""

    def __init__(self, span: Span) -> None:
        self.stages: dict[str, float] = {}
        self._span = span

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            with self._span(f"search.{name}"):
                yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + (time.perf_counter() - began) * 1000


@contextmanager
def _outages(patience_s: float) -> Iterator[None]:
    try:
        with within(patience_s):
            yield
    except VectorStoreUnavailable as error:
        raise SearchUnavailable(error.message, RETRY_AFTER_S) from error
