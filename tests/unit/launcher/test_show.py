from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import update

from bootstrap import Services
from catalog.models import Image, Product, now
from catalog.products import save_product
from catalog.records import ProductRecord
from launcher.progress import standing
from launcher.show import console, print_hits, say
from searcher.results import ProductHit
from settings import Settings, Storage


def hit(**values: Any) -> ProductHit:
    return ProductHit(Product(sku="a-1", colour="", **values), cast(Any, SimpleNamespace()), 0.5)


def test_a_title_with_brackets_is_shown_as_it_is_and_each_currency_in_its_own_digits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_width", 120)
    titles = [hit(title="Dress [/b]", price_minor=1500, currency="JPY")]
    titles += [hit(title="[red]Shirt", price_minor=1500, currency="USD")]
    print_hits(titles, as_json=False)
    said = capsys.readouterr().out
    assert "Dress [/b]" in said and "[red]Shirt" in said
    assert "1500 JPY" in said and "15.00 USD" in said


def test_a_line_is_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    say("logs in /srv/[shop]/" + "x" * 200)
    assert "/srv/[shop]/" + "x" * 200 + "\n" in capsys.readouterr().out


def test_a_picture_whose_host_is_away_is_not_waited_for(tmp_path: Path) -> None:
    services = Services(Settings(storage=Storage(data=tmp_path)))
    services.prepare()
    mine = services.merchant().id
    with services.sessions.begin() as session:
        for sku in ("a", "b", "c"):
            save_product(session, mine, ProductRecord(sku, sku, (f"https://shop.example/{sku}.jpg",)))
        later = update(Image).where(Image.id == 1).values(next_attempt_at=now() + timedelta(seconds=60))
        session.execute(later)
        due = update(Image).where(Image.id == 2).values(next_attempt_at=now() - timedelta(seconds=1))
        session.execute(due)
    with services.sessions() as session:
        for whose in (mine, None):
            found = standing(session, whose)
            assert (found.waiting, found.later, found.settled) == (2, 1, 0)
        assert standing(session, mine + 1).waiting == 0
    services.close()
