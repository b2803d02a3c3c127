"""The feed reader's child process: what strangers upload is parsed here, under limits of memory and CPU.

    python -P -m catalog.importing.feed_child MEMORY_MB CPU_SECONDS FEED [PICTURES]

Request: 4 bytes length (little-endian), then JSON: {"do": "look", "open", "next", "picture" or "errors"}.
Answer: 4 bytes length of a JSON header, 4 bytes length of a body, the header, the body. The body is JSON for
"next" (the items of a batch), a picture's bytes for "picture", a CSV file for "errors".
One byte is sent once at the start, when all imports are done.
"""

import json
import resource
import struct
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catalog.child_limits import limit, limit_cpu, own_pipes
from catalog.child_process import READY
from catalog.feeds.errors_file import errors_bytes
from catalog.feeds.look import look_at
from catalog.feeds.pictures import PictureMissing, Pictures, open_pictures
from catalog.feeds.reader import currency_in, read_feed
from catalog.feeds.shape import survey_feed
from catalog.importing.batching import batches
from catalog.pictures.decoding import ImageRefused
from catalog.records import FeedRefused, ProductRecord, RowFault

HEAD = struct.Struct("<II")
LENGTH = struct.Struct("<I")
_LEAST_FREE = 32 * 2**20
_FILES = 24  # that it may have open at once


class Reader:
    """What one child reads: a feed, and perhaps pictures beside it."""

    def __init__(self, feed: Path, pictures: Path | None) -> None:
        self.feed, self._place = feed, pictures
        self._pictures: Pictures | None = None
        self._batches: Iterator[list[ProductRecord | RowFault]] = iter(())

    def answer(self, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Do what is asked."""
        if asked["do"] == "look":
            return {"look": look_at(self.feed, bare=False).as_json()}, b""
        if asked["do"] == "open":
            return self._open(asked["currency"], asked["mapping"])
        if asked["do"] == "errors":
            return {}, self._errors(asked["faults"])
        if asked["do"] == "picture":
            return {}, self._read(asked["name"])
        batch = next(self._batches, None)
        return {"more": batch is not None}, b"" if batch is None else _packed(batch)

    def _open(self, currency: str, mapping: dict[str, str]) -> tuple[dict[str, Any], bytes]:
        shape = survey_feed(self.feed, mapping)
        self._pictures = open_pictures(self._place).__enter__()
        currency = currency or currency_in(shape)
        self._batches = batches(read_feed(self.feed, currency, shape))
        return {"rows": shape.rows, "vendor": shape.vendor, "currency": currency}, b""

    def _errors(self, said: list[dict[str, Any]]) -> bytes:
        faults: dict[int, list[RowFault]] = {}
        for each in said:
            faults.setdefault(each["row"], []).append(RowFault(**each))
        return errors_bytes(self.feed, faults)

    def _read(self, name: str) -> bytes:
        assert self._pictures is not None, "opened first"  # noqa: S101 - our own protocol
        return self._pictures.read(name)


def _packed(batch: list[ProductRecord | RowFault]) -> bytes:
    return json.dumps([[isinstance(item, RowFault), asdict(item)] for item in batch]).encode()


def answered(reader: Reader, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """What is asked, or what stands against it."""
    try:
        return reader.answer(asked)
    except FeedRefused as error:
        return {"refused": [error.code, error.message, error.fix]}, b""
    except ImageRefused as error:
        return {"image": [error.code, error.message, error.fix]}, b""
    except PictureMissing as error:
        return {"missing": str(error)}, b""
    except MemoryError:
        return {"large": True}, b""
    except Exception as error:  # whatever parsers raise on bytes that nobody thought of
        return {"broken": f"{type(error).__name__}: {error}"[:300]}, b""


def serve(memory_mb: int, cpu_seconds: int, reader: Reader) -> None:
    """Answer requests until the parent closes its end."""
    requests, answers = own_pipes()
    limit(memory_mb, _LEAST_FREE, _FILES)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    answers.write(READY)
    answers.flush()
    while head := requests.read(LENGTH.size):
        asked = json.loads(requests.read(LENGTH.unpack(head)[0]))
        limit_cpu(cpu_seconds)
        header, body = answered(reader, asked)
        text = json.dumps(header).encode()
        answers.write(HEAD.pack(len(text), len(body)) + text)
        answers.write(body)
        answers.flush()


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[3:]]
    serve(int(sys.argv[1]), int(sys.argv[2]), Reader(given[0], given[1] if len(given) > 1 else None))
