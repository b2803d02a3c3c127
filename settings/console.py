"""The merchant console: who may come in, and for how long."""

from dataclasses import dataclass
from pathlib import Path

from settings.declared import setting


@dataclass(frozen=True)
class Console:
    """The merchant console at /console."""

    signup: str = setting(
        "invitation",
        "Who gets an account in the console: `invitation` who was sent a link, `open` everybody, each with a "
        "new shop.",
    )
    public_url: str = setting(
        "",
        "Address by which people reach Twirl, such as `https://shop.example`: links that are printed begin "
        "with it. Empty: the address that it listens on.",
    )
    console_key: str = setting(
        "",
        "Key of the console's cookies and second factors. Empty: one is drawn in the data folder. The "
        "deployed shape needs it, the same for every web process: `twirl secrets` draws it.",
        secret=True,
    )
    second_factor: str = setting(
        "optional", "`required`: who has none set up is asked to before anything else; or `optional`."
    )
    breached_passwords: str = setting(
        "",
        "File of stolen passwords that are refused: sorted SHA-1 hashes, one a line, as the downloader of "
        "Have I Been Pwned writes them. Nobody is asked over the network. Empty: common ones are refused.",
    )
    console_idle_s: int = setting(3600, "Seconds without use after which a login is over.", low=60)
    console_session_s: int = setting(86_400, "Seconds after which a login is over in any case.", low=300)

    @property
    def breached(self) -> Path | None:
        """The file of stolen passwords, where there is one."""
        return Path(self.breached_passwords).expanduser() if self.breached_passwords else None
