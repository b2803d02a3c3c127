"""The merchants' console as kinds of requests of `benchmarks.tenants`: people of each shop, ids of others.

Pages, items, imports, files, rules, insight and the team: every address that the console has is asked for,
with the numbers, names and pictures of another shop in it, and changed by forms that name them.
"""

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from accounts import invitations
from accounts.members import members
from benchmarks.tenants_draw import Draw
from benchmarks.tenants_shop import KINDS, MARKS, Tenant
from bootstrap import Services
from catalog.importing import jobs as import_jobs
from catalog.importing.schedules import add_schedule
from catalog.importing.tables import FeedSchedule, ImportRequest
from catalog.insight.rollup import roll
from catalog.models import Product
from catalog.programs.api_keys import secret_keys
from catalog.programs.search_keys import create_key, search_keys
from catalog.programs.webhooks import webhooks
from catalog.rulebooks import publish_rulebook
from searcher.merchandising.drafting import name_of
from tests.support.console import console_app, console_client
from web.console.access import SHARED

ROLES = ("owner", "owner", "editor", "viewer")
TAKEN = "https://taken.example/told"
TABLES = ("days", "words", "ranks", "photos", "gaps", "nothing")
WRITTEN_S = 20.0


def open_console(services: Services, tenants: list[Tenant]) -> None:
    """Let three people of each shop log in, and give the shop one of everything that the console shows."""
    app = console_app(services)
    for each in tenants:
        each.people = {
            role: console_client(services, role, each.merchant.slug, app, True) for role in set(ROLES)
        }
        _furnish(services, each)
    _search_as_shoppers(services, tenants)


def _furnish(services: Services, tenant: Tenant) -> None:
    shop, mark = tenant.merchant.id, tenant.mark
    feed = f"id,title,image_link,price\n{mark}-bad,{mark.title()} shirt,https://{mark}.example/1.jpg,cheap\n"
    with services.feed_files.received() as file:
        file.write_text(feed)
        kept = services.feed_files.keep(file)
    rule = {"do": "boost", "name": f"{mark} leads", "what": {"sku": tenant.skus[:2]}}
    group = [f"{mark} cloth", "weave"]
    book = {"rules": [rule], "synonyms": [group]}
    with services.sessions.begin() as session:
        for step in ("rehearse", "import"):
            import_jobs.enqueue(session, shop, file=kept, filename=f"{mark}.csv", step=step)
        schedule = add_schedule(session, shop, f"https://{mark}.example/feed.csv", "day", "03:00", "none")
        schedule.enabled = False
        invitations.invite(session, shop, f"guest@{mark}.example", "viewer")
        create_key(session, shop, [f"https://{mark}.example"], f"{mark} site")
        publish_rulebook(session, shop, book, f"the first of {mark}")
        publish_rulebook(session, shop, {**book, "rules": []}, f"the second of {mark}")
        publish_rulebook(session, shop, book, f"the third of {mark}")
    worker = services.imports()
    while worker.step():
        pass
    tenant.names = [name_of(rule), name_of(group)]
    with services.sessions() as session:
        tenant.things = _things(session, shop)


def _things(session: Any, shop: int) -> dict[str, list[int]]:
    """The numbers in addresses, by what they count."""

    def ids(column: Any, merchant: Any) -> list[int]:
        return list(session.scalars(select(column).where(merchant == shop)))

    requests = ids(ImportRequest.id, ImportRequest.merchant_id)
    keys = [each.id for each in secret_keys(session, shop)]
    keys += [each.id for each in search_keys(session, shop)]
    return {
        "item_id": ids(Product.id, Product.merchant_id), "request_id": requests,
        "job_id": [job for job in ids(ImportRequest.job_id, ImportRequest.merchant_id) if job],
        "schedule_id": ids(FeedSchedule.id, FeedSchedule.merchant_id),
        "user_id": [each.user_id for each in members(session, shop)],
        "invitation_id": [each.id for each in invitations.waiting(session, shop)],
        "key_id": keys, "version": [1, 2, 3, 4],
    }  # fmt: skip


def _search_as_shoppers(services: Services, tenants: list[Tenant]) -> None:
    """As many searches as a shop has products, so that every figure of its insight has a bound."""
    for each in tenants:
        for number in range(each.size):
            each.ask("POST", "search", json={"words": f"{each.mark} {KINDS[number % 3]}"})
    until = time.monotonic() + WRITTEN_S
    while services.events.written < sum(MARKS.values()) and time.monotonic() < until:
        time.sleep(0.05)
    roll(services.sessions)


def standing(services: Services, tenant: Tenant) -> str:
    """What nobody but the shop itself may change, as it stands: people, keys, rules, what was asked for."""
    shop = tenant.merchant.id
    with services.sessions() as session:
        keys = [(each.id, each.name) for each in secret_keys(session, shop)]
        keys += [(each.id, each.name) for each in search_keys(session, shop)]
        asked = select(ImportRequest.id, ImportRequest.state).where(
            ImportRequest.id.in_(tenant.things["request_id"])
        )
        feeds = select(FeedSchedule.id, FeedSchedule.enabled).where(FeedSchedule.merchant_id == shop)
        rows = [sorted(map(tuple, session.execute(each))) for each in (asked, feeds)]
        people = [(each.user_id, each.role) for each in members(session, shop)]
        waiting = [each.id for each in invitations.waiting(session, shop)]
        taken = [each.uid for each in webhooks(session, shop) if each.url == TAKEN]
    book = tenant.people["owner"].get(f"/console/{tenant.merchant.slug}/rules/versions")
    return repr((people, waiting, taken, sorted(keys), rows, len(re.findall(r"the \w+ of", book.text))))


def console_page(draw: Draw) -> Any:
    """A page or a file of the console."""
    slug = _slug(draw)
    rule = draw.rng.choice(_rules(draw, "GET"))
    path = _filled(draw, rule, slug, draw.target())
    if draw.rng.random() < 0.5:
        path += "?" + "&".join(f"{name}={quote(value)}" for name, value in _arguments(draw))
    return _person(draw).get(path)


def console_deed(draw: Draw) -> Any:
    """A form of the console that names what is another shop's."""
    slug, other = _slug(draw), draw.rng.choice(draw.others)
    about = [rule for rule in _rules(draw, "POST") if rule.arguments - {"shop", "act", "name", "version"}]
    rule = draw.rng.choice(about)
    ids = [str(number) for number in draw.rng.sample(other.things["item_id"], 3)]
    said = {"role": "viewer", "title": "taken", "id": ids, "act": "hide", "do": "delete", "url": TAKEN}
    return _person(draw).post(_filled(draw, rule, slug, other), data=said)


def console_look(draw: Draw) -> Any:
    """A form that only shows: acts to be confirmed, a test search, a rule's items, a preview."""
    slug, other, person = _slug(draw), draw.rng.choice(draw.others), _person(draw)
    ids = [str(number) for number in draw.rng.sample(other.things["item_id"], 3)]
    sku = draw.type(draw.rng.choice(other.skus))
    part = draw.type(draw.rng.choice((other.mark, "shirt", "")))
    path, said = draw.rng.choice(
        (
            ("items/acts", {"id": ids, "act": "delete"}),
            ("items/acts/run", {"id": ids, "act": draw.rng.choice(("hide", "delete"))}),
            ("items/mend", {"id": ids, "code": "missing", "do": "hide"}),
            ("items/test", {"q": part}),
            ("rules/edit", {"find": "1", "look_for": part, "sku": [sku], "do": "pin"}),
            ("rules/preview", {"q": part, "like": sku}),
        )
    )
    answer = person.post(f"/console/{slug}/{path}", data=said)
    if answer.status_code == 303 and answer.headers["Location"].startswith("/console/"):
        return person.get(answer.headers["Location"])  # what it leads to shows what came of it
    return answer


def console_draft(draw: Draw) -> Any:
    """A rulebook that names another shop's items as the draft; then what the console says of it."""
    sku, slug = draw.type(draw.rng.choice(draw.rng.choice(draw.others).skus)), draw.asker.merchant.slug
    draw.asker.drafted.add(sku)
    rules = [
        {"do": "pin", "what": {"sku": [sku]}},
        {"do": "hide", "when": {"like": [sku]}, "what": {"sku": [sku]}},
    ]
    owner = draw.asker.people["owner"]
    document = (io.BytesIO(json.dumps({"rules": rules}).encode()), "rules.json")
    owner.post(f"/console/{slug}/rules/import", data={"document": document})
    page = draw.rng.choice(("", "rules.json", "publish", f"preview?q=shirt&like={sku}"))
    shown = owner.get(f"/console/{slug}/rules/{page}")
    owner.post(f"/console/{slug}/rules/draft/drop")
    return shown


CONSOLE_KINDS = [(30, console_page), (10, console_deed), (12, console_look), (3, console_draft)]


def miscounted(draw: Draw, answer: Any) -> str:
    """A figure of the console that the shop cannot have: it has searched as often as it has items."""
    path, size = answer.request.path if answer.request else "", draw.asker.size
    if answer.status_code != 200 or not path.startswith("/console/"):
        return ""
    figures: list[int] = []
    if path.endswith("/items/"):
        figures = [int(found.replace(",", "")) for found in re.findall(r"<b>([\d,]+)</b>", answer.text)]
        figures.append(answer.text.count('<th scope="row">'))
    if path.endswith(".csv") and "/insight/" in path:
        rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
        figures = [sum(int(row["searches"]) for row in rows if row.get("searches"))]
    return f"{path} says {max(figures)} of {size}" if max(figures, default=0) > size else ""


def _slug(draw: Draw) -> str:
    """The asker's own shop; now and then another one, of which it finds nothing."""
    if draw.rng.random() < 0.8:
        return draw.asker.merchant.slug
    return draw.type(draw.rng.choice(draw.others).merchant.slug)


def _person(draw: Draw) -> Any:
    return draw.asker.people[draw.rng.choice(ROLES)]


def _rules(draw: Draw, method: str) -> list[Rule]:
    app: Flask = console_app(draw.services)
    own = [rule for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] not in SHARED]
    return [rule for rule in own if "shop" in rule.arguments and method in (rule.methods or ())]


def _filled(draw: Draw, rule: Rule, slug: str, target: Tenant) -> str:
    """The rule's address in that shop, with what is the target's in every other part."""

    def part(found: re.Match[str]) -> str:
        name = found[0].rstrip(">").rsplit(":", 1)[-1].lstrip("<")
        if name in target.things:
            return str(draw.rng.choice(target.things[name]))
        if name == "sha256":
            return draw.type(draw.rng.choice(sorted(target.hashes)))
        if name == "uid":
            return draw.rng.choice(target.hooks or ["wh_none"])
        if name == "act":
            return draw.rng.choice(("up", "off", "remove"))
        return draw.rng.choice(TABLES if rule.rule.endswith(".csv") else target.names)

    return re.sub(r"<[^>]+>", part, rule.rule.replace("<shop>", slug))


def _arguments(draw: Draw) -> Iterator[tuple[str, str]]:
    target, rng = draw.target(), draw.rng
    number = str(rng.choice([each for ids in target.things.values() for each in ids]))
    every = (
        ("words", target.mark), ("q", rng.choice((target.mark, "shirt"))), ("like", rng.choice(target.skus)),
        ("brand", f"{target.mark} works"), ("category", target.mark), ("below", number), ("before", number),
        ("after", number), ("state", rng.choice(("live", "failed", "hidden"))), ("days", "7"),
        ("version", "1"), ("code", "missing"), ("outcome", "refused"), ("do", "pin"), ("job", number),
    )  # fmt: skip
    for name, value in rng.sample(every, 2):
        yield name, draw.type(value) if not value.isdecimal() else value
