"""Holds data that somebody brings against the shapes and checks of the gate, as if they were added to a version. Nothing is changed.

Not the whole graph is validated again, but the data, what they speak of, and what that needs to be understood: its types, its names,
the places that contain its places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import pyoxigraph as ox

from dpa_kg.graph import merge, nearest, rules
from dpa_kg.graph.gate import Gate
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.report import Report
from dpa_kg.ingest.files import parse
from dpa_kg.ingest.statements import shapes as shapes_of
from dpa_kg.namespaces import DERIVED_GRAPH, ONTOLOGY_GRAPH, QUERIES_GRAPH, SHAPES_GRAPH
from dpa_kg.representations.formats import DATASET_FORMATS, GRAPH_FORMATS, named
from dpa_kg.resources import folder
from dpa_kg.terms import name_of

POSTED: Final = "urn:dpa-kg:posted"  # the graph of triples that came without one
_STEPS: Final = 4  # from the data to what they speak of: a city, its region, its country, the type of that
_MOST: Final = 50_000  # quads that are fetched from the version
_APART: Final = frozenset({DERIVED_GRAPH, ONTOLOGY_GRAPH, SHAPES_GRAPH, QUERIES_GRAPH})


def validate(version: Version, text: str, format_name: str, base: str) -> Report:
    """The report on a text in one of the graph or data-set formats. Raises InputError where it cannot be read."""
    form = named(format_name, (*GRAPH_FORMATS, *DATASET_FORMATS))
    quads = [_somewhere(quad) for quad in parse(text, form.rdf, "The data", base=base).quads]
    existing = OxigraphStore.open_read_only(version.store_path)
    store = OxigraphStore.memory()
    merge.change(store, existing.quads(ONTOLOGY_GRAPH))
    merge.change(store, _around(existing, quads))
    merge.change(store, quads)
    rules.derive(store, rules.read(store.quads(ONTOLOGY_GRAPH)))
    focus = set(_terms(quads, store))
    shapes = {name: found for name, found in shapes_of().items() if name != "vocabulary.ttl"}
    gate = Gate.of((quad for found in shapes.values() for quad in found), (), folder("shapes") / "checks")
    findings = gate.validate(store, lambda _graph, _node: (), focus)
    return Report.of(findings + gate.check(store, lambda _graph, _node: (), focus))


def _somewhere(quad: ox.Quad) -> ox.Quad:
    in_default = isinstance(quad.graph_name, ox.DefaultGraph)
    return ox.Quad(quad.subject, quad.predicate, quad.object, ox.NamedNode(POSTED)) if in_default else quad


def _around(existing: OxigraphStore, quads: Iterable[ox.Quad]) -> list[ox.Quad]:
    """What the version says of the nodes of the data, of what points at their subjects, and of the nodes that these name."""
    engine = existing.engine
    subjects = {quad.subject for quad in quads}
    frontier = {term for quad in quads for term in (quad.subject, quad.object, quad.graph_name) if isinstance(term, ox.NamedNode)}
    found: dict[ox.Quad, None] = {}
    for subject in sorted(subjects, key=str):
        for quad in engine.quads_for_pattern(None, None, subject):
            if _is_stated(quad) and len(found) < _MOST:
                found[quad] = None
                frontier |= {quad.subject} if isinstance(quad.subject, ox.NamedNode) else set()
    seen: set[ox.NamedNode] = set()
    for _ in range(_STEPS):
        new = sorted(frontier - seen, key=str)
        seen |= frontier
        stated = [quad for node in new for quad in engine.quads_for_pattern(node, None, None) if _is_stated(quad)]
        found.update(dict.fromkeys(stated[: max(_MOST - len(found), 0)]))
        frontier = {term for quad in stated for term in (quad.object, quad.graph_name) if isinstance(term, ox.NamedNode)}
    return list(found)


def _is_stated(quad: ox.Quad) -> bool:
    """Whether a graph states it: neither the merge, nor what is derived again, nor what is there already."""
    return isinstance(quad.graph_name, ox.NamedNode) and quad.graph_name.value not in _APART


def _terms(quads: Iterable[ox.Quad], store: OxigraphStore) -> Iterator[str]:
    """What the data speak about: subjects, properties, graphs, and objects that nothing describes."""
    for quad in quads:
        yield from (name_of(term) for term in (quad.subject, quad.predicate, quad.graph_name))
        target = name_of(quad.object)
        if target and not nearest.has_type(store, target):
            yield target
