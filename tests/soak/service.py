"""A real `dpa-kg serve` over a home of its own: started, ended, killed and started again on one port; and what /proc knows of it."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

TOKEN = "soak"  # noqa: S105 - of this test
QUERY_WORKERS, QUESTION_WORKERS = 2, 2
KEPT = 12  # versions
_START_LIMIT = 120.0  # seconds
_ROLES = {"dpa_kg.query.worker": "worker", "dpa_kg.writer": "writer", "dpa_kg.jobs": "job"}


@dataclass(frozen=True)
class Process:
    """One process of the service: what it is for (web, worker, writer, job), MiB of resident memory, open files."""

    pid: int
    role: str
    memory: float
    files: int


class Service:
    """Knows the process that it has started, and whether callers must expect to find nobody."""

    def __init__(self, home: Path, default_graph: str, seconds: float, web_workers: int = 1) -> None:
        self.home = home
        self.web_workers = web_workers
        self.web_processes = web_workers if web_workers == 1 else web_workers + 1  # several have a parent that watches them
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = int(listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home.parent / "service.log"
        self.changes = 0  # odd while the service is down, or may be
        self._environment = {
            **os.environ,
            "DPA_KG_HOME": str(home),
            "DPA_KG_PORT": str(self.port),
            "DPA_KG_DEFAULT_GRAPH": default_graph,
            "DPA_KG_WRITE_TOKEN": TOKEN,
            "DPA_KG_QUERY_TIMEOUT": str(seconds),
            "DPA_KG_QUERY_WORKERS": str(QUERY_WORKERS),
            "DPA_KG_QUESTION_WORKERS": str(QUESTION_WORKERS),
            "DPA_KG_CLIENT_QUERIES": "32",
            "DPA_KG_KEEP_VERSIONS": str(KEPT),
            "DPA_KG_KEEP_DAYS": "0",
            "DPA_KG_LOG_LEVEL": "warning",
            "DPA_KG_WEB_WORKERS": str(web_workers),
        }
        self._probe = httpx.Client(base_url=self.url, timeout=5, headers={"Connection": "close"})
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the command line over the same home."""
        command = [sys.executable, "-c", "from dpa_kg.cli import app; app()", *arguments]
        environment = {name: value for name, value in self._environment.items() if name != "DPA_KG_PORT"}  # by that we know the service
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    def start(self) -> None:
        """Starts it and waits until it is ready. Raises RuntimeError where it ends instead."""
        command = [sys.executable, "-c", "from dpa_kg.cli import app; app()", "serve", "--no-build"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL, stderr=log)
        deadline = time.monotonic() + _START_LIMIT
        while True:
            with suppress(httpx.TransportError):
                if self._probe.get("/ready").status_code == 200:
                    return
            if (code := self._process.poll()) is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The service did not start within {_START_LIMIT:g} seconds (exit code {code}).")
            time.sleep(0.05)

    def restart(self, sign: signal.Signals) -> None:
        """Ends the service with a signal and starts it again."""
        with self._lock:
            self.changes += 1
            try:
                self.stop(sign)
                self.start()
            finally:
                self.changes += 1

    def kill_web(self, chance: random.Random) -> bool:
        """kill -9 of one of several web processes; returns when another one has taken its place. False where there is only one."""
        mine = [process.pid for process in self.processes() if process.role == "web" and process.pid != self.pid]
        if not mine:
            return False
        with self._lock:
            self.changes += 1
            os.kill(chance.choice(sorted(mine)), signal.SIGKILL)
            deadline = time.monotonic() + _START_LIMIT
            while not self._is_whole(set(mine)) and time.monotonic() < deadline:
                time.sleep(0.1)
            self.changes += 1
        return True

    def _is_whole(self, before: set[int]) -> bool:
        """Whether there are as many web processes as there must be, one of them new, and they answer."""
        mine = {process.pid for process in self.processes() if process.role == "web"} - {self.pid}
        if len(mine) != self.web_processes - 1 or mine == before:
            return False
        with suppress(httpx.TransportError):
            return self._probe.get("/ready").status_code == 200
        return False

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """Ends it. Raises RuntimeError where it does not end, or leaves processes behind."""
        if self._process is None:
            return
        self._process.send_signal(sign)
        self._process.wait(120)
        self._process = None
        deadline = time.monotonic() + 10
        while left := list(self._pids()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"Processes are left behind: {left}")
            time.sleep(0.02)

    def ended(self) -> str:
        """How the process that was started has ended, if it has."""
        return f"exit code {self._process.poll()}" if self._process else "it was stopped"

    def processes(self) -> list[Process]:
        """Every process of this home, also those that no parent has any more."""
        return [found for pid in self._pids() if (found := self._look(pid))]

    def _pids(self) -> Iterator[int]:
        """By the environment, which children inherit."""
        mark = f"\0DPA_KG_PORT={self.port}\0".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in b"\0" + (folder / "environ").read_bytes():
                    yield int(folder.name)

    def _look(self, pid: int) -> Process | None:
        folder = Path("/proc", str(pid))
        with suppress(OSError, IndexError, ValueError):
            command = (folder / "cmdline").read_bytes().decode().split("\0")
            role = next((role for module, role in _ROLES.items() if module in command), "web")
            pages = int((folder / "statm").read_text().split()[1])
            return Process(pid, role, pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), sum(1 for _ in (folder / "fd").iterdir()))
        return None

    def roles(self) -> Counter[str]:
        """How many processes of each role there are."""
        return Counter(process.role for process in self.processes())
