"""Pictures that people and attackers send."""

import io
import struct
import zlib

from PIL import Image


def photo(size: tuple[int, int] = (300, 400), kind: str = "JPEG") -> bytes:
    """A picture of one plain red."""
    out = io.BytesIO()
    Image.new("RGB", size, (180, 40, 40)).save(out, kind)
    return out.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(side: int = 50_000) -> bytes:
    """A PNG of a few kilobytes that says it has side x side pixels."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200

# What is refused, and the codes that may say so.
HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty.jpg": (b"", "image-empty"),
    "drawing.png": (SVG, "image-format"),
    "IMG_0001.HEIC": (HEIC, "image-format"),
    "truncated.jpg": (photo()[:-400], "image-truncated"),
    "bomb.png": (bomb(), "image-too-many-pixels"),
    "page.gif": (b"GIF89a" + b"<script>alert(1)</script>" * 20, "image-"),
    "text.webp": (b"hello there, this is no picture" * 30, "image-format"),
    "riff.webp": (b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\xff" * 500, "image-"),
    "dot.png": (photo(size=(1, 1), kind="PNG"), "image-too-small"),
    "long.jpg": (photo(size=(4000, 1)), "image-too-small"),
}

# Odd, but a picture: it is decoded, and only what we encoded anew is kept.
POLYGLOT = photo(kind="GIF") + b"<script>alert(1)</script>PK\x03\x04"
