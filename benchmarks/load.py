"""A client that asks over a few connections, one request after the other on each, and is no bottleneck itself."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Final
from urllib.parse import urlencode, urlsplit

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_GOOD: Final = (b" 200 ", b" 304 ")


class Failed(Exception):
    """A server answered with an error, or not at all."""


@dataclass(frozen=True)
class Run:
    """The seconds each answer took, and the seconds that all of them took."""

    latencies: list[float]
    seconds: float

    @property
    def throughput(self) -> float:
        """Answers in a second."""
        return len(self.latencies) / self.seconds


def get(url: str, accept: str, **headers: str) -> bytes:
    """A GET request as it goes over the wire. Names of `headers` are written with `_` for `-`."""
    parts = urlsplit(url)
    lines = [f"GET {parts.path}{'?' + parts.query if parts.query else ''} HTTP/1.1", f"Host: {parts.netloc}", f"Accept: {accept}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def sparql(endpoint: str, query: str) -> bytes:
    """A query by GET, with JSON results asked for."""
    return get(f"{endpoint}?{urlencode({'query': query})}", "application/sparql-results+json")


def run(url: str, requests: Iterable[bytes], *, connections: int, count: int) -> Run:
    """Sends `count` requests, taken from `requests` again and again. Raises Failed where one is not answered well."""
    return asyncio.run(_run(url, cycle(requests), connections, count))


async def _run(url: str, requests: Iterator[bytes], connections: int, count: int) -> Run:
    loop, parts = asyncio.get_running_loop(), urlsplit(url)
    work = _Work(requests, count, loop.create_future())
    opened = [await loop.create_connection(lambda: _Connection(work), parts.hostname or "", parts.port or 80) for _ in range(connections)]
    start = time.perf_counter()
    for _, connection in opened:
        connection.ask()
    try:
        await work.done
    finally:
        for transport, _ in opened:
            transport.close()
    return Run(work.latencies, time.perf_counter() - start)


class _Work:
    """What all connections share: the requests that are left, and the times taken."""

    def __init__(self, requests: Iterator[bytes], count: int, done: asyncio.Future[None]) -> None:
        self.requests = requests
        self.left = self.count = count
        self.done = done
        self.latencies: list[float] = []

    def next(self) -> bytes | None:
        self.left -= 1
        return next(self.requests) if self.left >= 0 else None

    def answered(self, seconds: float) -> None:
        self.latencies.append(seconds)
        if len(self.latencies) == self.count and not self.done.done():
            self.done.set_result(None)

    def fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(Failed(reason))


class _Connection(asyncio.Protocol):
    def __init__(self, work: _Work) -> None:
        self._work = work
        self._received = bytearray()
        self._begun = 0.0
        self._asking = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._asking:  # otherwise a server has closed a connection that was idle while others were still answered
            self._work.fail("The connection was closed.")

    def ask(self) -> None:
        request = self._work.next()
        self._asking = request is not None
        if request is not None and self._transport is not None:
            self._received.clear()
            self._begun = time.perf_counter()
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not _is_complete(self._received):
            return
        seconds = time.perf_counter() - self._begun
        if not any(good in self._received[:16] for good in _GOOD):
            self._work.fail(self._received[:1000].decode("utf-8", "replace"))
            return
        self._work.answered(seconds)
        self.ask()


def _is_complete(received: bytearray) -> bool:
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(received[:end])
    if length := _LENGTH.search(head):
        return len(received) >= end + 4 + int(length[1])
    return received.endswith(b"0\r\n\r\n") if _CHUNKED.search(head) else True
