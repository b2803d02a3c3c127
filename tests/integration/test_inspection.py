"""The round that looks through items, over the small real shop: what it finds, and what becomes of it."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image as Pictures
from PIL import ImageFilter
from sqlalchemy import select, update

from bootstrap import Services
from catalog.items.acts import Act, act_on
from catalog.items.editing import Edit, edit_item
from catalog.items.hints import accept, alike_page, count_hints, dismiss, hint_page
from catalog.items.pictures import Shown, arrange_pictures
from catalog.items.tables import ItemHint, ItemLook
from catalog.models import Image, Product
from tests.support.console import console_client
from tests.support.shop import index, small_shop


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A shop of its own, looked through once."""
    with small_shop(tmp_path_factory.mktemp("inspection"), products=24) as made:
        assert looked(made) == items(made)
        yield made


def looked(services: Services) -> int:
    """Index what waits, then look until nothing is new; how many items were looked at."""
    index(services)
    return services.inspector.go_on(budget_s=120)


def items(services: Services) -> int:
    with services.sessions() as session:
        return len(session.scalars(select(Product.id)).all())


def groups(services: Services) -> list[Product]:
    """One item of each group of variants."""
    with services.sessions() as session:
        every = session.scalars(select(Product).order_by(Product.id)).all()
        return list({each.item_group_id: each for each in reversed(every)}.values())[::-1]


def codes(services: Services, product_id: int) -> dict[str, str]:
    with services.sessions() as session:
        hints = session.scalars(select(ItemHint).where(ItemHint.product_id == product_id))
        return {hint.code: hint.value for hint in hints}


def show(services: Services, product_id: int, picture: Pictures.Image) -> None:
    """Give an item this picture alone."""
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=82)
    source = f"incoming:{services.incoming.put(out.getvalue())}"
    with services.sessions.begin() as session:
        product = session.get_one(Product, product_id)
        arrange_pictures(session, product.merchant_id, product_id, product.rev, [Shown(source=source)])


def picture_of(services: Services, product_id: int) -> Pictures.Image:
    with services.sessions() as session:
        mine = select(Image.sha256).where(Image.product_id == product_id, Image.position == 0)
        sha256 = session.scalars(mine).one()
    return Pictures.open(io.BytesIO(services.blobs.read(str(sha256), 480)))


def test_what_has_not_changed_is_not_looked_at_again(services: Services) -> None:
    assert looked(services) == 0
    one = groups(services)[0]
    with services.sessions.begin() as session:
        edit_item(session, one.merchant_id, one.id, Edit(one.rev, {"size": "One size"}))
    assert looked(services) == 1
    with services.sessions() as session:
        look = session.get_one(ItemLook, one.id)
        assert look.rev == one.rev + 1 and look.facts["blur"] > 0 and look.fingerprint == services.fingerprint
    assert looked(services) == 0


def test_nothing_is_looked_at_while_anything_waits(services: Services) -> None:
    one = groups(services)[0]
    act_on(services.sessions, one.merchant_id, Act("availability", "backorder"), [one.id])
    assert services.inspector.go_on(60) == 0
    assert looked(services) == 1


def test_bad_pictures_are_told_and_forgotten_when_they_are_mended(services: Services) -> None:
    blurred, empty, tiny = groups(services)[1:4]
    good = picture_of(services, blurred.id)
    show(services, blurred.id, good.filter(ImageFilter.GaussianBlur(6)))
    show(services, empty.id, Pictures.new("RGB", (500, 600), "white"))
    show(services, tiny.id, picture_of(services, tiny.id).resize((120, 150)))
    assert looked(services) == 3
    assert "blurred" in codes(services, blurred.id)
    assert "placeholder" in codes(services, empty.id)
    assert "small" in codes(services, tiny.id)
    with services.sessions() as session:
        assert count_hints(session, tiny.merchant_id)["small"] == 1
        page = hint_page(session, tiny.merchant_id, "small")
        assert [item.product.id for item in page.page.items] == [tiny.id]
    show(services, blurred.id, good)
    assert looked(services) == 1
    assert "blurred" not in codes(services, blurred.id)


def test_a_dismissed_hint_stays_away_until_the_picture_changes(services: Services) -> None:
    tiny = groups(services)[3]
    with services.sessions.begin() as session:
        assert dismiss(session, tiny.merchant_id, "small", [tiny.id]) == 1
        assert dismiss(session, tiny.merchant_id, "small", [tiny.id]) == 0
        rev = session.get_one(Product, tiny.id).rev
        edit_item(session, tiny.merchant_id, tiny.id, Edit(rev, {"size": "M"}))
    looked(services)
    with services.sessions() as session:
        assert "small" not in count_hints(session, tiny.merchant_id)
    show(services, tiny.id, picture_of(services, tiny.id).resize((110, 140)))
    looked(services)
    with services.sessions() as session:
        assert count_hints(session, tiny.merchant_id)["small"] == 1


def test_duplicates_are_found_however_they_were_saved_and_neighbours_are_none(services: Services) -> None:
    first, again, cropped, other = groups(services)[6:10]
    shop = first.merchant_id
    with services.sessions() as session:
        assert alike_page(session, shop).groups == [], "garments that differ in something are no duplicates"
    picture = picture_of(services, first.id)
    wide, tall = picture.size
    show(services, again.id, picture.resize((wide * 3 // 4, tall * 3 // 4)))
    show(services, cropped.id, picture.crop((8, 10, wide, tall)))
    looked(services)
    with services.sessions() as session:
        (group,) = alike_page(session, shop).groups
        assert {item.product.id for item in group} == {first.id, again.id, cropped.id}
    show(services, again.id, picture_of(services, other.id))
    show(services, cropped.id, picture.transpose(Pictures.Transpose.FLIP_TOP_BOTTOM))
    looked(services)
    with services.sessions() as session:
        (group,) = alike_page(session, shop).groups
        assert {item.product.id for item in group} == {again.id, other.id}
        assert alike_page(session, shop, after=10**9).groups == []


def test_a_missing_attribute_is_told_and_accepted_by_a_click(services: Services) -> None:
    one = groups(services)[12]
    shop = one.merchant_id
    with services.sessions.begin() as session:
        edit_item(
            session, shop, one.id, Edit(session.get_one(Product, one.id).rev, {"gender": "", "colour": ""})
        )
    looked(services)
    assert {"missing-gender", "missing-colour"} <= codes(services, one.id).keys()
    with services.sessions.begin() as session:
        session.execute(
            update(ItemHint)
            .where(ItemHint.product_id == one.id, ItemHint.code == "missing-gender")
            .values(value="female", confidence=0.97)
        )
    editor = console_client(services, "editor")
    page = editor.get(f"/console/{editor.shop}/items/mend?code=missing-gender")
    assert one.title in page.text and "97 % sure" in page.text
    told = {"code": "missing-gender", "do": "accept", "id": str(one.id)}
    assert "1 item filled in" in editor.post(page.request.path, data=told, follow_redirects=True).text
    with services.sessions.begin() as session:
        product = session.get_one(Product, one.id)
        assert product.gender == "female" and "gender" in product.locked
        assert accept(session, shop, "missing-gender", [one.id]) == []
        assert accept(session, shop + 1, "missing-colour", [one.id]) == []
    assert "missing-gender" not in codes(services, one.id)
    refused = editor.post(page.request.path, data={"code": "bad", "do": "accept"})
    assert refused.status_code == 422
    assert "Nobody" not in page.text and editor.get(f"/console/{editor.shop}/items/alike").status_code == 200


def test_a_purged_item_takes_what_is_known_of_it_along(services: Services) -> None:
    one = groups(services)[3]
    with services.sessions.begin() as session:
        session.delete(session.get_one(Product, one.id))
    with services.sessions() as session:
        assert session.get(ItemLook, one.id) is None
        assert not session.scalars(select(ItemHint).where(ItemHint.product_id == one.id)).all()
