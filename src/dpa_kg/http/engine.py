"""Where reads are answered: from the versions on disk, or by a remote engine whose mark is looked at from time to time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from dpa_kg.errors import InputError
from dpa_kg.graph.versions import Versions
from dpa_kg.http.background import running
from dpa_kg.settings import Settings

_INTERVAL: Final = 2.0  # seconds between two looks at the mark
_PATIENCE: Final = 10.0  # seconds that one look may take


def versions_of(settings: Settings) -> Versions:
    """The versions that are served. Raises InputError for settings that do not go together."""
    if settings.store is None:
        return Versions(settings.home)
    if settings.default_graph == "own":
        hint = "Unset DPA_KG_STORE, or ask that engine itself."
        raise InputError("A plain data set (DPA_KG_DEFAULT_GRAPH=own) is not served from a remote engine.", hint=hint)
    from dpa_kg.graph.endpoint import Access, Endpoint  # noqa: PLC0415 - most services have no such engine, and start faster without it
    from dpa_kg.graph.pushed import PushedVersions  # noqa: PLC0415

    return PushedVersions(settings.home, Endpoint(Access.of(settings), min(settings.query_timeout, _PATIENCE)))


@asynccontextmanager
async def watching(versions: Versions) -> AsyncIterator[None]:
    """While the service runs: keeps what is known of the engine's mark up to date."""
    await asyncio.to_thread(versions.refresh)
    async with running(_refresh(versions)):
        yield


async def _refresh(versions: Versions) -> None:
    while True:
        await asyncio.sleep(_INTERVAL)
        await asyncio.to_thread(versions.refresh)
