"""A ledger in every state that operators look at: rows written straight into SQL, as if much had happened."""

from datetime import timedelta

from sqlalchemy.orm import Session, sessionmaker

from catalog.models import Image, ImportJob, Merchant, Product, now
from catalog.operations import FillRange, Site, StageMinute, VectorIndex, Worker

LIVE, FILLING, OLD = "a" * 64, "b" * 64, "c" * 64


def eventful(sessions: sessionmaker[Session], images: int = 60) -> None:
    """`images` of one shop: most live, some queued, some failed; workers, minutes, imports, three indexes."""
    at = now()
    with sessions.begin() as session:
        shop = Merchant(slug="atelier", name="Atelier")
        session.add(shop)
        session.flush()
        for n in range(images):
            product = Product(merchant_id=shop.id, sku=f"sku-{n}", item_group_id=f"g-{n}", title=f"Piece {n}")
            session.add(product)
            session.flush()
            session.add(_image(product, n))
        _indexes(session)
        _work(session)
        for state, minutes, heard in (
            ("done", 50, 48),
            ("running", 20, 15),
            ("running", 2, 0),
            ("failed", 9, 9),
        ):
            session.add(
                ImportJob(
                    merchant_id=shop.id,
                    filename=f"{state}.jsonl",
                    state=state,
                    rows=100,
                    created=90,
                    refused=10,
                    started_at=at - timedelta(minutes=minutes),
                    heartbeat_at=at - timedelta(minutes=heard),
                    finished_at=at if state == "done" else None,
                )
            )


def _image(product: Product, n: int) -> Image:
    """Every tenth waits, in one of many ways; every tenth failed; the rest are live."""
    moment = now()
    image = Image(
        product_id=product.id,
        merchant_id=product.merchant_id,
        position=0,
        source=f"https://x.example/{n}.jpg",
        state="live",
        sha256=f"{n:064x}",
        fingerprint=LIVE,
        queued_at=moment,
    )
    if n % 10 == 0:
        image.state, image.queue = "queued", ("images", "embed", "index")[n // 10 % 3]
        image.priority = n // 10 % 4
        image.queued_at = moment - timedelta(minutes=10 + n // 10)
        if n == 50:
            image.next_attempt_at = moment + timedelta(minutes=30)
    elif n % 10 == 1:
        image.state = "failed"
        image.error_code = "fetch-http" if n < 40 else "image-truncated"
        image.error_message = "The host answered 404." if n < 40 else "The file ends too early."
    return image


def _indexes(session: Session) -> None:
    moment = now()
    live = VectorIndex(fingerprint=LIVE, pack="twirl-live", dimension=576, state="ready", ready_at=moment)
    old = VectorIndex(fingerprint=OLD, pack="twirl-old", dimension=384, state="ready", ready_at=moment)
    filling = VectorIndex(
        fingerprint=FILLING,
        pack="twirl-next",
        dimension=768,
        state="filling",
        total=1000,
        rate=50.0,
        created_at=moment - timedelta(hours=1),
    )
    session.add_all((live, old, filling))
    session.flush()
    session.merge(Site(id=1, live_index_id=live.id, previous_index_id=old.id, generation=7))
    for n in range(10):
        done = moment - timedelta(minutes=2 * n) if n < 4 else None
        session.add(
            FillRange(
                index_id=filling.id,
                first_image_id=n * 100,
                last_image_id=n * 100 + 99,
                images=100 if done else 0,
                done_at=done,
            )
        )


def _work(session: Session) -> None:
    moment = now()
    this_minute = moment.replace(second=0, microsecond=0)
    for back in range(1, 60):
        for stage, share in (("fetch", 1), ("decode", 1), ("embed", 2), ("upsert", 1), ("mark", 2)):
            session.add(
                StageMinute(
                    minute=this_minute - timedelta(minutes=back),
                    stage=stage,
                    images=10 * share + back,
                    failures=back % 7 == 0,
                    seconds=share * 1.5,
                )
            )
    for pid, queues, silent in ((11, "images,embed", 3), (12, "embed", 40), (13, "index,maintenance", 600)):
        session.add(
            Worker(
                name=f"node:{pid}",
                host="node",
                pid=pid,
                queues=queues,
                device="cpu",
                images=500,
                failures=2,
                started_at=moment - timedelta(hours=2),
                seen_at=moment - timedelta(seconds=silent),
            )
        )
