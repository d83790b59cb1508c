"""A remote engine as a worker asks it: one version at a time, each answer held against the mark of the push."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dpa_kg.errors import EngineUnavailable
from dpa_kg.graph.endpoint import Access, Endpoint
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.pushed import Pushed
from dpa_kg.graph.remote import RemoteStore
from dpa_kg.query.scope import Scope


class Engine:
    """The engine of one worker."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._store: RemoteStore | None = None

    @classmethod
    def of(cls, start: dict[str, Any]) -> Engine:
        """The engine that a worker is started with (`workers.reading`)."""
        return cls(Endpoint(Access(**start["access"]), start["timeout"]))

    @property
    def is_current(self) -> bool:
        """Whether what is known of the engine was right when the last answer ended."""
        return self._store is not None

    def store(self, version: Version) -> RemoteStore:
        """The store of a version. Raises EngineUnavailable where the engine holds another one, or half of it."""
        pushed = Pushed.read(self._endpoint)
        if pushed is None or not pushed.is_complete or not pushed.is_of(version):
            detail = f"The SPARQL engine does not hold version {version.number} whole at the moment."
            raise EngineUnavailable(detail, hint="Ask again in a few seconds.")
        self._store = RemoteStore(self._endpoint, pushed, Scope.of(pushed.graphs))
        return self._store

    @contextmanager
    def answering(self) -> Iterator[None]:
        """See `RemoteStore.answering`. After an engine that was loaded anew its mark is read again."""
        store = self._store
        if store is None:
            raise RuntimeError("no version is open")
        try:
            with store.answering():
                yield
        except EngineUnavailable:
            self._store = None
            raise
