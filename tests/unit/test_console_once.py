"""What is shown once is shown to one place, in time, and with the console's key only."""

import time
from collections.abc import Iterator

import pytest
from flask import Flask, session

from web.console import once


@pytest.fixture
def app() -> Iterator[Flask]:
    made = Flask("once")
    made.config["SECRET_KEY"] = b"k" * 32
    with made.test_request_context():
        yield made


def test_it_is_taken_once_by_the_place_that_it_is_for(app: Flask) -> None:
    once.hold("keys of 1", "secret")
    assert once.take("keys of 2") == ""
    assert (once.take("keys of 1"), once.take("keys of 1")) == ("secret", "")


def test_who_comes_late_or_with_another_key_sees_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    once.hold("keys of 1", "secret")
    held = dict(session)
    late = time.time() + once.LASTS_S + 2
    monkeypatch.setattr(time, "time", lambda: late)
    assert once.take("keys of 1") == "" and not session
    monkeypatch.undo()
    session.update(held)
    app.config["SECRET_KEY"] = b"o" * 32
    assert once.take("keys of 1") == ""
