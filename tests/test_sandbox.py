"""A worker opens no connection, even where the lexer was deceived."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

SERVICE = "SELECT * {{ SERVICE <http://127.0.0.1:{port}/> {{ ?s ?p ?o }} }}"
PROGRAM = """
import sys, socket, threading
import pyoxigraph
from dpa_kg.query.sandbox import forbid_network
if sys.argv[1] == "sandboxed":
    assert forbid_network()
threading.Thread(target=lambda: None).start()  # threads still start
socket.socketpair()
try:
    list(pyoxigraph.Store().query(sys.argv[2]))
except OSError as error:
    print(error)
"""


@pytest.fixture
def canary() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        yield listener


@pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="the filter knows x86-64 and aarch64; run it on one of them")
def test_a_sandboxed_process_cannot_ask_another_server(canary: socket.socket) -> None:
    query = SERVICE.format(port=canary.getsockname()[1])
    done = subprocess.run([sys.executable, "-c", PROGRAM, "sandboxed", query], capture_output=True, text=True, timeout=60, check=True)
    assert "ermission denied" in done.stdout
    canary.settimeout(0)
    with pytest.raises(BlockingIOError):
        canary.accept()


def test_without_the_sandbox_the_engine_would_ask(canary: socket.socket) -> None:
    """If this fails, the engine asks nobody any more, and the test above proves nothing."""
    query = SERVICE.format(port=canary.getsockname()[1])
    with subprocess.Popen([sys.executable, "-c", PROGRAM, "free", query], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        connection, _ = canary.accept()
        connection.close()
        process.wait(60)
