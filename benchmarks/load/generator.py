"""Sends requests at a rate, whatever becomes of them: open loop, bounded, to this machine only.

Each has a moment at which it is meant to go out, drawn before; its time runs from that moment, even where
the generator or a busy connection was late. What waits is so counted in full ("coordinated omission", Gil
Tene, "How NOT to Measure Latency", 2013).
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from benchmarks.load.visitors import Request

MOST = 600  # requests under way; what would be one more is not sent, and counts as failed
PATIENCE_S = 20.0
NOT_SENT, NO_ANSWER = -1, 0  # in place of a status


@dataclass(frozen=True)
class Sample:
    """One request: when it was meant to go (seconds from the start), how long until its answer, and which."""

    kind: str
    meant: float
    seconds: float
    status: int
    retry_after: bool = False


class Generator:
    """An HTTP/1.1 client of one loopback address. Raises ValueError for any other."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        if not ip_address(host).is_loopback:
            raise ValueError("Load is for this machine's own shop: a loopback address.")
        self._host, self._port = host, port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._under_way = 0

    async def run(
        self, rate: float, seconds: float, make: Callable[[], Request], seed: int = 1
    ) -> list[Sample]:
        """Requests for so many seconds, `rate` a second with random gaps (Poisson)."""
        rng, samples, tasks = random.Random(seed), list[Sample](), set[asyncio.Task[None]]()
        began, meant = time.perf_counter(), 0.0
        while (meant := meant + rng.expovariate(rate)) < seconds:
            request = make()
            await asyncio.sleep(max(0.0, began + meant - time.perf_counter()))
            if self._under_way >= MOST:
                samples.append(Sample(request.kind, meant, 0.0, NOT_SENT))
                continue
            task = asyncio.create_task(self._one(request, began, meant, samples))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if tasks:
            await asyncio.wait(tasks)
        return samples

    def close(self) -> None:
        """Hang up."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def _one(self, request: Request, began: float, meant: float, samples: list[Sample]) -> None:
        self._under_way += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                status, retry_after = await self._ask(request.raw)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            status, retry_after = NO_ANSWER, False
        finally:
            self._under_way -= 1
        took = time.perf_counter() - began - meant
        samples.append(Sample(request.kind, meant, took, status, retry_after))

    async def _ask(self, raw: bytes) -> tuple[int, bool]:
        while self._idle:
            reader, writer = self._idle.pop()
            try:
                return await self._exchange(reader, writer, raw)
            except (ConnectionError, asyncio.IncompleteReadError):  # it was closed while it lay idle
                writer.close()
        reader, writer = await asyncio.open_connection(self._host, self._port)
        return await self._exchange(reader, writer, raw)

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes
    ) -> tuple[int, bool]:
        keep = False
        try:
            writer.write(raw)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            fields = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            await reader.readexactly(int(fields["content-length"]))
            keep = fields.get("connection", "").lower() != "close"
            return int(first.split()[1]), "retry-after" in fields
        finally:
            if keep:
                self._idle.append((reader, writer))
            else:
                writer.close()
