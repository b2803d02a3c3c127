"""The operators' application: the second listener of the web process."""

from pathlib import Path

from flask import Flask

from web import assets, errors, headers, health, meters, observing, pictures
from web.meters import Meters
from web.ops import access, explaining, pages, scrape
from web.ops.collector import Figuring
from web.ops.comparing import Comparisons
from web.ops.watch import Watch
from web.probes import Probes
from web.services import KEY, Services


def create_ops_app(
    services: Services, shared: Meters, probes: Probes, data: Path, token: str = "", second_factor: str = ""
) -> Flask:
    """`/metrics`, `/ops`, health; with the meters and probes of the shop's application beside it."""
    app = Flask("web", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=64 * 1024, TEMPLATES_AUTO_RELOAD=False)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions[KEY] = services
    meters.install(app, shared)
    observing.register(app)
    headers.register(app)
    app.before_request(access.refuse_other_sites)
    errors.register(app)
    assets.register(app)
    access.install(app, token, second_factor)
    health.install(app, probes, tells_why=True)
    watch = app.extensions[pages.WATCH] = Watch(services, probes)
    app.extensions[pages.COMPARISONS] = Comparisons(services)
    shared.registry.register(Figuring(watch, data))
    for room in (health, pictures, scrape, explaining, pages):
        app.register_blueprint(room.blueprint)
    pages.install(app)
    return app
