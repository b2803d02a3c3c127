"""A shopper's photo: decoded once in a child process, kept for a while under an unguessable name."""

import time

from flask import request

from web.meters import meters
from web.problems import FieldError, Problem, Refused
from web.services import services


def uploaded(field: str) -> bytes | None:
    """The bytes of a file field; None when the browser sent the field without a file."""
    file = request.files.get(field)
    if file is None:
        return None
    data = file.read()
    return data if data or file.filename else None


def is_link(words: str) -> bool:
    """Whether words are the address of something and nothing else."""
    return words.startswith(("https://", "http://")) and " " not in words.strip()


def linked(url: str) -> bytes:
    """The picture at a public address. Raises ImageRefused with the fix."""
    return services().photo_links.read(url.strip())


def keep_photo(data: bytes) -> str:
    """Decode and keep a photo; returns its name. Raises ImageRefused with the fix."""
    began = time.perf_counter()
    picture = services().decoder.decode(data)
    meters().decoded(time.perf_counter() - began)
    kept: str = services().photos.put(picture.pixels)
    return kept


def required(data: bytes | None, field: str) -> bytes:
    """The bytes, or a refusal that says which field must carry them."""
    if data is None:
        message = f"The photo is missing: there is no file in the field `{field}`."
        errors = (FieldError(field, "Missing."),)
        raise Refused(
            Problem(422, "photo-missing", message, f"Send the photo as the file field `{field}`.", errors)
        )
    return data
