"""Why one image cannot be indexed, and whether trying again can help."""


class FetchFailed(Exception):
    """Bytes that did not come. `transient`: the same address may answer later.

    `wait_s`: the host wants not to be asked before. `asked` is False where it was not asked at all, because
    it wants not to be: such a try does not count.
    """

    def __init__(
        self,
        code: str,
        message: str,
        fix: str,
        transient: bool = False,
        wait_s: float = 0.0,
        asked: bool = True,
    ) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix, self.transient = code, message, fix, transient
        self.wait_s, self.asked = wait_s, asked
