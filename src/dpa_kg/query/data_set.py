"""The data set that a request asks for, where the engine cannot give it (SPARQL 1.1 Protocol, section 2.1.4).

Oxigraph takes several default graphs, but gives a triple once for each that holds it; the merge has it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import pyoxigraph as ox

from dpa_kg.errors import LimitExceeded
from dpa_kg.graph.oxigraph import OxigraphStore

MOST = 1_000_000  # quads that are merged for one query


def merged(store: OxigraphStore, default_graphs: Sequence[str], named_graphs: Sequence[str]) -> OxigraphStore:
    """A store in memory: its default graph is the merge of some graphs, and it has the named graphs that are listed, no others.

    Raises LimitExceeded where they are too large to be merged for one query.
    """
    quads = list(islice(_quads(store, default_graphs, named_graphs), MOST + 1))
    if len(quads) > MOST:
        detail = f"The default graphs of the request have more than {MOST:,} triples to merge."
        raise LimitExceeded(detail, hint="Ask for fewer graphs, or name them in GRAPH patterns.")
    return OxigraphStore.memory(quads)


def _quads(store: OxigraphStore, default_graphs: Sequence[str], named_graphs: Sequence[str]) -> Iterator[ox.Quad]:
    for graph in sorted(set(default_graphs)):
        yield from (ox.Quad(quad.subject, quad.predicate, quad.object) for quad in store.quads(graph))
    for graph in sorted(set(named_graphs)):
        yield from store.quads(graph)
