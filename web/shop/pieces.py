"""The garments that were found in a shopper's photo, to choose the one that is meant."""

from dataclasses import dataclass, replace

from searcher.crop import Crop
from searcher.errors import SearchUnavailable
from web.language import noted, say
from web.services import services
from web.shop.pagestate import PageState

LEFT, RIGHT = 0.4, 0.6  # of the photo: a centre between is in the middle
_PLACES = (
    (noted("The piece at the top left"), noted("The piece at the top"), noted("The piece at the top right")),
    (noted("The piece at the left"), noted("The piece in the middle"), noted("The piece at the right")),
    (noted("The piece at the bottom left"), noted("The piece at the bottom"),
     noted("The piece at the bottom right")),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """One garment: the part of the photo in its own pixels, where it is, and the search for it."""

    box: tuple[int, int, int, int]  # left, top, width, height
    width: int  # of the photo
    height: int
    where: str
    url: str
    current: bool


def pieces(state: PageState) -> list[Found]:
    """Those of the photo that is searched by; none where there are not several to choose from."""
    try:
        boxes = services().searcher.garments(state.photo) if state.photo and not state.like else []
    except SearchUnavailable:
        return []
    pixels = services().photos.get(state.photo) if len(boxes) > 1 else None
    if pixels is None:
        return []
    height, width = pixels.shape[:2]
    return [
        _found(state, box, width, height) for box in sorted(boxes, key=lambda each: (each.left, each.top))
    ]


def _found(state: PageState, box: Crop, width: int, height: int) -> Found:
    shares = (box.left, box.top, box.width, box.height)
    typed = tuple(f"{round(100 * share, 1):g}" for share in shares)
    left, top = round(box.left * width), round(box.top * height)
    return Found(
        box=(left, top, round(box.width * width), round(box.height * height)),
        width=width,
        height=height,
        where=_where(box),
        url=replace(state, crop=typed, cursor="").url(),
        current=state.crop == typed,
    )


def _where(box: Crop) -> str:
    across, down = box.left + box.width / 2, box.top + box.height / 2
    sideways = 0 if across < LEFT else 2 if across > RIGHT else 1
    upright = 0 if down < LEFT else 2 if down > RIGHT else 1
    return say(_PLACES[upright][sideways])
