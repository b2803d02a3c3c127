"""Webhooks against a real receiver: signed, once each, again after pauses, never to a private address."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from twirl_client.webhooks import WebhookInvalid, verify

from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.importing.tables import ImportRequest
from catalog.models import ImportJob, now
from catalog.products import ensure_merchant
from catalog.programs.tables import Webhook, WebhookDelivery
from catalog.programs.webhooks import (
    WebhookMissing,
    WebhookRefused,
    change_webhook,
    checked_url,
    create_webhook,
    delete_webhook,
    deliveries_before,
    find_webhook,
    forget_deliveries,
    send_test,
    signature,
    webhooks,
)
from indexer.webhooks import PAUSES_S, Messenger, beside, post
from tests.support.receiver import Receiver, receiver


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Sessions]:
    engine = open_engine(f"sqlite:///{tmp_path}/twirl.sqlite3")
    upgrade(engine)
    yield sessions(engine)
    engine.dispose()


@pytest.fixture
def shop(ledger: Sessions) -> int:
    with ledger.begin() as session:
        return ensure_merchant(session, "demo").id


@pytest.fixture
def listening() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def hooked(ledger: Sessions, shop: int, url: str, *events: str) -> Webhook:
    with ledger.begin() as session:
        return create_webhook(session, shop, url, events, allow_private=True)


def ended(ledger: Sessions, shop: int, state: str = "done", ago_s: float = 0, **more: object) -> int:
    """A request that has ended, with its job."""
    at = now() - timedelta(seconds=ago_s)
    with ledger.begin() as session:
        job = ImportJob(merchant_id=shop, state="done" if state == "done" else "failed", finished_at=at)
        job.rows, job.created, job.refused = 10, 7, 3
        session.add(job)
        session.flush()
        request = ImportRequest(
            merchant_id=shop, state=state, filename="feed.csv", job_id=job.id, finished_at=at, **more
        )
        session.add(request)
        session.flush()
        return request.id


def waiting(ledger: Sessions) -> WebhookDelivery:
    with ledger() as session:
        return session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id.desc())).first()  # type: ignore[return-value]


def hurry(ledger: Sessions) -> None:
    """As if the pause were over."""
    with ledger.begin() as session:
        session.execute(update(WebhookDelivery).values(next_attempt_at=now() - timedelta(seconds=1)))


def test_the_signature_is_that_of_the_published_example() -> None:
    given = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
        '{"test": 2432232314}',
    )  # fmt: skip
    assert given == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_ended_import_is_told_once_and_signed(ledger: Sessions, shop: int, listening: Receiver) -> None:
    hook = hooked(ledger, shop, listening.url)
    request = ended(ledger, shop)
    messenger = Messenger(ledger, allow_private=True)
    assert messenger.step() == 1 and messenger.step() == 0
    assert Messenger(ledger, allow_private=True).step() == 0  # another process looks a whole day back
    ((headers, body),) = listening.came
    event = verify(hook.secret, headers, body)
    assert event.type == "import.done" and event.id == headers["webhook-id"]
    data = {key: event.data[key] for key in ("import_id", "state", "filename", "rows", "created", "refused")}
    assert data == {
        "import_id": request, "state": "done", "filename": "feed.csv", "rows": 10, "created": 7, "refused": 3
    }  # fmt: skip
    assert headers["content-type"] == "application/json" and json.loads(body)["timestamp"]
    row = waiting(ledger)
    assert (row.state, row.status, row.attempts, row.error) == ("delivered", 204, 1, "")


@pytest.mark.parametrize(
    "change",
    [
        lambda h, b: (h, b + b" "),
        lambda h, b: (h, b.replace(b'"done"', b'"fake"')),
        lambda h, b: ({**h, "webhook-id": "msg_other"}, b),
        lambda h, b: ({**h, "webhook-timestamp": str(int(h["webhook-timestamp"]) + 1)}, b),
        lambda h, b: ({**h, "webhook-signature": h["webhook-signature"].replace(" v1,", " v2,")}, b),
        lambda h, b: ({k: v for k, v in h.items() if k != "webhook-signature"}, b),
        lambda h, b: ({**h, "webhook-timestamp": "soon"}, b),
    ],
)
def test_what_was_changed_is_refused(change: Callable[..., tuple[dict[str, str], bytes]]) -> None:
    secret, stamp = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", int(time.time())
    body = '{"type":"import.done","data":{"state":"done"}}'
    good = signature(secret, "msg_1", stamp, body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(stamp), "webhook-signature": f"v1,xx {good}"}
    assert verify(secret, headers, body.encode()).data == {"state": "done"}
    with pytest.raises(WebhookInvalid):
        verify(secret, *change(headers, body.encode()))
    with pytest.raises(WebhookInvalid):
        verify("whsec_" + "A" * 44, headers, body.encode())


@pytest.mark.parametrize(
    ("skew_s", "good"), [(0, True), (299, True), (-299, True), (301, False), (-301, False)]
)
def test_a_replay_and_a_wrong_clock_are_told_by_the_time(skew_s: float, good: bool) -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"type":"webhook.test","data":{}}'
    signed = signature(secret, "msg_1", 1_700_000_000, body)
    headers = {"Webhook-Id": "msg_1", "Webhook-Timestamp": "1700000000", "Webhook-Signature": signed}
    if good:
        assert verify(secret, headers, body.encode(), now=1_700_000_000 + skew_s).id == "msg_1"
        return
    with pytest.raises(WebhookInvalid, match="too old"):
        verify(secret, headers, body.encode(), now=1_700_000_000 + skew_s)


def test_it_is_tried_again_under_the_same_id_after_growing_pauses(
    ledger: Sessions, shop: int, listening: Receiver
) -> None:
    hooked(ledger, shop, listening.url)
    ended(ledger, shop)
    listening.answers = [500, 302, 429, 204]
    listening.location = listening.url
    messenger = Messenger(ledger, allow_private=True)
    for tries, error in ((1, "500"), (2, "302"), (3, "429")):
        assert messenger.step() == 1 and messenger.step() == 0
        row = waiting(ledger)
        assert (row.state, row.attempts) == ("waiting", tries) and error in row.error
        pause = (row.next_attempt_at - now()).total_seconds()
        assert 0.85 * PAUSES_S[tries - 1] < pause < 1.15 * PAUSES_S[tries - 1]
        hurry(ledger)
    assert messenger.step() == 1 and waiting(ledger).state == "delivered"
    assert len(set(listening.ids)) == 1 and len(listening.ids) == 4 and "GET" not in listening.ids
    bodies = {body for _, body in listening.came}
    assert len(bodies) == 1


def test_after_the_last_try_the_webhook_rests_until_it_is_switched_on(
    ledger: Sessions, shop: int, listening: Receiver
) -> None:
    hook = hooked(ledger, shop, listening.url)
    ended(ledger, shop)
    listening.answers = [500]
    messenger = Messenger(ledger, allow_private=True)
    for _ in range(len(PAUSES_S) + 1):
        assert messenger.step() == 1
        hurry(ledger)
    assert waiting(ledger).state == "failed" and messenger.step() == 0
    with ledger.begin() as session:
        resting = find_webhook(session, shop, hook.uid)
        assert (
            resting.disabled_at
            and "10 tries" in resting.disabled_because
            and "500" in resting.disabled_because
        )
        send_test(session, shop, hook.uid)
    assert messenger.step() == 0
    listening.answers = [200]
    with ledger.begin() as session:
        assert change_webhook(session, shop, hook.uid, enabled=True).disabled_at is None
    assert messenger.step() == 1 and json.loads(listening.came[-1][1])["type"] == "webhook.test"


def test_a_receiver_that_is_gone_is_not_told_again(ledger: Sessions, shop: int, listening: Receiver) -> None:
    hook = hooked(ledger, shop, listening.url)
    ended(ledger, shop)
    listening.answers = [410]
    assert Messenger(ledger, allow_private=True).step() == 1
    with ledger() as session:
        assert "410" in find_webhook(session, shop, hook.uid).disabled_because
    assert waiting(ledger).state == "failed"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "0.0.0.0:{port}", "2130706433:{port}",
             "127.0.0.1.nip.example:{port}", "10.0.0.8", "169.254.169.254", "[::ffff:127.0.0.1]:{port}"],
)  # fmt: skip
def test_private_addresses_are_never_dialled(listening: Receiver, host: str) -> None:
    port = listening.url.split(":")[2].split("/")[0]
    for scheme in ("http", "https"):
        fate = post(f"{scheme}://{host.format(port=port)}/x", b"{}", {}, allow_private=False, deadline_s=4)
        assert fate.status is None and fate.error.startswith(("The address is not", "The receiver cannot"))
    assert not listening.came


def test_the_answer_has_a_deadline(listening: Receiver) -> None:
    listening.delay_s = 3
    began = time.monotonic()
    assert post(listening.url, b"{}", {"webhook-id": "x"}, True, deadline_s=0.3).error.startswith("No answer")
    assert time.monotonic() - began < 2


def test_a_sender_that_died_is_followed_by_another(ledger: Sessions, shop: int, listening: Receiver) -> None:
    hooked(ledger, shop, listening.url)
    ended(ledger, shop)
    dead, heir = Messenger(ledger, True), Messenger(ledger, True)
    dead._announcer.look()
    (letter,) = dead._claim()
    assert heir.step() == 0  # it is in the dead one's hands until the lease is over
    hurry(ledger)
    assert heir.step() == 1 and waiting(ledger).state == "delivered"
    dead._note(letter, dead._send(letter))  # late after all: the fate that was written stays
    assert waiting(ledger).attempts == 2 and len(set(listening.ids)) == 1


def test_each_webhook_is_told_what_it_asked_for_of_its_own_shop(ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        other = ensure_merchant(session, "other").id
    with receiver() as every, receiver() as failures, receiver() as elsewhere:
        ended(ledger, shop, ago_s=5)  # before any webhook was there
        ended(ledger, shop, ago_s=2)
        hooked(ledger, shop, every.url)
        hooked(ledger, shop, failures.url, "import.failed")
        hooked(ledger, other, elsewhere.url)
        ended(ledger, shop)
        ended(ledger, shop, "failed")
        ended(ledger, shop, "cancelled")
        ended(ledger, shop, "done", step="fetch")
        ended(ledger, shop, "done", step="rehearse")
        with ledger.begin() as session:
            session.add(ImportJob(merchant_id=shop, state="done", finished_at=now(), filename="by hand"))
        messenger = Messenger(ledger, True)
        while messenger.step():
            pass
        said = [json.loads(body) for _, body in every.came]
        assert sorted((each["type"], each["data"]["state"]) for each in said) == [
            ("import.done", "done"), ("import.done", "done"), ("import.failed", "cancelled"),
            ("import.failed", "failed"),
        ]  # fmt: skip
        assert [each["data"]["import_id"] for each in said if each["data"]["filename"] == "by hand"] == [None]
        assert len(failures.came) == 2 and not elsewhere.came


def test_one_dead_receiver_keeps_nobody_else_waiting(
    ledger: Sessions, shop: int, listening: Receiver
) -> None:
    with ledger.begin() as session:
        crowded = create_webhook(session, shop, "http://127.0.0.1:9/", allow_private=True)
        for _ in range(40):
            send_test(session, shop, crowded.uid)
    hook = hooked(ledger, shop, listening.url)
    with ledger.begin() as session:
        send_test(session, shop, hook.uid)
    assert Messenger(ledger, True).step() == 3 and len(listening.came) == 1


def test_a_thread_beside_sends_while_others_work(ledger: Sessions, shop: int, listening: Receiver) -> None:
    hooked(ledger, shop, listening.url)
    with beside(Messenger(ledger, True), look_s=0.02):
        ended(ledger, shop)
        until = time.monotonic() + 10
        while not listening.came and time.monotonic() < until:
            time.sleep(0.02)
    assert len(listening.came) == 1


@pytest.mark.parametrize(
    "url",
    ["", "shop.example", "http://shop.example/x", "ftp://shop.example", "https://", "https://u:p@shop.example",
     "https://shop.example/#x", "https://shop.example/a b", "https://shop.example/" + "x" * 2000,
     "https://shöp.example", "https://shop.example:99999", "https://[::1", "https://shop.example/\n",
     "https://127.0.0.1/x", "https://127.1/x", "https://2130706433/", "https://0x7f.1/", "https://169.254.169.254/",
     "https://10.0.0.1./", "https://[::1]/x", "https://[::ffff:10.0.0.1]/", "https://[fe80::1%25eth0]/",
     "https://localhost/x", "https://a.localhost/", "https://shop.example:8443/x", "https://:p@shop.example",
     "https://@shop.example/"],
)  # fmt: skip
def test_an_address_that_cannot_be_told_is_refused(url: str) -> None:
    with pytest.raises(WebhookRefused) as refused:
        checked_url(url)
    assert refused.value.code == "webhook-address" and refused.value.field == "url"


@pytest.mark.parametrize(
    "url",
    ["https://shop.example/told?of=imports", "https://shop.example:443/x", "https://8.8.8.8/x",
     "https://[2606:4700::1111]/", "https://10.shop.example/", "https://localhost.shop.example/"],
)  # fmt: skip
def test_an_address_of_the_public_internet_is_taken(url: str) -> None:
    assert checked_url(url) == url


def test_webhooks_are_their_shops_own(ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        other = ensure_merchant(session, "other").id
        mine = create_webhook(session, shop, "https://shop.example/told", ["import.done"], "  the  ERP ")
        assert (mine.name, mine.events, len(mine.secret)) == ("the ERP", ["import.done"], 6 + 44)
        for act in (find_webhook, delete_webhook, send_test, change_webhook):
            for uid in (mine.uid, "wh_none", "é"):
                with pytest.raises(WebhookMissing):
                    act(session, other, uid)  # type: ignore[operator]
        with pytest.raises(WebhookRefused):
            change_webhook(session, shop, mine.uid, events=["everything"])
        send_test(session, shop, mine.uid)
        delete_webhook(session, shop, mine.uid)
        assert not webhooks(session, shop) and not session.scalars(select(WebhookDelivery)).all()
        for _ in range(20):
            create_webhook(session, shop, "https://shop.example/told")
        with pytest.raises(WebhookRefused):
            create_webhook(session, shop, "https://shop.example/told")


def test_what_is_old_is_forgotten(ledger: Sessions, shop: int) -> None:
    hook = hooked(ledger, shop, "http://127.0.0.1:9/")
    with ledger.begin() as session:
        for _ in range(3):
            send_test(session, shop, hook.uid)
        rows = deliveries_before(session, hook.id, None, 10)
        rows[0].state, rows[0].ended_at = "delivered", now() - timedelta(days=15)
        rows[1].state, rows[1].ended_at = "delivered", now() - timedelta(days=13)
        forget_deliveries(session)
        session.flush()
        assert len(deliveries_before(session, hook.id, None, 10)) == 2
        assert len(deliveries_before(session, hook.id, rows[1].id, 10)) == 1
