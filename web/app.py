"""The Flask application. Making one opens nothing: every service comes in built."""

from flask import Flask

from web import assets, embed, errors, headers, health, language, meters, observing, patience, pictures
from web.api import register as register_api
from web.meters import Meters
from web.probes import Probes
from web.rates import guard as rates
from web.services import KEY, Services
from web.shop import compare, forgetting, frame, storefront

MIB = 1024 * 1024


def create_app(services: Services, shared: Meters | None = None, probes: Probes | None = None) -> Flask:
    """The storefront, its API and its health, over the given services."""
    app = bare_app(shared)
    app.extensions[KEY] = services
    embed.install(app, embed.guard_of(app))
    health.install(app, probes or Probes(health.needs(services)))
    rates.install(app, rates.Rates(services.settings.limits, services.settings.queue.redis_url))
    return app


def bare_app(shared: Meters | None = None) -> Flask:
    """The application without services: enough to describe the API."""
    app = Flask(__name__, static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=17 * MIB,  # a photo of 16 MiB and its form
        MAX_FORM_MEMORY_SIZE=256 * 1024,
        MAX_FORM_PARTS=64,
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    meters.install(app, shared)
    observing.register(app)
    headers.register(app)
    rates.register(app)
    patience.register(app)
    errors.register(app)
    language.install(app)
    assets.register(app)
    for room in (storefront, compare, forgetting, embed, pictures, health):
        app.register_blueprint(room.blueprint)
    register_api(app)
    app.context_processor(frame.words)
    return app
