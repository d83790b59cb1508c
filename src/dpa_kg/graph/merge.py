"""The default graph is the merge of all graphs but provenance, shapes and query descriptions.

It is kept, not computed: Oxigraph's own union returns a triple once for each graph that holds it, which makes counts wrong.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.namespaces import DERIVED_GRAPH, ONTOLOGY_GRAPH, PROVENANCE_GRAPH, QUERIES_GRAPH, SHAPES_GRAPH
from dpa_kg.terms import into, name_of

UNMERGED = frozenset({PROVENANCE_GRAPH, SHAPES_GRAPH, QUERIES_GRAPH})
SYSTEM = UNMERGED | {ONTOLOGY_GRAPH, DERIVED_GRAPH}
_NOT_ASSERTED = UNMERGED | {DERIVED_GRAPH, ""}
_DEFAULT = ox.DefaultGraph()
_MANY = 10_000  # quads
_BATCH = 200_000  # triples that are held in memory to be told apart


@dataclass(frozen=True)
class Difference:
    """Triples that came and went."""

    added: frozenset[ox.Triple] = frozenset()
    removed: frozenset[ox.Triple] = frozenset()

    @property
    def all(self) -> frozenset[ox.Triple]:
        """Both."""
        return self.added | self.removed

    def followed_by(self, derived: Difference) -> Difference:
        """What the merge got and lost by what was asserted (this), and by what then became derived or ceased to be."""
        return Difference(
            (self.added - derived.removed) | (derived.added - self.removed), (self.removed - derived.added) | (derived.removed - self.added)
        )


def in_merge(quad: ox.Quad) -> ox.Quad:
    """The quad's triple in the default graph."""
    return into(quad, _DEFAULT)


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


def asserted(store: OxigraphStore, added: Iterable[ox.Quad], removed: Iterable[ox.Quad]) -> Difference:
    """What the store asserts now and did not before, or the other way round, after these quads came and went.

    A triple is asserted once, in however many graphs of the merge it stands.
    """
    came, went = _graphs(added), _graphs(removed)
    now = {triple: _asserting(store, triple) for triple in (*came, *went)}
    then = {triple: (graphs - came.get(triple, set())) | went.get(triple, set()) for triple, graphs in now.items()}
    return Difference(
        frozenset(triple for triple in now if now[triple] and not then[triple]),
        frozenset(triple for triple in now if then[triple] and not now[triple]),
    )


def _graphs(quads: Iterable[ox.Quad]) -> dict[ox.Triple, set[str]]:
    """The graphs of the merge that hold each triple."""
    found: dict[ox.Triple, set[str]] = defaultdict(set)
    for quad in quads:
        if name_of(quad.graph_name) not in _NOT_ASSERTED:
            found[quad.triple].add(name_of(quad.graph_name))
    return found


def _asserting(store: OxigraphStore, triple: ox.Triple) -> set[str]:
    quads = store.engine.quads_for_pattern(triple.subject, triple.predicate, triple.object)
    return {name_of(quad.graph_name) for quad in quads} - _NOT_ASSERTED


def load(store: OxigraphStore, quads: Iterable[ox.Quad]) -> int:
    """Adds many quads of named graphs and brings them into the merge, one after the other. Returns how many were read."""
    count = 0

    def both() -> Iterator[ox.Quad]:
        nonlocal count
        for quad in quads:
            count += 1
            yield quad
            if name_of(quad.graph_name) not in UNMERGED:
                yield in_merge(quad)

    store.engine.bulk_extend(both())
    return count


def strip_derived(store: OxigraphStore) -> None:
    """Takes the derived statements out of the store, so that it holds what was asserted only."""
    derived = list(store.quads(DERIVED_GRAPH))
    store.engine.remove_graph(ox.NamedNode(DERIVED_GRAPH))
    for quad in derived:
        if not _elsewhere(store.engine, quad):  # it may have been asserted since
            store.engine.remove(in_merge(quad))


def add_derived(store: OxigraphStore, triples: Iterable[ox.Triple]) -> int:
    """Adds the triples that the merge does not have to it and to the derived graph. Returns how many.

    They may be the result of a query of this store: that sees the store as it was when it was asked.
    """
    derived, added, left = ox.NamedNode(DERIVED_GRAPH), 0, iter(triples)
    while some := {into(triple, _DEFAULT) for triple in islice(left, _BATCH)}:
        fresh = [quad for quad in some if quad not in store.engine]
        write = store.engine.bulk_extend if len(fresh) > _MANY else store.engine.extend  # half the time, but 0.1 s at least
        write(copy for quad in fresh for copy in (quad, into(quad, derived)))
        added += len(fresh)
    return added


def is_stated(store: OxigraphStore, predicate: str) -> bool:
    """Whether any triple of the merge has the predicate."""
    quads = store.engine.quads_for_pattern(None, ox.NamedNode(predicate), None, _DEFAULT)
    return next(quads, None) is not None


def triples_of(path: Path) -> Iterator[ox.Triple]:
    """The triples of an N-Triples file that the engine wrote."""
    return (quad.triple for quad in ox.parse(path=path, format=ox.RdfFormat.N_TRIPLES, lenient=True))


def load_derived(store: OxigraphStore, files: Sequence[Path], whole: Path) -> None:
    """Adds all triples of N-Triples files, none of which the merge has, to it and to the derived graph, in half the time of `add_derived`.

    They are joined in the file `whole` first: many small loads leave the engine with many small tables.
    """
    with whole.open("wb") as output:
        for path in files:
            with path.open("rb") as part:
                shutil.copyfileobj(part, output)
    for graph in (ox.NamedNode(DERIVED_GRAPH), _DEFAULT) if whole.stat().st_size else ():
        store.engine.bulk_load(path=whole, format=ox.RdfFormat.N_TRIPLES, to_graph=graph, lenient=True)


def change_derived(store: OxigraphStore, added: Iterable[ox.Triple], removed: Iterable[ox.Triple]) -> None:
    """Adds triples to the derived graph and the merge, and removes others; what is asserted too stays in the merge."""
    derived = ox.NamedNode(DERIVED_GRAPH)
    for triple in removed:
        quad = into(triple, derived)
        store.engine.remove(quad)
        if not _elsewhere(store.engine, quad):
            store.engine.remove(in_merge(quad))
    store.engine.extend(into(triple, graph) for triple in added for graph in (derived, _DEFAULT))
