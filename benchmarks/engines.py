"""Starts the engines that are compared, each on a port of the loopback interface, and ends them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

HOST: Final = "127.0.0.1"
_START_LIMIT: Final = 1800.0  # seconds; rdflib reads its file first
_VIRTUOSO: Final = """[Database]
DatabaseFile = {place}/virtuoso.db
ErrorLogFile = {place}/virtuoso.log
LockFile = {place}/virtuoso.lck
TransactionFile = {place}/virtuoso.trx
xa_persistent_file = {place}/virtuoso.pxa
[TempDatabase]
DatabaseFile = {place}/virtuoso-temp.db
TransactionFile = {place}/virtuoso-temp.trx
[Parameters]
ServerPort = {sql}
DirsAllowed = {place}, {data}
NumberOfBuffers = 170000
MaxDirtyBuffers = 130000
ServerThreads = 20
[HTTPServer]
ServerPort = {host}:{port}
ServerThreads = 16
KeepAliveTimeout = 60
MaxKeepAlives = 16
[SPARQL]
ResultSetMaxRows = 1000000
"""


@dataclass(frozen=True)
class Engine:
    """A running engine: its name, where it is asked, its process, and the seconds from its start to its first answer."""

    name: str
    endpoint: str
    process: int
    started: float

    @property
    def base(self) -> str:
        """The address without a path."""
        return self.endpoint.rsplit("/", 1)[0]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def tool(name: str, peers: Path) -> Path | None:
    """A program of the peers' environment, or of this machine."""
    own = peers / "bin" / name
    found = shutil.which(name)
    return own if own.exists() else Path(found) if found else None


@contextmanager
def dpa_kg(home: Path, **settings: object) -> Iterator[Engine]:
    """Our service over a home, with the empty route."""
    port = free_port()
    given = {f"DPA_KG_{name.upper()}": str(value) for name, value in settings.items()}
    environment = {"DPA_KG_HOME": str(home), "DPA_KG_PORT": str(port), "DPA_KG_SERVE_UNVALIDATED": "1", **given}
    with _running("dpa-kg", [sys.executable, "-m", "benchmarks.served"], f"http://{HOST}:{port}/sparql", environment) as engine:
        yield engine


@contextmanager
def oxigraph(program: Path, data: Path, place: Path) -> Iterator[Engine]:
    """`oxigraph serve` over a store that is loaded first."""
    if not place.exists():
        subprocess.run([program, "load", "--location", place, "--file", data], check=True, capture_output=True)  # noqa: S603
    port = free_port()
    command = [str(program), "serve", "--location", str(place), "--bind", f"{HOST}:{port}"]
    with _running("oxigraph serve", command, f"http://{HOST}:{port}/query") as engine:
        yield engine


@contextmanager
def rdflib_endpoint(program: Path, data: Path) -> Iterator[Engine]:
    """rdflib-endpoint, which reads the file into memory."""
    port = free_port()
    command = [str(program), "serve", "--host", HOST, "--port", str(port), str(data)]
    with _running("rdflib-endpoint", command, f"http://{HOST}:{port}/") as engine:
        yield engine


@contextmanager
def virtuoso(program: Path, isql: Path, data: Path, place: Path) -> Iterator[Engine]:
    """Virtuoso, loaded by its bulk loader into one graph, which its default graph holds then."""
    fresh = not place.exists()
    place.mkdir(exist_ok=True)
    port, sql = free_port(), free_port()
    (place / "virtuoso.ini").write_text(_VIRTUOSO.format(place=place, data=data.parent, host=HOST, port=port, sql=sql))
    command = [str(program), "+foreground", "+configfile", str(place / "virtuoso.ini")]
    with _running("Virtuoso", command, f"http://{HOST}:{port}/sparql") as engine:
        if fresh:
            load = f"ld_dir('{data.parent}', '{data.name}', 'urn:benchmark'); rdf_loader_run(); checkpoint;"
            subprocess.run([isql, f"{HOST}:{sql}", "dba", "dba", f"EXEC={load}"], check=True, capture_output=True)  # noqa: S603
        yield engine


@contextmanager
def _running(name: str, command: Sequence[str], endpoint: str, environment: Mapping[str, str] | None = None) -> Iterator[Engine]:
    """A process that is asked until it answers; killed at the end."""
    begun = time.perf_counter()
    variables = {**os.environ, **(environment or {})}
    process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        while not _answers(endpoint):
            if process.poll() is not None or time.perf_counter() - begun > _START_LIMIT:
                raise RuntimeError(f"{name} did not start: {' '.join(command)}")
            time.sleep(0.01)
        yield Engine(name, endpoint, process.pid, time.perf_counter() - begun)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(endpoint: str) -> bool:
    try:
        answer = httpx.get(endpoint, params={"query": "ASK {}"}, headers={"Accept": "application/sparql-results+json"}, timeout=60)
    except httpx.TransportError:
        return False
    return answer.status_code == 200
