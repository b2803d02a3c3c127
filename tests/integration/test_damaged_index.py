"""An index whose files are damaged is built again by the indexer, with nobody's help."""

import os
import tempfile
from pathlib import Path

from bootstrap import Services
from searcher.query import SearchQuery
from tests.support.shop import index, small_shop
from vectors.edge import start_engine


def found(services: Services) -> set[str]:
    query = SearchQuery(merchant_id=services.merchant().id, words="dress", limit=20)
    return {hit.product.sku for hit in services.searcher.search(query).hits}


def test_a_damaged_index_is_set_aside_and_filled_again() -> None:
    with tempfile.TemporaryDirectory(prefix="twirl-") as name:
        with small_shop(Path(name), products=6) as services:
            before, collection = found(services), services.models.live().collection
            points = {point_id for point_id, _ in services.store.scroll(collection)}
            assert before and points
        folder = Path(name) / "index" / "collections"
        os.truncate(next((folder / collection).glob("g*/shard/edge_config.json")), 20)
        services = Services(services.settings, packs=services.packs)
        engine = start_engine(services.data / "index", services.engine_socket)
        try:
            engine.wait_ready()
            assert services.store.collections() == []
            index(services)
            assert {point_id for point_id, _ in services.store.scroll(collection)} == points
            assert found(services) == before
            assert [path.name for path in folder.glob("*.damaged-*")] != []
        finally:
            services.close()
            engine.stop()
