"""Celery on Redis without its work: queues, limits and what each option is for. Making one opens nothing.

Every option is there because its default lost or held up work in trials (ADR 105). The ledger knows what is
to be done; a message only says that a queue has something.
"""

from collections.abc import Mapping
from typing import Any

from celery import Celery
from kombu import Queue  # type: ignore[attr-defined]

from indexer.task_limits import Limits

QUEUES = ("images", "embed", "index", "maintenance")
LOOK_FOR_ABANDONED_S = 5
WORKER_SOCKET_S = 10.0  # above the second that a worker's BRPOP waits at the server


def make_broker(url: str, limits: Limits, socket_s: float = WORKER_SOCKET_S, **more: Any) -> Celery:
    """The Celery application of one Redis database; `more` are options of Celery over these."""
    app = Celery("twirl", set_as_current=False)
    app.conf.update(_messages(), **_delivery(url, limits, socket_s), **_workers(limits))
    app.conf.update(more)
    return app


def _messages() -> dict[str, Any]:
    return {
        "task_serializer": "json",
        "event_serializer": "json",
        "accept_content": ["json"],
        "enable_utc": True,
        "result_backend": None,  # the ledger has the results
        "task_ignore_result": True,
        "task_queues": [Queue(name) for name in QUEUES],  # type: ignore[no-untyped-call]
        "task_default_queue": "maintenance",
        "task_create_missing_queues": False,
    }


def _delivery(url: str, limits: Limits, socket_s: float) -> dict[str, Any]:
    transport: Mapping[str, Any] = {
        "visibility_timeout": limits.visibility_s,  # an hour by default
        "unacked_restore_interval": LOOK_FOR_ABANDONED_S,
        "unacked_restore_throttle": 1,  # at every look; by default at every tenth
        "socket_timeout": socket_s,  # none by default: a Redis that hangs would hang us
        "socket_connect_timeout": socket_s,
        "socket_keepalive": True,
        "queue_order_strategy": "round_robin",  # no queue starves another
    }
    return {
        "broker_url": url,
        "broker_transport_options": transport,
        "result_backend_transport_options": transport,
        "visibility_timeout": limits.visibility_s,
        "broker_connection_timeout": socket_s,
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # for ever; the pause grows to half a minute
        "broker_channel_error_retry": True,
        "broker_pool_acquire_timeout": socket_s,
    }


def _workers(limits: Limits) -> dict[str, Any]:
    return {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,  # else a killed child's message counts as done
        "task_acks_on_failure": True,  # the ledger has the image back; the beat rings for it
        "task_acks_on_timeout": True,
        "task_soft_time_limit": limits.soft_s,
        "task_time_limit": limits.hard_s,
        "worker_prefetch_multiplier": 1,
        "worker_proc_alive_timeout": 60.0,  # 4 s by default, which a busy machine does not keep
        "worker_send_task_events": True,  # celery-exporter listens
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_detect_quorum_queues": False,
    }
