"""Which indexes there are and which of them answers: read in one query, changed in one transaction.

Every change locks the site's one row first, so that changes come one after the other, and raises its
`generation`, by which every process notices. SQL is the authority; the engine's alias follows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, literal, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, sessionmaker

from catalog.identity import collection_name
from catalog.models import Image, now
from catalog.operations import FillRange, Site, VectorIndex

MAINTAINED = ("filling", "ready")  # states of the indexes that new and edited images are written to


class SiteRefused(Exception):
    """A change of the indexes that cannot be made: a stable `code`, what is wrong, and what mends it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


@dataclass(frozen=True)
class IndexRef:
    """One index: the catalogue as the pack of this fingerprint sees it, in vectors of (dimension,)."""

    id: int
    fingerprint: str
    pack: str  # the pack's name, for people
    dimension: int
    state: str  # one of INDEX_STATES
    live: bool

    @property
    def collection(self) -> str:
        """Its collection in the vector engine."""
        return collection_name(self.fingerprint)

    @property
    def maintained(self) -> bool:
        """Whether new and edited images are written to it."""
        return self.state in MAINTAINED


@dataclass(frozen=True)
class SiteState:
    """The site as it was at one moment. Generation 0 is a site that has not begun."""

    generation: int = 0
    live: IndexRef | None = None
    previous: IndexRef | None = None
    maintained: tuple[IndexRef, ...] = ()  # the live one first, then in the order they were made
    dropping: tuple[IndexRef, ...] = ()
    images_url: str = ""

    @property
    def indexes(self) -> tuple[IndexRef, ...]:
        """Every index that there is."""
        return self.maintained + self.dropping

    def find(self, name: str) -> IndexRef:
        """The index whose fingerprint begins so, or whose pack has this name. Raises SiteRefused."""
        found = [each for each in self.indexes if name and each.fingerprint.startswith(name)]
        found = found or [each for each in self.indexes if each.pack == name]
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"{each.fingerprint[:16]} ({each.pack})" for each in self.indexes) or "none"
        if found:
            raise SiteRefused(
                "index-ambiguous", f"{name!r} may be any of several indexes.", f"Name one of: {known}."
            )
        raise SiteRefused("index-unknown", f"There is no index {name!r}.", f"There are: {known}.")


def read_site(sessions: sessionmaker[Session]) -> SiteState:
    """The site now, in one query."""
    with sessions() as session:
        return site_state(session)


def site_state(session: Session) -> SiteState:
    """The site as this transaction sees it, in one query."""
    whole = select(Site, VectorIndex).outerjoin(VectorIndex, true()).order_by(VectorIndex.id)
    rows = session.execute(whole.execution_options(populate_existing=True)).all()
    if not rows:
        return SiteState()
    site: Site = rows[0][0]
    refs = {index.id: _ref(index, site) for _, index in rows if index is not None}
    held = sorted((each for each in refs.values() if each.maintained), key=lambda each: not each.live)
    return SiteState(
        generation=site.generation,
        live=refs.get(site.live_index_id or 0),
        previous=refs.get(site.previous_index_id or 0),
        maintained=tuple(held),
        dropping=tuple(each for each in refs.values() if not each.maintained),
        images_url=site.images_url,
    )


def filled_by(sessions: sessionmaker[Session]) -> str:
    """The fingerprint of most live images of a ledger from before indexes were registered; or ""."""
    live = select(Image.fingerprint).where(Image.state == "live", Image.fingerprint != "")
    most = live.group_by(Image.fingerprint).order_by(func.count().desc()).limit(1)
    with sessions() as session:
        return session.scalar(most) or ""


def live_index(state: SiteState) -> IndexRef:
    """The live index. Raises SiteRefused where there is none yet."""
    if state.live is None:
        raise _not_begun()
    return state.live


def ensure_live(session: Session, fingerprint: str, pack: str, dimension: int) -> IndexRef:
    """The live index; where there is none yet, this pack's becomes it. Safe for several at once."""
    site = _locked(session, make=True)
    if site.live_index_id is None:
        index = _index(session, fingerprint, pack, dimension, state="ready")
        index.state, index.ready_at = "ready", index.ready_at or now()
        site.live_index_id = index.id
        _changed(session, site)
    return _ref(_found(session, site.live_index_id), site)


def register(
    session: Session, fingerprint: str, pack: str, dimension: int, rate: float | None = None, total: int = 0
) -> IndexRef:
    """The index of this pack, registered as filling unless it is there already.

    `rate` is what a fill may take, in images a second; 0 is as fast as it goes, None leaves it as it was.
    Raises SiteRefused while that index is being dropped.
    """
    site = _locked(session)
    index = session.scalars(select(VectorIndex).where(VectorIndex.fingerprint == fingerprint)).one_or_none()
    if index is None:
        index = _index(session, fingerprint, pack, dimension, state="filling", total=total)
        _changed(session, site)
    elif index.state == "dropping":
        raise SiteRefused(
            "index-dropping", f"The index {fingerprint[:16]} is being dropped.",
            f"Finish that first: twirl models drop {fingerprint[:16]}",
        )  # fmt: skip
    if rate is not None:
        index.rate = rate or None
    session.flush()
    return _ref(index, site)


def mark_ready(session: Session, index_id: int) -> IndexRef:
    """Note that an index holds all that it must. Raises SiteRefused when it is not filling or ready."""
    site, index = _locked(session), _found(session, index_id)
    if index.state == "filling":
        index.state, index.ready_at, index.message = "ready", now(), ""
        # What was left out of it because it was filling is written anew: who works saw the older generation.
        _changed(session, site)
    elif index.state != "ready":
        raise _not_ready(index)
    return _ref(index, site)


def switch(session: Session, index_id: int) -> IndexRef:
    """Make a ready index the live one; the one before becomes the previous. Raises SiteRefused."""
    site, index = _locked(session), _found(session, index_id)
    if index.state != "ready":
        raise _not_ready(index)
    if site.live_index_id != index.id:
        site.previous_index_id, site.live_index_id = site.live_index_id, index.id
        _changed(session, site)
    return _ref(index, site)


def switch_back(session: Session) -> IndexRef:
    """Make the index that was live before the live one again. Raises SiteRefused when there is none."""
    site = _locked(session)
    if site.previous_index_id is None:
        raise SiteRefused(
            "no-previous-index", "There is no index to go back to.",
            "`twirl models` lists the indexes; `twirl switch FINGERPRINT` takes any that is ready.",
        )  # fmt: skip
    return switch(session, site.previous_index_id)


def begin_drop(session: Session, index_id: int) -> IndexRef:
    """From now on nothing is written to this index nor read from it. Raises SiteRefused for the live one.

    The caller drops its collection in the engine and then calls `dropped`; each may be repeated.
    """
    site, index = _locked(session), _found(session, index_id)
    if site.live_index_id == index.id:
        raise SiteRefused(
            "index-live", f"The index {index.fingerprint[:16]} ({index.pack}) is the live one.",
            "Switch to another index first: twirl switch",
        )  # fmt: skip
    if index.state != "dropping":
        index.state = "dropping"
        if site.previous_index_id == index.id:
            site.previous_index_id = None
        session.execute(delete(FillRange).where(FillRange.index_id == index.id))
        _changed(session, site)
    return _ref(index, site)


def dropped(session: Session, index_id: int) -> None:
    """Forget an index whose collection is gone; nothing happens when it is forgotten already."""
    gone = delete(VectorIndex).where(VectorIndex.id == index_id, VectorIndex.state == "dropping")
    session.execute(gone)


def decide_images_url(session: Session, decide: Callable[[str], str]) -> None:
    """Write down where image bytes are kept, so that who joins later finds them: one process at a time.

    `decide` is given what is written down already, "" at first, and says what shall be.
    """
    site = _locked(session, make=True)
    site.images_url = decide(site.images_url)
    session.flush()


def not_moved(state: SiteState) -> ColumnElement[bool]:
    """An SQL condition: indexes and live index are still those of `state`."""
    same = select(literal(1)).where(Site.id == 1, Site.generation == state.generation)
    return same.exists() if state.generation else ~select(literal(1)).where(Site.id == 1).exists()


def _locked(session: Session, make: bool = False) -> Site:
    """The site's row, ours until the transaction ends."""
    if make:
        _insert_if_new(session, Site, {"id": 1, "generation": 1, "images_url": "", "created_at": now()})
    row = select(Site).where(Site.id == 1).with_for_update().execution_options(populate_existing=True)
    site = session.scalars(row).one_or_none()
    if site is None:
        raise _not_begun()
    return site


def _not_begun() -> SiteRefused:
    return SiteRefused(
        "site-not-begun", "This installation has no live index yet.",
        "Begin it: `twirl migrate` or `twirl serve` registers the pack of TWIRL_PACK.",
    )  # fmt: skip


def _insert_if_new(session: Session, table: type[Any], values: dict[str, Any]) -> None:
    """Insert a row unless its key is taken, without failing when another process is first."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(table).values(values).on_conflict_do_nothing())


def _index(
    session: Session, fingerprint: str, pack: str, dimension: int, state: str, total: int = 0
) -> VectorIndex:
    found = select(VectorIndex).where(VectorIndex.fingerprint == fingerprint)
    index = session.scalars(found).one_or_none()
    if index is None:
        index = VectorIndex(fingerprint=fingerprint, pack=pack, dimension=dimension, state=state, total=total)
        session.add(index)
        session.flush()
    return index


def _found(session: Session, index_id: int) -> VectorIndex:
    index = session.get(VectorIndex, index_id, populate_existing=True)
    if index is None:
        raise SiteRefused(
            "index-unknown", f"There is no index {index_id}.", "`twirl models` lists the indexes."
        )
    return index


def _changed(session: Session, site: Site) -> None:
    session.flush()
    session.execute(update(Site).where(Site.id == site.id).values(generation=Site.generation + 1))
    session.refresh(site)


def _not_ready(index: VectorIndex) -> SiteRefused:
    short = index.fingerprint[:16]
    if index.state == "dropping":
        return SiteRefused(
            "index-dropping", f"The index {short} ({index.pack}) is being dropped.",
            f"Finish that, then fill it again: twirl models drop {short}; twirl reembed --pack {index.pack}",
        )  # fmt: skip
    return SiteRefused(
        "index-not-ready", f"The index {short} ({index.pack}) is not filled yet.",
        f"Let it be filled: twirl reembed --pack {index.pack} shows how far it is.",
    )  # fmt: skip


def _ref(index: VectorIndex, site: Site) -> IndexRef:
    return IndexRef(
        index.id, index.fingerprint, index.pack, index.dimension, index.state,
        live=index.id == site.live_index_id,
    )  # fmt: skip
