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
    `generation` counts how often the version was written again to forget somebody, and `forgotten` says of each time when it
    was (`when`, ISO 8601) and how many `statements` went, not whom.
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
    generation: int = 0
    forgotten: tuple[dict[str, Any], ...] = ()

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
        """Reads version.json, or remembers it until there is another file. Raises BuildError where it is damaged."""
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
        return cls(**{**known, "file_graphs": tuple(known["file_graphs"]), "forgotten": tuple(known.get("forgotten", ()))})


@dataclass(frozen=True)
class Place:
    """The directory of a version, complete or not."""

    number: int
    path: Path

    @property
    def generation(self) -> int:
        """How often the version was written again."""
        return 0

    @property
    def store_path(self) -> Path:
        return self.path / (f"store.{self.generation}" if self.generation else "store")

    @property
    def search_path(self) -> Path:
        return self.path / (f"search.{self.generation}.sqlite" if self.generation else "search.sqlite")


@dataclass(frozen=True)
class Version(Place):
    """A version that is complete. Its files never change; where somebody is forgotten, a new generation of them takes their place."""

    metadata: Metadata

    @property
    def generation(self) -> int:
        return self.metadata.generation

    @property
    def edition(self) -> str:
        """The number, and the generation if it is not the first: what answers are kept under."""
        return edition(self.number, self.generation)


@dataclass(frozen=True)
class Candidate(Place):
    """A version in the making. It has its final path from the start, because RocksDB opens files by path."""

    parent: Version | None


def edition(number: int, generation: int) -> str:
    """`12`, or `12.1` once the version was written again."""
    return f"{number}.{generation}" if generation else str(number)


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
