"""From untrusted bytes to small RGB pictures, with Pillow. Runs in the child process only (images_child).

Imports nothing but Pillow and the standard library: a child must start in a fraction of a second.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, ImageCms

MAX_BYTES = 16 * 2**20
MAX_PIXELS = 64_000_000
MIN_SIDE = 32
MAX_ASPECT = 16
PIXELS_SIDE = 480  # longest side of what the encoders read
# Size: (WebP quality, method). Measured on 800x1000 photos: method 2 takes a quarter off the bytes of
# method 0 for 2 ms at 480 px, but 12 ms at 1200 px, which only product pages show (docs/adr/0011).
RENDITIONS = {160: (80, 2), 480: (85, 2), 1200: (80, 0)}

_ICC_LIMIT = 2**20  # a longer colour profile is ignored
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SAVE_AS_JPEG = "Save it as JPEG, PNG or WebP and try again."


class ImageRefused(Exception):
    """A picture that is not accepted: `code` is stable, `fix` says what to do about it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code = code
        self.message = message
        self.fix = fix


@dataclass(frozen=True)
class Decoded:
    """A picture as the child sends it: `pixels` are RGB bytes of `size` (width, height)."""

    width: int  # of the original, upright
    height: int
    format: str
    size: tuple[int, int]
    pixels: bytes
    renditions: dict[int, bytes]


def decode(data: bytes, renditions: bool) -> Decoded:
    """Return the picture in `data`; ImageRefused for what is not one that we accept."""
    kind = sniff(data)
    with _translated(kind):
        # The pixels never depend on whether renditions are asked for: an indexed photo and the same photo
        # in a query give the same bytes, and so the same vector.
        small, original, format_ = _loaded(data, PIXELS_SIDE)
        large = small
        if renditions and small.size != original and max(small.size) < max(RENDITIONS):
            large = _loaded(data, max(RENDITIONS))[0]
        pixels = _upright_rgb(small, PIXELS_SIDE)
        turned = _orientation(small) >= 5
        width, height = original[::-1] if turned else original
        encoded = _encoded(_upright_rgb(large, max(RENDITIONS))) if renditions else {}
        return Decoded(width, height, format_, pixels.size, pixels.tobytes(), encoded)


def sniff(data: bytes) -> str:
    """Return "JPEG", "PNG", "WEBP" or "GIF" by the first bytes; ImageRefused for all else."""
    if not data:
        raise ImageRefused("image-empty", "The file is empty (0 bytes).", "Choose the photo again.")
    if len(data) > MAX_BYTES:
        message = f"The file is larger than 16 MB (it has {len(data):,} bytes)."
        raise ImageRefused("image-too-large", message, "Save it smaller or as JPEG.")
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    raise ImageRefused("image-format", f"This is {_foreign(data)}.", _SAVE_AS_JPEG)


def _foreign(data: bytes) -> str:
    """Say in words what a file that we do not accept is."""
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
            return "a HEIC photo, which few programs can read"
        return "an AVIF picture" if brand in (b"avif", b"avis") else "a video"
    for magic, words in _MAGIC.items():
        if data.startswith(magic):
            return words
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "an SVG drawing, which is no photo"
    return "a web page" if head.startswith((b"<!doctype", b"<html")) else "no picture that we know"


_MAGIC = {
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript file",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"BM": "a BMP picture",
    b"8BPS": "a Photoshop file",
    b"PK\x03\x04": "a ZIP archive",
    b"\0\0\1\0": "an icon file",
    b"\0\0\0\x0cjP": "a JPEG 2000 picture",
}


@contextmanager
def _translated(kind: str) -> Iterator[None]:
    """Turn whatever Pillow raises on bad bytes into a refusal."""
    try:
        yield
    except ImageRefused:
        raise
    except Image.DecompressionBombError:  # Pillow's own limit, long above ours
        raise _too_many_pixels() from None
    except MemoryError:
        raise ImageRefused(
            "image-too-complex", "Decoding this picture takes too much memory.", "Save it smaller, as JPEG."
        ) from None
    except Exception as error:  # Pillow documents no closed list of what bad bytes raise
        raise _broken(kind, str(error)) from None


def _broken(kind: str, reason: str) -> ImageRefused:
    if "truncated" in reason.lower():
        return ImageRefused(
            "image-truncated",
            f"The {kind} file ends before the picture does.",
            "Upload the whole file again.",
        )
    if "MAX_TEXT" in reason or "too large" in reason.lower():
        return ImageRefused(
            "image-metadata-too-large", f"The {kind} file carries more text than picture.", _SAVE_AS_JPEG
        )
    message = f"The file begins as {kind}, but the picture in it is damaged."
    return ImageRefused("image-broken", message, "Open it in an image editor and save it again as JPEG.")


def _too_many_pixels(size: str = "") -> ImageRefused:
    message = f"The picture has more than 64 megapixels{size}."
    return ImageRefused("image-too-many-pixels", message, "Save it with fewer pixels.")


def _loaded(data: bytes, side: int) -> tuple[Image.Image, tuple[int, int], str]:
    """Return the first frame, a JPEG's only as large as `side` needs, with its true size and format."""
    image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF"))
    original = image.size
    _check_size(*original)
    format_ = "JPEG" if image.format == "MPO" else str(image.format)  # a phone's JPEG with a second picture
    if format_ == "JPEG":
        image.draft(None, _fitted(original, side))
    image.load()
    return image, original, format_


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(f": it is {width} x {height}")
    if min(width, height) < MIN_SIDE:
        message = f"The picture is {width} x {height} pixels; each side needs {MIN_SIDE} or more."
        raise ImageRefused("image-too-small", message, "Use a larger photo.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        message = f"The picture is {width} x {height} pixels: too narrow a strip."
        raise ImageRefused("image-too-narrow", message, "Crop the photo to what it shows.")


def _fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Return `size` shrunk, never grown, so that its longest side is at most `side`."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # broken metadata is no reason to refuse a good picture
        return 1


def _upright_rgb(image: Image.Image, side: int) -> Image.Image:
    """Return a new RGB picture, upright, on white, longest side at most `side`."""
    turn = _UPRIGHT.get(_orientation(image))
    see_through = image.has_transparency_data
    profile = image.info.get("icc_profile")
    plain = _eight_bit(image, see_through)
    fitted = _fitted(plain.size, side)
    if fitted != plain.size:
        plain = plain.resize(fitted, Image.Resampling.BICUBIC, reducing_gap=2.0)
    if see_through:
        ground = Image.new("RGB", fitted, "white")
        ground.paste(plain, mask=plain.getchannel("A"))
        plain = ground
    plain = _srgb(plain, profile)
    return plain.transpose(turn) if turn is not None else plain


def _eight_bit(image: Image.Image, see_through: bool) -> Image.Image:
    """Return a picture in RGB, RGBA or CMYK with 8 bits a channel; copies only where it must."""
    if see_through:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion would clip at 255
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    return image if image.mode in ("RGB", "CMYK") else image.convert("RGB")


def _srgb(image: Image.Image, profile: object) -> Image.Image:
    """Return the picture in sRGB, by its colour profile where it has a sound one that is not sRGB already."""
    if isinstance(profile, bytes) and len(profile) <= _ICC_LIMIT and b"sRGB" not in profile[:1024]:
        try:
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            turned = ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):  # a profile of other channels, or a broken one
            turned = None
        if turned is not None:
            return turned
    return image if image.mode == "RGB" else image.convert("RGB")


def _encoded(large: Image.Image) -> dict[int, bytes]:
    """Return {size: WebP bytes}, each made from the next larger one; nothing of the original's metadata."""
    encoded = {}
    image = large
    for size in sorted(RENDITIONS, reverse=True):
        fitted = _fitted(image.size, size)
        if fitted != image.size:
            image = image.resize(fitted, Image.Resampling.BICUBIC, reducing_gap=2.0)
        quality, method = RENDITIONS[size]
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=quality, method=method)
        encoded[size] = buffer.getvalue()
    return encoded
