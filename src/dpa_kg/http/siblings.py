"""The web processes of one service: what they share, and what each tells the others of itself.

They share a folder and an empty file whose bytes are locked (`clients`). Each writes its counters into the folder once a second; whoever
is asked for `/metrics` adds them up. What a process has counted stays there after its end, so that no counter of the service goes down.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from dpa_kg.http.background import running

_log = logging.getLogger(__name__)
_PAUSE: Final = 1.0  # seconds between two reports


@dataclass(frozen=True)
class Report:
    """What a process says of itself: whether it takes questions, and its counters as Prometheus reads them."""

    ready: bool
    counters: str


@dataclass(frozen=True)
class Siblings:
    """`count` web processes, this one among them. `folder` is None where it is alone; `places` is the file whose bytes are locked."""

    count: int
    folder: Path | None
    places: IO[bytes]

    @classmethod
    def alone(cls) -> Siblings:
        """A service of one process."""
        return cls(1, None, tempfile.TemporaryFile())

    def tell(self, report: Report) -> None:
        """Writes what this process says of itself."""
        if self.folder is not None:
            part = self.folder / f"{os.getpid()}.part"
            part.write_text(json.dumps([report.ready, report.counters]), encoding="utf-8")
            part.replace(part.with_suffix(".json"))

    @asynccontextmanager
    async def telling(self, report: Callable[[], Report]) -> AsyncIterator[None]:
        """While the process serves: writes its report again whenever it has changed, and once more at the end."""
        try:
            async with running(self._keep_telling(report)):
                yield
        finally:
            self.tell(report())

    async def _keep_telling(self, report: Callable[[], Report]) -> None:
        last = None
        while self.folder is not None:
            if (new := report()) != last:
                try:
                    self.tell(new)
                    last = new
                except OSError as error:
                    _log.warning("The counters cannot be written: %s", error)
            await asyncio.sleep(_PAUSE)

    def are_ready(self, own: Report) -> bool:
        """Whether each of the processes takes questions; the others as they have said last."""
        return own.ready and self.count == 1 + sum(report.ready for is_running, report in self._others() if is_running)

    def running(self) -> int:
        """How many of the processes run."""
        return 1 + sum(is_running for is_running, _ in self._others())

    def summed(self, own: Report) -> Iterator[str]:
        """The counters of all processes added up; gauges only of those that run."""
        families: dict[str, _Family] = {}
        for is_running, report in [(True, own), *self._others()]:
            _add(report.counters.splitlines(), families, gauges=is_running)
        for family in families.values():
            yield from family.head
            yield from (f"{sample} {value:.12g}" for sample, value in family.samples.items())

    def _others(self) -> Iterator[tuple[bool, Report]]:
        for path in sorted(self.folder.glob("*.json")) if self.folder is not None else ():
            if path.stem != str(os.getpid()):
                yield Path("/proc", path.stem).exists(), Report(*json.loads(path.read_text(encoding="utf-8")))


@dataclass
class _Family:
    """One counter, gauge or histogram: its HELP and TYPE, and its samples by name and labels."""

    head: list[str] = field(default_factory=list)
    samples: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


def _add(lines: Iterable[str], families: dict[str, _Family], *, gauges: bool) -> None:
    """Adds the samples of a text in Prometheus' format, in which HELP and TYPE stand before the samples of their family."""
    family, counts = _Family(), True
    for line in lines:
        if line.startswith("# "):
            _, keyword, name, rest = line.split(" ", 3)
            family = families.setdefault(name, _Family())
            if line not in family.head:
                family.head.append(line)
            counts = keyword == "HELP" or gauges or rest != "gauge"
        elif counts:
            sample, _, value = line.rpartition(" ")
            family.samples[sample] += float(value)
