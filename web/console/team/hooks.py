"""The shop's webhooks as its owners see them: who is told of what, and where each of them is now."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from catalog.programs.webhooks import WebhookMissing, WebhookRefused, move_webhook, webhooks
from web.console.access import audit, change, needs, recent, shop
from web.console.team import blueprint
from web.problems import http
from web.services import services


@blueprint.get("/hooks")
@needs("owner")
def hooks() -> str:
    """The webhooks that the shop's programs have made."""
    return _page()


def _page(wrong: str = "") -> str:
    with services().sessions() as db:
        told = webhooks(db, shop().id)
    return render_template("console/hooks.html", told=told, wrong=wrong)


@blueprint.post("/hooks/<uid>/address")
@needs("owner")
@recent("team.hooks")
def move_hook(uid: str) -> Response | tuple[str, int]:
    """Have it told elsewhere; its secret, its events and what waits for it stay."""
    url = request.form.get("url", "").strip()
    try:
        with change() as db:
            before = move_webhook(db, shop().id, uid, url)
            audit("webhook.moved", uid, before=before, after=url)
    except WebhookMissing:
        raise http(404, fix="Load the page of webhooks again.") from None
    except WebhookRefused as error:
        return _page(f"{error.message} {error.fix}"), 422
    flash("It is told at the new address from now on, signed with the same secret.")
    return redirect(url_for("team.hooks"), 303)
