"""What one visitor may ask for, what all may together, and how long anybody waits."""

from dataclasses import dataclass

from settings.declared import setting


@dataclass(frozen=True)
class Limits:
    """What one visitor may ask for, and what is refused in time rather than answered late."""

    rate_searches: int = setting(
        240, "Searches a minute that one address may make. 0: as many as it likes.", low=0
    )
    rate_photos: int = setting(
        60, "Photos a minute that one address may send, or name by link. 0: as many as it likes.", low=0
    )
    rate_requests: int = setting(
        1200, "All requests a minute of one address but pictures and styles. 0: as many as it likes.", low=0
    )
    rate_key: int = setting(
        6000, "Requests a minute of one search key, from everywhere. 0: as many as it likes.", low=0
    )
    rate_secret_key: int = setting(
        1200, "Requests a minute of one secret key, from everywhere. 0: as many as it likes.", low=0
    )
    trusted_proxies: str = setting(
        "private",
        "Whose `X-Forwarded-For` is believed: networks with commas between, such as `10.0.0.0/8`; `private`: "
        "every private address and this machine's own; `none`: nobody's.",
    )
    encode_at_once: int = setting(2, "Photos and words that the model encodes at the same time.", low=1)
    encode_waiting: int = setting(
        8, "Searches that wait for their turn at the model; another one is answered without it.", low=0
    )
    encode_wait_s: float = setting(1.0, "Seconds that a search waits for its turn at the model.", low=0.05)
    queue_wait_s: float = setting(
        0.5, "Seconds that a request may have waited for a thread: what waited longer is refused.", low=0.1
    )
    request_head_s: float = setting(10.0, "Seconds that the head of a request may take to arrive.", low=1)
    request_body_kbs: float = setting(
        16.0, "Kilobytes a second at which a body must arrive, after half a minute at any speed.", low=0.1
    )
    db_answer_s: float = setting(
        1.5, "Seconds that a request waits for PostgreSQL, all in all, before it is answered 503.", low=0.1
    )
