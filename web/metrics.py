"""Every metric of Twirl, declared once: name, kind, labels, meaning.

python -m web.metrics        # writes the tables into docs/metrics.md; a test compares the two
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
BEGIN, END = "<!-- written by python -m web.metrics -->", "<!-- end of what is written -->"
FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds, of whole requests
FINER = (0.001, 0.0025, *FAST)  # … and of their stages

SEARCH_STAGES = ("decode", "understand", "encode", "compose", "search", "hydrate", "facets")


@dataclass(frozen=True)
class Metric:
    """One metric family. `kind` is counter, gauge, histogram or info; an info's value is always 1."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


HTTP = (
    Metric("twirl_http_request_duration_seconds", "histogram", ("method", "route", "status"),
           "Answers of the web process by the route's pattern (`/p/<path:sku>`), not by its address."),
    Metric("twirl_http_requests_in_flight", "gauge", (), "Requests that are being answered now."),
    Metric("twirl_http_threads", "gauge", (), "Threads that answer: more requests than these wait."),
    Metric("twirl_http_shed_total", "counter", (),
           "Requests refused because they had waited longer than TWIRL_QUEUE_WAIT_S for a thread."),
    Metric("twirl_http_rate_refused_total", "counter", ("limit",),
           "Requests refused because one visitor or one key asked too often: `searches`, `photos`, "
           "`requests`, `key`."),
    Metric("twirl_ops_refused_total", "counter", ("reason",),
           "Requests that the operators' listener refused: `token-missing`, `token-wrong`, "
           "`too-often` (after ten wrong ones), `code-missing` (the token alone, where there is a second "
           "factor), `not-from-here`."),
)  # fmt: skip

SEARCH = (
    Metric("twirl_search_duration_seconds", "histogram", ("mode",),
           "Searches from query to page of hits, by mode: `browse`, `words`, `photo`, `photo+words`."),
    Metric("twirl_search_stage_duration_seconds", "histogram", ("stage",),
           "The same by stage: `decode` (the shopper's photo), `understand`, `encode`, `compose`, `search` "
           "(the vector engine), `hydrate` (SQL), `facets`."),
    Metric("twirl_search_errors_total", "counter", ("code",), "Searches that failed for want of something."),
    Metric("twirl_search_degraded_total", "counter", ("step",),
           "Searches answered in part: `lexical` (by words, without the model), `facets` (counts of a moment "
           "ago)."),
    Metric("twirl_search_refused_total", "counter", ("code",), "Searches and photos that were refused."),
    Metric("twirl_insight_events_total", "counter", ("outcome",),
           "Searches and clicks noted for the merchants' insight: `written`, or `dropped` because the "
           "database was away or the queue full."),
    Metric("twirl_shelf_renewals_total", "counter", (),
           "Times that the columns behind facets and browsing were read again, for all shops."),
    Metric("twirl_shelf_variants", "gauge", (), "Variants in those columns."),
)  # fmt: skip

LEDGER = (
    Metric("twirl_images", "gauge", ("state",),
           "Pictures by state: `queued`, `fetching`, `embedding`, `live`, `failed`, `hidden`."),
    Metric("twirl_images_failed", "gauge", ("code",), "Pictures that failed for good, by reason."),
    Metric("twirl_products", "gauge", (), "Products (sellable variants), without deleted ones."),
    Metric("twirl_queue_images", "gauge", ("queue", "priority"),
           "Pictures that a stage could take now. Queues: `images` (fetch, decode), `embed`, `index`. "
           "Priorities: `edit` (a merchant's change), `bulk` (an import)."),
    Metric("twirl_queue_later_images", "gauge", ("queue",),
           "Pictures that wait for their next attempt because a host did not answer."),
    Metric("twirl_queue_oldest_age_seconds", "gauge", ("queue", "priority"),
           "For how long the first of them has been due; 0 when none waits."),
    Metric("twirl_index_stage_images_total", "counter", ("stage",),
           "Pictures that all workers together took through a stage since this web process started: `fetch`, "
           "`decode`, `embed`, `upsert`, `mark`. The rate of `mark` is the indexed pictures a second."),
    Metric("twirl_index_stage_failures_total", "counter", ("stage",), "Pictures that failed in a stage."),
    Metric("twirl_index_stage_seconds_total", "counter", ("stage",),
           "Worker seconds spent in a stage. Its rate is how many workers the stage keeps busy."),
    Metric("twirl_workers", "gauge", ("queue",), "Workers heard of in the last 90 s, by queue they take."),
    Metric("twirl_imports", "gauge", ("state",),
           "Imports of the last day by state: `running`, `silent` (running, but without a sign of life for "
           "5 minutes), `done`, `failed`."),
    Metric("twirl_ledger_read_seconds", "gauge", (), "How long the last reading of these figures took."),
)  # fmt: skip

INDEXES = (
    Metric("twirl_index_info", "info", ("fingerprint", "pack", "dimension", "state", "role"),
           "Every index. States: `filling`, `ready`, `dropping`. Roles: `live`, `previous`, `none`."),
    Metric("twirl_index_points", "gauge", ("fingerprint", "pack"),
           "Points that the engine has in each maintained index."),
    Metric("twirl_index_fill_images", "gauge", ("fingerprint", "pack"),
           "Pictures that a fill has to embed; only while it runs."),
    Metric("twirl_index_fill_done_images", "gauge", ("fingerprint", "pack"), "… and those it has embedded."),
    Metric("twirl_site_generation", "gauge", (),
           "Rises with each change of the live index and of the set of maintained ones."),
)  # fmt: skip

PARTS = (
    Metric("twirl_dependency_up", "gauge", ("dependency",),
           "1 when it answers, else 0: `database`, `schema`, `engine`, `live-index`, `model`, `images`, and "
           "`redis` in the deployed shape. The same checks as `/readyz`."),
    Metric("twirl_dependency_check_seconds", "gauge", ("dependency",), "How long its last check took."),
    Metric("twirl_broker_messages", "gauge", ("queue",),
           "Messages that wait in Redis; `images`, `embed`, `index`, `maintenance`. Deployed shape only."),
    Metric("twirl_disk_free_bytes", "gauge", (), "Free bytes where the data folder of this process lies."),
    Metric("twirl_disk_size_bytes", "gauge", (), "Size of that disk."),
    Metric("twirl_model_info", "info", ("pack", "fingerprint", "dimension", "device"),
           "The model pack that answers searches in this process."),
    Metric("twirl_engine_info", "info", ("engine", "version"),
           "The vector engine: `edge` (embedded) or `server` (Qdrant)."),
    Metric("twirl_build_info", "info", ("version", "python", "shape"),
           "This program. Shapes: `embedded`, `deployed`."),
)  # fmt: skip

GROUPS = (
    ("HTTP", "Of this web process.", HTTP),
    ("Search",
     "Of this web process. What was encoded a moment ago is remembered and takes no `encode`.", SEARCH),
    ("Ledger",
     "Of the whole installation, read from SQL when asked for, at most every 5 s; left out while the "
     "database is away. Several web processes say the same: take `max`, never `sum`.", LEDGER),
    ("Indexes", "Of the whole installation.", INDEXES),
    ("Parts", "What this web process needs, and what it is.", PARTS),
)  # fmt: skip

EVERY: dict[str, Metric] = {metric.name: metric for _, _, group in GROUPS for metric in group}


def sample_names(metric: Metric) -> tuple[str, ...]:
    """The names under which a metric's samples appear, as PromQL needs them."""
    if metric.kind == "histogram":
        return tuple(f"{metric.name}{suffix}" for suffix in ("_bucket", "_sum", "_count"))
    return (metric.name,)


def as_markdown() -> str:
    """The tables of docs/metrics.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for title, said, group in GROUPS:
        yield from (
            "",
            f"### {title}",
            "",
            said,
            "",
            "| metric | kind | labels | meaning |",
            "|---|---|---|---|",
        )
        for metric in group:
            labels = ", ".join(f"`{label}`" for label in metric.labels)
            yield f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |"
    yield ""


def within(page: str) -> str:
    """The page with its written part made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{as_markdown()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(within(PAGE.read_text()))
    sys.stdout.write(f"{PAGE.name}: {len(EVERY)} metrics\n")
