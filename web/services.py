"""What the storefront needs from the composition root, and how a request reaches it."""

from typing import Protocol, cast

from flask import current_app, g
from sqlalchemy.orm import Session, sessionmaker

from catalog.blobs import Blobs
from catalog.images import Decoder
from catalog.models import Merchant
from searcher.photos import QueryPhotos
from searcher.search import Searcher

KEY = "twirl"


class WebSettings(Protocol):
    """The settings that the web process reads."""

    @property
    def shop(self) -> str:
        """Slug of the merchant whose storefront is served."""


class Settings(Protocol):
    """The one group of settings that concerns this room."""

    @property
    def web(self) -> WebSettings:
        """The storefront's own settings."""


class Index(Protocol):
    """What the health page asks of the vector engine."""

    def resolve(self, alias: str) -> str | None:
        """The collection behind an alias; raises when the engine does not answer."""


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
    def decoder(self) -> Decoder:
        """Decodes what shoppers send."""

    @property
    def photos(self) -> QueryPhotos:
        """Shoppers' photos, kept for a while."""

    @property
    def searcher(self) -> Searcher:
        """Answers searches."""

    @property
    def store(self) -> Index:
        """The vector engine, asked only whether it is there."""

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
    """The shop that is served, read once a request."""
    if "merchant" not in g:
        g.merchant = services().merchant(services().settings.web.shop)
    return cast(Merchant, g.merchant)
