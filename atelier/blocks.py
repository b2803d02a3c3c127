"""Pattern blocks: how loosely each kind hangs, where it ends, and how its sleeves are cut."""

from dataclasses import dataclass, field

from atelier.sleeves import Cut

LENGTHS = {
    "cropped": 45.0,
    "regular": 62.0,
    "long": 75.0,
    "mini": 84.0,
    "knee": 106.0,
    "midi": 126.0,
    "maxi": 152.0,
}


@dataclass(frozen=True)
class Block:
    """The pattern block of a kind: how loosely it hangs, in cm beyond the body."""

    chest: float = 2.5
    waist: float = 4.0
    hip: float = 2.0
    drop: float = 0.0  # how far the shoulder seam falls below the shoulder point
    armhole: float = 2.0  # depth below the armpit
    hem: str = "straight"  # "straight" | "rib" | "shirt"
    flare: float = 0.0
    cut: Cut = field(default_factory=Cut)
    weight: float = 1.0  # of the cloth: thickness of edges and size of shadows


BLOCKS: dict[str, Block] = {
    "t-shirt": Block(2.0, 4.0, 1.4, 0.4, 1.6, cut=Cut(8.6, 6.6)),
    "shirt": Block(3.0, 5.2, 2.0, 1.0, 3.0, "shirt", cut=Cut(8.6, 6.4, "band", 6.0)),
    "blouse": Block(2.2, 5.5, 3.4, 0.0, 2.0, flare=0.5, cut=Cut(7.8, 6.8, "band", 4.0, puff=1.8)),
    "polo": Block(2.0, 4.0, 1.4, 0.4, 1.6, cut=Cut(8.4, 6.2, "rib", 2.2)),
    "hoodie": Block(4.4, 7.0, 2.6, 3.4, 5.0, "rib", cut=Cut(10.0, 7.2, "rib", 6.0, folds=1.4), weight=1.5),
    "sweatshirt": Block(4.2, 6.8, 2.4, 3.2, 5.0, "rib", cut=Cut(9.8, 7.0, "rib", 6.0, folds=1.3), weight=1.4),
    "sweater": Block(3.6, 6.2, 2.2, 2.2, 4.4, "rib", cut=Cut(9.4, 6.6, "rib", 6.4, folds=1.2), weight=1.4),
    "cardigan": Block(3.4, 6.0, 2.2, 1.6, 4.0, "rib", cut=Cut(9.0, 6.4, "rib", 6.0, folds=1.2), weight=1.3),
    "jacket": Block(4.2, 6.4, 2.2, 1.6, 4.6, "band", cut=Cut(9.4, 6.6, "band", 4.4, folds=1.2), weight=1.5),
    "blazer": Block(3.4, 2.8, 3.2, 1.2, 4.0, cut=Cut(8.8, 6.4, "none", folds=0.8), weight=1.3),
    "coat": Block(4.6, 5.4, 5.6, 1.8, 5.0, flare=0.5, cut=Cut(9.0, 7.2, "none", folds=0.9), weight=1.7),
    "dress": Block(0.9, 1.0, 1.6, 0.0, 1.2, cut=Cut(7.0, 5.6, "hem", puff=0.6)),
    "jumpsuit": Block(1.4, 1.6, 1.6, 0.0, 1.6, cut=Cut(7.4, 5.8, "hem")),
}

NECKLINE_OF = {"shirt": "collar", "polo": "collar", "hoodie": "hood", "blazer": "lapel", "coat": "lapel"}
