"""The shop's side of a garment: brand, style name, price, size, category and feed columns."""

import numpy as np

from atelier.arrays import Rng
from atelier.attributes import Garment
from atelier.words import FABRIC_WORDS, PATTERN_WORDS, capital, describe

BRANDS = (
    "Nordby & Daughters",
    "Maison Aubel",
    "Halle Nine",
    "Fen & Thistle",
    "Ottoline",
    "Casa Brava",
    "Lowland Supply",
    "Pernille Vik",
    "Sato Works",
    "Field Notes Apparel",
    "Juno Harbour",
    "Mercer Row",
)
STYLES_WOMEN = (
    "Alma",
    "Beatriz",
    "Celeste",
    "Delphine",
    "Elin",
    "Flora",
    "Greta",
    "Hanna",
    "Ines",
    "Juna",
    "Kaia",
    "Lune",
    "Maren",
    "Noor",
    "Odette",
    "Paloma",
    "Rosa",
    "Saskia",
    "Thea",
    "Uma",
    "Vera",
    "Wren",
    "Yara",
    "Zoe",
)
STYLES_MEN = (
    "Anton",
    "Bruno",
    "Caspar",
    "Dario",
    "Emil",
    "Felix",
    "Gustav",
    "Hugo",
    "Ivo",
    "Jonas",
    "Kit",
    "Lars",
    "Milo",
    "Nils",
    "Oskar",
    "Pim",
    "Rafael",
    "Soren",
    "Tomas",
    "Viktor",
    "Walt",
    "Yves",
)
PRICES = {
    "t-shirt": 24,
    "shirt": 54,
    "blouse": 56,
    "polo": 42,
    "hoodie": 62,
    "sweatshirt": 54,
    "sweater": 74,
    "cardigan": 78,
    "jacket": 128,
    "blazer": 148,
    "coat": 210,
    "dress": 88,
    "jumpsuit": 96,
    "skirt": 58,
    "trousers": 72,
    "jeans": 82,
    "shorts": 44,
    "sneaker": 92,
    "bag": 118,
}
DEAR = {
    "cashmere": 1.9,
    "leather": 1.8,
    "suede": 1.6,
    "wool": 1.25,
    "satin": 1.15,
    "linen": 1.15,
    "velvet": 1.2,
    "chiffon": 1.1,
}
CATEGORIES = {
    "t-shirt": "Tops > T-Shirts",
    "shirt": "Tops > Shirts",
    "blouse": "Tops > Blouses",
    "polo": "Tops > Polos",
    "hoodie": "Sweats > Hoodies",
    "sweatshirt": "Sweats > Sweatshirts",
    "sweater": "Knitwear > Sweaters",
    "cardigan": "Knitwear > Cardigans",
    "jacket": "Outerwear > Jackets",
    "blazer": "Outerwear > Blazers",
    "coat": "Outerwear > Coats",
    "dress": "Dresses",
    "jumpsuit": "Jumpsuits",
    "skirt": "Skirts",
    "trousers": "Bottoms > Trousers",
    "jeans": "Bottoms > Jeans",
    "shorts": "Bottoms > Shorts",
    "sneaker": "Shoes > Sneakers",
    "bag": "Bags",
}


def columns(sku: str, group: str, garment: Garment, seed: int, family: int) -> dict[str, object]:
    """One feed row (Google Merchant column names, then the garment's own attributes)."""
    rng = np.random.default_rng([family, sum(group.encode()), 19])
    title, description = describe(garment, style_name(garment, family))
    price = _price(garment, rng)
    sale = {"sale_price": f"{round(price * 0.7)}.00 USD"} if rng.random() < 0.12 else {}
    stock = np.random.default_rng([seed, 23]).random()
    return {
        "id": sku,
        "item_group_id": group,
        "title": title,
        "description": description,
        "link": f"https://demo.example/p/{sku}",
        "image_link": f"images/{sku}.jpg",
        "additional_image_link": "",
        "brand": BRANDS[family % len(BRANDS)],
        "product_type": f"{garment.gender.capitalize()} > {CATEGORIES[garment.kind]}",
        "color": colour_column(garment),
        "pattern": capital(PATTERN_WORDS[garment.pattern]),
        "material": capital(FABRIC_WORDS.get(garment.fabric, garment.fabric)),
        "gender": "female" if garment.gender == "women" else "male",
        "age_group": "adult",
        "size": _sizes(garment),
        "price": f"{price}.00 USD",
        **sale,
        "availability": "in_stock" if stock < 0.92 else "out_of_stock" if stock < 0.98 else "preorder",
        "kind": garment.kind,
        "colour": garment.colour,
        "second_colour": garment.second_colour,
        "pattern_name": garment.pattern,
        "fabric": garment.fabric,
        "sleeve": garment.sleeve,
        "length": garment.length,
        "neckline": garment.neckline,
        "detail": garment.detail,
        "presentation": garment.presentation,
    }


def colour_column(garment: Garment) -> str:
    """The feed's colours: the second one too, where the pattern shows it."""
    alone = garment.pattern in ("plain", "leopard")
    return capital(garment.colour) if alone else f"{capital(garment.colour)}/{capital(garment.second_colour)}"


def style_name(garment: Garment, family: int) -> str:
    """The name that a family of styles goes by."""
    names = STYLES_WOMEN if garment.gender == "women" else STYLES_MEN
    return names[family * 7 % len(names)]


def _price(garment: Garment, rng: Rng) -> int:
    """Whole dollars that end in 5 or 9, by kind and fabric."""
    value = PRICES[garment.kind] * DEAR.get(garment.fabric, 1.0) * float(rng.uniform(0.85, 1.2))
    return int(value // 10 * 10 + (9 if value % 10 > 5 else 5))


def _sizes(garment: Garment) -> str:
    if garment.kind == "bag":
        return "One size"
    if garment.kind == "sneaker":
        return "36-41" if garment.gender == "women" else "40-46"
    return "XS-XL" if garment.gender == "women" else "S-XXL"
