import json
from dataclasses import fields, replace
from pathlib import Path

from sqlalchemy import select

from catalog.database import Sessions
from catalog.feeds import read_feed
from catalog.importing.imports import import_feed
from catalog.keeping.export import export_catalogue
from catalog.models import Image, Merchant
from catalog.products import delete_product, ensure_merchant, hide_product, save_product
from catalog.records import ProductRecord
from catalog.storage.blobs import SIZES
from catalog.storage.folders import FolderBlobs, FolderIncoming

DRESS = ProductRecord(
    sku="d1", title="Dress, “long”", images=("https://a/1.jpg", "https://a/2.jpg"), item_group_id="d",
    description="soft\nwarm", link="https://a/d1", brand="Acme", category="Women > Dresses",
    colour="red/white", pattern="plain", material="wool", gender="female", age_group="adult", size="M",
    price_minor=123456,
    sale_price_minor=99, currency="EUR", availability="preorder", attributes={"fit": "slim", "tags": ["a"]},
)  # fmt: skip


def test_what_is_exported_is_imported_again(ledger: Sessions, shop: int, tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    with ledger.begin() as session:
        session.get_one(Merchant, shop).currency = "EUR"
        for sku in ("d1", "d2", "hidden", "deleted", "undecoded"):
            save_product(session, shop, replace(DRESS, sku=sku))
        hide_product(session, shop, "hidden")
        delete_product(session, shop, "deleted")
    with ledger.begin() as session:
        for number, image in enumerate(session.scalars(select(Image))):
            if image.product.sku != "undecoded":
                image.sha256 = f"{number:064x}"
                webp = b"RIFF\x00\x00\x00\x00WEBP%d" % number
                blobs.put(image.sha256, dict.fromkeys(SIZES, webp))
    path = tmp_path / "catalogue.jsonl"
    assert export_catalogue(ledger, blobs, shop, path) == 2
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["id"] for line in lines] == ["d1", "d2"]
    assert all(Path(line["image_link"]).is_file() for line in lines)

    (again, _) = read_feed(path)
    assert isinstance(again, ProductRecord)
    for each in fields(ProductRecord):
        if each.name not in ("images", "row", "called"):
            assert getattr(again, each.name) == getattr(DRESS, each.name), each.name

    with ledger.begin() as session:
        other = ensure_merchant(session, "other").id
    summary = import_feed(ledger, other, path, blobs.root, FolderIncoming(tmp_path / "incoming"))
    assert (summary.created, summary.refused) == (2, 0)
