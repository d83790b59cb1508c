"""About which nodes the gate may judge otherwise after a change. Everything else is as it was, and was judged before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import pyoxigraph as ox

from dpa_kg.graph.draft import Draft
from dpa_kg.graph.merge import Difference
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.search import Names
from dpa_kg.namespaces import DPA, RDF, RDFS, SH
from dpa_kg.terms import name_of

Node = ox.NamedNode | ox.BlankNode
_DEFAULT = ox.DefaultGraph()
_TYPE = ox.NamedNode(f"{RDF}type")
_SUBCLASS = ox.NamedNode(f"{RDFS}subClassOf")
_NAMES = tuple(ox.NamedNode(name) for name in (f"{RDFS}label", f"{DPA}variantName"))


@dataclass(frozen=True)
class Affected:
    """`nodes` is what the shapes look at; `names` (IRIs) what the checks begin with: graphs, terms and namesakes too."""

    nodes: frozenset[Node]
    names: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """The IRIs and labels of all of them: what a finding must speak of to be one of the change."""
        return self.names | {node.value for node in self.nodes}


def affected(draft: Draft, merged: Difference, sight: Sight, names: Names) -> Affected:
    """What a draft touches; `merged` is what has become of the merge. `names` is the index of the version before."""
    store = draft.store
    asserted = [*draft.added, *draft.removed]
    changed = {quad.triple for quad in asserted} | merged.all
    subjects = {triple.subject for triple in changed if isinstance(triple.subject, Node)}
    retyped = {triple.subject for triple in changed if triple.predicate == _TYPE}
    pointing = {quad.subject for node in retyped for quad in store.engine.quads_for_pattern(None, None, node, _DEFAULT)}
    nodes = subjects | {node for node in pointing if isinstance(node, Node)} | _targets(draft, sight)
    graphs = {name_of(quad.graph_name) for quad in asserted}
    terms = {triple.predicate.value for triple in changed if not _is_described(store, triple.predicate)}
    named = {node.value for node in nodes if isinstance(node, ox.NamedNode)}
    return Affected(frozenset(nodes), frozenset(named | graphs | terms | _namesakes(store, subjects, names)) - {""})


def _targets(draft: Draft, sight: Sight) -> set[Node]:
    """Objects that something depends on: nobody may speak of them any more, nothing may describe them, or a shape looks back from them."""
    lost = {quad.object for quad in draft.removed if quad.predicate != _TYPE}
    new = {quad.object for quad in draft.added if isinstance(quad.object, Node) and not _is_described(draft.store, quad.object)}
    seen = {quad.object for quad in (*draft.added, *draft.removed) if quad.predicate in sight.backwards}
    return {node for node in lost | new | seen if isinstance(node, Node)}


def _is_described(store: OxigraphStore, node: Node) -> bool:
    return any(True for _ in store.engine.quads_for_pattern(node, _TYPE, None, _DEFAULT))


def _namesakes(store: OxigraphStore, subjects: Iterable[Node], names: Names) -> set[str]:
    """The entities that were named like one of the subjects is now, whatever the case and accents."""
    texts = {
        quad.object.value
        for node in subjects
        for name in _NAMES
        for quad in store.engine.quads_for_pattern(node, name, None, _DEFAULT)
        if isinstance(quad.object, ox.Literal)
    }
    return {row.iri for text in texts for row in names.named(text, f"{RDFS}Resource")}


@dataclass(frozen=True)
class Sight:
    """How far shapes look from a node: along these predicates to values and their types, and back along some. A test keeps it so."""

    forwards: frozenset[ox.NamedNode]
    backwards: frozenset[ox.NamedNode]

    @classmethod
    def of(cls, shapes: Collection[ox.Quad]) -> Sight:
        """The predicates that shapes name, and those of their inverse paths."""
        named = {quad.object for quad in shapes if isinstance(quad.object, ox.NamedNode) and not quad.object.value.startswith(SH)}
        back = {quad.object for quad in shapes if quad.predicate.value == f"{SH}inversePath" and isinstance(quad.object, ox.NamedNode)}
        return cls(frozenset(named | {_TYPE}), frozenset(back))

    def view(self, store: OxigraphStore, nodes: Collection[Node], graphs: Collection[ox.NamedNode | ox.DefaultGraph]) -> set[ox.Triple]:
        """What the shapes see of the nodes in these graphs, with the classes above classes."""
        engine = store.engine
        found = {quad.triple for quad in engine.quads_for_pattern(None, _SUBCLASS, None, _DEFAULT)}
        for triple in self._around(store, nodes, graphs):
            found.add(triple)
            if isinstance(triple.object, Node) and triple.predicate != _TYPE:
                found |= {quad.triple for quad in engine.quads_for_pattern(triple.object, _TYPE, None, _DEFAULT)}
        return found

    def _around(
        self, store: OxigraphStore, nodes: Collection[Node], graphs: Collection[ox.NamedNode | ox.DefaultGraph]
    ) -> Iterator[ox.Triple]:
        for graph in graphs:
            for node in nodes:
                for predicate in self.forwards:
                    yield from (quad.triple for quad in store.engine.quads_for_pattern(node, predicate, None, graph))
                for predicate in self.backwards:
                    yield from (quad.triple for quad in store.engine.quads_for_pattern(None, predicate, node, graph))
