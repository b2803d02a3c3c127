"""The console's sessions, for Flask: a token in a cookie, everything else in SQL (`accounts.sessions`).

Before the login nothing is written: what a form needs (its token against forgery) is in a signed cookie, that
knows nobody. A login gets a new token, whatever cookie the browser came with.
"""

from typing import Any, cast

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSessionInterface, SessionInterface, SessionMixin
from itsdangerous import BadSignature
from werkzeug.datastructures import CallbackDict

from accounts import sessions as ledger
from accounts.sessions import Lifetime
from catalog.database import AWAY
from web.console.address import is_https
from web.services import Services

PLAIN, HOST = "twirl_console", "__Host-twirl_console"
USER = "_user_id"  # where Flask-Login keeps who it is
ANONYMOUS_S = 3600
_IN_SQL, _SIGNED = "s.", "a."


class ConsoleSession(CallbackDict[str, Any], SessionMixin):
    """What one browser's session holds; `row_id` and `token` name its row, where it has one."""

    def __init__(self, data: dict[str, Any] | None = None, row_id: int | None = None) -> None:
        def changed(_self: Any) -> None:
            self.modified = True

        super().__init__(data or {}, changed)
        self.modified = False
        self.row_id = row_id
        self.stale = False
        self.rotate = False  # give the browser another token with this answer
        self.had_cookie = False
        self.failed: Exception | None = None


class SqlSessions(SessionInterface):
    """Opens and saves sessions."""

    def __init__(self, services: Services) -> None:
        self._sessions = services.sessions
        chosen = services.settings.console
        self.life = Lifetime(chosen.console_idle_s, chosen.console_session_s)
        self._signed = SecureCookieSessionInterface()

    def open_session(self, app: Flask, request: Request) -> ConsoleSession:
        """The session of the browser's cookie, or an empty one; a database that is away is said later."""
        said = request.cookies.get(HOST if is_https(request) else PLAIN, "")
        try:
            found = self._found(app, said)
        except AWAY as error:
            found = ConsoleSession()
            found.failed = error
        found.had_cookie = bool(said)
        return found

    def _found(self, app: Flask, said: str) -> ConsoleSession:
        if said.startswith(_IN_SQL):
            with self._sessions() as session:
                row = ledger.find(session, said.removeprefix(_IN_SQL), self.life)
                if row is not None:
                    opened = ConsoleSession(dict(row.data), row.id)
                    opened.stale = ledger.stale(session, row)
                    return opened
        if said.startswith(_SIGNED):
            signer = self._signed.get_signing_serializer(app)
            try:
                return ConsoleSession(signer.loads(said.removeprefix(_SIGNED), max_age=ANONYMOUS_S))  # type: ignore[union-attr]
            except BadSignature:  # another key's, too old, or made up
                pass
        return ConsoleSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what has changed, and tell the browser."""
        held = cast(ConsoleSession, session)
        if held.failed is not None:
            return
        response.vary.add("Cookie")
        if USER in held:
            self._save_in_sql(held, response)
            return
        if held.row_id is not None:  # logged out
            self._end(held)
        if held:
            if held.modified or held.row_id is not None:
                signer = self._signed.get_signing_serializer(app)
                self._set_cookie(response, _SIGNED + str(signer.dumps(dict(held))))  # type: ignore[union-attr]
        elif held.had_cookie:
            response.delete_cookie(**_name_and_place(), httponly=True, samesite="Lax")

    def _save_in_sql(self, held: ConsoleSession, response: Response) -> None:
        from flask import request

        if held.row_id is not None and not held.rotate:
            if held.modified or held.stale:
                with self._sessions.begin() as session:
                    ledger.keep(session, held.row_id, held)
            return
        from web.console.access import user

        if held.row_id is not None:
            self._end(held)
        with self._sessions.begin() as session:
            agent = request.headers.get("User-Agent", "")
            token = ledger.begin(session, user().id, held, agent, self.life)
        self._set_cookie(response, _IN_SQL + token)

    def _end(self, held: ConsoleSession) -> None:
        with self._sessions.begin() as session:
            ledger.forget(session, cast(int, held.row_id))

    def _set_cookie(self, response: Response, value: str) -> None:
        place = _name_and_place()
        key = str(place.pop("key"))
        response.set_cookie(key, value, httponly=True, samesite="Lax", **place)


def _name_and_place() -> dict[str, Any]:
    """A browser takes a cookie called __Host- only from https, for the whole host and no other."""
    if is_https():
        return {"key": HOST, "path": "/", "secure": True}
    return {"key": PLAIN, "path": "/console", "secure": False}
