"""SPARQL engines for tests: `oxigraph serve` and a real Virtuoso, on free ports of the loopback interface, ended by their pid."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from dpa_kg.graph.endpoint import Access, Endpoint

HOST = "127.0.0.1"
START_LIMIT = 120.0  # seconds
VIRTUOSO = """[Database]
DatabaseFile = {place}/virtuoso.db
ErrorLogFile = {place}/virtuoso.log
LockFile = {place}/virtuoso.lck
TransactionFile = {place}/virtuoso.trx
xa_persistent_file = {place}/virtuoso.pxa
[TempDatabase]
DatabaseFile = {place}/virtuoso-temp.db
TransactionFile = {place}/virtuoso-temp.trx
[Parameters]
ServerPort = {host}:{sql}
NumberOfBuffers = 20000
MaxDirtyBuffers = 15000
MaxQueryMem = 1G
ServerThreads = 10
[HTTPServer]
ServerPort = {host}:{port}
ServerThreads = 8
[SPARQL]
ResultSetMaxRows = 5000
"""


@dataclass(frozen=True)
class Running:
    """A running engine: how it is reached, and its process."""

    name: str
    access: Access
    process: subprocess.Popen[bytes]

    def endpoint(self, timeout: float = 120.0) -> Endpoint:
        return Endpoint(self.access, timeout)


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def oxigraph() -> Iterator[Running]:
    """An empty `oxigraph serve`, in memory."""
    program = Path(sys.executable).parent / "oxigraph"
    if not program.exists():
        pytest.skip("`oxigraph serve` is not there: `make setup` installs the package oxigraph")
    port = free_port()
    base = f"http://{HOST}:{port}"
    access = Access(f"{base}/query", update=f"{base}/update", graphs=f"{base}/store")
    with _running("oxigraph", [str(program), "serve", "--bind", f"{HOST}:{port}"], access) as engine:
        yield engine


@contextmanager
def virtuoso(place: Path) -> Iterator[Running]:
    """An empty Virtuoso with its files in `place`; it is written with the password of its administrator (Digest)."""
    program = shutil.which("virtuoso-t")
    if program is None:
        pytest.skip("Virtuoso is not there: apt-get install virtuoso-opensource-7-bin")
    port = free_port()
    (place / "virtuoso.ini").write_text(VIRTUOSO.format(place=place, host=HOST, port=port, sql=free_port()), encoding="utf-8")
    base = f"http://{HOST}:{port}"
    access = Access(f"{base}/sparql", graphs=f"{base}/sparql-graph-crud-auth", user="dba", password="dba")  # noqa: S106 - its first one
    command = [program, "+foreground", "+configfile", str(place / "virtuoso.ini")]
    with _running("virtuoso", command, access) as engine:
        yield engine


@contextmanager
def _running(name: str, command: Sequence[str], access: Access) -> Iterator[Running]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_LIMIT
        while not _answers(access.query):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start: {' '.join(command)}")
            time.sleep(0.05)
        yield Running(name, access, process)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, params={"query": "ASK {}"}, timeout=10).status_code == 200
    except httpx.TransportError:
        return False
