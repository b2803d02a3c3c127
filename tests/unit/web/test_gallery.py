from catalog.models import Image, Product
from searcher.results import ProductHit
from web.app import bare_app
from web.shop import gallery


def hit(number: int, colour: str, other: str = "", title: str = "Shirt", price: int = 2000) -> ProductHit:
    image = Image(id=number, sha256=f"{number:064x}", width=4, height=5, position=0, state="live")
    product = Product(
        id=number, sku=f"s{number}", title=title, colour=colour, price_minor=price, images=[image]
    )
    variants = (Product(id=100 + number, sku=f"v{number}", title=title, colour=other),) if other else ()
    return ProductHit(product, image, 1.0, variants)


def asked(hits: list[ProductHit]) -> list[str]:
    with bare_app().test_request_context():
        return [example.words for example in gallery.examples(hits)]


def test_each_way_to_ask_is_shown_once_by_another_piece() -> None:
    hits = [
        hit(1, "Red", "Navy/White"),
        hit(2, "Black", "Navy"),
        hit(3, "Red", "Green"),
        hit(4, "Black", title="Shirt, Short-Sleeved"),
        hit(5, "Yellow"),
        hit(6, "Black", price=9000),
    ]
    assert asked(hits) == ["but in navy", "but in green", "with long sleeves", "but darker", "but cheaper"]


def test_a_shop_with_too_little_to_choose_from_shows_none() -> None:
    assert asked([hit(1, "Red", "Navy"), hit(2, "Red")]) == []
    assert asked([]) == []
