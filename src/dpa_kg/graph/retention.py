"""How long versions are kept: the newest ones by number, older ones by age, and those that must stay."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dpa_kg.errors import Overloaded
from dpa_kg.graph import kept
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.versions import Versions


@dataclass(frozen=True)
class Pruned:
    """The numbers of the versions that are gone, and of those that should be but are being read."""

    deleted: tuple[int, ...] = ()
    read: tuple[int, ...] = ()


def expired(versions: Versions, keep: int, days: float, now: datetime | None = None) -> list[Version]:
    """The versions beyond the newest `keep` that are older than `days`, the oldest first. The current one never is among them.

    Numbers and ages go together, so that nothing is read beyond the first version that is young enough.
    """
    limit = (now or datetime.now(UTC)) - timedelta(days=days)
    numbers, fixed = versions.numbers(), versions.fixed()
    found: list[Version] = []
    for number in numbers[: max(len(numbers) - keep, 0)]:
        version = versions.get(number)
        if datetime.fromisoformat(version.metadata.created) > limit:
            break
        if number not in fixed:
            found.append(version)
    return found


def prune(versions: Versions, keep: int, days: float) -> Pruned:
    """Deletes the versions that are expired, under the write lock that the caller holds.

    One that is being read is passed over: whoever writes next tries again.
    """
    deleted, read = [], []
    for version in expired(versions, keep, days):
        try:
            versions.remove(version)
        except Overloaded:
            read.append(version.number)
        else:
            deleted.append(version.number)
    if (versions.home / "forgotten.json").is_file():
        end_former_generations(versions)
    return Pruned(tuple(deleted), tuple(read))


def prune_after(versions: Versions, keep: int, days: float) -> None:
    """As `prune`, after a publish: what was published stays so, even where an old version cannot be deleted from the disk."""
    with suppress(OSError):
        prune(versions, keep, days)


def end_former_generations(versions: Versions, *, wait: float = 0.0) -> tuple[int, ...]:
    """Deletes the files that versions had before they were written again, and what was made of these, under the caller's write lock.

    Waits at most `wait` seconds for those who read them. Returns the numbers of the versions that are still being read.
    """
    until = time.monotonic() + wait
    ended, read = [], []
    for number in versions.numbers():
        version = versions.get(number)
        if not (files := versions.former(version)):
            continue
        try:
            with versions.alone(number, wait=max(until - time.monotonic(), 0.0)):
                for path in files:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            ended.append(number)
        except Overloaded:
            read.append(number)
    for number in versions.numbers() if ended else ():  # a comparison of any version may have been made with the old files of another
        kept.forget(versions.home, number)
    return tuple(read)
