"""What a shop writes about a garment: its title, its description, and the phrases for single attributes."""

from atelier.attributes import Garment

SLEEVE_WORDS = {
    "sleeveless": "sleeveless",
    "short": "short-sleeved",
    "three-quarter": "three-quarter-sleeved",
    "long": "long-sleeved",
}
NECK_WORDS = {
    "crew": "crew neck",
    "v-neck": "V-neck",
    "scoop": "scoop neck",
    "boat": "boat neck",
    "square": "square neck",
    "turtleneck": "roll neck",
}
PATTERN_WORDS = {
    "plain": "plain",
    "striped": "striped",
    "vertical stripe": "pinstriped",
    "checked": "checked",
    "gingham": "gingham",
    "plaid": "plaid",
    "polka dot": "polka-dot",
    "floral": "floral",
    "colour block": "colour-block",
    "graphic print": "graphic-print",
    "leopard": "leopard-print",
}
KIND_WORDS = {
    "t-shirt": "T-shirt",
    "jeans": "jeans",
    "trousers": "trousers",
    "shorts": "shorts",
    "sneaker": "sneakers",
    "polo": "polo shirt",
}
FABRIC_WORDS = {"pique": "cotton piqué", "canvas": "cotton canvas", "fleece": "brushed fleece"}
LENGTH_WORDS = {
    "cropped": "cropped",
    "regular": "",
    "long": "longline",
    "mini": "mini",
    "knee": "knee-length",
    "midi": "midi",
    "maxi": "maxi",
    "short": "short",
    "full": "full-length",
    "low": "low-top",
    "high": "high-top",
    "small": "small",
    "large": "large",
}
DETAIL_WORDS = {
    "chest pocket": "a chest pocket",
    "ruffle": "a soft ruffle",
    "bow": "a bow",
    "buttons": "a row of buttons",
    "zip": "a zip",
    "pockets": "pockets",
    "hood": "a hood",
    "belt": "a belt",
    "pleats": "pressed pleats",
    "cable knit": "a cable-knit front",
    "ripped": "ripped knees",
    "laces": "flat laces",
    "straps": "two hook-and-loop straps",
    "buckle": "a polished buckle",
}

_HAND = {
    "cotton": "Soft, breathable cotton that keeps its shape wash after wash.",
    "linen": "Washed linen with a dry, airy hand that softens with every summer.",
    "flannel": "Brushed flannel, warm on the first cold morning.",
    "denim": "Sturdy denim that fades to your own habits.",
    "satin": "Fluid satin that catches the light when you move.",
    "chiffon": "Light chiffon, cut with room to move.",
    "pique": "Textured cotton piqué that stays cool.",
    "wool": "Fine wool from certified farms, warm without weight.",
    "cashmere": "Two-ply cashmere, brushed until it feels like nothing at all.",
    "fleece": "Heavy loopback fleece, brushed inside.",
    "leather": "Full-grain leather that grows better with age.",
    "suede": "Supple suede with a velvety nap.",
    "nylon": "Light nylon that shrugs off wind and showers.",
    "velvet": "Deep-pile velvet with a quiet sheen.",
    "corduroy": "Fine-wale corduroy with a soft, broken-in hand.",
    "canvas": "Dense cotton canvas that stands up to the daily round.",
}
_USE = {
    "t-shirt": "Wear it alone, or under everything else.",
    "shirt": "Crisp with trousers, easy with jeans.",
    "blouse": "It lifts plain trousers and loves a high waist.",
    "polo": "Neat enough for the office, easy enough for Sunday.",
    "hoodie": "For trains, sofas and cold beaches.",
    "sweatshirt": "The one that you will reach for first.",
    "sweater": "Knitted to be worn for years, not weeks.",
    "cardigan": "Leave it open over a dress, or button it up as a sweater.",
    "jacket": "A layer for the days in between.",
    "blazer": "Half-lined, with a soft shoulder, so it never feels stiff.",
    "coat": "Roomy enough for a thick knit underneath.",
    "dress": "Flat sandals by day, a heel by night.",
    "jumpsuit": "One piece, no decisions.",
    "skirt": "It sits high on the waist and moves with you.",
    "trousers": "Cut with an easy leg and a clean waistband.",
    "jeans": "Five pockets, a straight leg and an honest rise.",
    "shorts": "Made for long light evenings.",
    "sneaker": "A cushioned insole and a sole that grips.",
    "bag": "Room for what the day asks for, and a pocket for your keys.",
}


def describe(garment: Garment, style: str = "") -> tuple[str, str]:
    """(title, description) as a shop would write them; `style` is the product's own name, put first."""
    return title(garment, style), description(garment)


def title(garment: Garment, style: str = "") -> str:
    """For example: Alma Striped Linen V-Neck Blouse, Short-Sleeved, in Navy."""
    words = [
        style,
        LENGTH_WORDS.get(garment.length, ""),
        "" if garment.pattern == "plain" else PATTERN_WORDS[garment.pattern],
        "cable-knit" if garment.detail == "cable knit" else "",
        fabric_name(garment),
        NECK_WORDS.get(garment.neckline, ""),
        kind_name(garment),
    ]
    main = " ".join(capital(word) for word in words if word)
    tail = f" with {capital(_short_detail(garment))}" if _short_detail(garment) else ""
    sleeve = f", {capital(SLEEVE_WORDS[garment.sleeve])}," if garment.sleeve else ""
    return f"{main}{tail}{sleeve} in {capital(garment.colour)}"


def _short_detail(garment: Garment) -> str:
    if garment.detail in ("", "cable knit", "laces") or (garment.kind, garment.detail) in (
        ("cardigan", "buttons"),
        ("blazer", "buttons"),
    ):
        return ""
    return DETAIL_WORDS[garment.detail].removeprefix("a ").removeprefix("soft ").removeprefix("polished ")


def description(garment: Garment) -> str:
    """Two or three sentences: what it is, what it is made of, how it is worn."""
    sleeve, length = SLEEVE_WORDS.get(garment.sleeve, ""), LENGTH_WORDS.get(garment.length, "")
    adjectives = ", ".join(word for word in (length, sleeve) if word)
    neck = f" with a {NECK_WORDS[garment.neckline]}" if garment.neckline else ""
    detail = (
        f" and {DETAIL_WORDS[garment.detail]}"
        if garment.detail and neck
        else f" with {DETAIL_WORDS[garment.detail]}"
        if garment.detail
        else ""
    )
    noun = f"{adjectives} {garment.gender}'s {kind_name(garment)}".strip()
    pair = (
        noun.replace(f"{garment.gender}'s", f"pair of {garment.gender}'s") if garment.kind in PLURAL else noun
    )
    article = "An" if pair[0] in "aeio" else "A"
    first = f"{article} {pair}{neck}{detail}, {pattern_phrase(garment)}."
    return f"{first} {_HAND[garment.fabric]} {_USE[garment.kind]}"


PLURAL = ("trousers", "jeans", "shorts", "sneaker")


def pattern_phrase(garment: Garment) -> str:
    """The pattern and its colours, as in: striped in navy and white."""
    one, two = garment.colour, garment.second_colour
    return {
        "plain": f"in {one}",
        "striped": f"striped in {one} and {two}",
        "vertical stripe": f"in {one} with a {two} pinstripe",
        "checked": f"in {one} with a {two} windowpane check",
        "gingham": f"in {one} and {two} gingham",
        "plaid": f"in {one} and {two} plaid",
        "polka dot": f"in {one} with {two} polka dots",
        "floral": f"in {one}, printed with {two} flowers",
        "colour block": f"colour-blocked in {one} and {two}",
        "graphic print": f"in {one} with a {two} graphic print",
        "leopard": f"in a {one} leopard print",
    }[garment.pattern]


def kind_name(garment: Garment) -> str:
    """The kind as a shop calls it."""
    return KIND_WORDS.get(garment.kind, garment.kind)


def fabric_name(garment: Garment) -> str:
    """The fabric as a shop calls it."""
    return "" if garment.kind == "jeans" else FABRIC_WORDS.get(garment.fabric, garment.fabric)


def capital(words: str) -> str:
    """Title case that leaves T-shirt and V-neck as shops write them."""
    small = {"a", "of", "and", "with", "in", "the"}
    return " ".join(
        word if word in small else "-".join(part[:1].upper() + part[1:] for part in word.split("-"))
        for word in words.split()
    )
