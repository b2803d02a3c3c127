"""All renditions of an image as one object: a ZIP of WebP files, stored as they are, the smallest first.

One object is put and deleted whole, so no reader and no killed writer can meet half a set; and one range from
its front gives the small renditions without the large one. Any tool for ZIP files opens it.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

FRONT = 65_536  # bytes from the front that hold the 160 and 480 px renditions of nearly every photo

_HEADER = struct.Struct("<4s5H3I2H")  # before each file in a ZIP (APPNOTE 4.3.7)
_MAGIC = b"PK\x03\x04"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same renditions give the same bytes


def bundled(renditions: Mapping[int, bytes]) -> bytes:
    """{size: WebP bytes} -> the bytes of the object."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for size in sorted(renditions):
            archive.writestr(zipfile.ZipInfo(_name(size), _EPOCH), renditions[size])
    return whole.getvalue()


def rendition(front: bytes, size: int) -> bytes | None:
    """The WebP bytes of one size from an object or its front; None where the front ends before they do.

    Raises ValueError for bytes that are no such object, or a damaged one.
    """
    offset = 0
    while offset + _HEADER.size <= len(front):
        magic, _, _, method, _, _, crc, length, _, name_length, extra = _HEADER.unpack_from(front, offset)
        if magic != _MAGIC or method != zipfile.ZIP_STORED:
            break
        begin = offset + _HEADER.size + name_length + extra
        if front[offset + _HEADER.size :][:name_length] == _name(size).encode():
            return _checked(front[begin : begin + length], length, crc)
        offset = begin + length
    else:
        return None
    raise ValueError(f"There is no {size} px rendition in this object.")


def _checked(data: bytes, length: int, crc: int) -> bytes | None:
    if len(data) < length:
        return None
    if zlib.crc32(data) != crc:
        raise ValueError("A rendition in this object is damaged.")
    return data


def _name(size: int) -> str:
    return f"{size}.webp"
