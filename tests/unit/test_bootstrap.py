import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from bootstrap import SHIPPED_PACKS, Services
from catalog.database import upgrade
from catalog.models import Image
from catalog.products import ensure_merchant, save_product
from catalog.records import ProductRecord
from catalog.site import read_site
from embedding.errors import PackRefused
from embedding.pack_folders import look
from settings import Model, Settings, Storage


@pytest.fixture
def services(tmp_path: Path) -> Services:
    made = Services(Settings(storage=Storage(data=tmp_path)))
    made.prepare()
    return made


def test_a_merchant_that_is_there_is_read_while_another_writes(services: Services) -> None:
    mine = services.merchant().id
    found: list[int] = []
    asking = threading.Thread(target=lambda: found.append(services.merchant().id))
    with services.sessions.begin() as session:
        session.execute(text("UPDATE merchant SET name = 'busy'"))
        asking.start()
        asking.join(3)
        assert found == [mine]
    services.close()


def test_many_who_ask_for_a_new_merchant_get_the_same_one(services: Services) -> None:
    ids: list[int] = []
    asking = [threading.Thread(target=lambda: ids.append(services.merchant("new").id)) for _ in range(6)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1
    services.close()


def test_a_slip_in_the_shops_name_is_said_with_the_name_that_was_meant(services: Services) -> None:
    assert services.shop_notice() == ""  # nobody sells anything yet
    with services.sessions.begin() as session:
        acme = ensure_merchant(session, "acme-fashion").id
        save_product(session, acme, ProductRecord("S1", "A shirt", images=("https://x.example/1.jpg",)))
    web = services.settings.web
    for shop, said in (
        ("acme-fashoin", "Did you mean 'acme-fashion'?"),
        ("zzz", "Those that do: acme-fashion."),
    ):
        slipped = Services(replace(services.settings, web=replace(web, shop=shop)))
        slipped.merchant()  # as the first request does
        assert shop in slipped.shop_notice() and said in slipped.shop_notice()
        slipped.close()
    right = Services(replace(services.settings, web=replace(web, shop="acme-fashion")))
    assert right.shop_notice() == ""
    right.close()
    services.close()


def test_the_first_start_makes_the_settings_pack_the_live_one_and_keeps_it(services: Services) -> None:
    live = read_site(services.sessions).live
    shipped = look(SHIPPED_PACKS / "twirl-small")
    assert live and (live.fingerprint, live.pack, live.dimension) == (
        shipped.fingerprint, shipped.name, shipped.dimension
    )  # fmt: skip
    assert look(services.data / "packs" / live.fingerprint).fingerprint == live.fingerprint
    assert services.fingerprint == live.fingerprint and services.pack_notice() == ""
    services.close()


def test_another_pack_in_the_setting_is_told_and_not_used(services: Services, tmp_path: Path) -> None:
    live = services.fingerprint
    other = tmp_path / "other"
    other.mkdir()
    said = {"name": "other", "fingerprint": "f" * 32, "dimension": 8}
    (other / "pack.json").write_text(json.dumps(said))
    chosen = replace(services.settings, model=replace(services.settings.model, pack=other))
    again = Services(chosen)
    again.prepare()
    assert again.fingerprint == live
    for words in ("other", live[:16], "twirl reembed", "twirl switch"):
        assert words in again.pack_notice()
    shutil.rmtree(other)
    assert "no readable pack" in again.pack_notice() and again.packs.get(live).fingerprint == live
    again.close()
    services.close()


def test_a_ledger_from_before_goes_on_with_the_pack_that_filled_it(tmp_path: Path) -> None:
    settings = Settings(storage=Storage(data=tmp_path / "data"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "pack.json").write_text(json.dumps({"name": "other", "fingerprint": "f" * 32, "dimension": 8}))
    old = Services(settings)
    old.data.mkdir()
    upgrade(old.database)
    mine = old.merchant().id
    with old.sessions.begin() as session:
        save_product(session, mine, ProductRecord("a", "A", ("https://shop.example/a.jpg",)))
        shipped = look(SHIPPED_PACKS / "twirl-small").fingerprint
        session.query(Image).update({"state": "live", "fingerprint": shipped})
    old.close()
    started = Services(replace(settings, model=replace(settings.model, pack=other)))
    shutil.copytree(SHIPPED_PACKS / "twirl-small", tmp_path / "data" / "packs" / "x")
    started.prepare()
    assert started.fingerprint == shipped
    started.close()


def test_a_program_that_was_installed_without_a_pack_names_the_setting(tmp_path: Path) -> None:
    settings = Settings(storage=Storage(data=tmp_path / "data"), model=Model(pack=tmp_path / "none"))
    with pytest.raises(PackRefused, match="TWIRL_PACK") as refused:
        Services(settings).prepare()
    assert str(tmp_path / "none") in refused.value.message
