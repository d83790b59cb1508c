"""The numbers of a version for VoID (https://www.w3.org/TR/void/), counted over the merge."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.query.internal import rows


@dataclass(frozen=True)
class Counts:
    """Classes: (class, entities). Properties: (property, triples, subjects, objects). Linksets: (property, site, triples)."""

    triples: int
    entities: int
    subjects: int
    objects: int
    classes: tuple[tuple[str, int], ...]
    properties: tuple[tuple[str, int, int, int], ...]
    linksets: tuple[tuple[str, str, int], ...]
    examples: tuple[str, ...]

    @classmethod
    def of(cls, version: Version) -> Counts:
        """Counts. This takes seconds over millions of triples."""
        store = OxigraphStore.open_read_only(version.store_path)
        (total,) = rows(store, "void-counts")
        return cls(
            triples=version.metadata.triples,
            entities=int(total["entities"].value),
            subjects=int(total["subjects"].value),
            objects=int(total["objects"].value),
            classes=tuple((row["class"].value, int(row["entities"].value)) for row in rows(store, "void-classes")),
            properties=tuple(
                (row["property"].value, int(row["triples"].value), int(row["subjects"].value), int(row["objects"].value))
                for row in rows(store, "void-properties")
            ),
            linksets=tuple((row["property"].value, row["target"].value, int(row["triples"].value)) for row in rows(store, "void-linksets")),
            examples=tuple(row["example"].value for row in rows(store, "void-examples")),
        )

    def to_json(self) -> dict[str, Any]:
        """For JSON; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Counts:
        """The counts that `to_json` wrote."""
        lists = {name: tuple(tuple(row) for row in data[name]) for name in ("classes", "properties", "linksets")}
        return cls(**{**data, **lists, "examples": tuple(data["examples"])})
