"""A search without its model, or with a busy one: answered by words where that can be, and it says so."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.indexing_shop import PlainEncoder, Shop, picture, pixels
from searcher.admission import Admission, Busy, ModelAway
from searcher.errors import SearchBusy
from searcher.models import Models
from searcher.query import SearchQuery
from searcher.results import Results
from searcher.search import Searcher

WORDS = "linen dress"


class FailingEncoder(PlainEncoder):
    """A model whose device can be lost, or that takes its time."""

    lost = False
    held: threading.Event | None = None

    def encode_texts(self, texts: Any) -> NDArray[np.float32]:
        self._meets_fate()
        return super().encode_texts(texts)

    def encode_images(self, images: Any) -> NDArray[np.float32]:
        self._meets_fate()
        return super().encode_images(images)

    def _meets_fate(self) -> None:
        if self.lost:
            raise RuntimeError("CUDA error: device-side assert triggered")
        if self.held is not None:
            assert self.held.wait(10)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("degraded"), cast(Any, FailingEncoder(secrets.token_hex(8))))
    made.start_engine()
    for number in range(30):
        kind = ("Linen dress", "Women > Dresses") if number % 2 else ("Wool coat", "Women > Coats")
        made.put(f"S{number}", picture(number), title=f"{kind[0]} number {number}", category=kind[1])
    pipeline = made.pipeline()
    while pipeline.step():
        pass
    yield made
    made.close()


@pytest.fixture
def model(shop: Shop) -> Iterator[FailingEncoder]:
    made = cast(FailingEncoder, shop.encoder)
    yield made
    made.lost, made.held = False, None


def searcher(shop: Shop, admission: Admission | None = None) -> Searcher:
    """One that remembers no vector yet, its model warm."""
    models = Models(shop.sessions, cast(Any, shop.packs), shop.store, shop.photos, 0, admission)
    models.live()
    return Searcher(shop.sessions, models, shop.store, look_every_s=0)


def skus(results: Results) -> set[str]:
    return {hit.product.sku for hit in results.hits}


def test_words_are_looked_up_as_they_stand_while_the_model_is_lost(shop: Shop, model: FailingEncoder) -> None:
    asking = searcher(shop)
    model.lost = True
    found = asking.search(SearchQuery(shop.merchant, WORDS, limit=6))
    assert found.degraded == ("lexical",) and len(found.hits) == 6
    assert all("Linen dress" in hit.product.title for hit in found.hits)
    model.lost = False
    assert asking.search(SearchQuery(shop.merchant, WORDS, limit=6)).degraded == ()


def test_the_pages_of_a_search_go_on_as_it_began(shop: Shop, model: FailingEncoder) -> None:
    asking = searcher(shop)
    model.lost = True
    first = asking.search(SearchQuery(shop.merchant, WORDS, limit=8))
    model.lost = False
    rest = asking.search(SearchQuery(shop.merchant, WORDS, limit=8, cursor=first.next_cursor))
    assert rest.degraded == ("lexical",) and not skus(first) & skus(rest)
    assert skus(first) | skus(rest) == {f"S{number}" for number in range(1, 30, 2)}

    begun = searcher(shop).search(SearchQuery(shop.merchant, WORDS, limit=8))
    another = searcher(shop)
    model.lost = True
    with pytest.raises(SearchBusy) as refused:  # another ranking would show some twice and others never
        another.search(SearchQuery(shop.merchant, WORDS, limit=8, cursor=begun.next_cursor))
    assert refused.value.retry_after == 5


def test_a_photo_cannot_be_looked_up_without_the_model(shop: Shop, model: FailingEncoder) -> None:
    asking = searcher(shop)
    model.lost = True
    with pytest.raises(SearchBusy) as refused:
        asking.search(SearchQuery(shop.merchant, WORDS, photo=pixels(3)))
    assert refused.value.code == "search-busy"
    assert asking.search(SearchQuery(shop.merchant, reference="S3")).degraded == ()  # which needs no encoding


def test_who_finds_too_many_waiting_is_answered_by_words_at_once(shop: Shop, model: FailingEncoder) -> None:
    admission = Admission(at_once=1, waiting=1, wait_s=5.0)
    asking = searcher(shop, admission)
    asking.search(SearchQuery(shop.merchant))  # the facets are known
    model.held = threading.Event()
    answers: list[Results] = []
    threads = [
        threading.Thread(
            target=lambda n=number: answers.append(asking.search(SearchQuery(shop.merchant, f"{WORDS} {n}")))
        )
        for number in range(2)
    ]
    for each in threads:
        each.start()
    wait_for(lambda: admission.waiting == 1)
    began = time.monotonic()
    found = asking.search(SearchQuery(shop.merchant, WORDS))
    assert "lexical" in found.degraded and time.monotonic() - began < 2 and admission.pressed
    with pytest.raises(SearchBusy):
        asking.search(SearchQuery(shop.merchant, photo=pixels(4)))
    model.held.set()
    for each in threads:
        each.join()
    assert [each.degraded for each in answers] == [(), ()] and admission.refused == 2


def test_a_turn_is_waited_for_in_vain_no_longer_than_said() -> None:
    admission = Admission(at_once=1, waiting=3, wait_s=0.2)
    with admission.turn():
        began = time.monotonic()
        with pytest.raises(Busy), admission.turn():
            raise AssertionError
        assert 0.2 <= time.monotonic() - began < 1.0
    with admission.turn():  # nothing is left behind
        assert admission.waiting == 0
    with pytest.raises(ModelAway), admission.turn():
        raise MemoryError
    with pytest.raises(ValueError, match="ours"), admission.turn():
        raise ValueError("a bug of ours is no outage")


def test_under_pressure_the_counts_of_a_moment_ago_are_shown_and_said_to_be(shop: Shop) -> None:
    admission = Admission(at_once=1, waiting=0, wait_s=0.1)
    asking = searcher(shop, admission)
    before = asking.search(SearchQuery(shop.merchant))
    shop.put("another", picture(77), title="Linen dress number 77", category="Women > Dresses", colour="Red")
    pipeline = shop.pipeline("tester:2")
    while pipeline.step():
        pass
    with admission.turn(), pytest.raises(Busy), admission.turn():
        raise AssertionError
    assert admission.pressed
    pressed = asking.search(SearchQuery(shop.merchant))
    assert (pressed.degraded, pressed.facets, pressed.total) == (("facets",), before.facets, before.total)
    wait_for(lambda: not admission.pressed)
    calm = asking.search(SearchQuery(shop.merchant))
    assert calm.degraded == () and calm.total == before.total + 1


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)
