"""A drawn shop under load: what is there to be asked for, and an import that goes on beside."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image

from atelier.catalogue import write_catalogue
from benchmarks.hostile_feeds import row, table
from benchmarks.load.visitors import Visitors
from benchmarks.shop import Shop, shop
from bootstrap import Services
from catalog.importing.imports import import_feed
from settings import load
from vectors.edge import start_engine

PRODUCTS, SEED = 96, 11
IMPORTED = 40  # products of the import that goes on
PAUSE_S = 10.0


@contextmanager
def stocked() -> Iterator[Shop]:
    """A shop with its products indexed, running."""
    with shop() as made:
        made.environ["TWIRL_LOG_LEVEL"] = "WARNING"
        _stock(made)
        made.start()
        yield made


def _stock(made: Shop) -> None:
    """Draw, import and index, in this process: the shop's own indexer would wait for everything else."""
    services = Services(
        load({name: text for name, text in made.environ.items() if name.startswith("TWIRL_")})
    )
    services.prepare()
    engine = start_engine(services.data / "index", services.engine_socket)
    try:
        engine.wait_ready()
        folder = made.data / "demo"
        feed = write_catalogue(folder, products=PRODUCTS, seed=SEED, workers=1)
        import_feed(services.sessions, services.merchant().id, feed, folder, services.incoming)
        pipeline = services.pipeline()
        pipeline.ensure()
        while pipeline.step():
            pass
    finally:
        services.close()
        engine.stop()


def visitors(made: Shop, seed: int) -> Visitors:
    """Who come to this shop."""
    hits = made.search(limit=60)["hits"]
    skus = [hit["sku"] for hit in hits]
    pictures = [hit["image"][f"url_{size}"] for hit in hits for size in (160, 480)]
    files = sorted((made.data / "demo").rglob("*.webp")) or sorted((made.data / "demo").rglob("*.jpg"))
    return Visitors(seed, f"127.0.0.1:{made.port}", skus, pictures, [_photo(each) for each in files[:12]])


def _photo(path: Path) -> bytes:
    file = BytesIO()
    Image.open(path).convert("RGB").resize((800, 1000)).save(file, "JPEG", quality=85)
    return file.getvalue()


@contextmanager
def importing(made: Shop) -> Iterator[None]:
    """The same products over and over, changed each time, as long as the block lasts."""
    over = threading.Event()
    folder = made.data / "import"
    folder.mkdir(exist_ok=True)
    Image.linear_gradient("L").convert("RGB").resize((300, 360)).save(folder / "ok.jpg")

    def work() -> None:
        number = 0
        while not over.wait(PAUSE_S if number else 0.1):
            number += 1
            rows = [
                row(f"load-{at}", title=f"Linen shirt {at}, edition {number % 7}") for at in range(IMPORTED)
            ]
            (folder / "feed.csv").write_text(table(rows))
            made.twirl("import", str(folder / "feed.csv"), "--images", str(folder), "--no-wait")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)
