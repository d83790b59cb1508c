"""What is known of one version of the graph, and where it lies."""

from __future__ import annotations

import json
import os
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from dpa_kg import __version__
from dpa_kg.errors import BuildError
from dpa_kg.graph.oxigraph import OxigraphStore, engine


@dataclass(frozen=True)
class Metadata:
    """What version.json says.

    `triples` counts the default graph; `changes` counts quads against the parent; `default_graph` is merged or own.
    """

    number: int
    created: str
    fingerprint: str
    engine: str
    code: str
    triples: int
    graphs: int
    file_graphs: tuple[str, ...]
    validated: bool
    warnings: int
    infos: int
    parent: int | None
    who: str
    changes: dict[str, int]
    default_graph: str = "merged"

    @property
    def may_be_served(self) -> bool:
        """Whether it has passed the gate, or is a plain data set, which has none."""
        return self.validated or self.default_graph == "own"

    @classmethod
    def of(
        cls, candidate: Candidate, store: OxigraphStore, *, fingerprint: str, who: str, changes: dict[str, int], triples: int | None = None
    ) -> Metadata:
        """What is to be said of a candidate: as of its parent, but for what is given and what its store holds.

        `triples` are counted where they are not given.
        """
        before = candidate.parent.metadata if candidate.parent else None
        return cls(
            number=candidate.number,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            fingerprint=fingerprint,
            engine=engine(),
            code=__version__,
            triples=store.triples() if triples is None else triples,
            graphs=len(store.graphs()),
            file_graphs=before.file_graphs if before else (),
            validated=before.validated if before else False,
            warnings=before.warnings if before else 0,
            infos=before.infos if before else 0,
            parent=before.number if before else None,
            who=who,
            changes=changes,
            default_graph=before.default_graph if before else "merged",
        )

    @classmethod
    def read(cls, path: Path) -> Metadata:
        """Reads version.json, or remembers it: versions do not change. Raises BuildError where it is damaged."""
        state = path.stat()
        return cls._read(path, state.st_ino, state.st_mtime_ns)

    @classmethod
    @lru_cache(maxsize=64)
    def _read(cls, path: Path, _inode: int, _changed: int) -> Metadata:
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            known = {field.name: content[field.name] for field in fields(cls) if field.name in content or field.default is MISSING}
        except (ValueError, KeyError, TypeError) as error:
            raise BuildError(f"{path} is damaged: {error!r}") from error
        return cls(**{**known, "file_graphs": tuple(known["file_graphs"])})


@dataclass(frozen=True)
class Place:
    """The directory of a version, complete or not."""

    number: int
    path: Path

    @property
    def store_path(self) -> Path:
        return self.path / "store"

    @property
    def search_path(self) -> Path:
        return self.path / "search.sqlite"


@dataclass(frozen=True)
class Version(Place):
    """A version that is complete. Its files never change."""

    metadata: Metadata


@dataclass(frozen=True)
class Candidate(Place):
    """A version in the making. It has its final path from the start, because RocksDB opens files by path."""

    parent: Version | None


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a small file so that it is there whole or not at all, even after a crash."""
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Makes sure that what was renamed in a folder stays renamed after a crash."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
