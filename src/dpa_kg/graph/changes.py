"""Changes of single graphs, as the Graph Store Protocol has them (https://www.w3.org/TR/sparql11-http-rdf-update/)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyoxigraph as ox

from dpa_kg.errors import NotFound
from dpa_kg.graph.draft import Draft
from dpa_kg.terms import into


@dataclass(frozen=True)
class Quads:
    """Some quads added, some removed."""

    added: tuple[ox.Quad, ...] = ()
    removed: tuple[ox.Quad, ...] = ()

    def apply(self, draft: Draft) -> None:
        """See `Change`."""
        draft.change(self.added, self.removed)


@dataclass(frozen=True)
class Put:
    """A graph (None: the default graph) holds these triples and no others from now on."""

    graph: str | None
    triples: tuple[ox.Triple, ...]

    def apply(self, draft: Draft) -> None:
        """See `Change`."""
        wanted = set(_in(self.graph, self.triples))
        draft.allow([self.graph])
        draft.change(wanted, [quad for quad in draft.store.quads(self.graph) if quad not in wanted])
        draft.make(self.graph)


@dataclass(frozen=True)
class Post:
    """A graph gets these triples on top of what it holds."""

    graph: str | None
    triples: tuple[ox.Triple, ...]

    def apply(self, draft: Draft) -> None:
        """See `Change`."""
        draft.make(self.graph)
        draft.change(_in(self.graph, self.triples))


@dataclass(frozen=True)
class Delete:
    """A graph goes. Raises NotFound where there is none of that name."""

    graph: str | None

    def apply(self, draft: Draft) -> None:
        """See `Change`."""
        draft.allow([self.graph])
        if not draft.has(self.graph):
            raise NotFound(f"There is no graph <{self.graph}>.")
        draft.drop(self.graph)


def _in(graph: str | None, triples: Iterable[ox.Triple]) -> list[ox.Quad]:
    name = ox.DefaultGraph() if graph is None else ox.NamedNode(graph)
    return [into(triple, name) for triple in triples]
