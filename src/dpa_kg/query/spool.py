"""Where a worker writes a result: small ones stay in memory, large ones go to a file that the web process sends on."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dpa_kg.errors import LimitExceeded
from dpa_kg.query.answers import Payload

_IN_MEMORY = 1 << 20


class Spool(io.RawIOBase):
    """A binary sink of at most `limit` bytes. Past one MiB it continues in a new file of `folder`."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._memory = io.BytesIO()
        self._file: IO[bytes] | None = None
        self.size = 0
        self.exceeded = False

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # the engine writes bytes only
        self.size += len(data)
        if self.size > self._limit:
            self.exceeded = True
            raise self._too_large()
        if self._file is None and self.size > _IN_MEMORY:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=_prefix(os.getpid()), dir=self._folder)
            self._path = Path(name)
            self._file = os.fdopen(descriptor, "wb")
            self._file.write(self._memory.getbuffer())
        (self._file or self._memory).write(data)
        return len(data)

    def _too_large(self) -> LimitExceeded:
        return LimitExceeded(f"The answer is larger than {self._limit} bytes.", hint="Add LIMIT, or ask for fewer columns.")

    @contextmanager
    def filling(self) -> Iterator[None]:
        """While something writes here: what is not written to its end is thrown away. Raises LimitExceeded when it is too much."""
        try:
            yield
        except BaseException as error:
            self.discard()
            if self.exceeded:  # the engine may have made another error of it
                raise self._too_large() from error
            raise

    def payload(self, media_type: str) -> Payload:
        """What was written, closed. Raises LimitExceeded when it was too much."""
        if self.exceeded:
            raise self._too_large()
        if self._file is None:
            return Payload(media_type, self._memory.getvalue())
        self._file.close()
        return Payload(media_type, path=str(self._path))

    def discard(self) -> None:
        """Throws away what was written."""
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)


def _prefix(process: int) -> str:
    return f"result-{process}-"


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder below `folder` while the context lasts, gone when this process is killed, too."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_prefix(os.getpid()), dir=folder) as place:
        yield Path(place)


def forget(folder: Path, process: int) -> None:
    """Removes what a worker that has ended was writing: nobody will send it."""
    for path in folder.glob(f"{_prefix(process)}*"):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


def own_folder(spool: Path) -> Path:
    """A folder name of this process below `spool`, another one at each call; whose process is gone is told by its name."""
    return spool / f"{os.getpid()}-{secrets.token_hex(4)}"


def sweep(spool: Path) -> None:
    """Removes what processes that are gone have left in `spool`."""
    for folder in spool.glob("*-*") if spool.is_dir() else ():
        process = folder.name.partition("-")[0]
        if process.isdecimal() and not Path("/proc", process).exists():
            shutil.rmtree(folder, ignore_errors=True)
