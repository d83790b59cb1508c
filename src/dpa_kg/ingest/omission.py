"""Leaves out of the project's files what is forgotten, so that it does not come back with a build."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dpa_kg.graph.forgetting import Forgetting
from dpa_kg.graph.forgotten import Forgotten
from dpa_kg.ingest.statements import Loaded


def omit(loaded: Loaded, home: Path) -> Loaded:
    """The same files without the people in HOME/forgotten.json, and without the provenance of passages that are empty then."""
    forgotten = Forgotten.read(home)
    if not forgotten:
        return loaded
    going = Forgetting(lambda: (quad for part in loaded.parts for quad in part.quads), forgotten)
    return Loaded(tuple(replace(part, quads=tuple(q for quad in part.quads if (q := going.of(quad)) is not None)) for part in loaded.parts))
