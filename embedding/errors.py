"""What this room refuses, with the fix."""


class PackRefused(Exception):
    """A model pack can't be used: `code` is stable, `message` says why, `fix` what to do."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


class DeviceRefused(Exception):
    """The device asked for can't be had: `code` is stable, `message` says why, `fix` what to do."""

    code = "device-refused"

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.message, self.fix = message, fix
