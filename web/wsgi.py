"""The entry point of the web process, and of any WSGI server: `gunicorn 'web.wsgi:make_app()'`."""

from bootstrap import Services
from settings import load
from telemetry import tracing
from web import health, tidying
from web.app import create_app
from web.console.app import create_console_app
from web.evenness import keep_even
from web.listeners import Listeners
from web.meters import Meters
from web.ops.app import create_ops_app
from web.probes import Probes
from web.shedding import Shedding
from web.worker import waited_s


def make_app() -> Shedding:
    """The storefront, the console and the operators' pages of the environment's settings, the model loaded.

    To be called in the process that serves, after any fork.
    """
    settings = load()
    services = Services(settings)
    services.observe("web")
    services.warm_up()
    tidying.start(services.photos)
    meters, probes = Meters(), Probes(health.needs(services))
    meters.threads.set(settings.web.web_threads)
    shop = create_app(services, meters, probes)
    ops = create_ops_app(
        services, meters, probes, services.data,
        settings.operations.ops_token, settings.operations.ops_second_factor,
    )  # fmt: skip
    console = create_console_app(services, services.console_key, meters)
    for app in (shop, ops, console):
        tracing.instrument_web(app)
    keep_even()
    listeners = Listeners(shop, ops, settings.ops_port, console)
    longest_s = settings.limits.queue_wait_s
    return Shedding(listeners, waited_s, longest_s, settings.ops_port, meters.shed.inc)
