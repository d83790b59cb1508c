"""The default graph is the merge of all graphs but provenance, shapes and query descriptions.

It is kept, not computed: Oxigraph's own union returns a triple once for each graph that holds it, which makes counts wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyoxigraph as ox

from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.namespaces import DERIVED_GRAPH, ONTOLOGY_GRAPH, PROVENANCE_GRAPH, QUERIES_GRAPH, SHAPES_GRAPH
from dpa_kg.terms import name_of

UNMERGED = frozenset({PROVENANCE_GRAPH, SHAPES_GRAPH, QUERIES_GRAPH})
SYSTEM = UNMERGED | {ONTOLOGY_GRAPH, DERIVED_GRAPH}
_DEFAULT = ox.DefaultGraph()
_MANY = 10_000  # quads


def in_merge(quad: ox.Quad) -> ox.Quad:
    """The quad's triple in the default graph."""
    return ox.Quad(quad.subject, quad.predicate, quad.object, _DEFAULT)


def change(store: OxigraphStore, added: Iterable[ox.Quad], removed: Iterable[ox.Quad] = ()) -> None:
    """Removes and adds quads of named graphs, and keeps the merge right.

    What was derived before may not follow any more: the caller strips it, now or later, and derives again.
    """
    engine = store.engine
    gone = list(removed)
    for quad in gone:
        engine.remove(quad)
        if name_of(quad.graph_name) not in UNMERGED and not _elsewhere(engine, quad):
            engine.remove(in_merge(quad))
    for graph in {quad.graph_name for quad in gone}:
        if not any(True for _ in engine.quads_for_pattern(None, None, None, graph)):
            engine.remove_graph(graph)
    quads = list(added)
    engine.bulk_extend(quads)
    engine.bulk_extend(in_merge(quad) for quad in quads if name_of(quad.graph_name) not in UNMERGED)


def _elsewhere(engine: ox.Store, quad: ox.Quad) -> bool:
    """Whether another graph of the merge holds the triple."""
    return any(
        isinstance(other.graph_name, ox.NamedNode) and other.graph_name.value not in UNMERGED
        for other in engine.quads_for_pattern(quad.subject, quad.predicate, quad.object)
    )


def bring(store: OxigraphStore, graph: str) -> int:
    """Brings a graph that was loaded in bulk into the merge. Returns how many quads it has."""
    count = 0

    def merged() -> Iterator[ox.Quad]:
        nonlocal count
        for quad in store.quads(graph):
            count += 1
            yield in_merge(quad)

    store.engine.bulk_extend(merged())
    return count


def strip_derived(store: OxigraphStore) -> None:
    """Takes the derived statements out of the store, so that it holds what was asserted only."""
    derived = list(store.quads(DERIVED_GRAPH))
    store.engine.remove_graph(ox.NamedNode(DERIVED_GRAPH))
    for quad in derived:
        if not _elsewhere(store.engine, quad):  # it may have been asserted since
            store.engine.remove(in_merge(quad))


def add_derived(store: OxigraphStore, triples: Iterable[ox.Triple]) -> int:
    """Adds the triples that the merge does not have to it and to the derived graph. Returns how many."""
    fresh = {ox.Quad(t.subject, t.predicate, t.object, _DEFAULT) for t in triples}
    fresh = {quad for quad in fresh if quad not in store.engine}
    derived = ox.NamedNode(DERIVED_GRAPH)
    write = store.engine.bulk_extend if len(fresh) > _MANY else store.engine.extend  # half the time, but 0.1 s at least
    write(copy for quad in fresh for copy in (quad, ox.Quad(quad.subject, quad.predicate, quad.object, derived)))
    return len(fresh)
