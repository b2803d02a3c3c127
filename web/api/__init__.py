"""The JSON API, version 1: the same searches as the shop's pages, described by OpenAPI 3.1."""

from flask import Flask

from web.api import events, looks, photos
from web.api.catalogue import hooks, imports, products, unpublished
from web.api.document import ShopApi
from web.api.routes import blueprint

OWN = (products.blueprint, imports.blueprint, hooks.blueprint, unpublished.blueprint)


def register(app: Flask) -> ShopApi:
    """Serve /api/v1 and its description at /api/v1/openapi.json."""
    app.config.update(
        API_TITLE="Twirl storefront search",
        API_VERSION="1.0.0",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = ShopApi(app)
    for room in (blueprint, looks.blueprint, photos.blueprint, events.blueprint, *OWN):
        api.register_blueprint(room, url_prefix="/api/v1")
    return api
