"""An engine that fails in the way that a test asks for: it stands before a real one, and passes on what it does not spoil."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

LIMIT = 30.0  # seconds that anything here waits
HOP = {"transfer-encoding", "content-length", "connection", "content-encoding"}


class Faulty(ThreadingHTTPServer):
    """`fault` answers a request in place of the engine, where `spoils` says so. `seen` are the bodies of all requests."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind = behind
        self.fault: Callable[[Handler], None] | None = None
        self.spoils: Callable[[str, str], bool] = lambda method, body: "pushed" not in body
        self.seen: list[str] = []
        self.hung_up = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Faulty

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(body.decode("utf-8", "replace"))
        if self.server.fault and self.server.spoils(self.command, self.server.seen[-1]):
            self.server.fault(self)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "content-length"}}
        answer = httpx.request(self.command, f"{self.server.behind}{self.path}", content=body, headers=headers, timeout=LIMIT)
        self.reply(answer.status_code, answer.content, **{name: value for name, value in answer.headers.items() if name not in HOP})

    do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815 - named by the standard library

    def reply(self, status: int, body: bytes, length: int | None = None, /, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def status(code: int, **headers: str) -> Callable[[Handler], None]:
    """Answers with a status."""
    return lambda handler: handler.reply(code, b"no", Content_Type="text/plain", **headers)


def body(content: bytes, media_type: str = "application/sparql-results+json", length: int | None = None) -> Callable[[Handler], None]:
    """Answers 200 with this body; with a `length` that is larger, the connection breaks off."""

    def fault(handler: Handler) -> None:
        handler.reply(200, content, length, Content_Type=media_type)
        handler.close_connection = True

    return fault


def dropped(handler: Handler) -> None:
    """Closes the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def silent(handler: Handler) -> None:
    """Says nothing until the client hangs up, and takes note of that."""
    handler.close_connection = True
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if select.select([handler.connection], [], [], 0.1)[0] and not handler.connection.recv(1, socket.MSG_PEEK):
            handler.server.hung_up.set()
            return


@contextmanager
def faulty(behind: str) -> Iterator[Faulty]:
    """Before the engine at the address `behind` (without a path)."""
    server = Faulty(behind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(LIMIT)
