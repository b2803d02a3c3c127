"""What a search can fail with; each says its cause and its fix."""


class SearchError(Exception):
    """A search that cannot be answered: a stable `code`, what is wrong, and the sentence that mends it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


class QueryRefused(SearchError):
    """The query itself is wrong; `field` names the part of it."""

    def __init__(self, code: str, message: str, fix: str, field: str = "") -> None:
        super().__init__(code, message, fix)
        self.field = field


class SearchUnavailable(SearchError):
    """The vector engine is away: the same search works again, try after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int = 2, code: str = "search-unavailable") -> None:
        super().__init__(code, message, "Try again in a moment.")
        self.retry_after = retry_after


class SearchBusy(SearchUnavailable):
    """The model is away or has too much to do, and the search cannot be answered without it."""

    def __init__(self, message: str, retry_after: int = 2) -> None:
        super().__init__(message, retry_after, "search-busy")
