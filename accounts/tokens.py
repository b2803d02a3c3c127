"""What is drawn, and what of it is kept: a token of 256 random bits, and its SHA-256."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

TOKEN_BYTES = 32


def draw() -> str:
    """A new token, to be given away once."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> str:
    """What is kept of a token: 64 hexadecimal signs."""
    return hashlib.sha256(token.encode()).hexdigest()


def derived(key: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, made of the console's."""
    return hmac.digest(key.encode(), purpose.encode(), "sha256")


def key_in(path: Path) -> str:
    """The console's key in this file, drawn now where there is none; several processes may ask at once."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.touch(mode=0o600)
        try:
            beside.write_text(draw())
            os.link(beside, path)  # fails where another process was faster: its key is the key
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return path.read_text().strip()
