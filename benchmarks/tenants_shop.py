"""Three shops in one installation, each of words, hashes and numbers that no other has, for `tenants`."""

import io
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Image as ImageRow
from catalog.models import Merchant
from catalog.products import ensure_merchant
from catalog.programs.api_keys import SCOPES, issue_key
from catalog.programs.edits import keep_uploads, put_product
from settings import Settings
from vectors.edge import start_engine
from web.app import create_app

# Words that no language has: in everything that a shop says, so that a row of it is known wherever it shows.
MARKS = {"zorvak": 9, "quimbel": 13, "threnniq": 17}
COLOURS, KINDS = ("Red", "Navy", "Olive"), ("shirt", "dress", "skirt")


@dataclass
class Tenant:
    """One shop, its program, and what of its own others may try for."""

    mark: str
    merchant: Merchant
    key: str
    size: int
    client: FlaskClient
    skus: list[str]
    hashes: set[str] = field(default_factory=set)
    imports: list[int] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    people: dict[str, FlaskClient] = field(default_factory=dict)  # in the console, by their role
    things: dict[str, list[int]] = field(default_factory=dict)  # numbers in the console's addresses
    names: list[str] = field(default_factory=list)  # of its rules and synonyms
    drafted: set[str] = field(default_factory=set)  # what its people have put into drafts

    @property
    def phrases(self) -> list[str]:
        """What its products say, and no request of another shop."""
        return [*(f"{self.mark} {kind}" for kind in KINDS), f"of {self.mark}.", f"{self.mark}-group"]

    def ask(self, method: str, path: str, **sent: Any) -> Any:
        """One request to the API as this shop's program."""
        headers = {"Authorization": f"Bearer {self.key}", **sent.pop("headers", {})}
        return self.client.open(f"/api/v1/{path}", method=method, headers=headers, **sent)


@contextmanager
def three_shops(folder: Path, seed: int) -> Iterator[tuple[Services, Flask, list[Tenant]]]:
    """The services, the application and the three shops, all of their products searchable."""
    given = Settings()
    limits = replace(given.limits, rate_secret_key=0)
    made = Services(replace(given, storage=replace(given.storage, data=folder), limits=limits))
    made.prepare()
    engine = start_engine(made.data / "index", made.engine_socket)
    try:
        engine.wait_ready()
        app = create_app(made)
        tenants = [_stocked(made, app, mark, size, seed) for mark, size in MARKS.items()]
        _index(made)
        for each in tenants:
            _note_hashes(made, each)
        yield made, app, tenants
    finally:
        made.close()
        engine.stop()


def _stocked(services: Services, app: Flask, mark: str, size: int, seed: int) -> Tenant:
    rng = random.Random(f"{seed}/{mark}")
    with services.sessions.begin() as session:
        merchant = ensure_merchant(session, f"shop-{mark}", f"Shop {mark}")
        key = issue_key(session, merchant.id, SCOPES).secret
    skus = [f"{mark}-{number}" for number in range(size)]
    for sku in skus:
        known = keep_uploads(services.incoming, {"a.jpg": _picture(rng)})
        with services.sessions.begin() as session:
            put_product(session, merchant, sku, _document(rng, mark, sku), known)
    return Tenant(mark, merchant, key, size, app.test_client(), skus)


def _document(rng: random.Random, mark: str, sku: str) -> dict[str, Any]:
    kind = rng.choice(KINDS)
    return {
        "title": f"{mark.title()} {kind}", "brand": f"{mark.title()} Works", "images": ["a.jpg"],
        "category": f"{mark.title()} > {kind.title()}s", "colour": rng.choice(COLOURS),
        "description": f"A {kind} of {mark}.", "link": f"https://{mark}.example/{sku}",
        "item_group_id": f"{mark}-group-{rng.randrange(4)}", "price": f"{rng.randrange(10, 90)}.00 USD",
        "material": f"{mark} cloth", "size": rng.choice(("S", "M", "L")), "attributes": {"secret": mark},
    }  # fmt: skip


def _picture(rng: random.Random) -> bytes:
    image = Image.new("RGB", (120, 150), tuple(rng.randrange(256) for _ in range(3)))
    ImageDraw.Draw(image).rectangle((30, 30, 90, 120), fill=tuple(rng.randrange(256) for _ in range(3)))
    file = io.BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


def _index(services: Services) -> None:
    pipeline = services.pipeline()
    pipeline.ensure()
    while pipeline.step():
        pass


def _note_hashes(services: Services, tenant: Tenant) -> None:
    mine = select(ImageRow.sha256).where(ImageRow.merchant_id == tenant.merchant.id)
    with services.sessions() as session:
        tenant.hashes = {str(sha256) for sha256 in session.scalars(mine) if sha256}


def documents(tenant: Tenant) -> dict[str, Any]:
    """All that a shop says of its products, to compare before and after: {sku: its document}."""
    said = tenant.ask("GET", "products?limit=200").get_json()["products"]
    return {each["sku"]: json.loads(json.dumps(each)) for each in said}
