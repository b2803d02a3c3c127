"""The comparison of two models as one HTML file that needs nothing beside it: figures and pictures."""

import base64
import io
from collections.abc import Callable
from html import escape

from PIL import Image

from catalog.storage.blobs import BlobMissing, Blobs
from searcher.diff import Answer, Change, Report
from searcher.photos import QueryPhotos
from searcher.query import SearchQuery
from searcher.results import ProductHit

SHOWN = 60  # searches with pictures; the others come in a list
SIDE = 112  # pixels of the longer side of a picture

_STYLE = """
/* The storefront's ink and paper. */
:root { --ink: #1a1918; --soft: #5f5b57; --line: #dedbd6; --tile: #f3f2f0; --new: #8c2434; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 2rem clamp(1rem, 3vw, 3rem) 4rem; color: var(--ink);
  background: #fff; font: 15px/1.45 Figtree, "Segoe UI", system-ui, sans-serif; }
h1 { font-size: 1.7rem; font-weight: 500; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; font-weight: 600; margin: 2.5rem 0 .5rem; }
p { margin: .3rem 0; color: var(--soft); max-width: 70ch; }
dl.figures { display: flex; flex-wrap: wrap; gap: 1.5rem 3rem; margin: 1.5rem 0; }
dl.figures div { min-width: 9rem; }
dl.figures dt { color: var(--soft); font-size: .85rem; }
dl.figures dd { margin: 0; font-size: 1.5rem; }
dl.figures dd small { font-size: .85rem; color: var(--soft); }
article { border-top: 1px solid var(--line); padding: 1.2rem 0; display: grid; gap: .4rem 1.2rem;
  grid-template-columns: 9.5rem minmax(0, 1fr); }
article h3 { grid-column: 1 / -1; margin: 0; font-size: 1rem; font-weight: 600; }
article h3 small { font-weight: 400; color: var(--soft); margin-left: .6rem; }
.asked { grid-row: span 2; }
.who { font-size: .8rem; color: var(--soft); margin: 0; }
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .4rem;
  grid-template-columns: repeat(10, minmax(0, 1fr)); }
.pic { display: block; width: 100%; aspect-ratio: 4 / 5; background: var(--tile) center / contain no-repeat;
  outline: 1px solid var(--line); }
li.new .pic, li.gone .pic { outline: 2px solid var(--new); }
li.gone .pic { opacity: .55; }
li span.said { display: block; font-size: .68rem; line-height: 1.2; margin-top: .2rem; color: var(--soft);
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.asked .pic { max-width: 8.5rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
td.figure, th.figure { text-align: right; font-variant-numeric: tabular-nums; }
@media (max-width: 48rem) { article { grid-template-columns: 1fr; } .asked { grid-row: auto; }
  ol { grid-template-columns: repeat(5, minmax(0, 1fr)); } }
"""


class _Pictures:
    """Small pictures, each in the file once however often it is shown."""

    def __init__(self, blobs: Blobs, photos: QueryPhotos) -> None:
        self.blobs, self.photos = blobs, photos
        self._names: dict[str, str] = {}
        self.rules: list[str] = []

    def of_item(self, sha256: str | None) -> str:
        """The CSS class that shows a product's picture; "" where it is lost."""
        return self._named(sha256 or "", lambda: self.blobs.read(str(sha256), 160))

    def of_photo(self, photo_id: str) -> str:
        """The CSS class that shows a shopper's photo."""
        return self._named(f"photo-{photo_id}", lambda: self.photos.webp(photo_id))

    def _named(self, key: str, read: Callable[[], bytes | None]) -> str:
        if key not in self._names:
            data = _small(read) if key else None
            self._names[key] = f"i{len(self._names)}" if data else ""
            if data:
                encoded = base64.b64encode(data).decode()
                rule = f".{self._names[key]}{{background-image:url(data:image/webp;base64,{encoded})}}"
                self.rules.append(rule)
        return self._names[key]


def _small(read: Callable[[], bytes | None]) -> bytes | None:
    try:
        data = read()
    except BlobMissing:
        return None
    if data is None:
        return None
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as picture:
        picture.thumbnail((SIDE, SIDE))
        file = io.BytesIO()
        picture.convert("RGB").save(file, "WEBP", quality=70)
    return file.getvalue()


def report_page(report: Report, blobs: Blobs, photos: QueryPhotos) -> str:
    """The whole page."""
    pictures = _Pictures(blobs, photos)
    shown, rest = report.changes[:SHOWN], report.changes[SHOWN:]
    articles = "\n".join(_article(change, report, pictures) for change in shown)
    title = f"{escape(report.live.pack)} and {escape(report.candidate.pack)}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: {len(report.changes)} searches on both models</title>
<style>{_STYLE}{"".join(pictures.rules)}</style>
</head>
<body>
<h1>{title}</h1>
<p>{_about(report)}</p>
{_figures(report)}
<h2>The largest changes first</h2>
<p>A framed picture is of a product that the other model does not show among its first ten.</p>
{articles}
{_list(rest)}
</body>
</html>
"""


def _about(report: Report) -> str:
    live, other = (f"{each.pack} ({each.fingerprint[:16]})" for each in (report.live, report.candidate))
    asked = "the latest of shoppers" if report.logged else "drawn from the shop's items"
    said = f"{len(report.changes)} searches, {asked}, on {live}, which is live, and on {other}."
    if not report.logged:
        said += " Shoppers have asked fewer than 20 that can be asked again."
    if report.gone:
        said += f" {report.gone} logged searches were left out: their photo or item is gone."
    if report.failed:
        said += f" {report.failed} could not be answered."
    return escape(said)


def _figures(report: Report) -> str:
    (live, live_95), (other, other_95) = report.latency("live"), report.latency("candidate")
    cells = [
        ("Overlap@10", f"{report.overlap:.0%}", "of the first ten are the same"),
        ("Same first hit", f"{report.same_top:.0%}", "of the searches"),
        ("Mean shift", f"{report.shift:.1f}", "places; a hit that is gone counts as at place 11"),
        (f"Time, {report.live.pack}", f"{live:.0f} ms", f"median; 95 % within {live_95:.0f} ms"),
        (f"Time, {report.candidate.pack}", f"{other:.0f} ms", f"median; 95 % within {other_95:.0f} ms"),
    ]
    shown = "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{figure} <small>{escape(said)}</small></dd></div>"
        for name, figure, said in cells
    )
    return f'<dl class="figures">\n{shown}\n</dl>'


def _article(change: Change, report: Report, pictures: _Pictures) -> str:
    figures = f"overlap {change.overlap:.0%}, shift {change.shift:.1f}"
    live = _row(change.live, change.candidate, "gone", pictures)
    other = _row(change.candidate, change.live, "new", pictures)
    return f"""<article>
<h3>{escape(asked(change.asked))}<small>{figures}</small></h3>
<div class="asked">{_asked_picture(change, pictures)}</div>
<div><p class="who">{escape(report.live.pack)}, live</p>{live}</div>
<div><p class="who">{escape(report.candidate.pack)}</p>{other}</div>
</article>"""


def _asked_picture(change: Change, pictures: _Pictures) -> str:
    query = change.asked
    if query.photo_id is not None:
        return _picture(pictures.of_photo(query.photo_id), "The shopper's photo")
    if query.reference is not None:
        return _picture(pictures.of_item(change.lead), f"Item {query.reference}")
    return ""


def _row(answer: Answer, other: Answer, mark: str, pictures: _Pictures) -> str:
    theirs = set(other.groups)
    hits = "".join(_hit(hit, mark if group not in theirs else "", pictures)
                   for hit, group in zip(answer.hits, answer.groups, strict=True))  # fmt: skip
    return f"<ol>{hits}</ol>" if hits else '<p class="who">No hit.</p>'


def _hit(hit: ProductHit, mark: str, pictures: _Pictures) -> str:
    title = hit.product.title
    shown = _picture(pictures.of_item(hit.image.sha256), title)
    return f'<li class="{mark}">{shown}<span class="said" title="{escape(title)}">{escape(title)}</span></li>'


def _picture(name: str, said: str) -> str:
    return f'<span class="pic {name}" role="img" aria-label="{escape(said)}"></span>'


def asked(query: SearchQuery) -> str:
    """A search in words: what was typed, what led it, what narrowed it."""
    lead = "a photo" if query.photo_id else f"item {query.reference}" if query.reference else ""
    said = f"“{query.words}”" if query.words else ""
    parts = [" with ".join(part for part in (said, lead) if part)]
    for name, values in query.filters.as_mapping().items():
        parts.append(f"{name}: {', '.join(map(str, values)) if isinstance(values, list) else values}")
    return "; ".join(parts)


def _list(changes: tuple[Change, ...]) -> str:
    if not changes:
        return ""
    rows = "\n".join(
        f'<tr><td>{escape(asked(change.asked))}</td><td class="figure">{change.overlap:.0%}</td>'
        f'<td class="figure">{change.shift:.1f}</td></tr>'
        for change in changes
    )
    return f"""<h2>The other searches</h2>
<table><thead><tr><th>Search</th><th class="figure">Overlap@10</th><th class="figure">Shift</th></tr></thead>
<tbody>
{rows}
</tbody></table>"""
