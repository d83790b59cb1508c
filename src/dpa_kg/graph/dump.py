"""Writes a version as one file: the same version gives the same bytes."""

from __future__ import annotations

from typing import IO, Literal

import pyoxigraph as ox

from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.namespaces import PREFIXES


def dump(version: Version, format: Literal["nquads", "trig"], output: IO[bytes]) -> None:
    """Writes the named graphs of a version, sorted; the default graph is their merge and is left out."""
    store = OxigraphStore.open_read_only(version.store_path)
    for graph in store.graphs():
        quads = sorted(store.quads(graph), key=str)
        if format == "nquads":
            ox.serialize(quads, output, ox.RdfFormat.N_QUADS)
        else:
            ox.serialize(quads, output, ox.RdfFormat.TRIG, prefixes=PREFIXES)
