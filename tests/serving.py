"""A real server over a home directory, in a thread of the test process, on a free port of the loopback interface."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from dpa_kg.http.app import create_app
from dpa_kg.http.server import configuration
from dpa_kg.settings import Settings

START_LIMIT = 60.0  # seconds


@contextmanager
def serving(home: Path, **changes: Any) -> Iterator[str]:
    """The address of a service over `home`; `changes` are settings."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    settings = Settings(home=home, port=port, **changes)
    server = uvicorn.Server(configuration(create_app(settings), settings, log_level="error", timeout_graceful_shutdown=3))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    deadline = time.monotonic() + START_LIMIT
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the test server did not start")
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
