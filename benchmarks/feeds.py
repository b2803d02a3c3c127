"""What feeds cost: memory of 100,000 rows in each format, a bad tenth of 5,000 rows, and the same feed again.

    python -m benchmarks.feeds

Each format is read and checked in a process of its own, whose peak memory is quoted, Python and libraries
included. The 5,000 rows name pictures of a drawn catalogue, are indexed with the
shipped pack, and imported a second time.
"""

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.bar import Bar, show
from bootstrap import Services
from catalog.feeds import ProductRecord, currency_in, read_feed, survey_feed
from catalog.importing.imports import import_feed
from catalog.models import Image, Product, RowError
from tests.support.bad_rows import feed_of
from tests.support.shop import drawn, index, small_shop

ROWS = 100_000
WORDS = "Washed linen, cut wide, with pockets. " * 25  # about 1 KB of description, as feeds have it
LIMIT_MB = 300


def bars() -> Iterator[Bar]:
    """Yield the peak memory of each format, the fate of 5,000 rows, and what they cost again."""
    with tempfile.TemporaryDirectory() as folder:
        for name, write in FORMATS.items():
            path = Path(folder, f"feed.{name}")
            write(path)
            yield _read(name, path)
            path.unlink()
        yield from _five_thousand(Path(folder))


def _read(name: str, path: Path) -> Bar:
    context = multiprocessing.get_context("spawn")
    answer: SimpleQueue[tuple[int, float, float]] = context.SimpleQueue()
    process = context.Process(target=_measure, args=(path, answer))
    process.start()
    records, seconds, peak = answer.get()
    process.join()
    target = f"< {LIMIT_MB} MB"
    whole = records == ROWS
    detail = f"{records:,} records in {seconds:.0f} s, file {path.stat().st_size / 1e6:.0f} MB"
    return Bar(
        f"{ROWS:,} products as {name}: peak memory", peak, target, whole and peak < LIMIT_MB, "MB", detail
    )


def _measure(path: Path, answer: "SimpleQueue[tuple[int, float, float]]") -> None:
    began = time.perf_counter()
    currency = currency_in(survey_feed(path)) or "EUR"  # as the first import of a shop finds it
    records = sum(isinstance(item, ProductRecord) for item in read_feed(path, currency))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000  # KiB on Linux
    answer.put((records, time.perf_counter() - began, peak))


def _csv(path: Path) -> None:
    with path.open("w") as file:
        file.write("id,title,description,image_link,additional_image_link,price,availability,color\n")
        file.writelines(
            f'{n},Dress {n},"{WORDS}",https://i.example/{n}.jpg,https://i.example/{n}b.jpg,{n}.00 EUR,,red\n'
            for n in range(ROWS)
        )


def _rss(path: Path) -> None:
    with path.open("w") as file:
        file.write('<rss xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>\n')
        file.writelines(
            f"<item><g:id>{n}</g:id><title>Dress {n}</title><description>{WORDS}</description>"
            f"<g:image_link>https://i.example/{n}.jpg</g:image_link><g:price>{n}.00 EUR</g:price></item>\n"
            for n in range(ROWS)
        )
        file.write("</channel></rss>\n")


def _shopify(path: Path) -> None:
    """Four variants a product."""
    with path.open("w") as file:
        file.write(
            "Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src\n"
        )
        for n in range(ROWS):
            first = f'Dress {n // 4},"<p>{WORDS}</p>",Size' if n % 4 == 0 else ",,"
            file.write(f"dress-{n // 4},{first},{n % 4},s{n},{n}.00,https://i.example/{n}.jpg\n")


def _woocommerce(path: Path) -> None:
    """Four variations a variable product, all of them before their parents."""
    with path.open("w") as file:
        file.write(
            "ID,Type,SKU,Name,Description,Regular price,Images,Parent,Attribute 1 name,Attribute 1 value(s)\n"
        )
        for n in range(ROWS):
            file.write(
                f"{n},variation,v{n},Dress {n},,{n}.00,https://i.example/{n}.jpg,p{n // 4},Size,{n % 4}\n"
            )
        for n in range(ROWS // 4):
            file.write(
                f'{ROWS + n},variable,p{n},Dress,"{WORDS}",,https://i.example/p{n}.jpg,,Size,"0, 1, 2, 3"\n'
            )


def _json_ld(path: Path) -> None:
    with path.open("w") as file:
        for n in range(ROWS):
            offer = {"@type": "Offer", "price": n, "priceCurrency": "EUR"}
            product = {"@type": "Product", "sku": str(n), "name": f"Dress {n}", "description": WORDS}
            said = {**product, "image": [f"https://i.example/{n}.jpg"], "offers": offer}
            file.write(f"{',' if n else '['}{json.dumps(said)}\n")
        file.write("]\n")


FORMATS = {"csv": _csv, "rss": _rss, "shopify": _shopify, "woocommerce": _woocommerce, "json-ld": _json_ld}


def _five_thousand(folder: Path) -> Iterator[Bar]:
    with small_shop(folder / "shop") as services:
        own = drawn()
        pictures = [item.images[0] for item in read_feed(own) if isinstance(item, ProductRecord)]
        feed = folder / "feed.csv"
        text, wrong = feed_of(5000, 500, lambda n: pictures[n % len(pictures)])
        feed.write_text(text)
        shop = services.merchant().id
        began = time.perf_counter()
        summary = import_feed(services.sessions, shop, feed, own.parent, services.incoming)
        index(services)
        took = time.perf_counter() - began
        live, listed = _live(services), _listed(services, summary.job_id)
        target = "4,500; 500 of 500"
        ok = live == 4500 and listed == wrong
        detail = f"listed as they are wrong: {len(listed.items() & wrong.items())} of 500; {took:.0f} s"
        yield Bar("5,000 rows, 500 bad in 12 ways: live", live, target, ok, "", detail)
        began = time.perf_counter()
        again = import_feed(services.sessions, shop, feed, own.parent, services.incoming)
        waiting = _waiting(services)
        index(services)
        took = time.perf_counter() - began
        detail = f"{again.unchanged} unchanged; images queued: {waiting}"
        yield Bar(
            "the same feed again, to the end",
            took,
            "< 15 s, none queued",
            took < 15 and not waiting,
            "s",
            detail,
        )


def _live(services: Services) -> int:
    found = select(func.count(Image.id)).join(Product).where(Image.state == "live", Product.sku.like("g%"))
    with services.sessions() as session:
        return session.scalar(found) or 0


def _waiting(services: Services) -> int:
    with services.sessions() as session:
        return session.scalar(select(func.count(Image.id)).where(Image.state != "live")) or 0


def _listed(services: Services, job_id: int) -> dict[int, tuple[str, str]]:
    kept = select(RowError).where(RowError.job_id == job_id)
    with services.sessions() as session:
        return {error.row: (error.column, error.code) for error in session.scalars(kept)}


if __name__ == "__main__":
    sys.exit(not all(bar.ok for bar in show(bars())))
