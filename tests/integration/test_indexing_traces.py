"""A batch is a trace: its stage, the work it is made of, in whatever thread that is done."""

from pathlib import Path

from sqlalchemy import select, update

from catalog.models import Image
from indexer.reindex import requeue
from telemetry import tracing
from tests.support.otlp import receiver
from tests.support.shop import index, small_shop


def test_batches_and_their_work_are_spans_of_one_trace(tmp_path: Path) -> None:
    with small_shop(tmp_path, products=3) as shop, receiver() as collector:
        with shop.sessions() as session:
            ids = list(session.scalars(select(Image.id)))
        requeue(shop.sessions, ids)
        with shop.sessions.begin() as session:
            session.execute(update(Image).values(fingerprint=""))  # as if their bytes were new
        tracing.start(collector.endpoint, "twirl-indexer")
        try:
            index(shop)
        finally:
            tracing.stop()
        spans = collector.wait(lambda spans: any(span.name == "batch.embed" for span in spans))
        embed = next(span for span in spans if span.name == "batch.embed")
        children = {span.name for span in spans if span.parent_span_id == embed.span_id}
        assert {"index.decode", "index.upsert", "index.mark"} <= children  # decoding is done by threads
        assert "batch.images" in {span.name for span in spans}
        roots = {span.name for span in spans if not span.parent_span_id}
        assert roots <= {"batch.images", "batch.embed", "batch.index"}, roots
