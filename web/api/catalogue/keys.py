"""Whose program this is: the secret key that a request shows, what it opens, and how often."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import g, request
from sqlalchemy.exc import SQLAlchemyError
from structlog import get_logger

from catalog.models import now
from catalog.programs.api_keys import PREFIX, SecretKey, find_key, note_secret_use, was_noted
from web.problems import Problem, Refused
from web.services import services

log = get_logger("web")
View = TypeVar("View", bound=Callable[..., Any])
OWN = {
    "products",
    "imports",
    "webhooks",
    "unpublished",
}  # blueprints whose views say themselves what they need
FREE = {
    "api-docs.openapi_json",
    "api.product",
}  # … and views that anybody may read, or that ask by themselves
_BEARER = {"WWW-Authenticate": 'Bearer realm="twirl"'}


def is_secret(shown: str) -> bool:
    """Whether this would be a secret key."""
    return shown.startswith(PREFIX)


def admit(shown: str) -> None:
    """Let this request act for the key's shop. Raises Refused."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        said = "A page of another site shows a secret key: whoever opens that page has it."
        fix = "Revoke the key (twirl keys revoke), and give the page a search key (docs/embed.md)."
        raise Refused(Problem(403, "secret-key-in-a-page", said, fix))
    with services().sessions() as session:
        key = find_key(session, shown)
    if key is None:
        said, fix = "There is no such key, or it is no longer good.", "Make one: twirl keys issue."
        raise Refused(Problem(401, "key-unknown", said, fix, headers=_BEARER))
    g.secret_key = key
    _note(key)
    if request.endpoint and request.blueprint not in OWN and request.endpoint not in FREE:
        require("search")


def shown_key() -> SecretKey | None:
    """The good key that this request shows."""
    return cast(SecretKey | None, g.get("secret_key"))


def require(*scopes: str) -> SecretKey:
    """The request's key, which must have one of these scopes. Raises Refused."""
    key = shown_key()
    if key is None:
        said = "This needs a secret key of the shop."
        fix = "Send it as Authorization: Bearer twirl_secret_…; twirl keys issue makes one."
        raise Refused(Problem(401, "key-missing", said, fix, headers=_BEARER))
    if not set(scopes) & set(key.scopes):
        said = f"The key {key.prefix} is not for this."
        fix = f"Issue one with the scope {' or '.join(scopes)}: twirl keys issue."
        raise Refused(Problem(403, "scope-missing", said, fix))
    return key


def needs(*scopes: str) -> Callable[[View], View]:
    """Open a view to keys that have one of these scopes."""

    def around(view: View) -> View:
        @wraps(view)
        def asked(*args: Any, **kwargs: Any) -> Any:
            require(*scopes)
            return view(*args, **kwargs)

        return cast(View, asked)

    return around


def _note(key: SecretKey) -> None:
    """Write down that it is used, once a minute. Never raises."""
    if was_noted(key, now()):
        return
    try:
        with services().sessions.begin() as session:
            note_secret_use(session, key)
    except SQLAlchemyError as error:  # a request must not fail for it
        log.warning("key-use-not-noted", cause=repr(error)[:200])
