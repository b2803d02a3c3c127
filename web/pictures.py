"""Pictures: what a page says about one, and the bytes behind its address."""

from dataclasses import dataclass
from io import BytesIO

from flask import Blueprint, Response, send_file, url_for

from catalog.models import Image, Product
from catalog.storage.blobs import BlobMissing
from web.belonging import belongs
from web.language import noted
from web.problems import http
from web.services import services

SIZES = (160, 480, 1200)
YEAR_S = 31_536_000

blueprint = Blueprint("pictures", __name__)


@dataclass(frozen=True)
class Shot:
    """One picture as an <img> needs it: addresses by width, and its shape, so that nothing moves on load."""

    sha256: str
    width: int
    height: int

    def url(self, size: int) -> str:
        """The address of one rendition, by its longest side."""
        return url_for("pictures.picture", sha256=self.sha256, size=size)

    @property
    def src(self) -> str:
        """The middle rendition, for browsers that read no srcset."""
        return self.url(480)

    @property
    def srcset(self) -> str:
        """Every rendition with its true width: a size is the longest side, which may be the height."""
        longest = max(self.width, self.height)
        scales = ((size, min(1.0, size / longest)) for size in SIZES)
        return ", ".join(f"{self.url(size)} {max(1, round(self.width * scale))}w" for size, scale in scales)


def shot(image: Image) -> Shot | None:
    """The picture of an image row; None while its bytes are not decoded yet."""
    if image.sha256 is None or image.state == "hidden":
        return None
    return Shot(image.sha256, image.width or 4, image.height or 5)


def shots(product: Product, first: Image | None = None) -> list[Shot]:
    """Every picture of a product that can be shown, the given one in front."""
    ordered = sorted(product.images, key=lambda i: (first is None or i.id != first.id, i.position))
    return [found for found in map(shot, ordered) if found is not None]


@blueprint.get("/images/<sha256>/<int:size>.webp")
def picture(sha256: str, size: int) -> Response:
    """One rendition. Its address is made of its content, so it may be kept for ever."""
    return rendition(sha256, size)


def rendition(sha256: str, size: int) -> Response:
    """The bytes of one rendition; 404 for a name, a size or a hash that this shop does not have."""
    if size not in SIZES or len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise http(404, noted("There is no such picture."), noted("Take picture addresses from a product."))
    try:
        if not belongs(sha256):
            raise BlobMissing(sha256)
        content = services().blobs.content(sha256, size)
    except BlobMissing:
        raise http(
            404, noted("There is no such picture."), noted("Take picture addresses from a product.")
        ) from None
    file = BytesIO(content) if isinstance(content, bytes) else content
    response = send_file(file, mimetype="image/webp", etag=f"{sha256[:32]}-{size}", conditional=True)
    response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return response


@blueprint.get("/photos/<photo_id>.webp")
def photo(photo_id: str) -> Response:
    """A shopper's own photo, small, for the search bar. Only who has its address can see it."""
    data = services().photos.webp(photo_id)
    if data is None:
        raise http(404, noted("This photo is no longer kept."), noted("Add the photo again."))
    response = Response(data, mimetype="image/webp")
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
