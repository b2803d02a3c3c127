"""Commands on where image bytes are kept: show, move, adopt."""

from pathlib import Path
from urllib.parse import urlsplit

import click

from bootstrap import Services
from catalog.site import read_site
from catalog.storage.object_store import StorageRefused, is_object_url
from catalog.storage.pack_files import PackFiles
from catalog.storage.place import Images, adopt
from embedding.pack_folders import verified
from launcher.embedded import prepare
from launcher.show import bar, progress, say


@click.group(invoke_without_command=True)
@click.pass_context
def images(context: click.Context) -> None:
    """Say where the pictures' bytes are kept, and whether that place answers."""
    if context.invoked_subcommand is None:
        services: Services = context.obj
        prepare(services)
        kept = services.place.images
        kept.blobs.check()
        say(f"{kept.address} (installation {services.place.noted().id}) answers.")


@images.command()
@click.argument("url")
@click.pass_obj
def move(services: Services, url: str) -> None:
    """Copy all pictures, uploaded feeds and model packs to URL, and use them there from then on.

    URL is object storage (s3://bucket/prefix) or a folder (file:///mnt/images). Stop Twirl first. If it is
    interrupted, run it again: it goes on where it was. The old place is left as it is.
    """
    from catalog.storage.feed_files import FeedFiles
    from catalog.storage.moving import check_quiet, copy_feeds, copy_images, is_same, note_moved
    from launcher.preflight import lock_store

    prepare(services)
    target = _opened(services, url)
    with lock_store(services.data):
        check_quiet(services.sessions)
        source = services.place.images
        with progress() as bars:
            moved = copy_images(source, target, bar(bars, "copying"))
        feeds = copy_feeds(services.feed_files, FeedFiles(target.root, services.data / "uploads"))
        _copy_packs(services, target)
        note_moved(services.sessions, source, target)
    say(f"{moved.images} pictures and {moved.incoming} that wait were copied to {target.address}.")
    if feeds:
        say(f"{feeds} uploaded feeds and archives of pictures, too.")
    say(f"Start Twirl with TWIRL_IMAGES_URL={url}, or with none.")
    if not is_same(source, target):
        say(f"Once `twirl doctor` finds no difference, {_left(source)} can go.")


def _left(source: Images) -> str:
    """What the pictures were: in a data folder there is more."""
    if isinstance(source.root, Path):
        return ", ".join(str(source.root / name) for name in ("blobs", "incoming", "uploads"))
    return f"what is in {source.address}"


def _copy_packs(services: Services, target: Images) -> None:
    files = PackFiles(target.root, services.data / "packs", verified)
    for index in read_site(services.sessions).indexes:
        files.publish(services.pack_folders.find(index.fingerprint), index.fingerprint)


@images.command("adopt")
@click.argument("url", required=False)
@click.pass_obj
def adopt_(services: Services, url: str | None) -> None:
    """Say that URL (the data folder unless said) holds this installation's pictures.

    After a restore of the pictures by other means than `twirl restore`, or when the place has another address
    than before. Nothing is copied.
    """
    place = _opened(services, url or f"file://{services.data}")
    adopt(services.sessions, place)
    say(f"The pictures of this installation are in {place.address}.")


def _opened(services: Services, url: str) -> Images:
    if not is_object_url(url) and not urlsplit(url).path.startswith("/"):
        raise StorageRefused(
            "storage-url", f"{url!r} is no address.", "Write s3://bucket/prefix or file:///folder."
        )
    return services.place.open(url)


COMMANDS = (images,)
