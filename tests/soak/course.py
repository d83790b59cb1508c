"""The whole course: a home is built, everybody acts, from time to time all stand still and somebody looks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.soak.faults import Faults
from tests.soak.gate import Gate, actor
from tests.soak.model import Ledger
from tests.soak.reading import Reader
from tests.soak.service import Service
from tests.soak.watching import Look, Watch
from tests.soak.writing import Writer

_RESTARTS = 0.5  # of the time; after it one web process lives to the end, so that its growth can be seen
_STANDSTILL = 300.0  # seconds within which every act ends


@dataclass(frozen=True)
class Plan:
    """How long, by which chances, over which kind of default graph, with how many readers; seconds between two looks."""

    seconds: float
    seed: int
    default_graph: Literal["merged", "own"]
    readers: int = 4
    between: float = 60.0
    web_workers: int = 1


@dataclass(frozen=True)
class Outcome:
    """What there is to tell: the ledger, the looks, what the judge of memory says, lines of the log."""

    ledger: Ledger
    looks: list[Look]
    memory: str
    log_lines: int


def run(plan: Plan, folder: Path, tell: Callable[[str], None]) -> Outcome:
    """Raises RuntimeError where the service cannot be built, started or ended."""
    ledger, gate = Ledger(), Gate()
    service = Service(folder / "home", plan.default_graph, 3.0, plan.web_workers)
    built = service.command("build")
    if built.returncode:
        raise RuntimeError(f"The graph cannot be built: {built.stderr}")
    service.start()
    try:
        watch = Watch(service, ledger)
        merged = plan.default_graph == "merged"
        writer = Writer(service, ledger, _chance(plan, "writer"), merged=merged)
        writer.replace()
        faults = Faults(service, ledger, _chance(plan, "faults"), time.monotonic() + plan.seconds * _RESTARTS)
        readers = [Reader(service, ledger, _chance(plan, f"reader {number}"), merged=merged) for number in range(plan.readers)]
        actors = [actor(f"reader {number}", gate, reader.act, ledger.blame, 0.01) for number, reader in enumerate(readers)]
        actors.append(actor("writer", gate, writer.act, ledger.blame, 0.05))
        actors.append(actor("faults", gate, faults.act, ledger.blame, min(3.0, plan.seconds / 30)))
        for one in actors:
            one.start()
        _watch(plan, gate, watch, writer, faults, tell, ledger)
        gate.end()
        for one in actors:
            one.join(_STANDSTILL)
        ledger.close()
        memory = watch.judge()
    finally:
        service.stop()
    return Outcome(ledger, watch.looks, memory, watch.read_log())


def _chance(plan: Plan, name: str) -> random.Random:
    return random.Random(f"{plan.seed} {name}")  # noqa: S311 - no secret


def _watch(  # noqa: PLR0917 - everybody who acts
    plan: Plan, gate: Gate, watch: Watch, writer: Writer, faults: Faults, tell: Callable[[str], None], ledger: Ledger
) -> None:
    """Looks every now and then, and at the end, which is not before everything has gone wrong once."""
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < plan.seconds or not faults.rounds:
        gate.wait(min(plan.between, max(plan.seconds - passed, 1.0)))
        with gate.shut(_STANDSTILL):
            writer.replace()  # a writer removes what dead ones have left
            look = watch.look()
        if look is None:
            return
        tell(_line(time.monotonic() - begin, look, ledger))


def _line(seconds: float, look: Look, ledger: Ledger) -> str:
    counts = ledger.counts
    kills = counts["kills of workers"] + counts["kills of the writer"]
    restarts = counts["restarts"] + counts["crashes of the web process"]
    return (
        f"{seconds:5.0f} s  {counts['reads']:6} reads  {counts['answers checked']:6} checked  {counts['writes acknowledged']:4} writes  "
        f"{kills:3} kills  {restarts:2} restarts  {look.memory:4.0f} MiB  {look.files:3} files  {look.processes:2} processes  "
        f"{counts['wrong']} wrong"
    )
