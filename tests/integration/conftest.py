"""The small real shop, once for all tests of a run that only read it."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bootstrap import Services
from tests.support.shop import small_shop
from web.app import create_app


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with small_shop(tmp_path_factory.mktemp("shop")) as services:
        yield services


@pytest.fixture(scope="session")
def app(shop: Services) -> Flask:
    return create_app(shop)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
