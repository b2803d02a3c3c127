"""The merchant console's application: everything below /console.

**How an area is added.** An area is a package `web/console/<area>/` with one blueprint of that name and its
templates in `web/templates/console/`:

    blueprint = Blueprint("items", __name__, url_prefix="/console/<shop>/items")

    @blueprint.get("/")
    @needs("viewer")                       # or "editor", "owner": a view that says nothing is for nobody
    def index() -> str:                    # `shop` of the address is taken out: ask `shop()`, `member()`
        with services().sessions() as session:
            ...
        return render_template("console/items.html", ...)

    @blueprint.post("/<int:item_id>/hide")
    @needs("editor")
    def hide(item_id: int) -> Response:
        with change() as session:          # a writing transaction; `audit` inside it writes in it
            ...
            audit("item.hidden", sku)
        return redirect(url_for("items.index"), 303)      # `shop` is filled in by itself

Add the blueprint to `AREAS`; the navigation shows those of `NAVIGATION` that are there. Its template extends
"console/base.html" (blocks `title`, `heading`, `main`, `script`, `styles`). A form that posts holds
`<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">`; a script sends the content of
`<meta name="csrf-token">` as X-CSRFToken. A view that takes large bodies says so: `@takes(megabytes=512)`.
Say a word on the next page with `flash("...")` (or `flash("...", "bad")`). Tests take a client from
`tests.support.console`.
"""

from datetime import timedelta

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import NotFound

from accounts.tokens import derived
from web import assets, errors, headers, meters, observing, pictures
from web.console import (
    access,
    account,
    confirming,
    home,
    identity,
    imports,
    insight,
    items,
    joining,
    login,
    numbers,
    rules,
    second_factor,
    sessions,
    team,
)
from web.meters import Meters
from web.problems import Problem, Refused, http
from web.services import KEY, Services

AREAS: tuple[Blueprint, ...] = (
    items.blueprint,
    team.blueprint,
    rules.blueprint,
    insight.blueprint,
    imports.blueprint,
)
NAVIGATION = (  # endpoint, word, least role
    ("items.index", "Items", "viewer"),
    ("imports.index", "Imports", "viewer"),
    ("rules.index", "Rules", "viewer"),
    ("insight.index", "Insight", "viewer"),
    ("team.index", "Team", "viewer"),
)
MIB = 1024 * 1024


def create_console_app(services: Services, key: str, shared: Meters | None = None) -> Flask:
    """The console over the given services; `key` is the secret of its cookies and second factors.

    Without one ("") it answers every request that it is closed, and how it is opened.
    """
    if not key:
        return _closed(shared)
    app = Flask("web", static_folder=None)
    app.config.update(
        SECRET_KEY=derived(key, "twirl console cookies"),
        MAX_CONTENT_LENGTH=MIB,
        MAX_FORM_MEMORY_SIZE=MIB,
        MAX_FORM_PARTS=1000,
        TEMPLATES_AUTO_RELOAD=False,
        ERROR_PAGE="console/error.html",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=1),
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions[KEY] = services
    app.url_map.converters["int"] = numbers.RowNumber
    app.session_interface = sessions.SqlSessions(services)
    meters.install(app, shared)
    observing.register(app)
    headers.register(app)
    errors.register(app)
    app.register_error_handler(NotFound, _nothing_there)
    assets.register(app)
    access.install(app)  # before the forms' protection: who may not post has nothing read
    identity.install(app, services, key)
    for room in (pictures, login, confirming, joining, account, second_factor, home):
        app.register_blueprint(room.blueprint)
    for area in AREAS:
        app.register_blueprint(area)
    app.context_processor(lambda: {"navigation": _navigation(app), "may": access.may, **home.surroundings()})
    return app


def _nothing_there(_error: NotFound) -> Response:
    """An address that no view has, in words of the console and not of the shop."""
    return errors.answer(http(404, fix="Start from the list of your shops."))


def _closed(shared: Meters | None) -> Flask:
    app = Flask("web", static_folder=None)
    app.config["ERROR_PAGE"] = "bare_error.html"
    meters.install(app, shared)
    for each in (observing, headers, errors, assets):
        each.register(app)

    @app.before_request
    def refuse() -> None:
        raise Refused(
            Problem(
                503, "console-closed", "The console has no key, and is closed.",
                "Set TWIRL_CONSOLE_KEY, the same for every web process: `twirl secrets` draws one.",
            )
        )  # fmt: skip

    return app


def _navigation(app: Flask) -> list[tuple[str, str]]:
    """(endpoint, word) of the areas that are there and that the member may see."""
    me = access.found_member()
    if me is None:
        return []
    return [(end, word) for end, word, role in NAVIGATION if end in app.view_functions and me[1].may(role)]
