# flask-smorest ships no types, so its decorators have none.
# mypy: disable-error-code="untyped-decorator"
"""Shoppers' photos: keeping one to search by, and what is in it."""

from typing import Any

from flask import request
from flask_smorest import Blueprint  # type: ignore[import-untyped]
from marshmallow import Schema, fields

from web.language import noted
from web.problems import http
from web.services import services
from web.uploads import keep_photo, linked, required, uploaded

blueprint = Blueprint("photos", __name__, description="Photos to search by.")


class PhotoSchema(Schema):
    """A photo to search by."""

    photo = fields.Raw(
        metadata={
            "type": "string",
            "format": "binary",
            "description": "JPEG, PNG, WebP or GIF, up to 16 MB.",
        },
    )
    url = fields.String(
        metadata={"description": "Instead of the file: a public http or https address of the picture itself."}
    )


class KeptPhotoSchema(Schema):
    """A photo that is kept for a while (a day, unless the shop sets otherwise)."""

    photo_id = fields.String(
        required=True, metadata={"description": "Unguessable; whoever has it can search with it."}
    )


class GarmentsSchema(Schema):
    """The garments of a photo, the largest first; one or none where there are not several to choose from."""

    garments = fields.List(
        fields.List(fields.Float()),
        required=True,
        metadata={
            "description": "Each as [left, top, width, height], shares of the photo: a `crop` to search by."
        },
    )


_BODY = {"required": True, "content": {"multipart/form-data": {"schema": PhotoSchema}}}


@blueprint.post("/photos")
@blueprint.doc(requestBody=_BODY, summary="Keep a photo to search by")
@blueprint.response(201, KeptPhotoSchema)
@blueprint.alt_response(413, "REQUEST_ENTITY_TOO_LARGE", success=False)
@blueprint.alt_response(415, "UNSUPPORTED_MEDIA_TYPE", success=False)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
def keep() -> dict[str, str]:
    """Its unguessable name, good until the photo is forgotten. Send the file, or the address of a picture."""
    data, url = uploaded("photo"), request.form.get("url", "")
    return {"photo_id": keep_photo(linked(url) if data is None and url else required(data, "photo"))}


@blueprint.delete("/photos/<photo_id>")
@blueprint.doc(summary="Forget a photo at once")
@blueprint.response(204)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
def forget(photo_id: str) -> None:
    """Nobody can search with it or see it from now on, whoever has its name."""
    _kept(photo_id)
    services().photos.delete(photo_id)


@blueprint.get("/photos/<photo_id>/garments")
@blueprint.doc(summary="The garments of a kept photo, to choose the one that is meant")
@blueprint.response(200, GarmentsSchema)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
def garments(photo_id: str) -> dict[str, Any]:
    """A box for each, at most four."""
    _kept(photo_id)
    found = services().searcher.garments(photo_id)
    return {"garments": [[box.left, box.top, box.width, box.height] for box in found]}


def _kept(photo_id: str) -> None:
    if not services().photos.has(photo_id):
        raise http(404, noted("This photo is no longer kept."), noted("Add the photo again."))
