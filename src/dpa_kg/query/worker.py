"""A worker process: opens published versions read-only and answers one question after the other. Run by `workers.Pool`.

Texts of callers can overflow the engine's stack or eat memory; here that ends this process and no other.
"""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from dpa_kg import errors, logs
from dpa_kg.errors import DpaKgError, Refused
from dpa_kg.graph.report import Report
from dpa_kg.graph.versions import Versions
from dpa_kg.query.answers import Payload, Wire
from dpa_kg.query.frames import encode, receive
from dpa_kg.query.reader import Limits, Reader, own_catalogue
from dpa_kg.query.sandbox import forbid_network

if TYPE_CHECKING:
    from dpa_kg.query.engine import Engine

_PR_SET_PDEATHSIG = 1  # prctl(2)
_IDLE = 2.0  # seconds without a question after which a process looks at what it holds
_log = logging.getLogger(__name__)


class Worker:
    """Holds the reader of the version that was asked last, and with it the shared lock on it."""

    def __init__(self, home: Path, spool: Path, limits: Limits, memory: int, engine: Engine | None = None, *, named: bool = False) -> None:
        """`engine` answers in place of the versions' own stores; `named` tells that named queries will be asked."""
        self._versions = Versions(home)
        self._engine = engine
        self._spool = spool
        self._limits = limits
        self._memory = memory
        self._held = ExitStack()
        self._reader: Reader | None = None
        self._catalogue = cache(own_catalogue)  # the same for every version
        self._named = named

    def rest(self) -> None:
        """Lets go of a version that is not the current one any more, so that it can be deleted, or of its files when they were replaced.

        Reads what a first named query would have to wait for.
        """
        if self._named:
            self._catalogue()
        if self._reader is not None:
            current = self._versions.current()
            if current is None or current.edition != self._reader.version.edition:
                self._let_go()

    def answer(self, request: dict[str, Any]) -> Any:
        """Calls one method of the reader of one version. `request` has version, method and arguments."""
        reader = self._open(request["version"])
        value: Any = None
        try:
            with self._engine.answering() if self._engine else nullcontext():
                value = getattr(reader, request["method"])(**request["arguments"])
        except DpaKgError:
            if isinstance(value, Payload) and value.path:  # it was there, but not of the version that was asked
                Path(value.path).unlink(missing_ok=True)
            raise
        return value

    def _open(self, number: int) -> Reader:
        is_held = self._reader is not None and self._reader.version.edition == self._versions.get(number).edition
        if self._reader is None or not is_held or (self._engine and not self._engine.is_current):
            self._let_go()
            version = self._held.enter_context(self._versions.reading(number))
            store = self._engine.store(version) if self._engine else None
            self._reader = self._held.enter_context(Reader(version, self._spool, self._limits, self._catalogue, store))
            limit_memory(self._memory)
        return self._reader

    def _let_go(self) -> None:
        """Closes the store before the lock on it goes."""
        self._reader = None
        self._held.close()
        self._held = ExitStack()


def limit_memory(extra: int) -> None:
    """Lets this process grow by `extra` bytes of address space beyond what it has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + extra
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def die_with_parent(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """This process gets a signal when its parent ends; where that has happened already, it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before the call
        sys.exit(0)


def _problem(error: DpaKgError) -> dict[str, Any]:
    report = error.report.to_json() if isinstance(error, Refused) and isinstance(error.report, Report) else None
    problem = {"error": type(error).__name__, "detail": error.detail, "hint": error.hint, "candidates": list(error.candidates)}
    return {**problem, "report": report}


def raise_problem(problem: dict[str, Any]) -> None:
    """Raises the error that a worker reported."""
    if problem["report"]:
        raise Refused(problem["detail"], report=Report.from_json(problem["report"]), hint=problem["hint"])
    kind: type[DpaKgError] = getattr(errors, problem["error"], DpaKgError)
    raise kind(problem["detail"], hint=problem["hint"], candidates=problem["candidates"])


class Answerer(Protocol):
    """What a process answers questions with."""

    def answer(self, request: dict[str, Any]) -> Any:
        """The answer to a request of method and arguments."""
        ...

    def rest(self) -> None:
        """Called again and again while no question comes."""
        return


def serve(connection: socket.socket, worker: Answerer) -> None:
    """Answers until the other side closes the connection."""
    stream = connection.makefile("rb")
    while (frame := _next(connection, stream, worker)) is not None:
        request, _ = frame
        try:
            value = worker.answer(request)
            reply = encode({"value": Wire.dump(value)}, value.body if isinstance(value, Payload) else b"")
        except DpaKgError as error:
            reply = encode({"problem": _problem(error)})
        except MemoryError:
            reply = encode({"problem": _problem(errors.Overloaded("The query needs more memory than one query may take."))})
        except Exception:  # what nobody foresaw is no reason to end; the trace goes to the log
            _log.exception("%s failed", request["method"])
            reply = encode({"problem": _problem(DpaKgError("The service met an error that it did not expect."))})
        connection.sendall(reply)


def _next(connection: socket.socket, stream: IO[bytes], worker: Answerer) -> tuple[Any, bytes] | None:
    """The next frame. One question comes after the other, so that nothing can wait in the stream's buffer."""
    while not select.select([connection], [], [], _IDLE)[0]:
        worker.rest()
    return receive(stream.read)


def run(answerer: Callable[[dict[str, Any]], Answerer]) -> None:
    """A whole process: the first frame has its arguments (parent, home, spool, limits, memory, settings), the next ones questions."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    frame = receive(connection.makefile("rb", buffering=0).read)
    if frame is None:
        return
    start, _ = frame
    logs.configure(start["settings"]["log_level"])  # what an error says may hold what a caller wrote, line ends too
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    die_with_parent(start["parent"])
    os.nice(start["nice"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not start.get("engine"):  # a remote engine evaluates: here texts are only parsed, and answers written
        forbid_network()
    made = answerer(start)
    connection.sendall(encode({"ready": True}))
    with suppress(ConnectionError):  # the parent was killed while it asked
        serve(connection, made)


def main() -> None:
    """A worker over published versions."""
    run(_worker)


def _worker(start: dict[str, Any]) -> Worker:
    engine = None
    if start["engine"]:
        from dpa_kg.query.engine import Engine  # noqa: PLC0415 - its HTTP client takes a tenth of a second to import

        engine = Engine.of(start["engine"])
    return Worker(Path(start["home"]), Path(start["spool"]), Limits(**start["limits"]), start["memory"], engine, named=start["named"])


if __name__ == "__main__":
    main()
