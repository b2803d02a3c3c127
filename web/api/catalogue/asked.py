"""What a merchant's request asks: its document and files, its condition, where in a list it goes on."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from flask import request

from catalog.programs.edits import Condition
from web.api.reading import json_object
from web.problems import FieldError, http, invalid

JSON_TYPES = ("application/json", "application/merge-patch+json")
MOST, USUAL = 200, 50  # of a page


def document() -> tuple[Mapping[str, Any], dict[str, bytes]]:
    """A product's document and the pictures that come along, by their file names. Raises Refused.

    JSON alone, or a form: the field `product` is the document, every file of the field `images` a picture.
    Where a form's document names no images, they are the files, in their order.
    """
    if request.mimetype in JSON_TYPES:
        return json_object(request.get_data(cache=False)), {}
    if request.mimetype != "multipart/form-data":
        raise http(415)
    if "product" not in request.form:
        raise invalid((FieldError("product", "The form has no field `product` with the product as JSON."),))
    given = dict(json_object(request.form["product"].encode()))
    files: dict[str, bytes] = {}
    for file in request.files.getlist("images"):
        name = (file.filename or "").replace("\\", "/").rpartition("/")[2].strip()
        if not name or name in files or "," in name:
            raise invalid((FieldError("images", "Give each file a name of its own, without commas."),))
        files[name] = file.read()
    if files and "images" not in given:
        given["images"] = list(files)
    return given, files


def condition() -> Condition:
    """What If-Match and If-None-Match ask of the product that is to be changed (RFC 9110, 13.1)."""
    versions, there = None, None
    if "If-Match" in request.headers:
        if request.if_match.star_tag:
            there = True
        else:  # the version of what may be written is what a tag begins with; the rest tells of its pictures
            tags = request.if_match.as_set(include_weak=False)
            versions = frozenset(tag.rpartition("-")[0] for tag in tags if tag)  # `""` is one, too
    if "If-None-Match" in request.headers:
        if not request.if_none_match.star_tag:
            said = "To a change, If-None-Match can only say *: that there is no such product yet."
            raise http(400, said, "Send If-None-Match: *, or If-Match with a tag.")
        there = False
    return Condition(versions, there)


def limit() -> int:
    """How many a page is to have. Raises Refused."""
    said = request.args.get("limit", str(USUAL))
    if not (said.isascii() and said.isdigit() and len(said) < 4 and 1 <= int(said) <= MOST):
        raise invalid((FieldError("limit", f"A page has 1 to {MOST}."),))
    return int(said)


def after(kind: str, first: Any) -> Any:
    """Where the list goes on: what the cursor holds, or `first` without one. Raises Refused."""
    given = request.args.get("cursor")
    if not given:
        return first
    try:
        padded = given + "=" * (-len(given) % 4)
        said = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
        named, place = said
        if named != kind or type(place) is not type(first):
            raise ValueError
        if isinstance(place, str):
            place.encode()  # no half of a surrogate pair
            if "\0" in place or len(place) > 1000:
                raise ValueError
        elif not 0 <= place < 2**53:
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise invalid((FieldError("cursor", "This is no cursor of this list. Begin without one."),)) from None
    return place


def cursor(kind: str, place: str | int) -> str:
    """A name for a place in a list of that kind."""
    said = json.dumps([kind, place], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(said).rstrip(b"=").decode()


def digest(*parts: bytes) -> str:
    """A hash of a request: its method, its address, and these parts of its body."""
    hashed = hashlib.sha256()
    for part in (request.method.encode(), request.full_path.encode("utf-8", "replace"), *parts):
        hashed.update(len(part).to_bytes(8) + part)
    return hashed.hexdigest()
