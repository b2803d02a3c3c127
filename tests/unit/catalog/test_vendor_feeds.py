"""Files in the column sets of the vendors' own exports, asserted by value."""

from pathlib import Path

import pytest

from catalog.feeds import ProductRecord, RowFault, read_feed, survey_feed

SAMPLES = Path(__file__).with_name("samples")


def read(path: Path, currency: str = "EUR") -> tuple[dict[str, ProductRecord], dict[int, tuple[str, str]]]:
    """{sku: record}, {row: (column, code)}."""
    items = list(read_feed(path, currency))
    faults = {item.row: (item.column, item.code) for item in items if isinstance(item, RowFault)}
    return {item.sku: item for item in items if isinstance(item, ProductRecord)}, faults


def cdn(*names: str) -> tuple[str, ...]:
    return tuple(f"https://cdn.example/{name}.jpg" for name in names)


def img(*names: str) -> tuple[str, ...]:
    return tuple(f"https://img.example/{name}.jpg" for name in names)


@pytest.mark.parametrize(
    ("name", "vendor"),
    [("shopify_old.csv", "shopify"), ("shopify_new.csv", "shopify"), ("woocommerce.csv", "woocommerce")],
)
def test_a_vendor_is_known_by_its_header(name: str, vendor: str) -> None:
    assert survey_feed(SAMPLES / name).vendor == vendor


@pytest.mark.parametrize(
    "header",
    ["id,name,type,in_stock,price,image", "id,handle,title,image_link", "name,type,id,image"],
)
def test_a_feed_with_a_vendors_common_words_is_nobodys(tmp_path: Path, header: str) -> None:
    path = tmp_path / "feed.csv"
    path.write_text(f"{header}\n")
    assert survey_feed(path).vendor == "google"


def test_shopify_with_the_headers_of_before() -> None:
    records, faults = read(SAMPLES / "shopify_old.csv")
    assert faults == {7: ("", "not-published")}
    assert list(records) == ["WD-RED-S", "WD-RED-M", "WD-BLUE-S", "canvas-tote"]
    assert records["WD-RED-S"] == ProductRecord(
        sku="WD-RED-S", title="Wrap dress", description="Soft viscose,\ncut to wrap.", brand="Marlow",
        images=cdn("wrap-red", "wrap-front", "wrap-back"), item_group_id="wrap-dress", colour="Red", size="S",
        category="Apparel & Accessories > Clothing > Dresses", gender="Female", age_group="Adult",
        price_minor=6500, sale_price_minor=4900, currency="EUR",
        attributes={"tags": "summer, viscose", "google_product_category": "2271", "condition": "new",
                    "gtin": "4006381333931"},
    )  # fmt: skip
    medium, blue, tote = records["WD-RED-M"], records["WD-BLUE-S"], records["canvas-tote"]
    assert (medium.size, medium.colour, medium.availability) == ("M", "Red", "out_of_stock")
    assert (medium.price_minor, medium.sale_price_minor, medium.row) == (4900, None, 3)
    assert (blue.images, blue.availability) == (cdn("wrap-blue", "wrap-front", "wrap-back"), "backorder")
    assert (blue.price_minor, blue.sale_price_minor) == (5200, None)  # 40 to compare with is no old price
    assert (tote.category, tote.price_minor, tote.size, tote.images) == ("Bag", 1500, "", cdn("tote"))


def test_shopify_with_the_headers_of_now() -> None:
    records, faults = read(SAMPLES / "shopify_new.csv")
    assert faults == {4: ("", "not-published")}
    small, large = records["LS-S"], records["LS-L"]
    assert {record.item_group_id for record in (small, large)} == {"linen-shirt"}
    assert {record.images for record in (small, large)} == {cdn("shirt", "shirt-2")}
    assert (small.size, small.colour, small.gender) == ("Small", "light blue/white", "Male")
    assert (small.availability, large.availability) == ("backorder", "in_stock")
    assert (large.title, large.price_minor, large.sale_price_minor) == ("Linen shirt", 4990, 3990)
    assert "cost_per_item" not in str(small.attributes) and "12.00" not in str(small.attributes)


def test_woocommerce() -> None:
    records, faults = read(SAMPLES / "woocommerce.csv")
    assert faults == {5: ("published", "not-published"), 10: ("parent", "parent-missing")}
    assert list(records) == ["hoodie", "62", "tee-red", "tee-green", "collection", "print"]
    assert records["tee-red"] == ProductRecord(
        sku="tee-red", title="V-neck tee - Red", description="Soft cotton.", item_group_id="tee",
        images=img("tee-red", "tee-back"), category="Clothing > Tops > Tees", colour="Red",
        size="Large/Medium", price_minor=2000, currency="EUR",
        attributes={"tags": "cotton", "short_description": "Short."},
    )  # fmt: skip
    green, hoodie, glasses = records["tee-green"], records["hoodie"], records["62"]
    assert (green.item_group_id, green.size, green.description) == ("tee", "Large", "In green.")
    assert (green.price_minor, green.sale_price_minor, green.availability) == (2000, 1800, "out_of_stock")
    assert (hoodie.price_minor, hoodie.sale_price_minor, hoodie.colour) == (4500, 3500, "Blue")
    assert hoodie.attributes["cross_sells"] == "tee, cap"
    assert (glasses.description, glasses.availability) == ("Only short.", "backorder")
    assert "secret" not in str(glasses.attributes)
    assert (records["collection"].price_minor, records["collection"].images) == (None, img("all"))
    assert (records["print"].price_minor, records["print"].link) == (
        1105, "https://elsewhere.example/pennant",
    )  # fmt: skip


def test_a_variation_may_stand_before_its_parent(tmp_path: Path) -> None:
    header, parent, *rest = (SAMPLES / "woocommerce.csv").read_text().splitlines()
    path = tmp_path / "feed.csv"
    path.write_text("\n".join([header, *rest, parent]))
    turned, faults = read(path)
    assert (turned["tee-red"], len(faults)) == (read(SAMPLES / "woocommerce.csv")[0]["tee-red"], 2)


def test_rows_of_a_product_that_stand_apart_are_named(tmp_path: Path) -> None:
    header, *rows = (SAMPLES / "shopify_new.csv").read_text().splitlines()
    path = tmp_path / "feed.csv"
    path.write_text("\n".join([header, rows[0], rows[2], rows[1]]))
    records, faults = read(path)
    assert list(records) == ["LS-S"]
    assert faults == {3: ("", "not-published"), 4: ("url_handle", "rows-apart")}


def test_google_as_tsv() -> None:
    records, faults = read(SAMPLES / "google.tsv", "USD")
    assert faults == {}
    assert records["TS-1"] == ProductRecord(
        sku="TS-1", title="Tee, striped", description='Cotton "tee"', link="https://shop.example/ts1",
        images=img("1", "2", "3"), item_group_id="TS", brand="Marlow", category="Women > Tops",
        colour="navy/white", size="M", gender="unisex", age_group="adult", price_minor=1500,
        sale_price_minor=1200, currency="USD",
        attributes={"condition": "new", "gtin": "00123456789012", "google_product_category": "1604"},
    )  # fmt: skip


def test_google_as_rss() -> None:
    records, faults = read(SAMPLES / "google_rss.xml", "GBP")
    assert faults == {2: ("price", "price-invalid")}
    assert records["DB_1"] == ProductRecord(
        sku="DB_1", title="Dog bowl in blue", description="Solid plastic & rubber", brand="Marlow",
        images=tuple(f"https://img.example/{name}.png" for name in ("bowl", "bowl-2", "bowl-3")),
        link="https://shop.example/bowl?a=1&b=2", item_group_id="DB", category="Home > Pets > Bowls",
        colour="Blue", price_minor=999, currency="GBP",
        attributes={
            "condition": "new", "gtin": "4007801644603", "google_product_category": "Animals > Pet Supplies",
            "shipping": {"country": "UK", "service": "Standard", "price": "4.95 GBP"},
        },
    )  # fmt: skip


def test_google_as_atom() -> None:
    records, faults = read(SAMPLES / "google_atom.xml")
    assert faults == {}
    assert records["TV_1"] == ProductRecord(
        sku="TV_1", title="Télé", description="Flat", link="https://shop.example/tv", images=img("tv"),
        price_minor=129900, sale_price_minor=99950, currency="EUR", availability="preorder",
    )  # fmt: skip


def test_schema_org() -> None:
    records, faults = read(SAMPLES / "products.jsonld", currency="")  # each says its own
    assert faults == {4: ("image", "required")}
    assert records["ANVIL-1"] == ProductRecord(
        sku="ANVIL-1", title="Executive anvil", description="Sleek", images=img("anvil", "side"),
        brand="ACME", colour="black", material="steel/tin", pattern="plain", gender="Male",
        category="Tools > Anvils", link="https://shop.example/anvil", price_minor=11999, currency="USD",
        availability="out_of_stock", attributes={"gtin13": "4006381333931"},
    )  # fmt: skip
    small, medium = records["COAT-S"], records["COAT-M"]
    assert (small.title, small.brand, small.item_group_id) == ("Wool coat, small", "Marlow", "COAT")
    assert (small.price_minor, small.sale_price_minor, small.currency) == (10000, 8000, "EUR")
    assert (medium.title, medium.size, medium.price_minor) == ("Wool coat", "M", 7500)
    assert small.images == medium.images == img("coat")
