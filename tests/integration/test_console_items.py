"""The console's items over the small real shop: lists, edits, pictures, acts on many, the test search."""

import io
import re
import threading
import time
from collections.abc import Iterator

import pytest
from PIL import Image as Pixels
from sqlalchemy import select, update

from accounts.models import AuditEntry
from bootstrap import Services
from catalog.models import Image, Product
from indexer.runner import Rounds, Runner
from searcher.query import SearchQuery
from tests.support.console import ConsoleClient, console_client
from tests.support.pictures import SVG, photo
from tests.support.shop import index, small_shop


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A shop of its own: these tests change it."""
    with small_shop(tmp_path_factory.mktemp("items"), products=24) as made:
        yield made


@pytest.fixture(scope="module")
def editor(services: Services) -> ConsoleClient:
    return console_client(services, "editor")


@pytest.fixture(scope="module")
def viewer(services: Services) -> ConsoleClient:
    return console_client(services, "viewer")


def product(services: Services, nth: int = 0) -> Product:
    with services.sessions() as session:
        mine = select(Product).where(
            Product.merchant_id == services.merchant().id, Product.deleted_at.is_(None)
        )
        found = session.scalars(mine.order_by(Product.id).offset(nth).limit(1)).one()
        _ = found.images
        return found


def count(services: Services) -> int:
    with services.sessions() as session:
        return len(session.scalars(select(Product.id)).all())


def found_by(services: Services, words: str) -> list[str]:
    query = SearchQuery(services.merchant().id, words=words, limit=24, collapse=False)
    return [hit.product.sku for hit in services.searcher.search(query).hits]


def test_the_list_shows_every_item_and_its_state(services: Services, viewer: ConsoleClient) -> None:
    page = viewer.get(f"/console/{viewer.shop}/items/")
    assert page.status_code == 200
    assert product(services).title in page.text and page.text.count('class="state live"') == count(services)
    assert 'name="id"' not in page.text, "who may only look chooses nothing"
    assert (
        viewer.post(f"/console/{viewer.shop}/items/acts", data={"act": "hide", "id": "1"}).status_code == 403
    )
    for said in ("?state=failed", "?words=zzz", "?category=Nowhere", "?brand=%00", "?state=x&below=x"):
        assert viewer.get(f"/console/{viewer.shop}/items/{said}").status_code == 200, said


def test_failed_tried_again_edited_and_found_within_two_seconds(
    services: Services, editor: ConsoleClient
) -> None:
    item = product(services)
    with services.sessions.begin() as session:
        failed = update(Image).where(Image.product_id == item.id, Image.position == 0)
        session.execute(failed.values(state="failed", error_code="fetch-http", error_message="404. Mend it."))
    at = f"/console/{editor.shop}/items/{item.id}"
    listed = editor.get(f"/console/{editor.shop}/items/?state=failed")
    assert "fetch-http" in listed.text and item.sku in listed.text
    page = editor.get(at)
    assert "fetch-http" in page.text and "404. Mend it." in page.text and "Try again" in page.text
    again = {"act": "retry", "id": str(item.id), "back": "item"}
    assert editor.post(f"/console/{editor.shop}/items/acts/run", data=again).headers["Location"].endswith(at)
    index(services)
    saved = editor.post(
        at, data={"rev": str(item.rev), "title": "Quillon overshirt", "price": "12.50", "sale_price": ""}
    )
    assert saved.status_code == 303
    began = time.monotonic()
    while item.sku not in found_by(services, "quillon overshirt")[:1]:
        services.pipeline().index(32)
        assert time.monotonic() - began < 2
    assert product(services).price_minor == 1250


def test_pictures_are_checked_for_changes_and_what_came_of_it_is_shown(
    services: Services, editor: ConsoleClient
) -> None:
    item = product(services, 2)
    at = f"/console/{editor.shop}/items/{item.id}"
    assert "Check pictures for changes" not in editor.get(at).text  # it was sent along, from no address

    def say(**values: object) -> None:
        with services.sessions.begin() as session:
            session.execute(update(Image).where(Image.product_id == item.id).values(values))

    with services.sessions() as session:
        known = session.scalars(select(Image.source).where(Image.product_id == item.id)).first()
    say(
        source="http://127.0.0.1/x.jpg",
        check_code="image-http-404",
        check_message="It answered 404. Mend it.",
    )
    page = editor.get(at).text
    assert "Check pictures for changes" in page and "image-http-404" in page and "answered 404" in page
    check = {"act": "check", "id": str(item.id), "back": "item"}
    assert editor.post(f"/console/{editor.shop}/items/acts/run", data=check).headers["Location"].endswith(at)
    page = editor.get(at).text
    assert "Its host is asked" in page and "image-http-404" not in page and 'class="state live"' in page
    assert "1 item whose pictures are asked for again." in page
    say(source=known, check_at=None)


def test_what_cannot_be_saved_stays_in_the_form(services: Services, editor: ConsoleClient) -> None:
    item = product(services, 1)
    at = f"/console/{editor.shop}/items/{item.id}"
    page = editor.post(at, data={"rev": str(item.rev), "title": "", "brand": "Typed brand", "price": "dear"})
    assert page.status_code == 422 and "Typed brand" in page.text and "The title is empty" in page.text
    assert "2 fields cannot be so" in page.text and f'name="rev" value="{item.rev}"' in page.text
    assert product(services, 1).rev == item.rev


def test_two_who_edit_at_once_lose_nothing(services: Services, editor: ConsoleClient) -> None:
    item = product(services, 1)
    at, other = f"/console/{editor.shop}/items/{item.id}", console_client(services, "editor")
    assert other.post(at, data={"rev": str(item.rev), "brand": "Theirs"}).status_code == 303
    page = editor.post(at, data={"rev": str(item.rev), "brand": "Mine", "keep": "brand"})
    assert page.status_code == 409
    assert "There now: “Theirs”" in page.text and 'value="Mine"' in page.text
    assert f'name="rev" value="{item.rev + 1}"' in page.text
    again = editor.post(at, data={"rev": str(item.rev + 1), "brand": "Mine", "keep": "brand"})
    assert again.status_code == 303
    assert (product(services, 1).brand, product(services, 1).locked) == ("Mine", ["brand"])


def png(colour: tuple[int, int, int]) -> io.BytesIO:
    out = io.BytesIO()
    Pixels.new("RGB", (120, 150), colour).save(out, "PNG")
    out.seek(0)
    return out


def test_pictures_are_added_moved_and_refused(services: Services, editor: ConsoleClient) -> None:
    item = product(services, 2)
    at = f"/console/{editor.shop}/items/{item.id}/pictures"
    added = editor.post(at, data={"rev": str(item.rev), "do": "add", "file": (png((9, 99, 9)), "new.png")})
    assert added.status_code == 303
    index(services)
    now = product(services, 2)
    assert len(now.images) == len(item.images) + 1 and now.images[-1].state == "live"
    moved = {"rev": str(now.rev), "do": "first", "picture": str(now.images[-1].id)}
    assert editor.post(at, data=moved).status_code == 303
    index(services)
    after = product(services, 2)
    assert after.images[0].sha256 == now.images[-1].sha256 and after.images[1].sha256 == now.images[0].sha256
    vector = services.searcher.models.live().encoder.of_product(after)
    assert vector is not None, "the moved picture is in the index at its new place"
    drawing = {"rev": str(after.rev), "do": "replace", "picture": str(after.images[0].id)}
    refused = editor.post(at, data={**drawing, "file": (io.BytesIO(SVG), "x.png")})
    assert refused.status_code == 422 and "SVG drawing" in refused.text
    late = {**drawing, "rev": "1", "file": (io.BytesIO(photo()), "x.jpg")}
    assert editor.post(at, data=late).status_code == 409
    nothing = editor.post(at, data={"rev": str(after.rev), "do": "add"})
    assert nothing.status_code == 422 and "Choose a file" in nothing.text
    out = {"rev": str(after.rev), "do": "remove", "picture": str(after.images[0].id)}
    assert editor.post(at, data=out).status_code == 303
    assert len(product(services, 2).images) == len(item.images)
    index(services)


def test_acts_on_many_are_counted_before_and_told_after(services: Services, editor: ConsoleClient) -> None:
    items = f"/console/{editor.shop}/items"
    matching = {"act": "availability", "availability_to": "preorder", "scope": "matching", "state": "live"}
    asked = editor.post(f"{items}/acts", data=matching)
    assert asked.status_code == 200 and f"<b>{count(services)} items</b>" in asked.text
    done = editor.post(f"{items}/acts/run", data=matching, follow_redirects=True)
    told = re.search(r"(\d+) items changed. (\d+) items? needed nothing", done.text)
    assert told and int(told[1]) + int(told[2]) == count(services) and int(told[1]) > 30
    chosen = {"act": "delete", "id": [str(product(services, n).id) for n in (3, 4)]}
    asked = editor.post(f"{items}/acts", data=chosen)
    assert "<b>2 items</b>" in asked.text and "brought back" in asked.text
    gone = editor.post(f"{items}/acts/run", data=chosen, follow_redirects=True)
    assert "2 items deleted." in gone.text and gone.text.count("Choose ") >= 2
    back = editor.post(f"{items}/acts/run", data={**chosen, "act": "undelete"}, follow_redirects=True)
    assert "2 items brought back." in back.text
    nobody = editor.post(f"{items}/acts", data={"act": "hide"}, follow_redirects=True)
    assert "No item was chosen" in nobody.text
    assert editor.post(f"{items}/acts", data={"act": "burn", "id": "1"}).status_code == 422
    index(services)


def test_a_hidden_item_is_found_by_nobody_but_the_test_search(
    services: Services, editor: ConsoleClient
) -> None:
    item, items = product(services, 5), f"/console/{editor.shop}/items"
    editor.post(f"{items}/{item.id}", data={"rev": str(item.rev), "title": "Zephyrine cape"})
    index(services)
    assert found_by(services, "zephyrine cape")[:1] == [item.sku]
    visible = editor.get(f"{items}/test?q=zephyrine+cape")
    assert visible.status_code == 200 and "not published:" not in visible.text
    editor.post(f"{items}/acts/run", data={"act": "hide", "id": str(item.id)})
    index(services)
    assert item.sku not in found_by(services, "zephyrine cape")
    page = editor.get(f"{items}/test?q=zephyrine+cape")
    assert "not published: hidden" in page.text and item.sku in page.text
    first = page.text.index("not published: hidden")
    assert page.text.count('<a class="line"', 0, first) == 1, "named outright, it stands first"


def test_a_photo_of_a_hidden_item_finds_it_at_the_place_that_it_had(
    services: Services, editor: ConsoleClient
) -> None:
    item, items = product(services, 6), f"/console/{editor.shop}/items"
    assert item.images[0].sha256
    data = services.blobs.read(item.images[0].sha256, 480)
    sent = editor.post(f"{items}/test", data={"q": "", "photo": (io.BytesIO(data), "own.webp")})
    assert sent.status_code == 303
    before = line_of(editor.get(sent.headers["Location"]).text, item.sku)
    editor.post(f"{items}/acts/run", data={"act": "hide", "id": str(item.id)})
    index(services)
    after = line_of(editor.get(sent.headers["Location"]).text, item.sku)
    assert "not published: hidden" in after and "not published:" not in before
    place, score = (re.findall(r'Place">(\d+)|Score">([\d.]+)', each) for each in (before, after))
    assert place[0][0] == score[0][0] and abs(float(place[1][1]) - float(score[1][1])) < 0.01
    both = editor.post(f"{items}/test", data={"q": "in red", "photo": (io.BytesIO(data), "own.webp")})
    assert "q=in+red" in both.location and "photo=" in both.location
    kept = both.location.partition("photo=")[2]
    again = editor.post(f"{items}/test", data={"q": "in blue", "kept": kept})
    assert again.location.endswith(f"q=in+blue&photo={kept}")
    refused = editor.post(f"{items}/test", data={"photo": (io.BytesIO(SVG), "x.png")})
    assert refused.status_code == 422 and "SVG" in refused.text


def line_of(page: str, sku: str) -> str:
    """The row of the table that has it."""
    return next(row for row in page.split("<tr>") if sku in row)


def test_another_shop_has_nothing_of_it(services: Services) -> None:
    stranger = console_client(services, "owner", shop="elsewhere")
    item = product(services)
    assert stranger.get(f"/console/{services.merchant().slug}/items/").status_code == 404
    items = f"/console/{stranger.shop}/items"
    assert item.title not in stranger.get(f"{items}/").text
    assert stranger.get(f"{items}/{item.id}").status_code == 404
    assert stranger.post(f"{items}/{item.id}", data={"rev": "1", "title": "Mine"}).status_code == 404
    told = stranger.post(f"{items}/acts/run", data={"act": "hide", "id": str(item.id)}, follow_redirects=True)
    assert "0 items hidden" in told.text
    assert not product(services).hidden
    assert item.sku not in stranger.get(f"{items}/test?q={item.title}").text


def test_what_was_done_is_in_the_log(services: Services, editor: ConsoleClient) -> None:
    owner = console_client(services, "owner")
    log = owner.get(f"/console/{owner.shop}/team/history").text
    for action in ("item.edited", "item.picture-add", "items.hide", "items.delete", "items.availability"):
        assert action in log, action
    with services.sessions() as session:
        skus = set(session.scalars(select(Product.sku)))
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("item"))).all()
    chosen = [sku for each in noted for sku in each.details.get("items", ())]
    assert chosen and set(chosen) <= skus, "the shop's own ids, not the numbers of rows"
    assert {each.subject for each in noted if each.action.startswith("item.")} <= skus
    assert all(each.details.get("value", "-") for each in noted)


def test_what_was_deleted_can_be_brought_back_until_its_time_is_over(
    services: Services, editor: ConsoleClient
) -> None:
    item, items = product(services, 8), f"/console/{editor.shop}/items"
    editor.post(f"{items}/acts/run", data={"act": "delete", "id": str(item.id)})
    index(services)
    for kept_s, there in ((3600.0, True), (0.0, False)):
        rounds = Rounds(lease=0, claims=0, deleted=kept_s)
        runner = Runner(services.pipeline(), threading.Event(), rounds=rounds)
        runner._sweep_claims()
        runner.close()
        assert (item.sku in editor.get(f"{items}/deleted").text) == there, kept_s
    told = editor.post(
        f"{items}/acts/run", data={"act": "undelete", "id": str(item.id)}, follow_redirects=True
    )
    assert "0 items brought back" in told.text
    none = editor.post(f"{items}/acts/run", data={"act": "undelete"})
    assert none.headers["Location"] == f"{items}/deleted"
    assert "No item was chosen" in editor.get(f"{items}/deleted").text
