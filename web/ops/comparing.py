"""Two models compared on what shoppers ask, beside the requests: one comparison at a time, the last kept."""

import threading
from dataclasses import dataclass, field

from structlog import get_logger

from catalog.site import IndexRef
from searcher.diff import compare_models
from searcher.diff_page import report_page
from web.problems import Problem, Refused
from web.services import Services

SEARCHES = 100
log = get_logger("web")


@dataclass
class Comparison:
    """How far it is; `page` is the report once it is there, `error` why there is none."""

    live: str
    candidate: IndexRef
    done: int = 0
    total: int = SEARCHES
    page: str = ""
    error: str = ""
    ended: threading.Event = field(default_factory=threading.Event)


class Comparisons:
    """Thread-safe."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._last: Comparison | None = None

    def start(self, live: IndexRef, candidate: IndexRef) -> None:
        """Compare these two, unless that is under way. Raises Refused while others are compared."""
        with self._lock:
            last = self._last
            if last is not None and not last.ended.is_set():
                if (last.live, last.candidate.id) == (live.fingerprint, candidate.id):
                    return
                said = f"{last.candidate.pack} is being compared."
                raise Refused(Problem(409, "comparing", said, "Wait until that is done, then try again."))
            self._last = Comparison(live.fingerprint, candidate)
            threading.Thread(target=self._run, args=(self._last,), name="comparing", daemon=True).start()

    def of(self, live: IndexRef, candidate: IndexRef) -> Comparison | None:
        """The comparison of these two, under way or done; None where there is none."""
        last = self._last
        mine = last is not None and (last.live, last.candidate.id) == (live.fingerprint, candidate.id)
        return last if mine else None

    def _run(self, mine: Comparison) -> None:
        def told(done: int, total: int) -> None:
            mine.done, mine.total = done, total

        services = self._services
        try:
            report = compare_models(
                services.searcher, services.photos, mine.candidate.fingerprint, SEARCHES, told
            )
            mine.page = report_page(report, services.blobs, services.photos)
        except Exception as error:  # shown to the operator who asked
            log.warning("not-compared", candidate=mine.candidate.fingerprint, cause=repr(error)[:300])
            mine.error = getattr(error, "message", "") or "The comparison failed; see this process's log."
        finally:
            mine.ended.set()
