"""Several web processes: the parent opens the address, starts them, starts another one where one ends, and stops them.

It answers nothing itself. The processes accept connections from one listening socket, so that the one that is free takes the next.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import shutil
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from pydantic import SecretStr

from dpa_kg import logs
from dpa_kg.query.spool import own_folder, sweep
from dpa_kg.settings import Settings

START_FAILED: Final = 3
_BACKLOG: Final = 2048
_PAUSE: Final = 1.0  # seconds before another process is started in place of one
_MARGIN: Final = 10.0  # seconds for a process to end its own workers
_DIVIDED: Final = ("query_workers", "question_workers", "query_queue", "validations")
_log = logging.getLogger(__name__)


def handed_down(settings: Settings) -> dict[str, Any]:
    """The settings as JSON for a process of ours, with the secrets: it goes through a pipe and is never logged."""
    secrets = {name: value.get_secret_value() for name, value in settings if isinstance(value, SecretStr)}
    return {**settings.model_dump(mode="json"), **secrets}


def divided(settings: Settings) -> Settings:
    """The settings of one web process: its share of the workers and queues of the service, rounded up and at least one."""
    shares = {name: max(1, math.ceil(getattr(settings, name) / settings.web_workers)) for name in _DIVIDED}
    return settings.model_copy(update={name: shares[name] for name in _DIVIDED if getattr(settings, name)})


def supervise(settings: Settings) -> None:
    """Serves with `web_workers` processes until Ctrl+C or SIGTERM; answers in flight are finished.

    Exits with a code where nobody can listen at the address.
    """
    logs.configure(settings.log_level)
    try:
        listener = _listener(settings)
    except OSError as error:
        _log.error("%s:%s cannot be listened on: %s", settings.host, settings.port, error)
        sys.exit(START_FAILED)
    spool = settings.home / "spool"
    sweep(spool)
    folder = own_folder(spool)
    folder.mkdir(parents=True)
    try:
        with listener, tempfile.TemporaryFile() as places:
            asyncio.run(_run(_Service(settings, listener, folder, places)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _listener(settings: Settings) -> socket.socket:
    family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address[:2], family=family, backlog=_BACKLOG)


@dataclass(frozen=True)
class _Service:
    """What every web process is given."""

    settings: Settings
    listener: socket.socket
    folder: Path
    places: IO[bytes]

    async def start(self) -> asyncio.subprocess.Process:
        """A new web process. A session of its own keeps Ctrl+C from it: the parent says when it is over."""
        files = [self.listener.fileno(), self.places.fileno()]
        command = (sys.executable, "-m", "dpa_kg.http.process")
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, pass_fds=files, start_new_session=True)
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        process.stdin.write(json.dumps(self._first(*files)).encode())
        process.stdin.close()
        return process

    def _first(self, listener: int, places: int) -> dict[str, object]:
        content = handed_down(divided(self.settings))
        return {"parent": os.getpid(), "listener": listener, "places": places, "folder": str(self.folder), "settings": content}


async def _run(service: _Service) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await asyncio.gather(*(_keep_one(service, stop) for _ in range(service.settings.web_workers)))


async def _keep_one(service: _Service, stop: asyncio.Event) -> None:
    """One process, and the next one when it has ended, until the service is stopped."""
    stopped = asyncio.ensure_future(stop.wait())
    while not stop.is_set():
        process = await service.start()
        ended = asyncio.ensure_future(process.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done() and not stop.is_set():
            _log.error("Web process %s has ended with code %s; another one is started.", process.pid, process.returncode)
            await asyncio.wait({stopped}, timeout=_PAUSE)
            continue
        await _stop(process, service.settings.shutdown_timeout + _MARGIN)


async def _stop(process: asyncio.subprocess.Process, patience: float) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), patience)
    except TimeoutError:
        _log.error("Web process %s did not end, and is killed.", process.pid)
        process.kill()
        await process.wait()
