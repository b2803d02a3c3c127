"""Random requests as three shops' programs and people: nothing of another shop is read, written or counted.

    python -m benchmarks --only tenants                       # 10,000 requests, three shops
    python -m benchmarks.tenants --requests 2000 --seed 3

Each request is drawn from a seed: of the requester's own things, of another shop's, of none. What comes back
is looked through for the other shops' words and pictures, in bodies, headers and errors alike (what the
requester has itself typed is taken out first), and every number in it is held against what the shop has.
Programs ask the API, people the console (`tenants_console`); more kinds of requests are added to `KINDS`.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from benchmarks.bar import Bar, show
from benchmarks.tenants_console import CONSOLE_KINDS, miscounted, open_console, standing
from benchmarks.tenants_draw import Draw
from benchmarks.tenants_shop import COLOURS, MARKS, documents, three_shops
from catalog.keeping.export import export_catalogue

REQUESTS, SEED = 10_000, 20261129


Ask = Callable[[Draw], Any]


def _search(draw: Draw) -> Any:
    body: dict[str, Any] = {"words": draw.words(), "limit": draw.rng.choice((1, 5, 24, 100))}
    if draw.rng.random() < 0.4:
        brand, category = f"{draw.target().mark} works", draw.target().mark
        body["filters"] = draw.rng.choice(
            (
                {"brand": [brand]},
                {"category": [category]},
                {"colour": [draw.rng.choice(COLOURS)]},
                {"price_max": 5000},
            )
        )
        draw.typed += [brand, category]
    if draw.rng.random() < 0.3:
        body["reference"] = draw.sku()
    if draw.rng.random() < 0.2:
        body["exclude"] = [draw.sku()]
    if draw.rng.random() < 0.2 and draw.target().cursors:
        body["cursor"] = draw.rng.choice(draw.target().cursors or ["x"])
    body["sort"] = draw.rng.choice(("", "", "price", "newest"))
    body["collapse"] = draw.rng.random() < 0.5
    if draw.rng.random() < 0.15:
        return draw.asker.ask("POST", "search/unpublished", json={**body, "sort": "", "cursor": None})
    answer = draw.asker.ask("POST", "search", json=body)
    if answer.status_code == 200 and (cursor := answer.get_json()["next_cursor"]):
        draw.asker.cursors = [*draw.asker.cursors[-20:], cursor]
    return answer


def _facets(draw: Draw) -> Any:
    named = draw.type(f"{draw.target().mark} works")
    query = draw.rng.choice(("", f"?brand={named}", "?colour=red", "?price_max=4000"))
    return draw.asker.ask("GET", f"facets{query}")


def _suggest(draw: Draw) -> Any:
    typed = draw.rng.choice((draw.target().mark[: draw.rng.randrange(1, 7)], "s", "dr", ""))
    return draw.asker.ask("GET", f"suggest?q={draw.type(typed)}")


def _product(draw: Draw) -> Any:
    tail = draw.rng.choice(("", "", "?view=shop", "/look"))
    return draw.asker.ask("GET", f"products/{draw.sku()}{tail}")


def _products(draw: Draw) -> Any:
    cursor = draw.rng.choice([*draw.target().tags[-20:], ""])
    size = draw.rng.choice((1, 3, 50))
    answer = draw.asker.ask("GET", f"products?limit={size}" + (f"&cursor={cursor}" if cursor else ""))
    if answer.status_code == 200 and (onward := answer.get_json()["next_cursor"]):
        draw.asker.tags = [*draw.asker.tags[-20:], onward]
    return answer


def _change(draw: Draw) -> Any:
    sku = draw.sku()
    headers = draw.rng.choice(({"If-Match": "*"}, {"If-Match": '"1-0-0"'}))
    method = draw.rng.choice(("PATCH", "PATCH", "PUT", "DELETE"))
    if sku in draw.asker.skus:  # its own: something that changes no count
        return draw.asker.ask("PATCH", f"products/{sku}", json={"size": draw.rng.choice(("S", "M", "L"))})
    said = {"title": "taken", "images": ["https://shop.example/1.jpg"]}
    sent = {} if method == "DELETE" else {"json": said}
    return draw.asker.ask(method, f"products/{sku}", headers=headers, **sent)


def _steal(draw: Draw) -> Any:
    """Another shop's picture as one's own, by the name that it has there."""
    sha256 = draw.type(draw.rng.choice(sorted(draw.rng.choice(draw.others).hashes)))
    named = draw.rng.choice((f"upload:{sha256}", f"incoming:{sha256}", f"{sha256}.webp"))
    return draw.asker.ask("PATCH", f"products/{draw.asker.skus[0]}", json={"images": [named]})


def _picture(draw: Draw) -> Any:
    sha256 = draw.type(draw.rng.choice(sorted(draw.target().hashes)))
    return draw.asker.ask("GET", f"images/{sha256}/{draw.rng.choice((160, 480, 7))}")


def _import(draw: Draw) -> Any:
    if draw.rng.random() < 0.1:
        line = json.dumps({"sku": draw.asker.skus[0]}).encode()
        key = {"Idempotency-Key": f"same-{draw.rng.randrange(3)}"}  # which the other shops use too
        made = draw.asker.ask("POST", "imports", data=line, content_type="application/jsonl", headers=key)
        if made.status_code == 202:
            draw.asker.imports.append(made.get_json()["id"])
        return made
    known = draw.target().imports or [draw.rng.randrange(1, 999)]
    tail = draw.rng.choice(("", "", "/results", "/results?outcome=refused"))
    path = draw.rng.choice((f"imports/{draw.rng.choice(known)}{tail}", "imports", "imports?limit=1"))
    return draw.asker.ask("GET", path)


def _hook(draw: Draw) -> Any:
    asker = draw.asker
    if len(asker.hooks) < 3:
        url = f"https://{asker.mark}.example/{len(asker.hooks)}"
        made = asker.ask("POST", "webhooks", json={"url": url, "name": asker.mark})
        asker.hooks.append(made.get_json()["id"])
        return made
    uid = draw.rng.choice(draw.target().hooks or ["wh_none"])
    method, tail, sent = draw.rng.choice(
        (
            ("GET", "", {}),
            ("GET", "/deliveries", {}),
            ("PATCH", "", {"json": {"enabled": True}}),
            ("GET", "", {}),
        )
    )
    if uid not in asker.hooks and draw.rng.random() < 0.3:
        method, tail, sent = draw.rng.choice((("DELETE", "", {}), ("POST", "/test", {})))
    return asker.ask(method, f"webhooks{draw.rng.choice((f'/{uid}', f'/{uid}', ''))}{tail}", **sent)


def _export(draw: Draw) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.jsonl"
        export_catalogue(draw.services.sessions, draw.services.blobs, draw.asker.merchant.id, path)
        return path.read_text()


KINDS: list[tuple[float, Ask]] = [
    (24, _search), (8, _facets), (8, _suggest), (16, _product), (10, _products), (12, _change), (4, _steal),
    (6, _picture), (6, _import), (5, _hook), (1, _export), *CONSOLE_KINDS,
]  # fmt: skip


def foreign(draw: Draw, answer: Any) -> str:
    """What of another shop is in an answer, or "". What the asker typed itself is taken out first."""
    if isinstance(answer, str):
        said = answer
    else:
        binary = answer.mimetype == "image/webp"
        said = "" if binary else answer.get_data(as_text=True)
        said += "".join(f"\n{name}: {value}" for name, value in answer.headers)
        if binary and not any(sha256 in draw.asker.hashes for sha256 in draw.typed):
            return "a picture of another shop"
    said = said.casefold()
    own = {form for text in (*draw.typed, *draw.asker.drafted) for form in (text, quote_plus(text))}
    for other in draw.others:  # what nobody types, so that words which were typed hide nothing
        if told := next((each for each in other.phrases if each in said), ""):
            return f"{other.mark}: {said[max(0, said.index(told) - 60) :][:160]}"
    for typed in sorted(own, key=len, reverse=True):
        said = said.replace(typed.casefold(), "…") if typed else said
    for other in draw.others:
        if other.mark in said:
            return f"{other.mark}: {said[max(0, said.index(other.mark) - 60) :][:160]}"
        if taken := next((sha256 for sha256 in other.hashes if sha256 in said), ""):
            return f"a picture of {other.mark}: {taken}"
    return "" if isinstance(answer, str) else _miscounted(draw, answer) or miscounted(draw, answer)


def _miscounted(draw: Draw, answer: Any) -> str:
    """A number in a search or its facets that the asker's own products cannot give."""
    said = answer.get_json(silent=True) if answer.mimetype == "application/json" else None
    if not isinstance(said, dict):
        return ""
    counts = [value["count"] for facet in said.get("facets", ()) for value in facet["values"]]
    counts += [sum(facet["steps"]) for facet in said.get("facets", ())]
    counts += [said[name] for name in ("total",) if isinstance(said.get(name), int)]
    counts += [len(said.get("products", ())), len(said.get("hits", ()))]
    if max(counts, default=0) > draw.asker.size:
        return f"counted {max(counts)}, but the shop has {draw.asker.size}"
    return ""


def measure(requests: int, seed: int) -> tuple[Counter[str], list[str]]:
    """{what was answered: how often}, and what was found of other shops."""
    rng = random.Random(seed)
    answers: Counter[str] = Counter()
    found = []
    with tempfile.TemporaryDirectory() as folder, three_shops(Path(folder), seed) as (services, _, tenants):
        open_console(services, tenants)
        before = [documents(each) for each in tenants]
        stood = [standing(services, each) for each in tenants]
        asks, weights = [ask for _, ask in KINDS], [weight for weight, _ in KINDS]
        for number in range(requests):
            asker = rng.choice(tenants)
            draw = Draw(rng, asker, [each for each in tenants if each is not asker], services)
            ask = rng.choices(asks, weights)[0]
            answer = ask(draw)
            status = "export" if isinstance(answer, str) else str(answer.status_code)
            answers[f"{ask.__name__.strip('_')} {status}"] += 1
            if words := foreign(draw, answer):
                found.append(f"request {number} ({ask.__name__.strip('_')} as {asker.mark}): {words}")
            if status.startswith("5"):
                found.append(f"request {number} ({ask.__name__.strip('_')}): answered {status}")
        found += _changed(before, [documents(each) for each in tenants])
        for each, then in zip(tenants, stood, strict=True):
            if (now := standing(services, each)) != then:
                found.append(f"{each.mark}: changed by another shop: {then} became {now}")
    return answers, found


def _changed(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[str]:
    """What became of products that nobody but their own shop may change."""
    for mark, then, now in zip(MARKS, before, after, strict=True):
        if set(then) != set(now):
            yield f"{mark}: other products than before: {set(then) ^ set(now)}"
        for sku in set(then) & set(now):
            kept = ("title", "brand", "price", "images", "hidden", "attributes", "category")
            if any(then[sku][name] != now[sku][name] for name in kept):
                yield f"{sku}: changed by another shop"


def bars(requests: int = REQUESTS, seed: int = SEED) -> Iterator[Bar]:
    """Foreign rows in so many requests."""
    answers, found = measure(requests, seed)
    for words in found[:20]:
        print(words)
    spread = ", ".join(f"{name} {many}" for name, many in sorted(answers.items()))
    print(spread)
    good = sum(many for name, many in answers.items() if name.endswith((" 200", " 201", " 202", "export")))
    yield Bar(
        f"foreign rows in {requests:,} requests as three shops", len(found), "0", not found, "",
        f"seed {seed}; {good:,} answered, {requests - good:,} refused",
    )  # fmt: skip


def main() -> int:
    """Run it alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args()
    return int(not all(bar.ok for bar in show(bars(chosen.requests, chosen.seed))))


if __name__ == "__main__":
    sys.exit(main())
