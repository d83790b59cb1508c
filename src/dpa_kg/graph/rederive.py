"""Derives again what a change touches, and nothing else: the cost follows the change, not the graph.

The rules are run over two small stores: what the merge says around the change, before it and after it. What only the first one
derives may go, what only the second one derives comes. A statement that may go stays where something outside still derives it.
This is "delete and rederive" (Gupta, Mumick, Subrahmanian: Maintaining views incrementally, 1993), by regions instead of by rules.
Rules that ask what is not there speak of one thing each: they are run again over the things of which something has changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator

import pyoxigraph as ox

from dpa_kg.graph import merge, rules
from dpa_kg.graph.merge import Difference
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.reads import reads
from dpa_kg.graph.rules import Rule
from dpa_kg.namespaces import DERIVED_GRAPH
from dpa_kg.terms import into

MOST = 20_000  # nodes of a region; beyond, everything is derived anew
Node = ox.NamedNode | ox.BlankNode
Along = Callable[[Node, ox.NamedNode], Iterator[Node]]
_DEFAULT = ox.DefaultGraph()
_DERIVED = ox.NamedNode(DERIVED_GRAPH)


class _TooLarge(Exception):
    """A change reaches too far to be followed."""


def rederive(store: OxigraphStore, all_rules: Iterable[Rule], asserted: Difference) -> Difference:
    """Makes the derived graph right after statements were asserted or taken back; `asserted` is what the store's merge has got of that.

    The store's default graph holds what is asserted now and what was derived before. Returns what came into the derived graph and
    what went. Raises BuildError where a rule is broken.
    """
    known = tuple(all_rules)
    adding, negating = rules.strata(known)
    try:
        if not all(reads(rule.text).is_bounded for rule in known):
            raise _TooLarge
        found = _Region(store, adding, asserted).difference()
    except _TooLarge:
        return _anew(store, known)
    merge.change_derived(store, found.added, found.removed)
    absent = _absent(store, negating, asserted.all | found.all)
    merge.change_derived(store, absent.added, absent.removed)
    return Difference(found.added | absent.added, found.removed | absent.removed)


def _anew(store: OxigraphStore, all_rules: Collection[Rule]) -> Difference:
    before = {quad.triple for quad in store.quads(DERIVED_GRAPH)}
    merge.strip_derived(store)
    rules.derive(store, all_rules)
    after = {quad.triple for quad in store.quads(DERIVED_GRAPH)}
    return Difference(frozenset(after - before), frozenset(before - after))


def _absent(store: OxigraphStore, negating: Collection[Rule], changed: Iterable[ox.Triple]) -> Difference:
    """What rules that ask what is not there make otherwise, after triples of the merge came and went."""
    made = {name for rule in negating for name in reads(rule.text).writes}
    read = {name for rule in negating for name in reads(rule.text).predicates}
    subjects = {triple.subject for triple in changed if triple.predicate.value in made | read}
    quads = [
        quad
        for subject in subjects
        for name in made | read
        for quad in store.engine.quads_for_pattern(subject, ox.NamedNode(name), None, _DEFAULT)
    ]
    before = frozenset(quad.triple for quad in quads if quad.predicate.value in made and into(quad, _DERIVED) in store.engine)
    local = OxigraphStore.memory(quad for quad in quads if quad.triple not in before)
    rules.derive(local, negating)
    after = frozenset(quad.triple for quad in local.quads(DERIVED_GRAPH))
    return Difference(after - before, before - after)


class _Region:
    """What the merge says around a change."""

    def __init__(self, store: OxigraphStore, known: Collection[Rule], asserted: Difference) -> None:
        self._store = store
        self._engine = store.engine
        self._rules = known
        self._reads = {rule: reads(rule.text) for rule in known}
        self._predicates = [ox.NamedNode(name) for name in sorted({name for read in self._reads.values() for name in read.predicates})]
        self._asserted = asserted
        self._removed_from: dict[tuple[Node, ox.NamedNode], list[ox.Triple]] = defaultdict(list)
        self._removed_to: dict[tuple[Node, ox.NamedNode], list[ox.Triple]] = defaultdict(list)
        for triple in asserted.removed:
            if isinstance(triple.object, Node):
                self._removed_from[_node(triple.subject), triple.predicate].append(triple)
                self._removed_to[triple.object, triple.predicate].append(triple)

    def difference(self) -> Difference:
        """What the derived graph gets and loses. Raises _TooLarge."""
        written = {name for read in self._reads.values() for name in read.writes}
        reached = frozenset(self._behind(triple for triple in self._asserted.removed if triple.predicate.value in written))
        touched, nodes = self._asserted.all, frozenset[Node]()
        reached |= self._around(touched)
        while True:
            nodes |= reached
            before, after = self._closure(nodes, old=True), self._closure(nodes, old=False)
            touched |= before ^ after
            if (reached := self._around(touched)) <= nodes:
                break
        gone = frozenset(triple for triple in before - after if self._is_derived(triple))
        return self._overlap(after, gone - self._closure(self._behind(gone), old=False))

    def _overlap(self, after: frozenset[ox.Triple], gone: frozenset[ox.Triple]) -> Difference:
        """What is derived and asserted counts as asserted."""
        stated = {triple for triple in self._asserted.added if self._is_derived(triple)}
        added = frozenset(triple for triple in after if not self._is_merged(triple))
        return Difference(added, (gone - after) | stated)

    def _is_derived(self, triple: ox.Triple) -> bool:
        return into(triple, _DERIVED) in self._engine

    def _is_merged(self, triple: ox.Triple) -> bool:
        return into(triple, _DEFAULT) in self._engine

    def _around(self, changed: Iterable[ox.Triple]) -> frozenset[Node]:
        """The nodes whose statements a rule may read or make otherwise: backwards from the subject, then forwards from there."""
        found: set[Node] = set()
        for rule in self._rules:
            read = self._reads[rule]
            met = [triple for triple in changed if read.meets(triple)]
            if met:
                steps = [ox.NamedNode(name) for name in sorted(read.predicates)]
                subjects = self._reached({_node(triple.subject) for triple in met}, steps, self._sources)
                targets = {triple.object for triple in met if isinstance(triple.object, Node)}
                found |= self._reached(subjects | targets, steps, self._targets)
        return frozenset(found)

    def _reached(
        self, starts: set[Node], steps: Collection[ox.NamedNode], along: Callable[[Node, ox.NamedNode], Iterator[Node]]
    ) -> set[Node]:
        """The starts, and what is reached from them along predicates. Raises _TooLarge."""
        found, frontier = set(starts), list(starts)
        while frontier:
            node = frontier.pop()
            for step in steps:
                for other in along(node, step):
                    if other not in found:
                        found.add(other)
                        frontier.append(other)
                        if len(found) > MOST:
                            raise _TooLarge
        return found

    def _sources(self, node: Node, predicate: ox.NamedNode) -> Iterator[Node]:
        for quad in self._engine.quads_for_pattern(None, predicate, node, _DEFAULT):
            yield _node(quad.subject)
        yield from (_node(triple.subject) for triple in self._removed_to.get((node, predicate), ()))

    def _targets(self, node: Node, predicate: ox.NamedNode) -> Iterator[Node]:
        for quad in self._engine.quads_for_pattern(node, predicate, None, _DEFAULT):
            if isinstance(quad.object, Node):
                yield quad.object
        yield from (_node(triple.object) for triple in self._removed_from.get((node, predicate), ()))

    def _closure(self, nodes: Collection[Node], *, old: bool) -> frozenset[ox.Triple]:
        """What is asserted of the nodes with the predicates that rules read, and what follows from it; before the change or after it."""
        stated = {
            quad.triple
            for node in nodes
            for predicate in self._predicates
            for quad in self._engine.quads_for_pattern(node, predicate, None, _DEFAULT)
            if quad.triple in self._asserted.added or not self._is_derived(quad.triple)
        }
        if old:
            stated = (stated - self._asserted.added) | self._asserted.removed
        local = OxigraphStore.memory(into(triple, _DEFAULT) for triple in stated)
        rules.derive(local, self._rules)
        return frozenset(quad.triple for quad in local.quads())

    def _behind(self, gone: Iterable[ox.Triple]) -> set[Node]:
        """The nodes from which each of the statements may still follow: its own, and what points at both of them."""
        found: set[Node] = set()
        for triple in gone:
            steps = {name for read in self._reads.values() if triple.predicate.value in read.writes for name in read.predicates}
            ways = [ox.NamedNode(name) for name in sorted(steps)]
            ends = [node for node in (triple.subject, triple.object) if isinstance(node, Node)]
            pointing = [{other for way in ways for other in self._sources(end, way)} for end in ends]
            common = set.intersection(*pointing) if len(ends) > 1 else set[Node]()
            found |= self._reached({*ends, *common}, ways, self._targets)
        return found


def _node(term: object) -> Node:
    if not isinstance(term, Node):
        raise TypeError("neither an IRI nor a blank node")
    return term
