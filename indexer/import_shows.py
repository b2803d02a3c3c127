"""The first rows of a dry run as its page shows them: what each says, and a picture where one is at hand."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from catalog.feeds.pictures import PictureMissing, Pictures
from catalog.feeds.values import is_url
from catalog.importing.rehearsal import Preview, Rehearsal
from catalog.models import Image, Product
from catalog.pictures.decoder import Decoder, ImageRefused
from catalog.records import RowFault
from catalog.storage.blobs import Blobs

FAULTS = 200  # that the page lists; the file of errors has them all


class Thumbnails:
    """Decodes the main pictures of the first rows, and keeps them as the import will want them."""

    def __init__(self, decoder: Decoder, blobs: Blobs) -> None:
        self.decoder, self.blobs = decoder, blobs
        self.of: dict[int, str] = {}  # row: sha256

    def show(self, preview: Preview, pictures: Pictures) -> None:
        """Keep one row's picture, if it came beside the feed and is one."""
        if not preview.image or is_url(preview.image) or preview.outcome == "refused":
            return
        try:
            picture = self.decoder.decode(pictures.read(preview.image), renditions=True)
        except (PictureMissing, ImageRefused):
            return
        self.blobs.put(picture.sha256, picture.renditions)
        self.of[preview.row] = picture.sha256


def as_json(would: Rehearsal, thumbnails: Mapping[int, str], known: Mapping[str, str]) -> dict[str, Any]:
    """The rehearsal as `ImportRequest.rehearsal` holds it; `known` is {sku: sha256} of what is live."""
    names = ("rows", "created", "updated", "unchanged", "refused", "removed", "kept_because", "currency")
    return {
        **{name: getattr(would, name) for name in names},
        "codes": dict(would.codes.most_common()),
        "first": [_preview(each, thumbnails, known) for each in would.first],
        "faults": [_fault(each) for each in would.faults[:FAULTS]],
    }


def _preview(each: Preview, thumbnails: Mapping[int, str], known: Mapping[str, str]) -> dict[str, Any]:
    host = urlsplit(each.image).hostname or "" if is_url(each.image) else ""
    picture = thumbnails.get(each.row) or (known.get(each.sku, "") if host else "")
    said = {name: value for name, value in asdict(each).items() if name != "faults"}
    return {**said, "host": host, "picture": picture, "faults": [_fault(fault) for fault in each.faults]}


def _fault(fault: RowFault) -> dict[str, Any]:
    return {"row": fault.row, "column": fault.column, "code": fault.code, "message": fault.message}


def live_pictures(sessions: sessionmaker[Session], merchant_id: int, would: Rehearsal) -> dict[str, str]:
    """{sku: sha256 of the main picture} of those first rows whose products are there already."""
    skus = [each.sku for each in would.first if each.sku]
    there = select(Product.sku, Image.sha256).join(Image.product)
    mine = Product.merchant_id == merchant_id, Product.sku.in_(skus), Image.position == 0
    with sessions() as session:
        found = session.execute(there.where(*mine, Image.sha256.is_not(None), Image.removed.is_(False)))
        return {sku: str(sha256) for sku, sha256 in found}
