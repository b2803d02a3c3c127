"""A psycopg connection whose waits end when its caller's time is over (see `patience`)."""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Engine, event

from catalog.patience import Health, in_time, left_s, spent

T = TypeVar("T")
_INTERVAL_S = 0.1  # psycopg's own
_AWAY = "The database does not answer in time."


def connection_class(health: Health) -> Any:
    """The class of connections to one database, which share what they know of its health."""

    class Patient(psycopg.Connection[Any]):
        """Waits as long as its caller may; then it is closed, for what it would still get is another's."""

        def wait(self, gen: PQGen[T], interval: float = _INTERVAL_S, timeout: float | None = None) -> T:
            """Run one exchange with the server. Raises OperationalError."""
            left = left_s()
            if left is None:
                return super().wait(gen, interval, timeout)
            if health.away():
                self.close()
                raise psycopg.OperationalError(_AWAY)
            try:
                result = super().wait(gen, interval, left if timeout is None else min(left, timeout))
            except psycopg.OperationalError:
                if not self.closed and spent():  # it was psycopg that gave up, not the server that failed
                    health.late()
                    self.close()
                raise
            health.answered()
            return result

        @classmethod
        def connect_in_time(cls, *given: Any, **named: Any) -> "Patient":
            """Connect. Raises OperationalError."""
            left = left_s()
            if left is None:
                return cls.connect(*given, **named)
            if health.away():
                raise psycopg.OperationalError(_AWAY)
            try:
                made = in_time(lambda: cls.connect(*given, **named), left, lambda late: late.close())
            except TimeoutError:
                health.late()
                raise psycopg.OperationalError(_AWAY) from None
            health.answered()
            return made

    return Patient


def install(engine: Engine) -> None:
    """Have the engine's connections keep to the limits of their callers. PostgreSQL through psycopg alone."""
    patient = connection_class(Health())

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, given: Any, named: Any) -> Any:
        return patient.connect_in_time(*given, **named)
