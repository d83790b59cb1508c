"""What takes longer than a question, in processes of its own that start when the first one asks: kept files, validations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from fastapi import Request

from dpa_kg.errors import Overloaded
from dpa_kg.graph import kept
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.report import Report
from dpa_kg.http.dependencies import cancellable
from dpa_kg.query.workers import Kind, Pool
from dpa_kg.settings import Settings

_MODULE: Final = "dpa_kg.jobs"


class Jobs:
    """One process that makes files, one that validates."""

    def __init__(self, settings: Settings, current: Callable[[], int]) -> None:
        making = Kind(_MODULE, "work", settings.job_timeout, settings.job_memory, "Ask the one who runs the service for more time.")
        validating = Kind(_MODULE, "validation", settings.validate_timeout, settings.job_memory, "Send the data in smaller pieces.")
        self.making = Pool(settings, 1, current, making)
        self.validating = Pool(settings, 1, current, validating)
        self._most = settings.validations
        self._validations = 0

    async def close(self) -> None:
        """Ends the processes."""
        await self.making.close()
        await self.validating.close()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among those who validate. Raises Overloaded where all are taken."""
        if self._validations >= self._most:
            raise Overloaded(f"{self._most} validations are at work or waiting already.", hint="Try again in a few seconds.")
        self._validations += 1
        try:
            yield
        finally:
            self._validations -= 1


def jobs(request: Request) -> Jobs:
    """The jobs of the app."""
    found: Jobs = request.app.state.jobs
    return found


async def validated(request: Request, version: Version, **arguments: Any) -> Report:
    """The report on a text (`jobs.Jobs.validate`), against a version."""
    with jobs(request).place():
        pool = jobs(request).validating
        await pool.start()
        text: str = await cancellable(request, pool.call("validate", version=version.number, **arguments))
        return Report.from_json(json.loads(text))


async def kept_file(request: Request, version: Version, name: str) -> Path:
    """One of the files of `graph.kept`, made where it is not there yet."""
    path = kept.folder(request.app.state.versions.home, version.number, version.generation) / name
    return path if path.is_file() else await _made(request, "make", version, name=name)


async def kept_comparison(request: Request, version: Version, other: Version) -> Path:
    """The difference between two versions, made where it is not there any more."""
    name = kept.comparison(other.edition)
    path = kept.folder(request.app.state.versions.home, version.number, version.generation) / name
    return path if path.is_file() else await _made(request, "compare", version, other=other.number)


async def _made(request: Request, method: str, version: Version, **arguments: Any) -> Path:
    pool = jobs(request).making
    await pool.start()
    return Path(await cancellable(request, pool.call(method, version=version.number, **arguments)))
