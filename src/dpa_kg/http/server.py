"""The web server: uvicorn with limits on what comes before a request is one, and errors in the shape that all errors have.

uvicorn waits without end for headers and for a body that nobody reads, and answers what is not HTTP with plain text.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import sys
from contextlib import suppress
from typing import Any, Final, cast

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from dpa_kg.errors import DpaKgError, InputError, Overloaded
from dpa_kg.http import logs
from dpa_kg.http.app import create_app
from dpa_kg.http.errors import HeadersTooLarge, Problem, TooSlow
from dpa_kg.http.middleware import COMMON_HEADERS
from dpa_kg.http.supervisor import START_FAILED, supervise
from dpa_kg.representations.formats import PROBLEM
from dpa_kg.settings import Settings

_LINGER: Final = 2.0  # seconds to read on after a refusal, so that the client sees it instead of a broken connection


def configuration(app: FastAPI, settings: Settings, **changes: Any) -> uvicorn.Config:
    """How the service is served. `changes` are arguments of uvicorn."""
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "log_level": settings.log_level,
        "log_config": None,
        "access_log": False,  # the log of accesses is `http.observation`'s
        "timeout_graceful_shutdown": settings.shutdown_timeout,
        "http": LimitedProtocol,
        "loop": "asyncio",  # uvloop was measured: the same within the noise
        "ws": "none",
        "server_header": False,
        "forwarded_allow_ips": settings.trusted_proxies or [],
        "h11_max_incomplete_event_size": settings.address_length + settings.header_bytes,
    }
    return uvicorn.Config(app, **{**options, **changes})


def serve(settings: Settings) -> None:
    """Serves until Ctrl+C or SIGTERM, in this process or in as many as the settings say. Exits with a code where it does not start."""
    if settings.web_workers > 1:
        supervise(settings)
    else:
        run(create_app(settings), settings)


def run(app: FastAPI, settings: Settings, listeners: list[socket.socket] | None = None) -> None:
    """Serves in this process, where it listens or where the settings say; answers in flight are finished.

    Exits with a code where it does not start.
    """
    logs.configure(settings.log_level)
    server = uvicorn.Server(configuration(app, settings))
    with suppress(KeyboardInterrupt):
        server.run(listeners)
    if not server.started:
        sys.exit(START_FAILED)


class LimitedProtocol(H11Protocol):
    """One connection. It is closed when the headers do not come in time, or when a refused client goes on sending."""

    def __init__(self, config: uvicorn.Config, *arguments: Any, **more: Any) -> None:
        super().__init__(config, *arguments, **more)
        self._settings = cast(FastAPI, config.app).state.settings
        self._deadline: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > self._settings.connections:
            self.refuse(Overloaded("Too many connections are open.", hint="Try again in a few seconds."))
        else:
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait_for_headers()
        elif not self._is_draining():
            self._forget_deadline()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_draining():
            self._forget_deadline()
            self._deadline = self.loop.call_later(_LINGER, self.transport.close)

    def send_400_response(self, msg: str) -> None:
        """Called where what came is not HTTP/1.1; h11 knows the better status for headers without end."""
        if getattr(sys.exception(), "error_status_hint", 400) == HeadersTooLarge.status:
            self.refuse(HeadersTooLarge(f"The headers are larger than {self._settings.header_bytes} bytes."))
        else:
            self.refuse(InputError("What was sent is not an HTTP/1.1 request."))

    def refuse(self, error: DpaKgError) -> None:
        """Answers with a problem document, where nothing was answered yet, and closes the connection."""
        self._refused = True
        self._forget_deadline()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()
            return
        status, headers, body = _rendered(error)
        for event in (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.write_eof()
        self._deadline = self.loop.call_later(_LINGER, self.transport.close)

    def _is_draining(self) -> bool:
        """Whether the response is sent while the body of the request still comes."""
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    def _wait_for_headers(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._settings.header_timeout, self._too_slow)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self.refuse(TooSlow(f"The headers took more than {self._settings.header_timeout:g} seconds to arrive."))


def _rendered(error: DpaKgError) -> tuple[int, list[tuple[str, str]], bytes]:
    """A problem document for a client that has sent no request that one could negotiate with."""
    problem, request_id = Problem.of(error), secrets.token_hex(8)
    body = json.dumps(problem.document(request_id), indent=2).encode()
    headers = {
        **COMMON_HEADERS,
        **problem.headers,
        "X-Request-ID": request_id,
        "Cache-Control": "no-store",
        "Content-Type": PROBLEM.media_type,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    return problem.status, list(headers.items()), body
