"""What a change comes to: what follows from it, what the gate says of it, and what it leaves. Its cost follows the change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyoxigraph as ox

from dpa_kg.graph import merge, rules
from dpa_kg.graph.affected import affected
from dpa_kg.graph.draft import Draft
from dpa_kg.graph.gate import Gate
from dpa_kg.graph.merge import Difference
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.rederive import rederive
from dpa_kg.graph.report import Report, Severity
from dpa_kg.graph.search import Names
from dpa_kg.namespaces import DERIVED_GRAPH, ONTOLOGY_GRAPH
from dpa_kg.terms import into

_NOTHING = Report(())


@dataclass(frozen=True)
class Effect:
    """`added` and `removed` are quads of named graphs, derived ones too; `merged` is the same for the default graph.

    `report` holds what the gate says now about the nodes that the change affects, `before` what it said about them before.
    """

    added: frozenset[ox.Quad]
    removed: frozenset[ox.Quad]
    merged: Difference
    report: Report = _NOTHING
    before: Report = _NOTHING

    @classmethod
    def of(cls, draft: Draft) -> Effect:
        """Derives around what a merged draft has changed. Raises BuildError where a rule is broken."""
        store = draft.store
        asserted = merge.asserted(store, draft.added, draft.removed)
        derived = rederive(store, rules.read(store.quads(ONTOLOGY_GRAPH)), asserted)
        added, removed = draft.added | _quads(derived.added), draft.removed | _quads(derived.removed)
        return cls(frozenset(added), frozenset(removed), asserted.followed_by(derived))

    def judged(self, draft: Draft, gate: Gate, parent: Version) -> Effect:
        """The same, with what the gate says about it."""
        names = Names(parent.search_path)
        try:
            touched = affected(draft, self.merged, gate.sight, names)
        finally:
            names.close()
        before = gate.around(OxigraphStore.open_read_only(parent.store_path), touched)
        return Effect(self.added, self.removed, self.merged, Report.of(gate.around(draft.store, touched)), Report.of(before))

    def more(self, severity: Severity) -> int:
        """How many findings of this severity the version has more than its parent."""
        return self.report.count(severity) - self.before.count(severity)

    @property
    def entities(self) -> set[str]:
        """The IRIs whose names, types or number of uses may be others now."""
        triples = self.merged.all
        return {term.value for triple in triples for term in (triple.subject, triple.object) if isinstance(term, ox.NamedNode)}


def _quads(triples: Iterable[ox.Triple]) -> set[ox.Quad]:
    return {into(triple, ox.NamedNode(DERIVED_GRAPH)) for triple in triples}
