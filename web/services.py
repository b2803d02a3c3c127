"""What the storefront needs from the composition root, and how a request reaches it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from flask import current_app, g
from sqlalchemy.orm import Session, sessionmaker

from catalog.importing.feed_process import FeedLimits
from catalog.models import Merchant
from catalog.pictures.decoder import Decoder
from catalog.site import IndexRef
from catalog.storage.blobs import Blobs, Incoming
from catalog.storage.feed_files import FeedFiles
from indexer.queue import Bell
from searcher.insight.events import Events
from searcher.models import Models
from searcher.photos import QueryPhotos
from searcher.query_log import QueryLog
from searcher.search import Searcher
from web.rates.settings import Limits

KEY = "twirl"


class WebSettings(Protocol):
    """The settings that the web process reads."""

    @property
    def shop(self) -> str:
        """Slug of the merchant whose storefront is served."""

    @property
    def language(self) -> str:
        """Of the catalogue's own texts."""

    @property
    def photo_ttl_s(self) -> int:
        """Seconds that a shopper's photo is kept."""


class ConsoleSettings(Protocol):
    """The settings of the merchants' console."""

    @property
    def signup(self) -> str:
        """Who gets an account: "invitation" or "open"."""

    @property
    def public_url(self) -> str:
        """By which address people reach us; "" where nobody has said."""

    @property
    def second_factor(self) -> str:
        """Whether everybody must have one: "optional" or "required"."""

    @property
    def breached(self) -> Path | None:
        """A sorted file of the hashes of stolen passwords."""

    @property
    def console_idle_s(self) -> int:
        """After how long without use a login is over."""

    @property
    def console_session_s(self) -> int:
        """After how long a login is over in any case."""


class LimitSettings(Limits, Protocol):
    """What one visitor may ask for, and how long a request waits."""

    @property
    def db_answer_s(self) -> float:
        """Seconds that a request waits for PostgreSQL, all in all."""


class QueueSettings(Protocol):
    """The settings of the deployed shape's Redis."""

    @property
    def redis_url(self) -> str:
        """Where it is; "" in the embedded shape."""


class FeedSettings(Protocol):
    """What feeds and their pictures may be."""

    @property
    def feed_max_mb(self) -> int:
        """Of a feed, in MiB."""

    @property
    def feed_images_max_mb(self) -> int:
        """Of the pictures beside one, in MiB."""


class Settings(Protocol):
    """The groups of settings that concern this room."""

    @property
    def web(self) -> WebSettings:
        """The storefront's own settings."""

    @property
    def limits(self) -> LimitSettings:
        """How much is asked for, and for how long anybody waits."""

    @property
    def indexing(self) -> FeedSettings:
        """What becomes of feeds."""

    @property
    def queue(self) -> QueueSettings:
        """The deployed shape's Redis."""

    @property
    def console(self) -> ConsoleSettings:
        """The console's."""


class Index(Protocol):
    """What health and operations ask of the vector engine."""

    def collections(self) -> list[str]:
        """The names of what it holds; raises when it does not answer."""

    def count(self, name: str) -> int:
        """Points of one collection."""

    def version(self) -> str:
        """Of the engine itself."""


class Messages(Protocol):
    """What the deployed shape's message broker says of itself."""

    def waiting(self, queues: Sequence[str]) -> dict[str, int] | None:
        """{queue: messages that wait}; None when it does not say."""


class Operations(Protocol):
    """What operators can do from their page. Each raises an error with `code`, `message` and `fix`."""

    def retry(self, code: str = "", image_id: int | None = None) -> int:
        """Try failed pictures again, those of one reason or just one; returns how many."""

    def switch(self, index_id: int) -> IndexRef:
        """Make a ready index the live one."""

    def switch_back(self) -> IndexRef:
        """Make the index live again that was so before."""

    def drop(self, index_id: int) -> IndexRef:
        """Give up an index that is not live, with its collection."""


class PhotoLinks(Protocol):
    """Fetches pictures by address."""

    def read(self, url: str) -> bytes:
        """The bytes at a public address. Raises ImageRefused."""


class Services(Protocol):
    """Everything that `bootstrap` builds and the storefront calls."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""

    @property
    def sessions(self) -> sessionmaker[Session]:
        """Makes SQL sessions."""

    @property
    def blobs(self) -> Blobs:
        """The shop's pictures."""

    @property
    def incoming(self) -> Incoming:
        """Raw bytes of pictures that wait to be decoded."""

    @property
    def feed_files(self) -> FeedFiles:
        """Feeds that were sent to us, until they are taken in."""

    @property
    def feed_limits(self) -> FeedLimits:
        """What reading one of them may take."""

    @property
    def doorbell(self) -> Bell:
        """Rung when the ledger has work."""

    @property
    def decoder(self) -> Decoder:
        """Decodes what shoppers send."""

    @property
    def photos(self) -> QueryPhotos:
        """Shoppers' photos, kept for a while."""

    @property
    def photo_links(self) -> PhotoLinks:
        """The pictures whose addresses shoppers paste."""

    @property
    def searcher(self) -> Searcher:
        """Answers searches."""

    @property
    def query_log(self) -> QueryLog:
        """Keeps what shoppers search, to compare models on."""

    @property
    def events(self) -> Events:
        """Keeps what shoppers ask and choose, for the merchant."""

    @property
    def store(self) -> Index:
        """The vector engine, asked only whether it is there and what it holds."""

    @property
    def embedded(self) -> bool:
        """Whether the vector engine runs beside us; else it is a Qdrant server."""

    @property
    def deployed(self) -> bool:
        """Whether Celery workers index, woken through Redis; else an indexer process beside this one."""

    @property
    def bell(self) -> Messages:
        """The message broker of the deployed shape."""

    @property
    def operations(self) -> Operations:
        """What operators can do."""

    @property
    def parts(self) -> Mapping[str, str]:
        """{part: version} of this program ("twirl") and of what it runs on."""

    @property
    def models(self) -> Models:
        """The models of the ready indexes, the live one among them."""

    @property
    def device(self) -> str:
        """Where this process's models run."""

    def ring_imports(self) -> None:
        """Say that an import waits to be taken in."""

    def merchant(self, slug: str) -> Merchant:
        """The merchant of that slug."""


def services() -> Services:
    """The services of the application that is answering."""
    return cast(Services, current_app.extensions[KEY])


def shop_name() -> str:
    """The shop's name; a merchant that was given none is called by its slug, written as a name."""
    found = merchant()
    if found.name and found.name != found.slug:
        return found.name
    return found.slug.replace("-", " ").title()


def merchant() -> Merchant:
    """The shop of the key that the request shows, else the one that is served; read once a request."""
    if "merchant" not in g:
        key = g.get("secret_key") or g.get("search_key")
        g.merchant = _of_key(key.merchant_id) if key else services().merchant(services().settings.web.shop)
    return cast(Merchant, g.merchant)


def is_served() -> bool:
    """Whether this request's shop is the one whose pages this storefront has."""
    return merchant().slug == services().settings.web.shop


def _of_key(merchant_id: int) -> Merchant:
    with services().sessions() as session:
        return session.get_one(Merchant, merchant_id)
