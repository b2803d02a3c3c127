"""Hostile and unusual image files, each with the refusal codes that are right for it ("" = a picture)."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

DAMAGED = {"image-truncated", "image-broken", "image-too-small", "image-too-many-pixels", "image-too-narrow"}


def photo(size: tuple[int, int] = (200, 240), mode: str = "RGB", seed: int = 0) -> Image.Image:
    """A smooth picture with noise: compresses like a photo."""
    rng = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    bands = [(x * 255 // width), (y * 255 // height), ((x + y) * 255 // (width + height))]
    noisy = np.stack(bands, -1) + rng.integers(-12, 12, (height, width, 1))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).convert(mode)


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, depth: int = 8, colour: int = 2, chunks: bytes = b"", body: bytes = b""
) -> bytes:
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunks
        + png_chunk(b"IDAT", zlib.compress(body))
        + png_chunk(b"IEND", b"")
    )


def gif_of_many_frames(frames: int = 5000) -> bytes:
    first = encoded(photo((64, 64)).quantize(16), "GIF")
    start = first.index(b"\x2c")
    frame = first[start:-1]
    return first[:start] + frame * frames + b"\x3b"


def files() -> Iterator[tuple[str, bytes, set[str]]]:
    jpeg, webp = encoded(photo(), "JPEG", quality=90), encoded(photo(), "WEBP", lossless=True)
    plain_png, gif = encoded(photo(), "PNG"), encoded(photo().quantize(64), "GIF")
    yield "0 bytes", b"", {"image-empty"}
    yield "over 16 MB", jpeg + b"\0" * 2**24, {"image-too-large"}
    yield "text", b"hello, this is no picture", {"image-format"}
    yield (
        "svg named .png",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        {"image-format"},
    )
    yield "heic", b"\0\0\0\x18ftypheic" + b"\0" * 400, {"image-format"}
    yield "avif", b"\0\0\0\x18ftypavif" + b"\0" * 400, {"image-format"}
    yield "tiff", encoded(photo(), "TIFF"), {"image-format"}
    yield "bmp", encoded(photo(), "BMP"), {"image-format"}
    yield "pdf", encoded(photo(), "PDF"), {"image-format"}
    yield "eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", {"image-format"}
    for name, magic in (("jpeg", b"\xff\xd8\xff"), ("png", b"\x89PNG\r\n\x1a\n"), ("gif", b"GIF89a")):
        yield f"{name} magic alone", magic, DAMAGED
        yield f"{name} magic and noise", magic + random.Random(1).randbytes(5000), DAMAGED
    yield "png bomb 30000x30000", png(30000, 30000, body=b"\0" * 1000), {"image-too-many-pixels"}
    yield "png bomb 8001x8001", png(8001, 8001, body=b"\0" * 1000), {"image-too-many-pixels"}
    yield "png of 2^31", png(2**31 - 1, 2**31 - 1), DAMAGED
    yield "gif bomb", b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + gif[13:], DAMAGED
    yield "1x65535", encoded(Image.new("RGB", (1, 65535)), "PNG"), {"image-too-small"}
    yield "65535x1 jpeg", encoded(Image.new("RGB", (65500, 1)), "JPEG"), {"image-too-small"}
    yield "40x4000", encoded(Image.new("RGB", (40, 4000)), "PNG"), {"image-too-narrow"}
    yield "0x0", png(0, 0), DAMAGED
    yield (
        "png of 200 MB text",
        png(64, 64, chunks=bomb_text(200), body=b"\0" * 64 * 193),
        {"image-metadata-too-large", ""},
    )
    yield (
        "png of 1,000 texts",
        png(64, 64, chunks=bomb_text(1) * 200, body=b"\0" * 64 * 193),
        {"image-metadata-too-large", ""},
    )
    yield "jpeg and zip", jpeg + zipped(), {""}
    yield "jpeg and html", jpeg + b"<script>alert(1)</script>", {""}
    yield (
        "png and html in text",
        png(64, 64, chunks=png_chunk(b"tEXt", b"c\0<script>"), body=b"\0" * 64 * 193),
        {""},
    )
    yield "gif and javascript", gif + b"=1;alert(1)", {""}
    yield "gif of 5,000 frames", gif_of_many_frames(), {""}
    yield "huge exif", with_segments(jpeg, 0xE1, b"Exif\0\0" + b"\xff" * 60000, 100), {"", "image-broken"}
    yield "huge icc", encoded(photo(), "JPEG", icc_profile=b"\x41" * 3_000_000), {""}
    yield "broken icc", encoded(photo(), "PNG", icc_profile=random.Random(2).randbytes(3000)), {""}
    yield "huge comment", with_segments(jpeg, 0xFE, b"c" * 60000, 200), {""}
    yield "cmyk", encoded(photo(mode="CMYK"), "JPEG"), {""}
    yield "progressive", encoded(photo(), "JPEG", progressive=True), {""}
    yield "grey", encoded(photo(mode="L"), "JPEG"), {""}
    yield "16-bit grey", encoded(photo(mode="L").convert("I;16"), "PNG"), {""}
    yield "16-bit rgb", png(64, 64, depth=16, body=b"\0" * 64 * (1 + 64 * 6)), {""}
    yield "1-bit", encoded(photo(mode="1"), "PNG"), {""}
    yield "palette with transparency", encoded(photo().quantize(8), "PNG", transparency=0), {""}
    yield "grey and alpha", encoded(photo(mode="LA"), "PNG"), {""}
    yield "rgba webp", encoded(photo(mode="RGBA"), "WEBP"), {""}
    for name, data in (("jpeg", jpeg), ("png", plain_png), ("webp", webp), ("gif", gif)):
        for percent in range(5, 100, 5):
            yield f"{name} cut at {percent} %", data[: len(data) * percent // 100], DAMAGED
        for seed in range(12):
            yield (
                f"{name} with flipped bits, seed {seed}",
                flipped(data, seed),
                {*DAMAGED, "", "image-metadata-too-large"},
            )


def flipped(data: bytes, seed: int) -> bytes:
    """Flip 1 to 64 bits behind the magic number."""
    rng, changed = random.Random(seed), bytearray(data)
    for _ in range(2 ** (seed % 7)):
        changed[rng.randrange(12, len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def bomb_text(megabytes: int) -> bytes:
    return png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"A" * megabytes * 2**20, 9))


def with_segments(jpeg: bytes, marker: int, data: bytes, times: int) -> bytes:
    segment = bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data
    return jpeg[:2] + segment * times + jpeg[2:]


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("evil.html", "<script>alert(1)</script>")
    return buffer.getvalue()


__all__ = ["encoded", "files", "flipped", "photo", "png", "png_chunk"]
