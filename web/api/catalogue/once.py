"""POSTs that are done once: the Idempotency-Key, and what is answered to a request that comes again."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import Response, request
from sqlalchemy.orm import Session

from catalog.programs.idempotency import MAX_KEY, Answer, KeyReused, answer_once, kept_answer
from web.problems import FieldError, Problem, Refused, invalid
from web.services import merchant, services

T = TypeVar("T")


def given_key() -> str:
    """The request's Idempotency-Key, "" without one. Raises Refused for one that cannot be."""
    said = request.headers.get("Idempotency-Key")
    if said is None:
        return ""
    key = said.strip().removeprefix('"').removesuffix('"')
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise invalid((FieldError("Idempotency-Key", f"1 to {MAX_KEY} printable ASCII characters."),))
    return key


def seen(digest: str) -> Response | None:
    """The answer that this request got before; None where it is new. Raises Refused for another's key."""
    if not (key := given_key()):
        return None
    with services().sessions() as session:
        kept = _same(lambda: kept_answer(session, merchant().id, key, digest))
    return None if kept is None else respond(kept)


def once(digest: str, make: Callable[[Session], Answer]) -> Answer:
    """Do it and keep the answer, in one transaction; or give the kept one. Raises Refused."""
    key, shop = given_key(), merchant().id
    with services().sessions.begin() as session:
        if not key:
            return make(session)
        return _same(lambda: answer_once(session, shop, key, digest, make))


def answer(status: int, said: Mapping[str, Any], **headers: str) -> Answer:
    """A JSON answer to be kept; names of headers have _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(said, ensure_ascii=False), named)


def respond(made: Answer) -> Response:
    """As the client gets it."""
    response = Response(made.body, made.status, dict(made.headers), mimetype="application/json")
    if made.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _same(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except KeyReused:
        said = "This Idempotency-Key was used for another request."
        fix = "Use a key of its own for each request, and the same one only to send that again."
        raise Refused(Problem(422, "idempotency-key-reused", said, fix)) from None
