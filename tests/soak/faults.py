"""What goes wrong: processes that are killed, queries that never end, clients that hang up, a service that is started again."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import urlencode

import httpx

from tests.soak.model import Ledger, large
from tests.soak.service import Service

_NUMBERS = " ".join(map(str, range(60)))
_RUNAWAY = "SELECT (COUNT(*) AS ?n) { " + "".join(f"VALUES ?{name} {{ {_NUMBERS} }} " for name in "abcdefg") + "}"


class Faults:
    """Each kind in turn, in an order that is shuffled for each round. `rounds` counts those that are done.

    After the monotonic time `last_restart` the web process is left alone, unless it never was ended.
    """

    def __init__(self, service: Service, ledger: Ledger, chance: random.Random, last_restart: float) -> None:
        self._service, self._ledger, self._chance = service, ledger, chance
        self._client = httpx.Client(base_url=service.url, timeout=90, limits=httpx.Limits(keepalive_expiry=0.5))
        self._last_restart = last_restart
        self.rounds = 0
        self._next = self._turns()

    def act(self) -> None:
        """The next one."""
        kind = next(self._next)
        if not (self.rounds and time.monotonic() > self._last_restart and kind in {self._restart, self._crash}):
            kind()

    def _turns(self) -> Iterator[Callable[[], None]]:
        while True:
            kinds: list[Callable[[], None]] = [self._worker, self._worker, self._runaway, self._hang_up, self._hang_up_midway, self._half]
            kinds += [self._restart, self._crash]
            kinds += [self._web] if self._service.web_processes > 1 else []
            self._chance.shuffle(kinds)
            yield from kinds
            self.rounds += 1

    def _worker(self) -> None:
        """kill -9 of a process that answers."""
        workers = sorted(process.pid for process in self._service.processes() if process.role in {"worker", "job"})
        with suppress(ProcessLookupError, IndexError):
            os.kill(self._chance.choice(workers), signal.SIGKILL)
            self._ledger.count("kills of workers")

    def _runaway(self) -> None:
        """A query without end gets its 504; others meanwhile get their answers."""
        before = self._service.changes
        try:
            answer = self._client.get("/sparql", params={"query": _RUNAWAY})
        except httpx.TransportError as error:
            if before == self._service.changes and before % 2 == 0:
                self._ledger.blame(f"a runaway query: {error!r}")
            return
        if answer.status_code not in {429, 503, 504}:
            self._ledger.blame(f"a runaway query: {answer.status_code} {answer.text[:200]}")
        self._ledger.count("runaway queries")

    def _hang_up(self) -> None:
        """A client that does not wait for its runaway query."""
        self._send(_RUNAWAY, read=0)
        self._ledger.count("clients that hung up")

    def _hang_up_midway(self) -> None:
        """A client that goes in the middle of a large answer."""
        self._send(large(300), read=20_000)
        self._ledger.count("clients that hung up midway")

    def _half(self) -> None:
        """A client that goes in the middle of its request."""
        with suppress(OSError), self._connection() as connection:
            connection.sendall(
                b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nContent-Length: 99\r\n\r\nASK"
            )
        self._ledger.count("clients that sent half a request")

    def _send(self, query: str, read: int) -> None:
        with suppress(OSError), self._connection() as connection:
            connection.sendall(f"GET /sparql?{urlencode({'query': query})} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            if read:
                connection.recv(read)
            else:
                time.sleep(self._chance.random() / 2)

    def _connection(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._service.port), timeout=20)

    def _web(self) -> None:
        """kill -9 of one of several web processes: the others go on, and another one comes."""
        if self._service.kill_web(self._chance):
            self._ledger.count("kills of web processes")

    def _restart(self) -> None:
        """SIGTERM and a new start: answers in flight are finished."""
        self._service.restart(signal.SIGTERM)
        self._ledger.count("restarts")

    def _crash(self) -> None:
        """kill -9 of the web process and a new start: its workers end with it."""
        self._service.restart(signal.SIGKILL)
        self._ledger.count("crashes of the web process")
