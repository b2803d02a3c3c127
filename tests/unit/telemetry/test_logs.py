"""Every process logs alike: structlog, the standard library, warnings, what nobody caught."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PROGRAM = """
import logging, threading, warnings
import structlog
early = structlog.get_logger("web")          # at import, as every module does
from structlog.contextvars import bind_contextvars
from telemetry import logs

logs.configure("INFO", "worker", ["the-ops-token"])
bind_contextvars(request_id="abc12345")
early.info("claimed", images=3, token="the-ops-token")
early.debug("nothing")
logging.getLogger("celery.worker").warning("lost %s", "redis://:pass@host:6379/0")
logging.getLogger("urllib3").info("connection")
warnings.warn("old")
assert logs.request_id() == "abc12345"
try:
    local = "a shopper's words"
    raise ValueError("broken")
except ValueError:
    early.error("unexpected", exc_info=True)
failing = threading.Thread(target=lambda: 1 / 0)
failing.start()
failing.join()
raise SystemError("the end")
"""


def said() -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_is_json_of_one_shape() -> None:
    lines = said()
    claimed, lost, warned, unexpected, thread, end = lines
    for line in lines:
        assert {"timestamp", "level", "logger", "process", "pid", "event"} <= set(line), line
        assert line["process"] == "worker"
    assert (claimed["event"], claimed["logger"], claimed["level"]) == ("claimed", "web", "info")
    assert (claimed["images"], claimed["request_id"]) == (3, "abc12345")
    assert (lost["logger"], lost["level"], lost["request_id"]) == ("celery.worker", "warning", "abc12345")
    assert warned["logger"] == "py.warnings"
    assert "ValueError: broken" in unexpected["exception"]
    assert "shopper" not in unexpected["exception"]  # no local variables
    assert "ZeroDivisionError" in thread["exception"]
    assert (end["event"], end["level"]) == ("uncaught", "critical")


def test_secrets_and_passwords_are_masked() -> None:
    claimed, lost = said()[:2]
    assert set(claimed["token"]) == {"*"}
    assert lost["event"] == "lost redis://********@host:6379/0"
