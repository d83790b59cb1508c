"""The versions of the graph on disk.

HOME/versions/000012/store/         the quads (RocksDB); store.1/ in the next generation, written when somebody was forgotten
HOME/versions/000012/search.sqlite  the names; search.1.sqlite in the next generation
HOME/versions/000012/version.json   what it is; a directory without it is a dead candidate
HOME/versions/000012/lock           readers hold it shared, deletion holds it alone
HOME/current                        symbolic link to the published version
HOME/held.json                      a rollback: these files must not be built again until they change
HOME/write.lock                     one writer at a time
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from dpa_kg.errors import BuildError, Conflict, NotFound, Overloaded
from dpa_kg.graph import kept
from dpa_kg.graph.locks import exclusive, shared
from dpa_kg.graph.metadata import Candidate, Metadata, Version, sync, write_json
from dpa_kg.graph.search_write import delta_of

_WAIT = 120.0  # seconds that a writer waits for another one to end


@lru_cache(maxsize=64)
def _place(folder: Path, number: int) -> tuple[Path, Path]:
    """The directory of a version and its description; kept, because every request asks."""
    path = folder / f"{number:06d}"
    return path, path / "version.json"


class Versions:
    """The versions under one home directory. Reading needs no write access to it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "versions"
        self._current = str(home / "current")  # asked for by every request

    def current(self) -> Version | None:
        """The published version; None before the first one. Raises BuildError where the link leads nowhere."""
        try:
            number = int(os.readlink(self._current).rpartition("/")[2])  # noqa: PTH115 - half the time of a Path
        except FileNotFoundError:
            return None
        try:
            return self.get(number)
        except NotFound as error:
            hint = "Roll back to a version that is there, or remove the link `current`."
            raise BuildError(f"The current version {number} is not in {self.folder}.", hint=hint) from error

    def get(self, number: int) -> Version:
        """One version. Raises NotFound where there is none of that number."""
        path, description = _place(self.folder, number)
        try:
            return Version(number, path, Metadata.read(description))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(f"There is no version {number}.", hint="`dpa-kg versions list` shows which there are.") from error

    def served(self, number: int | None = None) -> Version:
        """The version that answers: the one of that number, else the current one. Raises NotFound, and Overloaded before the first one."""
        version = self.current() if number is None else self.get(number)
        if version is None:
            raise Overloaded("No version of the graph is published yet.", hint="Run `dpa-kg build`, then ask again.")
        return version

    def refresh(self) -> None:
        """Looks whether another version is served by now; of versions on disk, the link always says it."""

    def all(self) -> list[Version]:
        """Every complete version, the newest first."""
        return [self.get(number) for number in reversed(self.numbers())]

    def numbers(self) -> list[int]:
        """The numbers of the complete versions, the oldest first."""
        return [number for number in self._numbers() if (self._path(number) / "version.json").is_file()]

    @contextmanager
    def reading(self, number: int | None = None) -> Iterator[Version]:
        """A version (the current one without a number) that is not deleted while the context lasts. Raises NotFound."""
        with ExitStack() as stack:
            yield self._hold(number, stack)

    def _hold(self, number: int | None, stack: ExitStack) -> Version:
        while True:
            version = self.get(number) if number is not None else self.current()
            if version is None:
                raise NotFound("There is no version yet.", hint="`dpa-kg build` makes the first one.")
            try:
                stack.enter_context(shared(version.path / "lock"))
            except NotFound:
                if number is not None:
                    raise
            else:
                return self.get(version.number)  # under the lock, because its generation may have changed since

    @contextmanager
    def writing(self, *, wait: float = _WAIT) -> Iterator[None]:
        """The right to write, for one process at a time. Removes what dead writers left. Raises Overloaded after `wait` seconds."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with exclusive(self.home / "write.lock", f"Another process is writing to {self.home}.", wait=wait):
            for number in self._numbers():
                if not (self._path(number) / "version.json").is_file():
                    shutil.rmtree(self._path(number))
            yield

    @contextmanager
    def candidate(self) -> Iterator[Candidate]:
        """A new, empty directory for a version, under the write lock that the caller holds; removed unless it is published."""
        number = max([*self._numbers(), self._deleted()], default=0) + 1
        candidate = Candidate(number, self._path(number), self.current())
        candidate.path.mkdir()
        (candidate.path / "lock").touch()
        try:
            yield candidate
        finally:
            if not (candidate.path / "version.json").is_file():
                shutil.rmtree(candidate.path, ignore_errors=True)

    def publish(self, candidate: Candidate, metadata: Metadata) -> Version:
        """Makes the candidate a version, and the current one. After a crash either the old or the new one is current."""
        write_json(candidate.path / "version.json", asdict(metadata))
        sync(self.folder)
        self._point(candidate.number)
        (self.home / "held.json").unlink(missing_ok=True)
        return Version(candidate.number, candidate.path, metadata)

    def rollback(self, number: int, instead_of: str, who: str = "") -> Version:
        """Makes an older version the current one, and remembers who did it, when, and the fingerprint of the files that it stands against.

        Raises NotFound where there is no such version.
        """
        with self.writing():
            version = self.get(number)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            write_json(self.home / "held.json", {"version": number, "fingerprint": instead_of, "who": who, "when": now})
            self._point(number)
            return version

    def held(self, version: Version) -> str | None:
        """The fingerprint of the files that a rollback to this version turned away from."""
        with suppress(FileNotFoundError):
            held = json.loads((self.home / "held.json").read_text(encoding="utf-8"))
            if held["version"] == version.number:
                return str(held["fingerprint"])
        return None

    def delete(self, number: int, *, wait: float = 0.0) -> None:
        """Deletes a version that is not the current one.

        Raises Conflict for the current one, NotFound, or Overloaded where somebody still reads it after `wait` seconds.
        """
        with self.writing():
            version = self.get(number)
            if number in self.fixed():
                raise Conflict(f"Version {number} is the current one.", hint="Roll back to another one first.")
            self.remove(version, wait=wait)

    def fixed(self) -> set[int]:
        """The numbers of the versions that must stay: the current one, and the one that a rollback returned to."""
        current = self.current()
        with suppress(FileNotFoundError):
            held = int(json.loads((self.home / "held.json").read_text(encoding="utf-8"))["version"])
            return {held, *([current.number] if current else [])}
        return {current.number} if current else set()

    def remove(self, version: Version, *, wait: float = 0.0) -> None:
        """Deletes a version with all that was made of it, under the write lock that the caller holds. Raises Overloaded, as `delete`."""
        with self.alone(version.number, wait=wait):
            write_json(self.home / "deleted.json", {"highest": max(version.number, self._deleted())})
            (version.path / "version.json").unlink()  # from here on the next writer would end what we began
            shutil.rmtree(version.path)
        kept.forget(self.home, version.number)

    @contextmanager
    def alone(self, number: int, *, wait: float = 0.0) -> Iterator[None]:
        """A version without readers while the context lasts. Raises Overloaded where there are some after `wait` seconds."""
        with exclusive(self._path(number) / "lock", f"Version {number} is being read.", wait=wait):
            yield

    def replace(self, version: Version, metadata: Metadata) -> Version:
        """Lets the next generation of a version take its place; the caller has written its files and holds the write lock."""
        write_json(version.path / "version.json", asdict(metadata))
        return Version(version.number, version.path, metadata)

    def former(self, version: Version) -> list[Path]:
        """What is left of other generations of a version: of those before, or of one that was never completed."""
        own = {version.path / name for name in ("lock", "version.json")} | {
            version.store_path,
            version.search_path,
            delta_of(version.search_path),
        }
        written = [path for path in version.path.iterdir() if version.generation or path.name.startswith(("store", "search"))]
        return sorted(path for path in written if path not in own)

    def _path(self, number: int) -> Path:
        return _place(self.folder, number)[0]

    def _numbers(self) -> list[int]:
        return sorted(int(path.name) for path in self.folder.glob("[0-9]*") if path.name.isdigit()) if self.folder.is_dir() else []

    def _deleted(self) -> int:
        """The highest number that was ever deleted: numbers are not given twice, because answers are cited by them."""
        with suppress(FileNotFoundError):
            return int(json.loads((self.home / "deleted.json").read_text(encoding="utf-8"))["highest"])
        return 0

    def _point(self, number: int) -> None:
        link = self.home / "current.new"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("versions") / f"{number:06d}")
        link.replace(self.home / "current")
        sync(self.home)
