"""Decoding pictures that strangers send: in child processes with limits, never in this one."""

import hashlib
import io
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from catalog.pictures.decoding import ImageRefused, sniff
from catalog.pictures.exchange import ChildDied, DecoderProcess, DecoderUnavailable

__all__ = ["Decoder", "DecoderUnavailable", "ImageRefused", "Picture", "read_rendition", "sniff"]

_EXCHANGES = 2000  # a child is replaced after that many pictures: whatever a library leaks stays bounded


@dataclass(frozen=True)
class Picture:
    """A decoded picture: RGB on white, upright."""

    sha256: str  # of the raw bytes
    width: int  # of the original, upright
    height: int
    format: str  # "JPEG", "PNG", "WEBP" or "GIF"
    pixels: np.ndarray = field(repr=False)  # (H, W, 3) uint8 RGB, longest side <= 480
    renditions: dict[int, bytes] = field(default_factory=dict, repr=False)  # WebP by longest side
    seconds: float = 0.0  # that it took, without the wait for a free child


class Decoder:
    """Decodes in `workers` long-lived child processes, each started when it is first needed.

    Threads may share one; each waits for a free child. A child is replaced when it dies, is over its time,
    or has done its share. After a fork the copy starts children of its own. `close` ends them all.
    """

    def __init__(
        self, workers: int = 1, memory_mb: int = 1024, cpu_seconds: int = 20, timeout_s: float = 30.0
    ) -> None:
        self._memory_mb, self._cpu_seconds, self._timeout_s = memory_mb, cpu_seconds, timeout_s
        self._free = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._idle: list[DecoderProcess] = []
        self._closed = False

    def decode(self, data: bytes, renditions: bool = False) -> Picture:
        """Return the picture in `data` (JPEG, PNG, WebP, or a GIF's first frame).

        ImageRefused when it is not one that we accept; DecoderUnavailable when no child can be started.
        """
        sniff(data)  # what is no picture by its first bytes never reaches a child
        with self._free:
            began = time.perf_counter()
            for last in (False, True):
                try:
                    picture = self._decode_once(data, renditions)
                    return replace(picture, seconds=time.perf_counter() - began)
                except ChildDied as death:
                    if death.over_limit:
                        raise _too_slow() from None
                    if last:  # twice with a fresh child: it is the picture
                        raise _deadly() from None
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the idle children; a busy one ends with its picture."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for child in idle:
            child.forget()
            child.kill()

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decode_once(self, data: bytes, renditions: bool) -> Picture:
        child = self._take()
        try:
            header, body = child.exchange(data, renditions, self._timeout_s)
        except ChildDied:
            raise
        except BaseException:  # an interrupt in mid-exchange: the pipe holds half an answer
            child.kill()
            raise
        self._give_back(child)
        if "code" in header:
            raise ImageRefused(header["code"], header["message"], header["fix"])
        return _picture(data, header, body)

    def _take(self) -> DecoderProcess:
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None:
                return DecoderProcess(self._memory_mb, self._cpu_seconds)
            if child.usable():
                return child
            child.forget()

    def _give_back(self, child: DecoderProcess) -> None:
        with self._lock:
            keep = not self._closed and child.exchanges < _EXCHANGES
            if keep:
                self._idle.append(child)
        if not keep:
            child.forget()
            child.kill()


def read_rendition(data: bytes) -> np.ndarray:
    """Return (H, W, 3) uint8 RGB of one of our own WebP files; never give it bytes of others."""
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
        return np.asarray(image.convert("RGB"))


def _picture(data: bytes, header: dict[str, Any], body: memoryview) -> Picture:
    width, height = header["size"]
    end = width * height * 3
    pixels = np.frombuffer(body[:end], np.uint8).reshape(height, width, 3)  # (H, W, 3)
    renditions = {}
    for size, length in header["renditions"]:
        renditions[int(size)] = bytes(body[end : end + length])
        end += length
    sha256 = hashlib.sha256(data).hexdigest()
    return Picture(sha256, header["width"], header["height"], header["format"], pixels, renditions)


def _too_slow() -> ImageRefused:
    message = "Decoding this picture takes too long."
    return ImageRefused("image-too-complex", message, "Save it smaller, as JPEG.")


def _deadly() -> ImageRefused:
    message = "The decoder stops working on this picture."
    return ImageRefused(
        "image-decoder-died", message, "Open it in an image editor and save it again as JPEG."
    )
