"""The colours that shops name: how each looks, as hex paints."""

_HEX = {
    "black": "#1c1b1c", "white": "#fbfaf7", "ivory": "#f5efdf", "cream": "#f3e8cf", "ecru": "#e9dfc7",
    "beige": "#ddcbaa", "sand": "#d6bf97", "camel": "#bb8c55", "tan": "#c79a6b", "khaki": "#a3966c",
    "taupe": "#8b7d70", "brown": "#6a4630", "chocolate": "#4c2f20", "rust": "#a84b25",
    "terracotta": "#c0664a", "orange": "#e07b32", "coral": "#ef7f6a", "peach": "#f6bd9b",
    "apricot": "#f3b277", "red": "#bf2b2e",
    "crimson": "#a31834", "burgundy": "#661f2e", "wine": "#601b32", "maroon": "#5b1d24", "pink": "#eba6b6",
    "blush": "#eec7c0", "rose": "#d77f93", "fuchsia": "#c62b7b", "magenta": "#b8277f", "purple": "#6c3f8c",
    "plum": "#5b2a50", "lilac": "#bda4d4", "lavender": "#b8abd9", "violet": "#6d4b9f", "mauve": "#a98097",
    "blue": "#2f62b0", "navy": "#1e2a4a", "cobalt": "#1f47a8", "royal": "#2846ab", "sky": "#9cc4e4",
    "sky blue": "#96c1e2", "baby blue": "#b5d3ea", "light blue": "#a9cbe6", "dark blue": "#22315c",
    "light green": "#a6d3a0", "dark green": "#25492f", "light pink": "#f4cdd6", "hot pink": "#dd3d85",
    "dark red": "#7f1d24", "dark grey": "#4b4e52", "dark brown": "#472d1e", "light brown": "#a37a58",
    "denim": "#48658c", "indigo": "#2f3568", "teal": "#1d6e72",
    "turquoise": "#35a9a5", "aqua": "#7fd0cc", "mint": "#b4dcc4", "green": "#3a7d4d", "forest": "#25492f",
    "emerald": "#137a56", "olive": "#6b6a34", "sage": "#a0ac8d", "moss": "#6c7442", "lime": "#a9c83f",
    "yellow": "#ecc440", "mustard": "#c7972c", "ochre": "#bf8430", "gold": "#c5a14b", "grey": "#8f9194",
    "gray": "#8f9194", "light grey": "#c6c8c9", "charcoal": "#424549", "slate": "#5a6672",
    "silver": "#bfc2c5", "stone": "#b7afa1", "bronze": "#8a6b3d", "copper": "#b06b43", "lemon": "#f2e16b",
    "scarlet": "#c9242b", "cherry": "#9d1c33", "aubergine": "#41243c", "petrol": "#1d4e5c", "nude": "#dfbfa6",
    "oatmeal": "#dcd2bf", "off white": "#f4f0e6", "salmon": "#ee9a83", "cyan": "#4fbcd0", "azure": "#4f93d6",
}  # fmt: skip


def paints(colour: str) -> list[str]:
    """Hex colours of a named colour, one for each part of "White/Navy"; empty when none is known."""
    found = [_paint(part.strip().casefold().replace("-", " ")) for part in colour.split("/")]
    return [paint for paint in found if paint][:3]


def lightness(colour: str) -> float | None:
    """How light a named colour looks, 0 to 100 (CIE L*), the mean of its parts; None where none is known."""
    found = [_lightness(paint) for paint in paints(colour)]
    return sum(found) / len(found) if found else None


def _lightness(paint: str) -> float:
    channels = [int(paint[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def _paint(name: str) -> str | None:
    """The paint of a name, or of the last word of it that is known: "heather grey" is grey."""
    if name in _HEX:
        return _HEX[name]
    words = name.split()
    pairs = [" ".join(words[i : i + 2]) for i in range(len(words) - 1)]
    return next((_HEX[part] for part in [*pairs, *reversed(words)] if part in _HEX), None)
