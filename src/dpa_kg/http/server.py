"""The web server: uvicorn with limits on what comes before a request is one, and errors in the shape that all errors have.

uvicorn waits without end for headers and for a body that nobody reads, and answers what is not HTTP with plain text.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import socket
import sys
from contextlib import suppress
from typing import Any, Final, cast

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from dpa_kg import logs
from dpa_kg.errors import DpaKgError, InputError, Overloaded, TextTooLong
from dpa_kg.http.app import create_app
from dpa_kg.http.errors import HeadersTooLarge, Problem, TooSlow
from dpa_kg.http.middleware import COMMON_HEADERS
from dpa_kg.http.supervisor import START_FAILED, supervise
from dpa_kg.representations.formats import PROBLEM
from dpa_kg.settings import Settings

_ABSOLUTE: Final = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)  # a target that is a whole URL
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


class LimitedProtocol(HttpToolsProtocol):
    """One connection. It is closed when the headers do not come in time, or when a refused client goes on sending.

    llhttp, the parser, has no limits of its own: what comes before a request is one is counted here.
    """

    def __init__(self, config: uvicorn.Config, *arguments: Any, **more: Any) -> None:
        super().__init__(config, *arguments, **more)
        self._settings = cast(FastAPI, config.app).state.settings
        self._most_head = self._settings.address_length + self._settings.header_bytes
        self._deadline: asyncio.TimerHandle | None = None
        self._refused = False
        self._refusal: DpaKgError | None = None  # of what came behind a request that is still answered
        self._before_head = True  # what comes next belongs to the head of a request
        self._unread = 0  # bytes of an unfinished head; in a body, bytes that are not its content
        self._running: RequestResponseCycle | None = None  # the one that answers; uvicorn keeps only the one that came last

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > self._settings.connections:
            self.refuse(Overloaded("Too many connections are open.", hint="Try again in a few seconds."))
        else:
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        self._disconnect()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._unread += len(data)
        super().data_received(data)
        if self._refused or self._is_draining():
            return
        if self._unread > (self._most_head if self._before_head else self._settings.request_bytes):
            self.refuse(self._too_much())
        elif self._before_head and self._unread and self._is_idle():
            self._wait_for_headers()
        else:
            self._forget_deadline()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Fields behind a body are passed over: nobody reads them (RFC 9110, section 6.5)."""
        if self._before_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._before_head, self._unread = False, 0
        if self.parser.get_http_version() not in {"1.0", "1.1"}:  # a bare line end in the target makes 0.9 of it
            raise ValueError("neither HTTP/1.0 nor HTTP/1.1")  # what a callback raises is a 400
        if absolute := _ABSOLUTE.fullmatch(self.url):  # its authority replaces the Host header (RFC 9112, section 3.2.2)
            self.headers[:] = [(b"host", absolute[1]), *(header for header in self.headers if header[0] != b"host")]
            self.url = absolute[2] or b"/"
        elif self.url == b"*" and self.parser.get_method() == b"OPTIONS":  # of the server as a whole
            self.url = b"/"
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._before_head, self._unread = True, 0
        self._forget_deadline()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_draining():
            self._forget_deadline()
            self._deadline = self.loop.call_later(_LINGER, self.transport.close)
        elif self._refusal is not None and self._is_idle():
            self.refuse(self._refusal)

    def _too_much(self) -> DpaKgError:
        if self._before_head:
            return HeadersTooLarge(f"The headers are larger than {self._settings.header_bytes} bytes.")
        return TextTooLong(f"The body is larger than {self._settings.request_bytes} bytes.", hint="Send it in larger chunks.")

    def send_400_response(self, msg: str) -> None:
        """Called where what came is not HTTP/1.1. Requests before it are answered first."""
        error = InputError("What was sent is not an HTTP/1.1 request.")
        if self._before_head and not self._is_idle():
            self._refused, self._refusal = True, error
        else:
            self.refuse(error)

    def refuse(self, error: DpaKgError) -> None:
        """Answers with a problem document, where nothing was answered yet, and closes the connection."""
        self._refused = True
        self._forget_deadline()
        is_answering = self._running is not None and self._running.response_started and not self._running.response_complete
        self._disconnect()
        if is_answering or self.pipeline:
            self.transport.close()
            return
        self.transport.write(_rendered(error))
        self.transport.write_eof()
        self._deadline = self.loop.call_later(_LINGER, self.transport.close)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _disconnect(self) -> None:
        """Tells the one that answers that nobody waits for it."""
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_draining(self) -> bool:
        """Whether the response is sent while the body of the request still comes."""
        return self.cycle is not None and self.cycle.response_complete and not self._before_head

    def _wait_for_headers(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._settings.header_timeout, self._too_slow)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self.refuse(TooSlow(f"The headers took more than {self._settings.header_timeout:g} seconds to arrive."))


def _rendered(error: DpaKgError) -> bytes:
    """A response with a problem document, for a client that has sent no request that one could negotiate with."""
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
    lines = [*(f"{name}: {value}" for name, value in headers.items()), "\r\n"]
    return STATUS_LINE[problem.status] + "\r\n".join(lines).encode() + body
