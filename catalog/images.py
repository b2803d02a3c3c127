"""Decoding pictures that strangers send: in child processes with limits, never in this one."""

from dataclasses import dataclass, field

import numpy as np


class ImageRefused(Exception):
    """A picture that is not accepted: `code` is stable, `fix` says what to do about it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code = code
        self.message = message
        self.fix = fix


@dataclass(frozen=True)
class Picture:
    """A decoded picture: RGB on white, upright."""

    sha256: str  # of the raw bytes
    width: int  # of the original, upright
    height: int
    format: str  # "JPEG", "PNG", "WEBP" or "GIF"
    pixels: np.ndarray = field(repr=False)  # (H, W, 3) uint8 RGB, longest side <= 480
    renditions: dict[int, bytes] = field(default_factory=dict, repr=False)  # WebP by longest side


class Decoder:
    """Decodes in long-lived child processes. Safe to share between threads; `close` it at the end."""

    def __init__(
        self, workers: int = 1, memory_mb: int = 1024, cpu_seconds: int = 20, timeout_s: float = 30
    ) -> None:
        self.workers = workers

    def decode(self, data: bytes, renditions: bool = False) -> Picture:
        """Return the picture in `data`; ImageRefused when it is not one that we accept."""
        raise NotImplementedError

    def close(self) -> None:
        """End the children."""
