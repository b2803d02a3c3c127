"""The settings that this package reads."""

from typing import Protocol


class Limits(Protocol):
    """The settings that this reads; 0 is no limit."""

    @property
    def rate_searches(self) -> int:
        """Searches a minute of one address."""

    @property
    def rate_photos(self) -> int:
        """Photos a minute of one address."""

    @property
    def rate_requests(self) -> int:
        """Requests a minute of one address."""

    @property
    def rate_key(self) -> int:
        """Requests a minute of one search key."""

    @property
    def rate_secret_key(self) -> int:
        """Requests a minute of one secret key."""

    @property
    def trusted_proxies(self) -> str:
        """Whose X-Forwarded-For is believed."""
