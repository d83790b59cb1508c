"""Writes what came in through the interface as one TriG file, for `data/graphs/`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

import pyoxigraph as ox

from dpa_kg.errors import NotFound
from dpa_kg.graph.merge import SYSTEM
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.namespaces import PREFIXES


def users_graphs(version: Version, wanted: Sequence[str] = ()) -> list[str]:
    """The graphs that came through the interface, sorted; with `wanted`, those. Raises NotFound where one of these is none of them."""
    files = SYSTEM | frozenset(version.metadata.file_graphs)
    known = [graph for graph in OxigraphStore.open_read_only(version.store_path).graphs() if graph not in files]
    for graph in wanted:
        if graph not in known:
            hint = f"There are: {', '.join(known)}." if known else "Nothing has come through the interface."
            raise NotFound(f"<{graph}> is no graph that came through the interface.", hint=hint)
    return sorted(set(wanted)) if wanted else known


def export(version: Version, graphs: Sequence[str], output: IO[bytes]) -> int:
    """Writes some graphs, their statements sorted; the same ones always give the same bytes. Returns how many statements."""
    store = OxigraphStore.open_read_only(version.store_path)
    count = 0

    def quads() -> Iterator[ox.Quad]:
        nonlocal count
        for graph in graphs:
            for quad in sorted(store.quads(graph), key=str):
                count += 1
                yield quad

    ox.serialize(quads(), output, ox.RdfFormat.TRIG, prefixes=PREFIXES)
    return count
