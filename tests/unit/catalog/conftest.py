import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.products import ensure_merchant

sys.path.insert(0, str(Path(__file__).parent))  # for `hostile`, which makes the files


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path}/twirl.sqlite3")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(database: Engine) -> Sessions:
    return sessions(database)


@pytest.fixture
def shop(ledger: Sessions) -> int:
    with ledger.begin() as session:
        return ensure_merchant(session, "demo", "Demo shop", "USD").id
