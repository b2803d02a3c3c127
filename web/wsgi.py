"""The entry point of the web process, and of any WSGI server: `gunicorn 'web.wsgi:make_app()'`."""

from flask import Flask

from bootstrap import Services
from settings import load
from web import tidying
from web.app import create_app
from web.logs import configure


def make_app() -> Flask:
    """The storefront that the environment's settings describe, its model loaded.

    To be called in the process that serves, after any fork.
    """
    settings = load()
    configure(settings.logging.log_level)
    services = Services(settings)
    services.warm_up()
    tidying.start(services.photos)
    return create_app(services)
