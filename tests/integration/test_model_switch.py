"""A change of model on the embedded engine, with real packs, while shoppers search through the web's code."""

import gc
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

import cli
from bootstrap import Services
from catalog.products import find_product
from catalog.site import IndexRef, read_site
from indexer.fill_begin import begin_fill
from searcher.query import SearchQuery
from tests.support.packs import disturbed_pack
from tests.support.shop import small_shop
from web.app import create_app

ASKED = ("red dress", "a warm jacket", "striped", "linen trousers", "blue shirt", "something for a party")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with small_shop(tmp_path_factory.mktemp("switch"), products=14) as services:
        disturbed_pack(services.data / "other")
        yield services


@pytest.fixture(scope="module")
def web(shop: Services) -> Iterator[tuple[Services, Flask]]:
    """A web process's services of its own: other packs, other connections."""
    services = Services(shop.settings)
    services.warm_up()
    yield services, create_app(services)
    services.close()


Answer = tuple[str, ...]


@dataclass
class Shoppers:
    """Threads that search without a pause; what each got, and when."""

    app: Flask
    asked: list[dict[str, str]]
    answers: list[tuple[float, int, str, Answer]] = field(
        default_factory=list
    )  # when begun, query, model, skus
    errors: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Shoppers":
        self.threads = [threading.Thread(target=self._search, args=(number,)) for number in range(3)]
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for each in self.threads:
            each.join(60)

    def _search(self, number: int) -> None:
        client = self.app.test_client()
        while not self.stop.is_set():
            number = (number + 1) % len(self.asked)
            began = time.monotonic()
            response = client.post("/api/v1/search", json={**self.asked[number], "limit": 10})
            if response.status_code != 200:
                self.errors.append(response.text)
                continue
            said = response.get_json()
            self.answers.append((began, number, said["model"], tuple(hit["sku"] for hit in said["hits"])))
            time.sleep(0.01)

    def until_all_say(self, model: str, since: float) -> float:
        """Seconds after `since` until no search that began later said another model."""
        time.sleep(1.5)
        late = [began - since for began, _, said, _ in self.answers if began > since and said != model]
        assert any(said == model for began, _, said, _ in self.answers if began > since)
        return max(late, default=0.0)


def fill(services: Services) -> None:
    filler, pipeline = services.filler(), services.pipeline()
    filler.batch = 4
    deadline = time.monotonic() + 120
    while any(index.state == "filling" for index in read_site(services.sessions).maintained):
        assert time.monotonic() < deadline
        pipeline.step()
        filler.step()
    pipeline.close()


def twirl(services: Services, *words: str) -> str:
    """Run a command on the shop that runs."""
    environ = {"TWIRL_DATA": str(services.data)}
    done = CliRunner().invoke(cli.main, words, env=environ, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def begin(services: Services) -> IndexRef:
    pack = services.pack_folders.choose(str(services.data / "other"))
    services.pack_folders.keep(pack)
    return begin_fill(
        services.sessions, services.store, fingerprint=pack.fingerprint, pack=pack.name,
        dimension=pack.dimension,
    )  # fmt: skip


def test_searches_go_on_through_fill_switch_and_back(shop: Services, web: tuple[Services, Flask]) -> None:
    services, app = web
    old = services.fingerprint
    with shop.sessions() as session:
        product = find_product(session, shop.merchant().id, a_dress(services))
        assert product is not None
    asked = [{"words": words} for words in ASKED]
    asked += [{"reference": product.sku, "words": words} for words in ("in black", "with long sleeves", "")]
    with Shoppers(app, asked) as shoppers:
        time.sleep(0.5)
        index = begin(shop)
        fill(shop)
        wait_until(lambda: services.packs.loaded(index.fingerprint) is not None)  # before anybody switches
        switched_at = time.monotonic()
        shop.operations.switch(index.id)
        there = shoppers.until_all_say(index.fingerprint, switched_at)
        back_at = time.monotonic()
        shop.operations.switch_back()
        back = shoppers.until_all_say(old, back_at)
    assert not shoppers.errors
    assert there <= 1.0 and back <= 1.0, (there, back)
    expected = answers_of_each(services, [old, index.fingerprint], asked)
    seen: defaultdict[str, int] = defaultdict(int)
    for _, number, model, skus in shoppers.answers:
        assert skus == expected[model][number], (number, model)
        seen[model] += 1
    assert seen[old] > 20 and seen[index.fingerprint] > 20
    assert expected[old] != expected[index.fingerprint], "the two packs must answer differently"


def a_dress(services: Services) -> str:
    found = services.searcher.search(SearchQuery(services.merchant().id, words="dress", limit=1))
    return found.hits[0].product.sku


def wait_until(there: Callable[[], bool], limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answers_of_each(
    services: Services, models: list[str], asked: list[dict[str, str]]
) -> dict[str, list[Answer]]:
    """{fingerprint: the answer to each query}, each asked of that model and nothing else."""
    answers: dict[str, list[Answer]] = {}
    for fingerprint in models:
        model = services.models.held(fingerprint)
        assert model is not None
        found = [
            services.searcher.search(
                SearchQuery(services.merchant().id, limit=10, **query),
                model,  # type: ignore[arg-type]
            )
            for query in asked
        ]
        answers[fingerprint] = [tuple(hit.product.sku for hit in each.hits) for each in found]
    return answers


def test_pages_name_their_model(shop: Services, web: tuple[Services, Flask]) -> None:
    services, app = web
    client = app.test_client()
    wanted = f'<meta name="twirl-model" content="{services.fingerprint}">'
    assert wanted in client.get("/?q=red+dress").text
    assert wanted in client.get(f"/p/{a_dress(services)}").text
    assert "twirl-model" not in client.get("/nothing-here").text


def test_the_commands_do_the_same(shop: Services, tmp_path: Path, web: tuple[Services, Flask]) -> None:
    old = shop.fingerprint
    assert "twirl-other" in twirl(shop, "models") and "ready, live" in twirl(shop, "models")
    page = tmp_path / "diff.html"
    said = twirl(shop, "diff", "--queries", "25", "--out", str(page))
    assert "drawn searches" in said and page.read_text().count("<article>") == 25
    assert "twirl-other" in twirl(shop, "switch")
    assert shop.fingerprint != old
    assert "twirl-small" in twirl(shop, "switch", "--back")
    assert shop.fingerprint == old
    done = CliRunner().invoke(cli.main, ["models", "drop", "twirl-small"], env={"TWIRL_DATA": str(shop.data)})
    assert done.exit_code == 1 and "is the live index" in done.output and shop.fingerprint == old


def test_a_dropped_model_is_let_go_everywhere(shop: Services, web: tuple[Services, Flask]) -> None:
    services, _ = web
    other = read_site(shop.sessions).find("twirl-other")
    pack = weakref.ref(services.packs.get(other.fingerprint))
    assert other.collection in shop.store.collections()
    assert "Dropped: twirl-other" in twirl(shop, "models", "drop", other.fingerprint[:12])
    assert other.collection not in shop.store.collections()
    assert [index.pack for index in read_site(shop.sessions).indexes] == ["twirl-small"]

    def gone() -> bool:
        gc.collect()
        return pack() is None

    wait_until(gone)
    assert services.models.held(other.fingerprint) is None
