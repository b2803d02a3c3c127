"""Rules in the console: made by a form, drafted, previewed, published, taken back; and two people at once."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete, select
from werkzeug.test import TestResponse

from accounts.models import AuditEntry
from bootstrap import Services
from catalog.insight.tables import RulebookDraft
from catalog.models import Product
from catalog.operations import Rulebook
from catalog.rulebooks import publish_rulebook, rulebook
from searcher.merchandising.drafting import name_of
from tests.support.console import ConsoleClient, console_client

WHEN = {"words": "dress", "starts": "2026-11-01T00:00", "ends": "2099-12-24T18:30"}


@pytest.fixture
def editor(shop: Services) -> Iterator[ConsoleClient]:
    """An editor of a shop without rules."""
    yield console_client(shop, "editor")
    with shop.sessions.begin() as session:
        session.execute(delete(Rulebook))
        session.execute(delete(RulebookDraft))
        publish_rulebook(session, shop.merchant().id, {})
        session.execute(delete(Rulebook))


def at(client: ConsoleClient, path: str = "") -> str:
    return f"/console/{client.shop}/rules/{path}"


def in_force(shop: Services) -> dict[str, Any]:
    with shop.sessions() as session:
        return rulebook(session, shop.merchant().id).content


def add(client: ConsoleClient, **fields: Any) -> TestResponse:
    return client.post(at(client, "edit"), data={"do": "hide", "on": "1", **fields})


def some(shop: Services) -> Product:
    with shop.sessions() as session:
        found = session.scalars(select(Product).order_by(Product.id)).first()
        assert found is not None
        return found


def test_a_rule_is_made_by_the_form_and_published(shop: Services, editor: ConsoleClient) -> None:
    product = some(shop)
    form = editor.get(at(editor, "new"))
    assert form.status_code == 200 and "Put it into the draft" in form.text
    found = editor.post(
        at(editor, "edit"), data={"do": "pin", "find": "1", "look_for": product.sku[:9].lower()}
    )
    assert found.status_code == 200
    assert f'name="sku" value="{product.sku}">' in found.text and "<img src=" in found.text
    made = add(
        editor, do="boost", name="Winter", sku=[product.sku], what_colour=["Red"],
        what_colour_more="Teal\n\nPlum", price_max="49.50", strength="0,8", asked=["words", "photo"],
        when_pattern=["Plain"], like="A-1\nA-2", **WHEN,
    )  # fmt: skip
    assert made.status_code == 303
    assert in_force(shop) == {}, "a draft is nobody's business yet"
    listed = editor.get(at(editor)).text
    assert (
        "Your draft" in listed
        and "1 change from" in listed
        and "Winter" in listed
        and "Move up by 0.8" in listed
    )
    assert "$49.50" in listed and "in searches with “dress”" in listed
    assert "from 2026-11-01 until 2099-12-24 18:30 UTC" in listed
    assert ">not published</span>" in listed and "in force</span>" not in listed
    assert editor.post(at(editor, "publish"), data={"note": "for the cold"}).status_code == 303
    rule = {
        "name": "Winter", "do": "boost", "strength": 0.8,
        "what": {"sku": [product.sku], "colour": ["Red", "Teal", "Plum"], "price_max": 4950},
        "when": {
            "words": "dress", "filters": {"pattern": ["Plain"]}, "asked": ["words", "photo"],
            "like": ["A-1", "A-2"],
        },
        "from": "2026-11-01", "until": "2099-12-24T18:30+00:00",
    }  # fmt: skip
    assert in_force(shop) == {"rules": [rule]}
    again = editor.get(at(editor, f"{name_of(rule)}/edit"))
    assert (
        again.status_code == 200
        and 'value="2099-12-24T18:30"' in again.text
        and 'value="49.50"' in again.text
    )
    fields = dict(
        re.findall(r'name="(name|words|strength|price_max|starts|ends)"[^>]* value="([^"]*)"', again.text)
    )
    assert fields == {
        "name": "Winter",
        "words": "dress",
        "strength": "0.8",
        "price_max": "49.50",
        **{key: value for key, value in WHEN.items() if key != "words"},
    }
    versions = editor.get(at(editor, "versions")).text
    assert "for the cold" in versions and editor.user.email in versions
    with shop.sessions() as session:
        noted = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(2)).all()
    assert noted == ["rules.published", "rules.drafted"]
    published = editor.get(at(editor)).text
    assert ">in force</span>" in published and "not published" not in published
    editor.post(at(editor, f"{name_of(rule)}/off"))
    add(editor, name="Second", sku=[product.sku])
    drafted = editor.get(at(editor)).text
    assert ">not published, off</span>" in drafted and ">not published</span>" in drafted


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"do": "pin", "what_colour": "Red"}, "A pin names its products."),
        ({}, "The rule names no products."),
        ({"what_colour": "Red", "price_min": "cheap"}, "“cheap” is not a price."),
        ({"do": "boost", "what_colour": "Red", "strength": "3"}, "strength is out of range."),
        ({"do": "boost", "what_colour": "Red", "strength": "much"}, "is not a strength"),
        ({"what_colour": "Red", "starts": "2026-12-02T00:00", "ends": "2026-12-01T00:00"}, "It ends before"),
        ({"what_colour": "Red", "starts": "soon"}, "“soon” is not a date."),
        ({"do": "burn", "what_colour": "Red"}, "is nothing that a rule can do"),
        ({"what_colour": "Red", "asked": "mail"}, "Nobody asks by"),
        ({"what_colour": "Red", "name": "x" * 201}, "This is no short text."),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_lost(
    shop: Services, editor: ConsoleClient, fields: dict[str, str], said: str
) -> None:
    told = add(editor, words="kept in the form", **fields)
    assert told.status_code == 422 and said in told.text and 'role="alert"' in told.text
    assert 'value="kept in the form"' in told.text
    assert "Your draft" not in editor.get(at(editor)).text


def test_rules_are_moved_switched_changed_and_taken_out(shop: Services, editor: ConsoleClient) -> None:
    for name in ("One", "Two", "Three"):
        add(editor, name=name, what_colour="Red")
    names = {
        name: name_of({"name": name, "do": "hide", "what": {"colour": ["Red"]}})
        for name in ("One", "Two", "Three")
    }
    editor.post(at(editor, f"{names['Three']}/up"))
    editor.post(at(editor, f"{names['One']}/off"))
    assert editor.post(at(editor, f"{names['One']}/on")).status_code == 404, "it has changed"
    add(editor, rule=names["Two"], name="Two", what_colour="Blue")
    editor.post(at(editor, f"{names['Three']}/remove"))
    editor.post(at(editor, "publish"))
    rules = in_force(shop)["rules"]
    assert [(r["name"], r.get("on", True), r["what"]) for r in rules] == [
        ("One", False, {"colour": ["Red"]}), ("Two", True, {"colour": ["Blue"]})
    ]  # fmt: skip
    assert editor.get(at(editor, f"{names['Three']}/edit")).status_code == 404


def test_synonyms_by_a_form(shop: Services, editor: ConsoleClient) -> None:
    alone = editor.post(at(editor, "synonyms"), data={"words": "sneakers"})
    assert alone.status_code == 422 and "One name alone has no synonym." in alone.text
    assert 'value="sneakers"' in alone.text
    editor.post(at(editor, "synonyms"), data={"words": "Sneakers,  kicks ,tennis   shoes"})
    editor.post(at(editor, "synonyms"), data={"words": "linen, flax"})
    name = name_of(["Sneakers", "kicks", "tennis shoes"])
    editor.post(at(editor, "synonyms"), data={"name": name, "words": "Sneakers, kicks"})
    editor.post(at(editor, f"synonyms/{name_of(['linen', 'flax'])}/remove"))
    editor.post(at(editor, "publish"))
    assert in_force(shop) == {"synonyms": [["Sneakers", "kicks"]]}


def test_a_preview_marks_what_moves(shop: Services, editor: ConsoleClient) -> None:
    before = editor.get(at(editor, "preview"), query_string={"q": "dress"})
    skus = re.findall(r'data-sku="([^"]+)"', before.text)
    now = skus[: len(skus) // 2]
    assert now == skus[len(now) :] and "Nothing moves" in before.text
    add(editor, do="pin", sku=[now[2]], words="dress")
    add(editor, do="hide", sku=[now[0]])
    page = editor.get(at(editor, "preview"), query_string={"q": "dress"}).text
    left, right = page.split('id="with-draft"')
    assert f'class="gone" data-sku="{now[0]}"' in left and "goes up to 1" in left
    assert f'class="up" data-sku="{now[2]}"' in right and "comes up from 3" in right
    assert f'data-sku="{now[0]}"' not in right
    product = some(shop)
    photo = shop.blobs.read(str(product_picture(shop)), 480)
    sent = editor.post(at(editor, "preview"), data={"q": "in red", "photo": (io.BytesIO(photo), "p.webp")})
    assert sent.status_code == 303 and "photo=" in sent.headers["Location"]
    assert 'data-sku="' in editor.get(sent.headers["Location"]).text
    like = editor.get(at(editor, "preview"), query_string={"like": product.sku})
    assert 'data-sku="' in like.text
    wrong = editor.get(at(editor, "preview"), query_string={"like": "no such"})
    assert "There is no item" in wrong.text
    bad = editor.post(at(editor, "preview"), data={"photo": (io.BytesIO(b"no picture"), "p.jpg")})
    assert bad.status_code == 422 and 'role="alert"' in bad.text


def product_picture(shop: Services) -> str:
    with shop.sessions() as session:
        product = session.scalars(select(Product).order_by(Product.id)).first()
        assert product is not None
        return str(product.images[0].sha256)


def test_who_comes_second_sees_what_the_first_has_done(shop: Services, editor: ConsoleClient) -> None:
    other = console_client(shop, "editor")
    add(editor, name="Mine", what_colour="Red")
    add(other, name="Theirs", what_colour="Blue")
    assert "Mine" not in other.get(at(other)).text, "a draft is one person's"
    assert other.post(at(other, "publish")).status_code == 303
    assert "was published by" in editor.get(at(editor)).text
    told = editor.post(at(editor, "publish"))
    assert told.status_code == 409 and "Somebody has published meanwhile" in told.text
    assert "Theirs" in told.text and "Mine" in told.text and other.user.email in told.text
    assert [rule["name"] for rule in in_force(shop)["rules"]] == ["Theirs"]
    assert editor.post(at(editor, "draft/rebase")).status_code == 303
    assert editor.post(at(editor, "publish")).status_code == 303
    assert [rule["name"] for rule in in_force(shop)["rules"]] == ["Theirs", "Mine"]


def test_a_version_is_returned_to(shop: Services, editor: ConsoleClient) -> None:
    for name in ("One", "Two"):
        add(editor, name=name, what_colour="Red")
        editor.post(at(editor, "publish"), data={"note": f"with {name}"})
    add(editor, name="Drafted", what_colour="Red")
    undone = editor.post(at(editor, "versions/1/return"), data={"after": "2"})
    assert undone.status_code == 303
    assert [rule["name"] for rule in in_force(shop)["rules"]] == ["One"]
    late = editor.post(at(editor, "versions/2/return"), data={"after": "2"}, follow_redirects=True)
    assert "Somebody has published meanwhile" in late.text
    assert [rule["name"] for rule in in_force(shop)["rules"]] == ["One"]
    assert editor.post(at(editor, "versions/9/return"), data={"after": "3"}).status_code == 404
    assert "Back to version 1" in editor.get(at(editor, "versions")).text
    assert "Drafted" in editor.get(at(editor)).text, "a draft outlives it"
    editor.post(at(editor, "draft/drop"))
    assert "Drafted" not in editor.get(at(editor)).text
    editor.post(at(editor, "versions/0/return"), data={"after": "3"})
    assert in_force(shop) == {}


def test_the_document_goes_out_and_comes_in(shop: Services, editor: ConsoleClient) -> None:
    content = {
        "synonyms": [["linen", "flax"]],
        "rules": [{"do": "bury", "what": {"without": {"colour": ["red"]}}}],
    }
    sent = editor.post(
        at(editor, "import"), data={"document": (io.BytesIO(json.dumps(content).encode()), "r.json")}
    )
    assert sent.status_code == 303
    out = editor.get(at(editor, "rules.json"))
    assert json.loads(out.text) == content and "attachment" in out.headers["Content-Disposition"]
    assert "not colour red" in editor.get(at(editor)).text
    name = name_of(content["rules"][0])
    form = editor.get(at(editor, f"{name}/edit")).text
    assert re.search(r'name="without_colour" value="red" checked|name="without_colour_more"[^>]*>red<', form)
    add(editor, rule=name, do="bury", name="Not red", what_brand="Acme", without_colour="red")
    editor.post(at(editor, "publish"))
    kept = {"do": "bury", "name": "Not red", "what": {"brand": ["Acme"], "without": {"colour": ["red"]}}}
    assert in_force(shop)["rules"] == [kept], "what the form does not show stays"
    assert json.loads(editor.get(at(editor, "rules.json?version=1")).text)["rules"] == [kept]
    assert editor.get(at(editor, "rules.json?version=7")).status_code == 404
    for data, said in (
        (b"{", "This is no JSON"),
        (b'{"rules": 1}', "This is no list"),
        (b"\xff", "This is no JSON"),
    ):
        wrong = editor.post(at(editor, "import"), data={"document": (io.BytesIO(data), "r.json")})
        assert wrong.status_code == 422 and said in wrong.text


def test_what_a_rule_leaves_out_is_edited_by_the_form(shop: Services, editor: ConsoleClient) -> None:
    what = {"brand": "Acme", "without": [["colour", "puce"], ["size", "S"]]}
    pairs = {"rules": [{"do": "hide", "what": what}]}
    document = (io.BytesIO(json.dumps(pairs).encode()), "r.json")
    assert editor.post(at(editor, "import"), data={"document": document}).status_code == 303
    name = name_of(pairs["rules"][0])
    form = editor.get(at(editor, f"{name}/edit")).text
    assert re.search(r'name="without_colour_more"[^>]*>puce</textarea>', form)
    more = {"what_brand_more": "Acme", "without_colour_more": "puce\nteal", "without_pattern_more": "striped"}
    assert add(editor, rule=name, name="Acme", **more).status_code == 303
    editor.post(at(editor, "publish"))
    without = {"colour": ["puce", "teal"], "pattern": ["striped"]}
    assert in_force(shop)["rules"] == [
        {"do": "hide", "name": "Acme", "what": {"brand": ["Acme"], "without": without}}
    ]
    assert "not colour teal, not pattern striped" in editor.get(at(editor)).text
    name = name_of(in_force(shop)["rules"][0])
    add(editor, rule=name, name="Acme", what_brand_more="Acme")
    editor.post(at(editor, "publish"))
    assert in_force(shop)["rules"] == [{"do": "hide", "name": "Acme", "what": {"brand": ["Acme"]}}]
    assert "not colour" not in editor.get(at(editor)).text


def test_who_may_what(shop: Services, editor: ConsoleClient) -> None:
    add(editor, name="Seen", what_colour="Red")
    editor.post(at(editor, "publish"))
    viewer = console_client(shop, "viewer")
    page = viewer.get(at(viewer)).text
    assert "Seen" in page and "Add a rule" not in page and "Remove" not in page
    for path in ("preview", "versions", "rules.json"):
        assert viewer.get(at(viewer, path)).status_code == 200
    for path in ("edit", "publish", "synonyms", "import", "draft/drop", "draft/rebase", "versions/0/return"):
        assert viewer.post(at(viewer, path)).status_code == 403, path
    stranger = console_client(shop, "owner", shop="another")
    assert stranger.get(f"/console/{shop.settings.web.shop}/rules/").status_code == 404
    assert "Seen" not in stranger.get("/console/another/rules/").text
    found = stranger.post(
        "/console/another/rules/edit", data={"find": "1", "look_for": some(shop).sku, "do": "pin"}
    )
    assert "No item has that" in found.text
