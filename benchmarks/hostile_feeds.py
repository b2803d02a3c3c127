"""Feeds that are broken in the ways that real feeds are, and in ways that an attacker would choose."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

HEADER = ["id", "title", "description", "link", "image_link", "availability", "price"]


@dataclass(frozen=True)
class HostileFeed:
    """One file, and the skus in it that must go live all the same."""

    name: str
    filename: str
    data: bytes
    good: tuple[str, ...] = field(default=())

    def images(self, folder: Path) -> Path:
        """Write the one picture that good rows name; return the folder it lies in."""
        target = folder / "feed-images"
        target.mkdir(exist_ok=True)
        if not (target / "ok.jpg").exists():
            Image.linear_gradient("L").convert("RGB").resize((300, 360)).save(target / "ok.jpg")
            (target / "empty.jpg").write_bytes(b"")
        return target


def row(sku: str, **changed: str) -> dict[str, str]:
    """A good row, with some columns changed."""
    good = {
        "id": sku,
        "title": f"Linen shirt {sku}",
        "description": "A shirt",
        "link": "https://shop.example/p",
        "image_link": "ok.jpg",
        "availability": "in stock",
        "price": "49.00 USD",
    }
    return {**good, **changed}


def table(rows: list[dict[str, str]], delimiter: str = ",", header: list[str] | None = None) -> str:
    """Write rows as CSV text."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, header or HEADER, delimiter=delimiter, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def feeds() -> Iterator[HostileFeed]:
    """All of them. Skus are unique over all feeds, so that good rows can be looked for afterwards."""
    yield from _encodings()
    yield from _shapes()
    yield from _bad_rows()
    yield from _not_feeds()


def _encodings() -> Iterator[HostileFeed]:
    for codec in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"):
        sku = f"enc-{codec}"
        text = table([row(sku, title="Café crème, façon été", description="Naïve £")])
        mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(codec, b"")
        yield HostileFeed(f"encoding {codec}", f"{sku}.csv", mark + text.encode(codec), (sku,))
    sku = "enc-latin-broken"
    mixed = table([row(sku)]).encode() + b'bad-bytes,\xff\xfe\x80,"d",l,ok.jpg,in stock,1 USD\r\n'
    yield HostileFeed("bytes of no encoding in one row", f"{sku}.csv", mixed, (sku,))


def _shapes() -> Iterator[HostileFeed]:
    for name, delimiter in (("tab", "\t"), ("semicolon", ";"), ("pipe", "|"), ("comma", ",")):
        sku = f"delimiter-{name}"
        suffix = "tsv" if name == "tab" else "csv"
        yield HostileFeed(
            f"delimiter {name}", f"{sku}.{suffix}", table([row(sku)], delimiter).encode(), (sku,)
        )
    sku = "newlines"
    text = table([row(sku, description='two\nlines\r\nand, a comma, and a "quote"')])
    yield HostileFeed("embedded newlines and quotes", f"{sku}.csv", text.encode(), (sku,))
    for ending in ("\n", "\r", "\r\n"):
        sku = f"ending-{ending.encode().hex()}"
        text = table([row(sku)]).replace("\r\n", ending)
        yield HostileFeed(f"line ending {ending!r}", f"{sku}.csv", text.encode(), (sku,))
    sku = "header-case"
    text = table([row(sku)]).replace("image_link", "Image Link").replace("id,", "ID,", 1)
    yield HostileFeed("header with capitals and spaces", f"{sku}.csv", text.encode(), (sku,))
    sku = "blank-lines"
    yield HostileFeed(
        "blank lines", f"{sku}.csv", table([row(sku)]).replace("\r\n", "\r\n\r\n").encode(), (sku,)
    )
    sku = "formula"
    yield HostileFeed(
        "formula in the title", f"{sku}.csv", table([row(sku, title="=HYPERLINK(1)")]).encode(), (sku,)
    )
    sku = "script"
    text = table(
        [row(sku, title="<script>alert(1)</script>Shirt", description="<b>bold</b><script>x</script>")]
    )
    yield HostileFeed("markup in the text", f"{sku}.csv", text.encode(), (sku,))
    sku = "jsonl"
    good = {**row(sku), "image_link": "ok.jpg"}
    lines = [
        json.dumps(good),
        "{not json",
        "[]",
        '"text"',
        "null",
        json.dumps({"id": "jsonl-no-title"}),
        "42",
    ]
    yield HostileFeed("JSONL with broken lines", f"{sku}.jsonl", "\n".join(lines).encode(), (sku,))
    deep = json.dumps({**good, "id": "deep"})[:-1] + ', "extra": ' + "[" * 5000 + "]" * 5000 + "}"
    yield HostileFeed(
        "JSONL nested 5,000 deep",
        "deep.jsonl",
        f"{json.dumps({**good, 'id': 'deep-ok'})}\n{deep}".encode(),
        ("deep-ok",),
    )


def _bad_rows() -> Iterator[HostileFeed]:
    changes = {
        "no-id": {"id": ""},
        "no-title": {"title": ""},
        "no-image": {"image_link": ""},
        "image-missing": {"image_link": "nowhere.jpg"},
        "image-climbs": {"image_link": "../../../../etc/passwd"},
        "image-absolute": {"image_link": "/etc/passwd"},
        "image-file-url": {"image_link": "file:///etc/passwd"},
        "image-javascript": {"image_link": "javascript:alert(1)"},
        "image-url-long": {"image_link": "https://shop.example/" + "a" * 5000},
        "price-words": {"price": "cheap"},
        "price-negative": {"price": "-5.00 USD"},
        "price-huge": {"price": "9" * 40 + " USD"},
        "price-nan": {"price": "NaN USD"},
        "price-currency": {"price": "10 XQZW"},
        "availability": {"availability": "maybe"},
        "nul": {"title": "a\x00b"},
        "long-field": {"description": "x" * 2_000_000},
        "long-id": {"id": "i" * 5000},
        "bidi": {"title": "\u202eevil\u202c \u0007 bell"},
        "empty-image-file": {"image_link": "empty.jpg"},
    }
    for name, change in changes.items():
        sku = f"beside-{name}"
        text = table([row(sku), row(f"bad-{name}", **change), row(f"{sku}-2")])
        yield HostileFeed(f"one bad row: {name}", f"{name}.csv", text.encode(), (sku, f"{sku}-2"))
    twice = table([row("twice"), row("twice", title="Another"), row("twice-ok")])
    yield HostileFeed("an id twice", "twice.csv", twice.encode(), ("twice", "twice-ok"))
    short = table([row("short-ok")]) + "short-row,only two\r\n" + ",".join(["long-row"] * 40) + "\r\n"
    yield HostileFeed("rows with too few and too many cells", "short.csv", short.encode(), ("short-ok",))
    unclosed = table([row("unclosed-ok")]) + 'unclosed,"never ends' + "x" * 300_000
    yield HostileFeed("a quote that never closes", "unclosed.csv", unclosed.encode(), ("unclosed-ok",))


def _not_feeds() -> Iterator[HostileFeed]:
    header = ",".join(HEADER) + "\r\n"
    files = {
        "empty.csv": b"",
        "empty.jsonl": b"",
        "spaces.csv": b"   \r\n  \r\n",
        "header-only.csv": header.encode(),
        "no-header.csv": b"1,Shirt,desc,https://shop.example,ok.jpg,in stock,9 USD\r\n",
        "missing-columns.csv": b"id,colour\r\n1,red\r\n",
        "zeros.csv": b"\x00" * 5000,
        "random.csv": bytes(range(256)) * 40,
        "picture.csv": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "zip.csv": b"PK\x03\x04" + bytes(400),
        "pdf.csv": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(300),
        "html.csv": b"<!doctype html><html><body>502 Bad Gateway</body></html>",
        "one-line.csv": b"a" * 3_000_000,
        "xml.xml": b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
        "unknown.bin": b"id,title\r\n1,2\r\n",
        "columns-twice.csv": (b"id,id,title,title,link\r\n1,2,3,4,5\r\n"),
        "many-columns.csv": (",".join(f"c{n}" for n in range(20_000)) + "\r\n").encode(),
    }
    for name, data in files.items():
        yield HostileFeed(f"not a feed: {name}", name, data)
