"""What must not grow: looked at while nobody asks, when all that was begun has ended."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

from tests.soak.model import Ledger
from tests.soak.service import KEPT, QUERY_WORKERS, QUESTION_WORKERS, Service

_OF_KILLS = re.compile(r"A worker did not start; trying again|Web process \d+ has ended with code -9")
_SETTLE = 30.0  # seconds until what was begun must have ended
_WARM = 60.0  # seconds of one web process until its caches are full
_FILES = 12  # more open files of the web process than at its first look
_MEMORY = 48.0  # MiB that a warm web process may grow
_SLOPE = 2.0  # MiB a minute that a warm web process may grow, by least squares
_WORKER = 400.0  # MiB of one worker


@dataclass(frozen=True)
class Look:
    """One look: seconds since the beginning, the web process, its MiB and open files, the largest worker, processes, spool files."""

    at: float
    pid: int
    memory: float
    files: int
    worker: float
    worker_files: int
    processes: int
    spooled: int
    unfinished: int


class Watch:
    """Takes looks, and judges each by itself and all together."""

    def __init__(self, service: Service, ledger: Ledger) -> None:
        self._service, self._ledger = service, ledger
        self._began = time.monotonic()
        self.looks: list[Look] = []

    def look(self) -> Look | None:
        """Waits until nothing is left of what was begun; what still is then, is a leak. None where the service is gone."""
        deadline = time.monotonic() + _SETTLE
        while (problem := self._left()) and time.monotonic() < deadline:
            time.sleep(0.1)
        if problem:
            self._ledger.blame(f"after {_SETTLE:g} quiet seconds: {problem}")
        look = self._take()
        if look is None:
            self._ledger.blame(f"the web process is gone: {self._service.ended()}")
            return None
        first = next((other for other in self.looks if other.pid == look.pid), look)
        if look.files > first.files + _FILES:
            self._ledger.blame(f"the web process has {look.files} open files, {first.files} at first")
        if (versions := len(list((self._service.home / "versions").iterdir()))) > KEPT + look.processes:  # one may be read by each process
            self._ledger.blame(f"there are {versions} versions, and {KEPT} were to be kept")
        if look.worker > _WORKER:
            self._ledger.blame(f"a worker has {look.worker:.0f} MiB")
        self.looks.append(look)
        return look

    def _left(self) -> str | None:
        """What is not as it is in a service at rest."""
        roles, web = self._service.roles(), self._service.web_workers
        answering = (roles["web"], roles["worker"]) == (self._service.web_processes, QUERY_WORKERS + QUESTION_WORKERS)
        if not answering or roles["writer"] > web or roles["job"] > 2 * web:
            return f"processes {dict(roles)}"
        if spooled := self._spooled():
            return f"{len(spooled)} files in the spool ({spooled[0]})"
        alive = {process.pid for process in self._service.processes()}
        strange = [folder for folder in (self._service.home / "spool").glob("*-*") if int(folder.name.partition("-")[0]) not in alive]
        if strange:
            return f"spool folders of processes that are gone: {strange}"
        if unfinished := self._unfinished():
            return f"versions without version.json: {unfinished}"
        return None

    def _spooled(self) -> list[Path]:
        return list((self._service.home / "spool").rglob("result-*"))

    def _unfinished(self) -> list[str]:
        versions = self._service.home / "versions"
        return [path.name for path in versions.iterdir() if not (path / "version.json").is_file()]

    def _take(self) -> Look | None:
        processes = self._service.processes()
        web = max((process for process in processes if process.role == "web"), key=lambda process: process.memory, default=None)
        if web is None or self._service.pid not in {process.pid for process in processes}:
            return None
        workers = [process for process in processes if process.role == "worker"]
        return Look(
            at=time.monotonic() - self._began,
            pid=self._service.pid,
            memory=web.memory,
            files=web.files,
            worker=max((process.memory for process in workers), default=0),
            worker_files=max((process.files for process in workers), default=0),
            processes=len(processes),
            spooled=len(self._spooled()),
            unfinished=len(self._unfinished()),
        )

    def judge(self) -> str:
        """Whether the last web process has grown since it was warm; in words."""
        if not self.looks:
            return "nobody has looked"
        mine = [look for look in self.looks if look.pid == self.looks[-1].pid]
        warm = [look for look in mine if look.at >= mine[0].at + _WARM] or mine[-1:]
        grown = warm[-1].memory - warm[0].memory
        slope = _slope([(look.at / 60, look.memory) for look in warm])
        if grown > _MEMORY:
            self._ledger.blame(f"the web process has grown by {grown:.0f} MiB since it was warm")
        if len(warm) >= 4 and slope > _SLOPE:
            self._ledger.blame(f"the web process grows by {slope:.1f} MiB a minute")
        return f"{warm[0].memory:.0f} → {warm[-1].memory:.0f} MiB over {len(warm)} looks, {slope:+.2f} MiB a minute"

    def read_log(self) -> int:
        """Counts the lines of the log; each is an object, and none is about something that we have not done."""
        kills = sum(count for what, count in self._ledger.counts.items() if what.startswith("kills of"))
        lines = self._service.log.read_text("utf-8", "replace").splitlines()
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                self._ledger.blame(f"a line of the log is no JSON: {line[:200]}")
                continue
            was_killed = _OF_KILLS.match(entry["message"]) is not None and kills > 0
            kills -= was_killed
            if not was_killed and (entry["level"] in {"error", "critical"} or "trace" in entry):
                self._ledger.blame(f"the log has an error: {line[:600]}")
        return len(lines)


def _slope(points: list[tuple[float, float]]) -> float:
    """Of the line through points, by least squares; 0 through one point."""
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
