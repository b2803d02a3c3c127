"""Why one image cannot be indexed, and whether trying again can help."""


class FetchFailed(Exception):
    """Bytes that did not come. `transient`: the same address may answer later."""

    def __init__(self, code: str, message: str, fix: str, transient: bool = False) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix, self.transient = code, message, fix, transient
