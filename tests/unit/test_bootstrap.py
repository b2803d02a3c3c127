import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from bootstrap import Services
from settings import Settings, Storage


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
