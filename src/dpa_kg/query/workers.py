"""A pool of worker processes that can be killed: by the clock, by their memory, by a caller who hangs up.

pyoxigraph has no time-out and no cancel, and small texts can overflow its stack; so every question is answered in
a process of a pool.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dpa_kg.errors import Overloaded, QuerySyntaxError, QueryTimeout
from dpa_kg.query import frames
from dpa_kg.query.answers import Payload, Wire
from dpa_kg.query.reader import Limits
from dpa_kg.query.spool import forget, own_folder, sweep
from dpa_kg.query.worker import raise_problem
from dpa_kg.settings import Settings

_START_LIMIT = 60.0  # seconds that a worker may take to start
_PATIENCE = 10  # a tenth of a processor that others want, too; all of one that nobody wants
_START_PAUSE = 1.0  # seconds between two attempts to start one
_log = logging.getLogger(__name__)


class _Process:
    """One worker process and the connection to it."""

    def __init__(self, process: asyncio.subprocess.Process, connection: frames.Connection) -> None:
        self._process = process
        self._connection = connection
        self.ask = connection.ask

    @classmethod
    async def start(cls, module: str, first: dict[str, Any]) -> _Process:
        ours, theirs = socket.socketpair()
        with theirs:
            command = (sys.executable, "-m", module, str(theirs.fileno()))
            process = await asyncio.create_subprocess_exec(*command, pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL)
        _, connection = await asyncio.get_running_loop().create_connection(frames.Connection, sock=ours)
        worker = cls(process, connection)
        try:
            await worker.ask(first)
        except BaseException:
            await worker.end()
            raise
        return worker

    async def end(self) -> int:
        """Kills the process if it still runs, and gives its exit code (negative: the signal)."""
        self._connection.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        return await self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is known to have ended."""
        return self._process.returncode is not None

    async def ended(self) -> int:
        """The exit code of a process that has ended by itself."""
        return await self._process.wait()


@dataclass(frozen=True)
class Kind:
    """What the processes of a pool are: the module that runs, what one does at a time, seconds and MiB for it.

    `nice` is how much the scheduler prefers others to them (nice(2), 0 to 19).
    `named` tells those that answer named queries, and read the catalogue before they are asked.
    `engine` is where processes that read ask instead of the versions on disk (`query.engine`).
    """

    module: str
    work: str
    timeout: float
    memory: int
    hint: str
    nice: int = 0
    named: bool = False
    engine: dict[str, Any] | None = field(default=None, repr=False)


def reading(settings: Settings) -> Kind:
    """Workers that answer questions over published versions."""
    hint = "Make it more selective, or add LIMIT."
    return Kind("dpa_kg.query.worker", "query", settings.query_timeout, settings.query_memory, hint, named=True, engine=_engine(settings))


def _engine(settings: Settings) -> dict[str, Any] | None:
    if settings.store is None:
        return None
    from dpa_kg.graph.endpoint import Access  # noqa: PLC0415 - most services have no such engine, and start faster without it

    return {"access": Access.of(settings).to_json(), "timeout": settings.query_timeout}


def patient(settings: Settings) -> Kind:
    """Workers that read too, but get the processors only where pages and named queries leave them."""
    return replace(reading(settings), nice=_PATIENCE, named=False)


def writing(settings: Settings) -> Kind:
    """The process that changes the graph; a pool of writers has one."""
    return Kind("dpa_kg.writer", "write", settings.write_timeout, settings.write_memory, "Send it in smaller pieces.")


class Pool:
    """`size` workers over the published versions. `current` gives the number of the version to read."""

    def __init__(self, settings: Settings, size: int, current: Callable[[], int], kind: Kind | None = None) -> None:
        self._settings = settings
        self._spool = own_folder(settings.home / "spool")
        self._size = size
        self._current = current
        self._kind = kind or reading(settings)
        self._idle: asyncio.LifoQueue[_Process] = asyncio.LifoQueue()  # the one that has just answered is warm
        self._busy: set[_Process] = set()
        self._waiting = 0
        self._starting: set[asyncio.Task[None]] = set()
        self._started = False
        self._closed = False
        self.kills: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """How many questions wait for a worker."""
        return self._waiting

    @property
    def busy(self) -> int:
        """How many workers are at work."""
        return len(self._busy)

    @property
    def idle(self) -> int:
        """How many workers wait for a question."""
        return self._idle.qsize()

    async def start(self) -> None:
        """Begins to start the workers, once; questions wait for the first one that is there."""
        if self._started:
            return
        self._started = True
        sweep(self._spool.parent)
        self._begin(self._add_all())

    async def _add_all(self) -> None:
        """The first one alone: whoever asks right after the start waits for it, and not for all."""
        await self._add()
        for _ in range(self._size - 1):
            self._begin(self._add())

    async def close(self) -> None:
        """Ends every worker, also those at work."""
        self._closed = True
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        workers = [*self._busy, *(self._idle.get_nowait() for _ in range(self._idle.qsize()))]
        await asyncio.gather(*(worker.end() for worker in workers))
        shutil.rmtree(self._spool, ignore_errors=True)

    async def call(self, method: str, *, version: int | None = None, **arguments: Any) -> Any:
        """Calls a method of `Reader` in a worker, over the current version or the one that is named.

        Raises QueryTimeout when it takes too long, Overloaded when too many wait or a worker runs out of memory, QuerySyntaxError when the
        text overflows the engine's stack, and whatever the method raises. Cancelling the call kills the worker.
        """
        number = version if version is not None else self._current()
        worker = await self._acquire()
        healthy = False
        try:
            async with asyncio.timeout(self._kind.timeout):
                reply, body = await worker.ask({"version": number, "method": method, "arguments": arguments})
            healthy = True
        except TimeoutError:
            detail = f"The {self._kind.work} took more than {self._kind.timeout:g} seconds."
            self.kills["time"] += 1
            raise QueryTimeout(detail, hint=self._kind.hint) from None
        except (EOFError, ConnectionError):
            error = _death(await worker.ended(), self._kind)
            self.kills["stack" if isinstance(error, QuerySyntaxError) else "memory"] += 1
            raise error from None
        except asyncio.CancelledError:
            self.kills["client"] += 1
            raise
        finally:
            self._release(worker, healthy)
        return _value(reply, body)

    async def _acquire(self) -> _Process:
        """An idle worker; waits for one in the queue. Raises Overloaded when the queue is full, or does not move."""
        worker = self._idle.get_nowait() if not self._waiting and not self._idle.empty() else await self._wait()
        self._busy.add(worker)
        return worker

    async def _wait(self) -> _Process:
        if self._waiting >= self._settings.query_queue:
            raise Overloaded("Too many questions are waiting already.", hint="Try again in a few seconds.")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._kind.timeout + _START_LIMIT):
                return await self._idle.get()
        except TimeoutError:
            raise Overloaded("All workers are busy.", hint="Try again in a few seconds.") from None
        finally:
            self._waiting -= 1

    def _release(self, worker: _Process, healthy: bool) -> None:
        self._busy.discard(worker)
        if healthy and not worker.has_ended:
            self._idle.put_nowait(worker)
        else:
            self._begin(self._replace(worker))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _replace(self, worker: _Process) -> None:
        await worker.end()
        forget(self._spool, worker.pid)
        await self._add()

    async def _add(self) -> None:
        """Starts a worker, again and again until one has started."""
        while not self._closed:
            try:
                worker = await self._spawn()
            except (OSError, EOFError, TimeoutError):
                _log.exception("A worker did not start; trying again.")
                await asyncio.sleep(_START_PAUSE)
            else:
                self._idle.put_nowait(worker)
                self._begin(self._watch(worker))
                return

    async def _watch(self, worker: _Process) -> None:
        """Replaces a worker that ends while nobody asks it, before somebody does: the system may want its memory, too."""
        await worker.ended()
        for other in [self._idle.get_nowait() for _ in range(self._idle.qsize())]:
            if other is not worker:
                self._idle.put_nowait(other)
            elif not self._closed:
                _log.warning("A worker ended by itself; another one starts.")
                self._begin(self._replace(worker))

    async def _spawn(self) -> _Process:
        settings = self._settings
        limits = Limits(settings.query_length, settings.query_nesting, settings.result_bytes, settings.page_rows)
        first = {
            "parent": os.getpid(),
            "home": str(settings.home),
            "spool": str(self._spool),
            "limits": asdict(limits),
            "memory": self._kind.memory << 20,
            "nice": self._kind.nice,
            "named": self._kind.named,
            "settings": settings.model_dump(mode="json", exclude={"write_token", "store_password", "store_token"}),
            "engine": self._kind.engine,
        }
        async with asyncio.timeout(_START_LIMIT):
            return await _Process.start(self._kind.module, first)


def _value(reply: dict[str, Any], body: bytes) -> Any:
    if "problem" in reply:
        raise_problem(reply["problem"])
    value = Wire.load(reply["value"])
    return replace(value, body=body) if isinstance(value, Payload) else value


def _death(code: int, kind: Kind) -> Exception:
    """What a worker's end means for the one who asked."""
    if code == -signal.SIGSEGV:
        detail = f"The {kind.work} is nested too deeply, or too long a chain, to be evaluated."
        return QuerySyntaxError(detail, hint="Shorten or flatten it.")
    return Overloaded(f"The {kind.work} needed more memory than one {kind.work} may take.", hint=kind.hint)
