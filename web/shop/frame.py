"""What stands around every page of the shop: its name, departments, tray, and a choice of languages."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request
from werkzeug.datastructures import MultiDict

from web.language import PARAMETER, languages, lasting, locale, own_name, scripts_say, shop_language
from web.services import services, shop_name
from web.shop import compare, storefront
from web.shop.pagestate import PageState


@dataclass(frozen=True)
class Tongue:
    """One language of the pages, with the address of this page in it."""

    code: str
    name: str
    url: str
    current: bool


def words() -> dict[str, Any]:
    """What the templates of every page may ask for."""
    return {
        "shop_name": shop_name,
        "departments": storefront.departments,
        "tray": compare.tray,
        "locale": locale(),
        "foreign": foreign,
        "scripts_say": scripts_say,
        "tongues": tongues,
        "photos_kept": photos_kept,
    }


def photos_kept() -> str:
    """How long shoppers' photos are kept, in words: "1 day"."""
    return lasting(services().settings.web.photo_ttl_s)


def foreign() -> str:
    """The language of the catalogue's own texts, where it is not the page's; else ""."""
    own = shop_language()
    return "" if own == str(locale()) else own


def tongues() -> list[Tongue]:
    """The languages; an answer to a form has no address of its own, and leads to the first page."""
    path = request.path if request.method == "GET" else "/"
    asked = request.args if request.method == "GET" else MultiDict[str, str]()
    kept = PageState.lenient(asked).pairs(without=("cursor",))
    if path != "/":
        kept = [("sku", sku) for sku in asked.getlist("sku")]  # of a comparison
    return [
        Tongue(code, own_name(code), f"{path}?{urlencode([*kept, (PARAMETER, code)])}", code == str(locale()))
        for code in languages()
    ]
