# flask-smorest ships no types, so its decorators have none.
# mypy: disable-error-code="untyped-decorator"
"""A merchant's webhooks: who is told of what, and what became of each message."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import Response, jsonify, request, url_for
from flask_smorest import Blueprint  # type: ignore[import-untyped]
from sqlalchemy.orm import Session

from catalog.programs.idempotency import Answer
from catalog.programs.tables import Webhook, WebhookDelivery
from catalog.programs.webhooks import (
    MAX_NAME,
    WebhookMissing,
    WebhookRefused,
    change_webhook,
    create_webhook,
    delete_webhook,
    deliveries_before,
    find_webhook,
    send_test,
    webhooks,
)
from web.api.catalogue import asked, once
from web.api.catalogue.described import KEYED, ONCE, PAGE
from web.api.catalogue.hook_schemas import (
    DeliveriesSchema,
    NewWebhookSchema,
    TestMessageSchema,
    WebhookAskedSchema,
    WebhookChangeSchema,
    WebhookSchema,
    WebhooksSchema,
)
from web.api.catalogue.keys import needs
from web.api.reading import json_object
from web.problems import FieldError, Problem, Refused, http, invalid
from web.services import merchant, services

blueprint = Blueprint("webhooks", __name__, description="Who is told when an import has ended.")
T = TypeVar("T")
_LAST = 2**31 - 1


def _body(schema: Any) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


@blueprint.get("/webhooks")
@blueprint.doc(summary="The shop's webhooks", security=KEYED)
@blueprint.response(200, WebhooksSchema)
@needs("webhooks")
def listed() -> Response:
    """The oldest first. Secrets are not shown again."""
    with services().sessions() as session:
        found = webhooks(session, merchant().id)
        return jsonify({"webhooks": [_said(each) for each in found]})


@blueprint.post("/webhooks")
@blueprint.doc(
    requestBody=_body(WebhookAskedSchema),
    summary="Tell an address of events",
    parameters=ONCE,
    security=KEYED,
)
@blueprint.response(201, NewWebhookSchema)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
@needs("webhooks")
def create() -> Response:
    """Its secret is in this answer alone: keep it to check signatures by."""
    body = request.get_data(cache=False)
    given = _given(body, url=str, events=list, name=str)
    if "url" not in given:
        raise invalid((FieldError("url", "Give the https:// address that is to be told."),))
    shop = merchant().id

    def make(session: Session) -> Answer:
        made = create_webhook(session, shop, given["url"], given.get("events", ()), given.get("name", ""))
        said = {**_said(made), "secret": made.secret}
        return once.answer(201, said, Location=url_for("webhooks.one", uid=made.uid))

    return once.respond(_change(lambda: once.once(asked.digest(body), make)))


@blueprint.get("/webhooks/<uid>")
@blueprint.doc(summary="One webhook", security=KEYED)
@blueprint.response(200, WebhookSchema)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
@needs("webhooks")
def one(uid: str) -> Response:
    """Whether it is told, and if not, why."""
    with services().sessions() as session:
        return jsonify(_said(_change(lambda: find_webhook(session, merchant().id, uid))))


@blueprint.patch("/webhooks/<uid>")
@blueprint.doc(requestBody=_body(WebhookChangeSchema), summary="Change a webhook", security=KEYED)
@blueprint.response(200, WebhookSchema)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
@needs("webhooks")
def change(uid: str) -> Response:
    """Of which events it is told, and whether. To change its address, make another."""
    given, shop = _given(request.get_data(cache=False), events=list, enabled=bool), merchant().id
    with services().sessions.begin() as session:
        changed = _change(lambda: change_webhook(session, shop, uid, **given))
        return jsonify(_said(changed))


@blueprint.delete("/webhooks/<uid>")
@blueprint.doc(summary="Delete a webhook", security=KEYED)
@blueprint.response(204)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
@needs("webhooks")
def delete(uid: str) -> Response:
    """It is told of nothing more, also not of what has waited."""
    shop = merchant().id
    with services().sessions.begin() as session:
        _change(lambda: delete_webhook(session, shop, uid))
    return Response(status=204)


@blueprint.post("/webhooks/<uid>/test")
@blueprint.doc(summary="Send a message without news", parameters=ONCE, security=KEYED)
@blueprint.response(202, TestMessageSchema)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
@needs("webhooks")
def test(uid: str) -> Response:
    """An event `webhook.test`, signed as all others are."""
    shop = merchant().id

    def make(session: Session) -> Answer:
        return once.answer(202, {"message_id": send_test(session, shop, uid)})

    done = _change(lambda: once.once(asked.digest(request.get_data(cache=False)), make))
    services().doorbell.ring(())
    return once.respond(done)


@blueprint.get("/webhooks/<uid>/deliveries")
@blueprint.doc(summary="What became of its messages", parameters=PAGE, security=KEYED)
@blueprint.response(200, DeliveriesSchema)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
@needs("webhooks")
def deliveries(uid: str) -> Response:
    """The latest first; those that ended two weeks ago are forgotten."""
    limit, before = asked.limit(), asked.after("deliveries", _LAST)
    with services().sessions() as session:
        hook = _change(lambda: find_webhook(session, merchant().id, uid))
        found = deliveries_before(session, hook.id, min(before, _LAST), limit + 1)
    more = asked.cursor("deliveries", found[limit - 1].id) if len(found) > limit else None
    return jsonify({"deliveries": [_delivered(each) for each in found[:limit]], "next_cursor": more})


def _given(body: bytes, **kinds: type) -> dict[str, Any]:
    """The fields of a request; those of another name or kind are refused, all at once."""
    given: Mapping[str, Any] = json_object(body)
    wrong = [FieldError(name[:100], "There is no such field.") for name in given if name not in kinds]
    wrong += [
        FieldError(name, f"This field must be {_KINDS[kind]}.")
        for name, kind in kinds.items() if name in given and not _is(given[name], kind)
    ]  # fmt: skip
    if wrong:
        raise invalid(tuple(wrong))
    return dict(given)


_KINDS = {str: f"text of at most {MAX_NAME} characters", list: "a list of events", bool: "true or false"}


def _is(value: Any, kind: type) -> bool:
    return type(value) is kind and (not isinstance(value, list) or all(isinstance(one, str) for one in value))


def _change(make: Callable[[], T]) -> T:
    try:
        return make()
    except WebhookMissing:
        raise http(404, "The shop has no such webhook.", "List them: GET /api/v1/webhooks.") from None
    except WebhookRefused as error:
        errors = (FieldError(error.field, error.message),) if error.field else ()
        raise Refused(Problem(422, error.code, error.message, error.fix, errors)) from None


def _said(hook: Webhook) -> dict[str, Any]:
    return {
        "id": hook.uid, "url": hook.url, "events": list(hook.events), "name": hook.name,
        "enabled": hook.disabled_at is None, "disabled_because": hook.disabled_because,
        "created_at": hook.created_at.isoformat(),
    }  # fmt: skip


def _delivered(row: WebhookDelivery) -> dict[str, Any]:
    waits = row.state == "waiting"
    return {
        "message_id": row.message_id, "event": row.event, "state": row.state, "attempts": row.attempts,
        "status": row.status, "error": row.error, "created_at": row.created_at.isoformat(),
        "next_attempt_at": row.next_attempt_at.isoformat() if waits else None,
    }  # fmt: skip
