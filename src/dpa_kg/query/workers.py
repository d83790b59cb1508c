"""A pool of worker processes that can be killed: by the clock, by their memory, by a caller who hangs up.

pyoxigraph has no time-out and no cancel, and small texts can overflow its stack; so every question is answered in
a process of a pool.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dpa_kg.errors import Overloaded, QuerySyntaxError, QueryTimeout
from dpa_kg.query import frames
from dpa_kg.query.answers import Payload, Wire
from dpa_kg.query.reader import Limits
from dpa_kg.query.worker import raise_problem
from dpa_kg.settings import Settings

_START_LIMIT = 60.0  # seconds that a worker may take to start


class _Process:
    """One worker process and the connection to it."""

    def __init__(self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, first: dict[str, Any]) -> _Process:
        ours, theirs = socket.socketpair()
        with theirs:
            command = (sys.executable, "-m", "dpa_kg.query.worker", str(theirs.fileno()))
            process = await asyncio.create_subprocess_exec(*command, pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL)
        reader, writer = await asyncio.open_connection(sock=ours)
        worker = cls(process, reader, writer)
        worker._writer.write(frames.encode(first))
        return worker

    async def ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """One question and its reply. Raises EOFError when the process ends instead."""
        self._writer.write(frames.encode(request))
        header_length, body_length = frames.LENGTHS.unpack(await self._reader.readexactly(frames.LENGTHS.size))
        header = await self._reader.readexactly(header_length)
        return frames.decode(header), await self._reader.readexactly(body_length)

    async def end(self) -> int:
        """Kills the process if it still runs, and gives its exit code (negative: the signal)."""
        self._writer.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        return await self._process.wait()

    async def ended(self) -> int:
        """The exit code of a process that has ended by itself."""
        return await self._process.wait()

    @property
    def running(self) -> bool:
        return self._process.returncode is None


class Pool:
    """`size` workers over the published versions. `current` gives the number of the version to read."""

    def __init__(self, settings: Settings, size: int, current: Callable[[], int]) -> None:
        self._settings = settings
        self._size = size
        self._current = current
        self._idle: deque[_Process] = deque()
        self._slots = asyncio.Semaphore(size)
        self._waiting = 0
        self._busy: set[_Process] = set()
        self._ending: set[asyncio.Task[int]] = set()

    async def start(self) -> None:
        """Starts the workers, so that the first question does not wait for them."""
        self._idle.extend(await asyncio.gather(*(self._spawn() for _ in range(self._size))))

    async def close(self) -> None:
        """Ends every worker, also those at work."""
        workers = [*self._idle, *self._busy]
        self._idle.clear()
        await asyncio.gather(*(worker.end() for worker in workers), *self._ending)

    @property
    def spool(self) -> Path:
        """Where large results are written."""
        return self._settings.home / "spool"

    async def call(self, method: str, *, version: int | None = None, **arguments: Any) -> Any:
        """Calls a method of `Reader` in a worker, over the current version or the one that is named.

        Raises QueryTimeout when it takes too long, Overloaded when too many wait or a worker runs out of memory, QuerySyntaxError when the
        text overflows the engine's stack, and whatever the method raises. Cancelling the call kills the worker.
        """
        number = version if version is not None else self._current()
        request = {"version": number, "method": method, "arguments": arguments}
        if self._slots.locked() and self._waiting >= self._settings.query_queue:
            raise Overloaded("Too many questions are waiting already.", hint="Try again in a few seconds.")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._settings.query_timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise Overloaded("All workers are busy.", hint="Try again in a few seconds.") from None
        finally:
            self._waiting -= 1
        try:
            return await self._work(request)
        finally:
            self._slots.release()

    async def _work(self, request: dict[str, Any]) -> Any:
        worker = await self._ready()
        self._busy.add(worker)
        healthy = False
        try:
            async with asyncio.timeout(self._settings.query_timeout):
                reply, body = await worker.ask(request)
            healthy = True
        except TimeoutError:
            raise QueryTimeout(
                f"The query took more than {self._settings.query_timeout:g} seconds.", hint="Make it more selective, or add LIMIT."
            ) from None
        except (EOFError, ConnectionError):
            raise _death(await worker.ended()) from None
        finally:
            self._busy.discard(worker)
            if healthy:
                self._idle.append(worker)
            else:
                self._retire(worker)
        return _value(reply, body)

    async def _ready(self) -> _Process:
        while self._idle:
            worker = self._idle.popleft()
            if worker.running:
                return worker
            self._retire(worker)
        async with asyncio.timeout(_START_LIMIT):
            return await self._spawn()

    def _retire(self, worker: _Process) -> None:
        task = asyncio.get_running_loop().create_task(worker.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _spawn(self) -> _Process:
        settings = self._settings
        limits = Limits(settings.query_length, settings.query_nesting, settings.result_bytes, settings.page_rows)
        return await _Process.start(
            {
                "parent": os.getpid(),
                "home": str(settings.home),
                "spool": str(self.spool),
                "limits": asdict(limits),
                "memory": settings.query_memory << 20,
            }
        )


def _value(reply: dict[str, Any], body: bytes) -> Any:
    if "problem" in reply:
        raise_problem(reply["problem"])
    value = Wire.load(reply["value"])
    return replace(value, body=body) if isinstance(value, Payload) else value


def _death(code: int) -> Exception:
    """What a worker's end means for the one who asked."""
    if code == -signal.SIGSEGV:
        return QuerySyntaxError("The query is nested too deeply, or too long a chain, to be evaluated.", hint="Shorten or flatten it.")
    return Overloaded("The query needed more memory than one query may take.", hint="Make it more selective, or add LIMIT.")
