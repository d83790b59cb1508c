"""What is made of a version when somebody asks for it, and kept: dumps, differences to its parent and to others, counts.

HOME/dumps/000012/dump.nq.gz    beside the version, not in it: a version never changes
HOME/dumps/000012.1/…           of its next generation, written when somebody was forgotten
HOME/dumps/000012/part-…        one in the making; what a dead process left is removed
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from dpa_kg.graph.locks import exclusive

_WAIT: Final = 3600.0  # seconds; the clock of the job that waits ends it sooner
NQUADS_DUMP: Final = "dump.nq.gz"
TRIG_DUMP: Final = "dump.trig.gz"
DIFFERENCE: Final = "diff.nq"
COUNTS: Final = "void.json"
_COMPARED: Final = 16  # differences between any two versions that are kept, of all that were asked for


def folder(home: Path, number: int, generation: int = 0) -> Path:
    """Where the files of a version are kept."""
    return home / "dumps" / (f"{number:06d}.{generation}" if generation else f"{number:06d}")


def comparison(other: str) -> str:
    """The name of the difference to another version, by its edition."""
    return f"from-{other}.nq"


def bound(home: Path, made: Path) -> None:
    """Removes the oldest differences between any two versions, but for the one that was just made, where there are too many."""
    others = [path for path in (home / "dumps").glob("*/from-*.nq") if path != made]
    for path in sorted(others, key=_changed, reverse=True)[_COMPARED - 1 :]:
        path.unlink(missing_ok=True)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process was faster
        return 0.0


@contextmanager
def making(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when it is complete, and goes when it is not. One process makes files of a version at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(path.parent / "lock", f"Another process makes {path.name}.", wait=_WAIT):
        yield from _making(path)


def _making(path: Path) -> Iterator[IO[bytes]]:
    for dead in path.parent.glob(f"part-{path.name}-*"):
        dead.unlink(missing_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f"part-{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def forget(home: Path, number: int) -> None:
    """Removes everything that was made of a version, in any generation."""
    for place in (folder(home, number), *(home / "dumps").glob(f"{number:06d}.*")):
        shutil.rmtree(place, ignore_errors=True)


def tidy(home: Path, alive: set[int]) -> None:
    """Removes what was made of versions that are gone."""
    for place in (home / "dumps").glob("[0-9]*"):
        if int(place.name.partition(".")[0]) not in alive:
            shutil.rmtree(place, ignore_errors=True)
