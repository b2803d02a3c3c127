"""Commands that start processes: the demo, the storefront, and each process alone."""

import os
from functools import partial

import click

from bootstrap import Services
from commands.options import WITH_PARENT
from launcher.embedded import prepare
from launcher.show import bar, progress, say, show_indexing


@click.command()
@click.pass_obj
def demo(services: Services) -> None:
    """Draw a demo shop, index it and serve it.

    The second time, what is there is served at once. In the deployed shape it is drawn and indexed; the
    storefront is another process's.
    """
    from launcher.demo import SHOP_NAME, load_demo
    from launcher.embedded import borrowed, preflight, processes, running, serve

    preflight(services, port=not services.deployed)
    prepare(services)
    merchant = services.merchant(name=SHOP_NAME)
    if services.deployed:
        with borrowed(services, ("indexer",), say) as tend, progress() as bars:
            load_demo(services, merchant.id, lambda what: bar(bars, what))
            show_indexing(services, merchant.id, bars, tend)
        return
    with running(services, processes(services), say) as supervisor:
        supervisor.stop_on_signals()
        with progress() as bars:
            load_demo(services, merchant.id, lambda what: bar(bars, what))
            show_indexing(services, merchant.id, bars, supervisor.tend)
        serve(supervisor, services, say)


@click.command()
@click.pass_obj
def serve(services: Services) -> None:
    """Serve the storefront of your catalogue: engine, indexer and web, restarted when they die."""
    from launcher import embedded
    from launcher.deployed import check_embedded

    check_embedded(services, "serve")
    embedded.preflight(services, port=True)
    with embedded.running(services, embedded.processes(services), say) as supervisor:
        supervisor.stop_on_signals()
        embedded.serve(supervisor, services, say)


@click.command()
@WITH_PARENT
@click.pass_obj
def web(services: Services, with_parent: bool) -> None:
    """Run the web process alone."""
    from launcher.deployed import patiently
    from launcher.preflight import check_device, check_listeners
    from web.server import serve as serve_web
    from web.wsgi import make_app

    chosen = services.settings
    if (
        not with_parent
    ):  # who supervises us has looked, and gunicorn waits for a port that our last life holds
        check_listeners(chosen)
        check_device(chosen.model.device)
    _lifeline(with_parent)
    if services.deployed:
        patiently(partial(prepare, services), say)
        services.close()  # what serves is forked, and makes its own
    services.log_as("web")
    addresses = [(chosen.web.host, chosen.web.port), (chosen.operations.ops_host, chosen.ops_port)]
    slowest = (chosen.limits.request_head_s, chosen.limits.request_body_kbs)
    serve_web(make_app, addresses, chosen.web.web_threads, *slowest)


@click.command()
@WITH_PARENT
@click.pass_obj
def indexer(services: Services, with_parent: bool) -> None:
    """Run the indexer alone: it takes what waits in the ledger into the index, for ever."""
    from launcher.deployed import check_embedded
    from launcher.indexing import run_indexer

    check_embedded(services, "indexer")
    _lifeline(with_parent)
    services.observe("indexer")
    run_indexer(services)


@click.command()
@click.pass_obj
def engine(services: Services) -> None:
    """Run the embedded vector engine alone."""
    from launcher.embedded import HOME, engine_command

    prepare(services)
    command = engine_command(services)
    os.chdir(HOME)
    os.execv(command[0], command)  # noqa: S606 - our own interpreter and module


def _lifeline(with_parent: bool) -> None:
    if with_parent:
        from launcher.lifeline import hold

        hold()


COMMANDS = (demo, serve, web, indexer, engine)
