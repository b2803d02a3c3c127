"""The kinds of garment, and what each may be."""

from dataclasses import dataclass

PATTERNS = (
    "plain",
    "striped",
    "vertical stripe",
    "checked",
    "gingham",
    "plaid",
    "polka dot",
    "floral",
    "colour block",
    "graphic print",
    "leopard",
)
SLEEVES = ("sleeveless", "short", "three-quarter", "long")
NECKLINES = ("crew", "v-neck", "scoop", "boat", "square", "turtleneck")
TOP_LENGTHS = ("cropped", "regular", "long")
HEM_LENGTHS = ("mini", "knee", "midi", "maxi")
LEG_LENGTHS = ("short", "knee", "cropped", "full")


@dataclass(frozen=True)
class Rules:
    """What one kind may be. The first value of each tuple is the most usual one."""

    genders: tuple[str, ...]
    fabrics: tuple[str, ...]
    patterns: tuple[str, ...] = PATTERNS
    sleeves: tuple[str, ...] = ("",)
    lengths: tuple[str, ...] = ("",)
    necklines: tuple[str, ...] = ("",)
    details: tuple[str, ...] = ("",)
    presentations: tuple[str, ...] = ("flat", "figure")
    share: float = 1.0  # how often the kind is sampled


BOTH = ("women", "men")
WOVEN = ("plain", "striped", "vertical stripe", "checked", "gingham", "plaid", "polka dot", "floral")
KNITTED = ("plain", "striped", "colour block", "checked", "graphic print")
COATING = ("plain", "checked", "plaid", "colour block", "leopard")

RULES: dict[str, Rules] = {
    "t-shirt": Rules(
        BOTH,
        ("cotton", "linen"),
        ("plain", "striped", "graphic print", "colour block", "polka dot", "floral", "leopard"),
        ("short", "long", "three-quarter", "sleeveless"),
        ("regular", "cropped", "long"),
        ("crew", "v-neck", "scoop", "boat", "square"),
        ("", "chest pocket"),
        share=1.3,
    ),
    "shirt": Rules(
        BOTH,
        ("cotton", "linen", "denim", "flannel"),
        (*WOVEN, "colour block"),
        ("long", "short", "three-quarter"),
        ("regular", "long", "cropped"),
        details=("", "chest pocket"),
        share=1.2,
    ),
    "blouse": Rules(
        ("women",),
        ("satin", "chiffon", "cotton", "linen"),
        (*WOVEN, "leopard"),
        ("long", "short", "three-quarter", "sleeveless"),
        ("regular", "cropped", "long"),
        ("v-neck", "crew", "scoop", "square", "boat"),
        ("", "ruffle", "bow", "buttons"),
        share=1.2,
    ),
    "polo": Rules(
        BOTH,
        ("pique", "cotton", "wool"),
        ("plain", "striped", "colour block", "checked"),
        ("short", "long", "three-quarter"),
        ("regular", "long", "cropped"),
        details=("", "chest pocket"),
    ),
    "hoodie": Rules(
        BOTH,
        ("fleece", "cotton"),
        KNITTED,
        ("long", "short", "sleeveless"),
        ("regular", "cropped", "long"),
        details=("pockets", "zip", ""),
    ),
    "sweatshirt": Rules(
        BOTH,
        ("fleece", "cotton"),
        KNITTED,
        ("long", "short", "three-quarter"),
        ("regular", "cropped", "long"),
        ("crew", "v-neck", "turtleneck"),
        ("", "pockets", "zip"),
        share=0.7,
    ),
    "sweater": Rules(
        BOTH,
        ("wool", "cashmere", "cotton"),
        ("plain", "striped", "colour block", "checked", "polka dot", "leopard"),
        ("long", "three-quarter", "short", "sleeveless"),
        ("regular", "cropped", "long"),
        ("crew", "v-neck", "turtleneck", "boat", "scoop"),
        ("", "cable knit"),
        share=1.2,
    ),
    "cardigan": Rules(
        BOTH,
        ("wool", "cashmere", "cotton"),
        ("plain", "striped", "colour block", "checked"),
        ("long", "three-quarter", "short"),
        ("regular", "cropped", "long"),
        ("v-neck", "crew"),
        ("buttons", "pockets", "belt"),
    ),
    "jacket": Rules(
        BOTH,
        ("denim", "leather", "nylon", "suede"),
        ("plain", "colour block", "checked", "leopard"),
        ("long", "sleeveless"),
        ("regular", "cropped", "long"),
        details=("zip", "buttons", "hood"),
        share=1.1,
    ),
    "blazer": Rules(
        BOTH,
        ("wool", "linen", "velvet"),
        ("plain", "checked", "plaid", "vertical stripe"),
        ("long", "three-quarter", "sleeveless"),
        ("regular", "long", "cropped"),
        details=("buttons", "belt"),
        share=0.8,
    ),
    "coat": Rules(
        BOTH,
        ("wool", "cashmere", "nylon"),
        COATING,
        ("long", "three-quarter"),
        ("knee", "midi", "mini"),
        details=("buttons", "belt", "hood"),
    ),
    "dress": Rules(
        ("women",),
        ("cotton", "satin", "chiffon", "linen", "wool", "denim"),
        (*WOVEN, "colour block", "leopard"),
        SLEEVES,
        HEM_LENGTHS,
        ("v-neck", "crew", "scoop", "square", "boat", "turtleneck"),
        ("", "belt", "ruffle", "bow", "buttons", "pockets"),
        share=2.2,
    ),
    "jumpsuit": Rules(
        ("women",),
        ("cotton", "linen", "satin", "denim"),
        ("plain", "vertical stripe", "floral", "polka dot", "gingham"),
        SLEEVES,
        ("full", "cropped", "knee"),
        ("v-neck", "crew", "scoop", "square"),
        ("", "belt", "zip"),
        share=0.6,
    ),
    "skirt": Rules(
        ("women",),
        ("cotton", "satin", "denim", "wool", "leather", "linen"),
        (*WOVEN, "leopard", "colour block"),
        lengths=HEM_LENGTHS,
        details=("", "pleats", "buttons", "belt", "ruffle"),
        share=1.3,
    ),
    "trousers": Rules(
        BOTH,
        ("wool", "cotton", "linen", "corduroy"),
        ("plain", "checked", "vertical stripe", "plaid"),
        lengths=("full", "cropped"),
        details=("", "belt", "pleats"),
        share=1.1,
    ),
    "jeans": Rules(
        BOTH,
        ("denim",),
        ("plain",),
        lengths=("full", "cropped"),
        details=("", "belt", "ripped"),
        share=0.9,
    ),
    "shorts": Rules(
        BOTH,
        ("cotton", "linen", "denim"),
        ("plain", "striped", "vertical stripe", "checked", "gingham", "floral", "polka dot"),
        lengths=("short", "knee"),
        details=("", "belt", "pockets"),
        share=0.8,
    ),
    "sneaker": Rules(
        BOTH,
        ("canvas", "leather", "suede"),
        ("plain", "colour block", "checked", "leopard", "floral"),
        lengths=("low", "high"),
        details=("laces", "straps"),
        presentations=("flat",),
        share=0.6,
    ),
    "bag": Rules(
        ("women",),
        ("leather", "canvas", "suede"),
        ("plain", "colour block", "striped", "checked", "leopard", "floral"),
        lengths=("small", "large"),
        details=("", "buckle", "bow"),
        presentations=("flat",),
        share=0.6,
    ),
}
