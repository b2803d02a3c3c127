"""Everything about the installation that operators are shown, each thing asked at most so often."""

from collections.abc import Mapping

from web.asking import Question
from web.ops import details, figures
from web.ops.details import Details
from web.ops.figures import Figures
from web.probes import Probes, State
from web.services import Services

FIGURES_S = 5.0
POINTS_S = 30.0
MESSAGES_S = 2.0
VERSION_S = 60.0
QUEUES = ("images", "embed", "index", "maintenance")


class Watch:
    """What `/metrics` and `/ops` look through. Thread-safe; opens nothing until it is asked."""

    def __init__(self, services: Services, probes: Probes) -> None:
        self._services, self._probes = services, probes
        self._figures = Question("figures", lambda: figures.read(services.sessions), FIGURES_S)
        self._details = Question("details", self._read_details, FIGURES_S)
        self._points = Question("points", self._count, POINTS_S)
        self._version = Question("version", lambda: services.store.version(), VERSION_S)
        self._messages = Question("messages", lambda: services.bell.waiting(QUEUES), MESSAGES_S)

    def begin(self) -> None:
        """Ask everything at once that somebody is about to want."""
        self._figures.begin()
        if self.deployed:
            self._messages.begin()

    @property
    def deployed(self) -> bool:
        """Whether this is the deployed shape."""
        return self._services.deployed

    @property
    def parts(self) -> Mapping[str, str]:
        """{part: version}"""
        return self._services.parts

    def states(self, patience_s: float = 2.5) -> Mapping[str, State]:
        """{dependency: how it is}"""
        return self._probes.states(patience_s)

    def figures(self, patience_s: float) -> Figures | None:
        """The ledger's figures; None where the database has not answered and never had."""
        answer = self._figures.answer(patience_s)
        return answer.value if answer is not None else None

    def details(self, patience_s: float) -> Details | None:
        """Examples of failures and the last imports; None where the database has not answered."""
        answer = self._details.answer(patience_s)
        return answer.value if answer is not None else None

    def points(self, patience_s: float) -> Mapping[str, int]:
        """{collection: points} of the maintained indexes, those that the engine told."""
        answer = self._points.answer(patience_s)
        return (answer.value if answer is not None else None) or {}

    def messages(self, patience_s: float = 1.0) -> Mapping[str, int] | None:
        """{queue: messages that wait} in the deployed shape; None where there is no answer."""
        if not self.deployed:
            return None
        answer = self._messages.answer(patience_s)
        return answer.value if answer is not None else None

    def engine(self, patience_s: float = 0.5) -> tuple[str, str]:
        """("edge" or "server", its version); the version is "" before it has told."""
        answer = self._version.answer(patience_s)
        known = answer.value if answer is not None else None
        return "edge" if self._services.embedded else "server", known or ""

    def model(self) -> tuple[str, str, str, str] | None:
        """Pack, fingerprint, dimension and device of the model that answers here; None before one does."""
        try:
            live = self._services.models.live()
        except Exception:  # the dependency `model` says what is wrong with it
            return None
        return live.index.pack, live.fingerprint, str(live.index.dimension), self._services.device

    def shelves(self) -> tuple[int, int]:
        """How often the columns behind the facets were read again, and how many variants they hold."""
        stock = self._services.searcher.stock
        return stock.renewals, stock.variants

    def noted(self) -> dict[str, int]:
        """Events of insight by what became of them."""
        events = self._services.events
        return {"written": events.written, "dropped": events.dropped}

    def forget(self) -> None:
        """Look anew: an operator has just changed something."""
        for each in (self._figures, self._details, self._points):
            each.forget()

    def _read_details(self) -> Details:
        known = self.figures(5.0)
        if known is None:
            raise TimeoutError("The database does not answer.")
        return details.read(self._services.sessions, known)

    def _count(self) -> dict[str, int]:
        known = self.figures(2.0)
        indexes = known.site.maintained if known is not None else ()
        store = self._services.store
        there = set(store.collections())
        return {each.collection: store.count(each.collection) for each in indexes if each.collection in there}
