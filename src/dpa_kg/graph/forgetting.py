"""What has to go where somebody is forgotten, told quad by quad.

- statements on the person, statements that point at the person, a graph that is named by the person;
- nodes that hang on the person only (memberships, participations), and blank nodes that hang on what goes;
- literals in which the person's name stands: a label or a definition, which its entity needs, gets a gap in its place, and so do texts
  of provenance and of the service's own graphs; other texts go. The name of another person is that person's, and stays;
- the provenance of passages that hold nothing any more.

What was derived is not looked at: it is derived again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from dpa_kg.graph.forgotten import Forgotten, iris
from dpa_kg.graph.merge import SYSTEM
from dpa_kg.graph.search_write import KINDS
from dpa_kg.namespaces import DPA, PREFIXES, PROVENANCE_GRAPH, RDF, RDFS, SKOS
from dpa_kg.terms import name_of

Quads = Callable[[], Iterable[ox.Quad]]  # gives the asserted quads, as often as it is called
PERSON: Final = f"{PREFIXES['foaf']}Person"
NAMES: Final = frozenset({*KINDS, f"{DPA}displayName", f"{PREFIXES['foaf']}name", f"{PREFIXES['schema']}name", f"{SKOS}hiddenLabel"})
_AGENT: Final = frozenset({f"{PREFIXES['org']}member", f"{PREFIXES['prov']}agent"})
_NEEDED: Final = frozenset({f"{RDFS}label", f"{SKOS}prefLabel", f"{SKOS}definition", f"{DPA}metric"})
_TYPE: Final = f"{RDF}type"


@dataclass(frozen=True)
class Text:
    """A literal in which a name stood, where it stood, and what has become of it (None: it is gone)."""

    graph: str
    subject: str
    predicate: str
    before: str
    after: str | None


class Forgetting:
    """Looks through the quads once, then says of each one what becomes of it.

    `removed` counts statements that go, `texts` are the literals that a name stood in, `emptied` the graphs that nothing is left of.
    """

    def __init__(self, quads: Quads, forgotten: Forgotten) -> None:
        self._quads = quads
        self._forgotten = forgotten
        self._people: set[str] = set()
        self._hanging: set[str] = set()
        self.emptied: frozenset[str] = frozenset()
        self.removed = 0
        self.texts: list[Text] = []
        if forgotten:
            self._look()
            self._count()

    @property
    def is_needed(self) -> bool:
        """Whether anything changes."""
        return bool(self.removed or self.texts)

    def left(self) -> Iterator[ox.Quad]:
        """The quads that stay, some with a gap in their text."""
        for quad in self._quads():
            if (found := self.of(quad)) is not None:
                yield found

    def of(self, quad: ox.Quad) -> ox.Quad | None:
        """What becomes of a quad: itself, one with a gap in its text, or nothing."""
        if not self._forgotten:
            return quad
        if name_of(quad.graph_name) == PROVENANCE_GRAPH and name_of(quad.subject) in self.emptied:
            return None
        return self._without(quad)

    def _look(self) -> None:
        """Finds the nodes that hang on a forgotten person and on nobody else, and the other people."""
        agents: dict[str, set[bool]] = defaultdict(set)
        below: dict[str, set[str]] = defaultdict(set)
        for quad in self._quads():
            subject, predicate = name_of(quad.subject), quad.predicate.value
            if predicate in _AGENT:
                agents[subject].add(self._forgotten.is_person(name_of(quad.object)))
            elif predicate == _TYPE and name_of(quad.object) == PERSON:
                self._people.add(subject)
            if isinstance(quad.object, ox.BlankNode):
                below[subject].add(quad.object.value)
        self._hanging = {node for node, forgotten in agents.items() if forgotten == {True}}
        self._people = {iri for iri in self._people if not self._forgotten.is_person(iri)}
        going = [*self._hanging, *(node for node in below if self._forgotten.is_person(node))]
        while going:
            for node in below[going.pop()] - self._hanging:
                self._hanging.add(node)
                going.append(node)

    def _count(self) -> None:
        """What goes, what is struck, and which graphs hold nothing any more; their provenance goes too."""
        lost: set[str] = set()
        kept: set[str] = set()
        provenance: dict[str, int] = defaultdict(int)
        for quad in self._quads():
            graph, found = name_of(quad.graph_name), self._without(quad)
            (lost if found is None else kept).add(graph)
            self.removed += found is None
            if isinstance(quad.object, ox.Literal) and found != quad and not self._goes(quad):
                after = found.object.value if found is not None and isinstance(found.object, ox.Literal) else None
                self.texts.append(Text(graph, name_of(quad.subject), quad.predicate.value, quad.object.value, after))
            if graph == PROVENANCE_GRAPH and found is not None:
                provenance[name_of(quad.subject)] += 1
        self.emptied = frozenset(lost - kept - {""})
        self.removed += sum(provenance[graph] for graph in self.emptied)

    def _without(self, quad: ox.Quad) -> ox.Quad | None:
        if self._goes(quad):
            return None
        if not isinstance(quad.object, ox.Literal):
            return quad
        text = self._forgotten.strike(quad.object.value)
        if text == quad.object.value or self._is_name_of_another(quad):
            return quad
        if quad.predicate.value not in _NEEDED and name_of(quad.graph_name) not in SYSTEM:
            return None
        literal = (
            ox.Literal(text, language=quad.object.language) if quad.object.language else ox.Literal(text, datatype=quad.object.datatype)
        )
        return ox.Quad(quad.subject, quad.predicate, literal, quad.graph_name)

    def _goes(self, quad: ox.Quad) -> bool:
        """Whether the quad speaks of the person, or of what hangs on the person."""
        if name_of(quad.subject) in self._hanging or name_of(quad.object) in self._hanging:
            return True
        return any(self._forgotten.is_person(iri) for iri in iris(quad))

    def _is_name_of_another(self, quad: ox.Quad) -> bool:
        return quad.predicate.value in NAMES and name_of(quad.subject) in self._people
