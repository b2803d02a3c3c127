"""The language that a shopper reads: which one, and every sentence and number of the pages in it.

English is what the source says. Another language is a folder beside it, `locale/<code>/LC_MESSAGES`, with
two gettext catalogues: `messages.po` of pages and Python, `scripts.po` of the ES modules (`python -m
web.catalogues` keeps them whole). They are compiled when an application is made. See ADR 0237.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from babel import Locale
from babel.dates import format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from flask import Flask, Response, current_app, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale, gettext, ngettext

from web.services import KEY, Services

LOCALES = Path(__file__).with_name("locale")
SOURCE = "en"
PARAMETER = COOKIE = "lang"
YEAR_S = 31_536_000
_SCRIPTS = "language-scripts"

Catalogue = NullTranslations


def noted(text: str) -> str:
    """The text as it is, for the catalogue to know: `say` is called with it later."""
    return text


def say(text: str, **values: object) -> str:
    """A sentence in the shopper's language; `%(name)s` in it are the values."""
    if _is_spoken():
        return str(gettext(text, **values))
    return text % values if values else text


def say_many(one: str, many: str, count: int, **values: object) -> str:
    """The same of a number, `%(count)s`, in the form that the language has for it."""
    values["count"] = number(count)
    if _is_spoken():
        return str(ngettext(one, many, count, **values))
    return (one if count == 1 else many) % values


def number(value: float) -> str:
    """A number as the language writes it."""
    return str(format_decimal(value, locale=locale()))


def lasting(seconds: float) -> str:
    """A span of time as the language says it: "1 day", "2 hours"."""
    return str(format_timedelta(timedelta(seconds=seconds), locale=locale(), threshold=1))


def locale() -> Locale:
    """The shopper's; English where nobody is answered, and in applications that speak English only."""
    found = get_locale() if _is_spoken() else None
    return found or Locale(SOURCE)


def languages() -> tuple[str, ...]:
    """The codes of what this application speaks."""
    return tuple(current_app.extensions[_SCRIPTS])


def own_name(language: str) -> str:
    """What a language is called by those who speak it."""
    name = Locale.parse(language).get_display_name() or language
    return name[:1].upper() + name[1:]


def shop_language() -> str:
    """What the catalogue's own texts are written in."""
    found = current_app.extensions.get(KEY)  # an application that only describes itself has none
    return cast(Services, found).settings.web.language if found else SOURCE


def scripts_say() -> dict[str, str]:
    """{what a script says in English: the same in the shopper's language}; {} for English."""
    said: dict[str, str] = current_app.extensions[_SCRIPTS].get(str(locale()), {})
    return said


def install(app: Flask, catalogues: Mapping[str, tuple[Catalogue, dict[str, str]]] | None = None) -> None:
    """Let an application speak English and the languages given, or else those of the folder."""
    spoken = {SOURCE: (NullTranslations(), {}), **(folder() if catalogues is None else catalogues)}
    babel = Babel(app, default_locale=SOURCE, locale_selector=_chosen)
    babel.domain_instance = _Spoken({code: said for code, (said, _) in spoken.items()})
    app.extensions[_SCRIPTS] = {code: scripts for code, (_, scripts) in spoken.items()}
    app.jinja_env.globals.update(say=say, say_many=say_many, number=number)
    app.after_request(_told)


@lru_cache(maxsize=1)
def folder() -> dict[str, tuple[Catalogue, dict[str, str]]]:
    """Every language of the folder, compiled."""
    codes = sorted(path.name for path in LOCALES.iterdir() if path.is_dir())
    return {code: (_compiled(code), _scripts(code)) for code in codes}


def po_path(language: str, domain: str) -> Path:
    """Where a catalogue lies."""
    return LOCALES / language / "LC_MESSAGES" / f"{domain}.po"


def _compiled(language: str) -> Translations:
    compiled = BytesIO()
    with po_path(language, "messages").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def _scripts(language: str) -> dict[str, str]:
    with po_path(language, "scripts").open("rb") as file:
        said = read_po(file, locale=language)
    return {str(each.id): str(each.string) for each in said if each.id and each.string}


class _Spoken(Domain):  # type: ignore[misc]
    """The catalogues of an application by language, where Flask-Babel would look for compiled files."""

    def __init__(self, catalogues: Mapping[str, Catalogue]) -> None:
        super().__init__()
        self._catalogues = catalogues

    def get_translations(self) -> Any:
        """Of the shopper's language."""
        return self._catalogues[str(get_locale())]


def _is_spoken() -> bool:
    return has_request_context() and "babel" in current_app.extensions


def _chosen() -> str:
    """By the address, the last choice, the browser, the shop; programs that ask for none get English."""
    known = languages()
    for given in (request.args.get(PARAMETER, ""), request.cookies.get(COOKIE, "")):
        if given in known:
            return given
    usual = SOURCE if request.path.startswith("/api/") else shop_language()
    return request.accept_languages.best_match(known) or (usual if usual in known else SOURCE)


def _told(response: Response) -> Response:
    """Say which language an answer is in, and remember one that was chosen."""
    if response.mimetype == "text/html":
        response.headers["Content-Language"] = str(locale())
        response.vary.update(("Accept-Language", "Cookie"))
    given = request.args.get(PARAMETER, "")
    if given in languages() and g.get("search_key") is None:
        response.set_cookie(
            COOKIE, given, max_age=YEAR_S, httponly=True, samesite="Lax", secure=request.is_secure
        )
    return response
