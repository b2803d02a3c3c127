"""A photo and words become one query vector.

The photo's visual part stays: it knows which garment. In the aligned and colour parts the words replace what
they name and leave the rest to the photo. Which share that is, a small network has learned.
"""

from dataclasses import astuple, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.towers import Parts, Sides, TowerConfig


@dataclass(frozen=True)
class Weights:
    """How much each part counts in a query of one kind. Tuned on held-out photos, saved in the pack."""

    visual: float
    kind: float
    aligned: float
    colour: float


@dataclass(frozen=True)
class Balance:
    """The weights of the kinds of query: a photo, a photo and words (that name a colour or not), words."""

    photo: Weights = Weights(1.0, 1.0, 0.2, 0.4)  # colour counts: a photo alone asks for *this* piece
    both: Weights = Weights(1.0, 0.2, 0.2, 0.25)
    both_uncoloured: Weights = Weights(1.0, 0.2, 0.5, 0.7)  # "with long sleeves": its colour is to stay
    words: Weights = Weights(0.0, 0.0, 1.0, 0.5)


class Composer(nn.Module):
    """How much of each direction of the aligned part the words take over, read from the words alone.

    A network that also sees the photo, and may add to the mix, fits the shops of its training better and
    unseen ones worse.
    """

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        width = config.parts.aligned
        self.mix = nn.Linear(width, config.hidden)
        self.share = nn.Linear(config.hidden, width)
        nn.init.zeros_(self.share.weight)
        nn.init.constant_(self.share.bias, 1.5)

    def forward(self, photo: Tensor, words: Tensor) -> Tensor:
        """(B, aligned) of the photo and of the words -> (B, aligned) of what is wanted, unit rows."""
        share = self.share(F.gelu(self.mix(words))).sigmoid()  # (B, aligned): 1 = the words alone
        return F.normalize((1 - share) * photo + share * words, dim=-1)


class Turn(nn.Module):
    """What a wish makes of a part of the photo: some of its directions are taken away, or led to others."""

    def __init__(self, wish: int, width: int, rank: int) -> None:
        super().__init__()
        self.sees, self.wants = nn.Linear(width, rank, bias=False), nn.Linear(wish, rank)
        self.adds = nn.Linear(rank, width, bias=False)
        nn.init.zeros_(self.adds.weight)

    def forward(self, part: Tensor, wish: Tensor) -> Tensor:
        """(B, width) and (B, wish) -> (B, width): what is to be added to the part."""
        turned: Tensor = self.adds(self.wants(wish).tanh() * self.sees(part))
        return turned


class Wishes(Composer):
    """What words that name no colour want of each part of the photo, read from the wish of a text vector.

    `takes` is the share of the aligned part that goes to the words and `lean` is added to it, which is how
    "without a hood" can point away from hoods; `keep` leaves out what of the visual part the change would
    spoil; `gain` weighs the parts anew. Where a colour is named all is as in `Composer`: that does better in
    shops that training never saw.
    """

    LIMIT = 2.0  # of the logarithm of a gain

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        wide = config.wish
        self.takes, self.lean = nn.Linear(wide, config.parts.aligned), nn.Linear(wide, config.parts.aligned)
        self.keep, self.gain = nn.Linear(wide, config.parts.visual), nn.Linear(wide, 4)
        for layer, start in ((self.takes, 1.5), (self.lean, 0.0), (self.keep, 4.0), (self.gain, 0.0)):
            nn.init.zeros_(layer.weight)
            nn.init.constant_(layer.bias, start)
        self.turn = bool(config.turn)
        if config.turn:
            self.turn_aligned = Turn(wide, config.parts.aligned, config.turn)
            self.turn_visual = Turn(wide, config.parts.visual, config.turn)

    def wanted(self, photo: Tensor, words: Tensor, names: Tensor, wish: Tensor) -> Tensor:
        """(B, aligned) of photo and words, (B, 1), (B, wish) -> (B, aligned) of what is wanted, unit rows."""
        takes = self.takes(wish).sigmoid()
        free = (1 - takes) * photo + takes * words + self.lean(wish)
        if self.turn:
            free = free + self.turn_aligned(photo, wish)
        free = F.normalize(free, dim=-1)
        return F.normalize(names * self(photo, words) + (1 - names) * free, dim=-1)

    def weigh(self, sides: Sides, names: Tensor, wish: Tensor, weights: Tensor) -> Tensor:
        """The four parts of what is wanted, (B, 1) whether a colour is named, (B, 4) weights -> (B, D)."""
        free = 1 - names
        visual = sides[0] * (1 - free * (1 - self.keep(wish).sigmoid()))
        if self.turn:
            visual = visual + free * self.turn_visual(sides[0], wish)
        scales = weights * (free * self.LIMIT * (self.gain(wish) / 2).tanh()).exp()  # (B, 4)
        parts = zip(scales.split(1, dim=-1), (visual, *sides[1:]), strict=True)
        return F.normalize(torch.cat([scale * part for scale, part in parts], dim=-1), dim=-1)


def make_composer(config: TowerConfig) -> Composer:
    """The composer that a pack of this configuration has."""
    return Wishes(config) if config.wish else Composer(config)


def index_vectors(parts: Sides) -> Tensor:
    """Four (B, width) unit parts -> (B, D) unit rows: what is indexed. Each part weighs the same."""
    return F.normalize(torch.cat(parts, dim=-1), dim=-1)


def weigh(parts: Sides, weights: Weights) -> Tensor:
    """Unit parts of a query, weighted and side by side -> (B, D) unit rows."""
    scales = (weights.visual, weights.kind, weights.aligned, weights.colour)
    weighted = [scale * part for scale, part in zip(scales, parts, strict=True)]
    return F.normalize(torch.cat(weighted, dim=-1), dim=-1)


def slerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    """The point at `share` (0 = start, 1 = end) of the arc between unit rows (..., D) (Shoemake, 1985)."""
    angle = (start * end).sum(-1, keepdim=True).clamp(-1, 1).acos()
    sine = angle.sin()
    along = (((1 - share) * angle).sin() * start + (share * angle).sin() * end) / sine.clamp_min(1e-6)
    straight = F.normalize((1 - share) * start + share * end, dim=-1)
    return F.normalize(torch.where(sine > 1e-4, along, straight), dim=-1)


@dataclass(frozen=True)
class Query:
    """The three corners between which `balance` moves, each a (B, D) unit row."""

    photo: Tensor
    both: Tensor
    words: Tensor

    def at(self, balance: float) -> Tensor:
        """0 = the photo only, 0.5 = as learned, 1 = the words only; along the arcs between."""
        if balance <= 0.5:
            return slerp(self.photo, self.both, 2 * balance)
        return slerp(self.both, self.words, 2 * balance - 1)


def compose(composer: Composer, image: Tensor, text: Tensor, parts: Parts, balance: Balance) -> Query:
    """(B, D) index vectors and (B, T) text vectors -> the three corners of the query."""
    visual, kind, aligned, colour = (F.normalize(part, dim=-1) for part in parts.split(image))
    return Query(
        photo=weigh((visual, kind, aligned, colour), balance.photo),
        both=change((visual, kind, aligned, colour), text, composer, parts, balance),
        words=words_query(text, parts, balance),
    )


def change(sides: Sides, text: Tensor, composer: Composer, parts: Parts, balance: Balance) -> Tensor:
    """The four unit parts of the photo and (B, T) text vectors -> (B, D): the photo as the words want it."""
    visual, kind, aligned, colour = sides
    said, said_colour, names = parts.split_text(text)
    wanted = F.normalize((1 - names) * colour + names * said_colour, dim=-1)
    if isinstance(composer, Wishes):
        wish = parts.wish_of(text)
        changed = (visual, kind, composer.wanted(aligned, said, names, wish), wanted)
        coloured = text.new_tensor(astuple(balance.both))
        weights = names * coloured + (1 - names) * text.new_tensor(astuple(balance.both_uncoloured))
        return composer.weigh(changed, names, wish, weights)
    changed = (visual, kind, composer(aligned, said), wanted)
    weighed = names * weigh(changed, balance.both) + (1 - names) * weigh(changed, balance.both_uncoloured)
    return F.normalize(weighed, dim=-1)


def words_query(text: Tensor, parts: Parts, balance: Balance) -> Tensor:
    """(B, T) text vectors -> (B, D) unit rows; colour counts as far as it is named."""
    said, said_colour, names = parts.split_text(text)
    no_visual, no_kind = (said.new_zeros((*said.shape[:-1], width)) for width in (parts.visual, parts.kind))
    return weigh((no_visual, no_kind, said, said_colour * names), balance.words)
