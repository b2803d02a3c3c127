"""What answers shoppers."""

from functools import cached_property
from typing import TYPE_CHECKING

from structlog import get_logger

from bootstrap.stores import Stores
from catalog.merchants import empty_shop_notice, merchant_of
from catalog.models import Merchant
from catalog.site import live_index, read_site
from embedding.pack_folders import look, notice
from searcher.admission import Admission
from searcher.insight.events import Events
from searcher.models import Models
from searcher.photos import QueryPhotos
from searcher.query_log import QueryLog
from searcher.search import Searcher
from searcher.sold_out import SoldOut
from telemetry import tracing

if TYPE_CHECKING:
    # These bring PyTorch, which takes seconds to import: `twirl import` must not wait for it.
    from embedding.pack import Pack
    from indexer.photo_links import PhotoLinks

log = get_logger("twirl")


class Answering(Stores):
    """What a search needs."""

    @property
    def pack(self) -> "Pack":
        """The live index's model pack: encoders and composer."""
        return self.packs.get(self.fingerprint)

    @property
    def fingerprint(self) -> str:
        """The live index's fingerprint. Raises SiteRefused before the first start."""
        return live_index(read_site(self.sessions)).fingerprint

    @cached_property
    def photos(self) -> QueryPhotos:
        """Shoppers' photos, kept for a while."""
        return QueryPhotos(self.data / "photos", self.settings.web.photo_ttl_s)

    @cached_property
    def photo_links(self) -> "PhotoLinks":
        """Fetches the pictures whose addresses shoppers paste."""
        from indexer.photo_links import PhotoLinks

        return PhotoLinks(self.incoming)

    @cached_property
    def models(self) -> Models:
        """The model that answers, as the live index changes."""
        chosen = self.settings.limits
        admission = Admission(chosen.encode_at_once, chosen.encode_waiting, chosen.encode_wait_s)
        return Models(self.sessions, self.packs, self.store, self.photos, admission=admission)

    @cached_property
    def searcher(self) -> Searcher:
        """Answers searches."""
        patience_s = self.settings.vectors.vectors_timeout_s
        sold_out = SoldOut(self.settings.web.sold_out)
        parts = (self.sessions, self.models, self.store)
        return Searcher(*parts, patience_s=patience_s, span=tracing.span, sold_out=sold_out)

    @cached_property
    def query_log(self) -> QueryLog:
        """Keeps what shoppers search, to compare models on."""
        return QueryLog(self.sessions, on=self.settings.model.query_log_days > 0)

    @cached_property
    def events(self) -> Events:
        """Keeps what shoppers ask and choose, for the merchant's insight."""
        stock, on = self.searcher.stock, self.settings.model.insight_days > 0
        return Events(self.sessions, stock.shelf, on=on)

    def merchant(self, slug: str | None = None, name: str = "") -> Merchant:
        """The merchant of that slug, or of the storefront; made, and called `name`, when missing."""
        return merchant_of(self.sessions, slug or self.settings.web.shop, name)

    def pack_notice(self) -> str:
        """A sentence where TWIRL_PACK names another pack than the live index's; else nothing."""
        live = read_site(self.sessions).live
        return notice(look(self.settings.model.pack), live.pack, live.fingerprint) if live else ""

    def shop_notice(self) -> str:
        """A sentence where TWIRL_SHOP names an empty shop beside others that are not; else nothing."""
        return empty_shop_notice(self.sessions, self.settings.web.shop)

    def warm_up(self) -> None:
        """Load and read now what the first searches would else wait for, several of them at once."""
        _ = self.blobs, self.decoder, self.photos
        if notice := self.pack_notice():
            log.warning("pack-not-live", message=notice)
        if notice := self.shop_notice():
            log.warning("shop-empty", message=notice)
        self.models.watch()
        self.searcher.warm_up(self.merchant().id)
