"""What takes longer than a question, in processes of its own that start when the first one asks: kept files, validations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from fastapi import Request

from dpa_kg.errors import Overloaded
from dpa_kg.graph import kept
from dpa_kg.graph.metadata import Version
from dpa_kg.http.dependencies import cancellable
from dpa_kg.query.workers import Kind, Pool
from dpa_kg.settings import Settings

_MODULE: Final = "dpa_kg.jobs"


class _Late(Pool):
    """A pool of one process that starts at the first call."""

    _started = False

    async def call(self, method: str, *, version: int | None = None, **arguments: Any) -> Any:
        if not self._started:
            self._started = True
            await self.start()
        return await super().call(method, version=version, **arguments)


class Jobs:
    """One process that makes files, one that validates."""

    def __init__(self, settings: Settings, current: Callable[[], int]) -> None:
        making = Kind(_MODULE, "work", settings.job_timeout, settings.job_memory, "Ask the one who runs the service for more time.")
        validating = Kind(_MODULE, "validation", settings.validate_timeout, settings.job_memory, "Send the data in smaller pieces.")
        self.making = _Late(settings, 1, current, making)
        self.validating = _Late(settings, 1, current, validating)
        self._most = settings.validations
        self._validations = 0

    async def close(self) -> None:
        """Ends the processes."""
        await self.making.close()
        await self.validating.close()

    @contextmanager
    def validation(self) -> Iterator[Pool]:
        """A place among those who validate. Raises Overloaded where all are taken."""
        if self._validations >= self._most:
            raise Overloaded(f"{self._most} validations are at work or waiting already.", hint="Try again in a few seconds.")
        self._validations += 1
        try:
            yield self.validating
        finally:
            self._validations -= 1


def jobs(request: Request) -> Jobs:
    """The jobs of the app."""
    found: Jobs = request.app.state.jobs
    return found


async def kept_file(request: Request, version: Version, name: str) -> Path:
    """One of the files of `graph.kept`, made where it is not there yet."""
    path = kept.folder(request.app.state.versions.home, version.number) / name
    if not path.is_file():
        await cancellable(request, jobs(request).making.call("make", version=version.number, name=name))
    return path
