"""A candidate's store while a request changes it: what may be written where, and the difference that it makes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

import pyoxigraph as ox

from dpa_kg.errors import Forbidden
from dpa_kg.graph import merge
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.terms import name_of

NAME_A_GRAPH = "Name a graph of your own: INSERT DATA { GRAPH <https://example.org/mine> { … } }, or /graphs?graph=…"


class Change(Protocol):
    """What a request wants changed."""

    def apply(self, draft: Draft) -> None:
        """Changes the draft. Raises Forbidden where it writes what is read-only, InputError where it cannot be understood."""
        ...


class Draft:
    """The store of a candidate. `added` and `removed` are the quads of the difference; in `own` mode, the engine's doing is not in them.

    Where it is merged, every change of a named graph is brought into the merge, and the service's own and `protected` graphs are
    read-only, unless it will be thrown away.
    """

    def __init__(self, store: OxigraphStore, *, merged: bool, protected: Collection[str] = (), thrown_away: bool = False) -> None:
        self.store = store
        self.merged = merged
        self.added: set[ox.Quad] = set()
        self.removed: set[ox.Quad] = set()
        self._is_open = thrown_away or not merged
        self._protected = frozenset(protected)
        self._before = set(store.graphs())

    def existed(self, graph: str | None) -> bool:
        """Whether the graph was there before the change; the default graph (None) always is."""
        return graph is None or graph in self._before

    def has(self, graph: str | None) -> bool:
        """Whether the graph is there now."""
        return graph is None or self.store.engine.contains_named_graph(ox.NamedNode(graph))

    def allow(self, graphs: Iterable[str | None]) -> None:
        """Raises Forbidden where one of the graphs (None for the default graph) may not be written."""
        if self._is_open:
            return
        for graph in graphs:
            if graph is None or graph == "":
                raise Forbidden("The default graph is the merge of the named graphs, and cannot be written itself.", hint=NAME_A_GRAPH)
            if graph in merge.SYSTEM:
                raise Forbidden(f"<{graph}> is the service's own graph, and read-only to requests.", hint=NAME_A_GRAPH)
            if graph in self._protected:
                hint = "Change the file, or say what you have to say in a graph of your own; sources may contradict each other."
                raise Forbidden(f"<{graph}> comes from a file of the project, and is read-only to requests.", hint=hint)

    def change(self, added: Iterable[ox.Quad] = (), removed: Iterable[ox.Quad] = ()) -> None:
        """Removes, then adds quads (SPARQL 1.1 Update, section 3.1.3: what is in both stays). Raises Forbidden, as `allow`."""
        wanted, unwanted = set(added), set(removed)
        self.allow({_graph(quad) for quad in (*wanted, *unwanted)})
        engine = self.store.engine
        gone = [quad for quad in unwanted - wanted if quad in engine]
        fresh = [quad for quad in wanted if quad not in engine]
        if self.merged:
            merge.change(self.store, fresh, gone)
        else:
            for quad in gone:
                engine.remove(quad)
            engine.extend(fresh)
        self._note(fresh, gone)

    def make(self, graph: str | None) -> None:
        """Makes a graph that may stay empty, where there is none of that name."""
        self.allow([graph])
        if graph is not None:
            self.store.engine.add_graph(ox.NamedNode(graph))

    def drop(self, graph: str | None) -> None:
        """Removes a graph with all its quads, or all quads of the default graph."""
        self.allow([graph])
        self.change(removed=list(self.store.quads(graph)))
        if graph is not None:
            self.store.engine.remove_graph(ox.NamedNode(graph))

    @property
    def is_changed(self) -> bool:
        """Whether anything that can be seen is different from before, as far as the draft has done it."""
        return bool(self.added or self.removed) or set(self.store.graphs()) != self._before

    @property
    def counts(self) -> dict[str, int]:
        """How many quads were `added` and `removed`."""
        return {"added": len(self.added), "removed": len(self.removed)}

    def _note(self, fresh: Sequence[ox.Quad], gone: Sequence[ox.Quad]) -> None:
        for quad in gone:
            (self.added.discard if quad in self.added else self.removed.add)(quad)
        for quad in fresh:
            (self.removed.discard if quad in self.removed else self.added.add)(quad)


def _graph(quad: ox.Quad) -> str | None:
    return name_of(quad.graph_name) or None
