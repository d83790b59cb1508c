"""Checks passages against the documents, and collects what proves the statements on an entity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyoxigraph as ox

from dpa_kg.errors import InputError
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.ingest.passages import Document, Lines, passage_of, sources
from dpa_kg.namespaces import DPA, PROVENANCE_GRAPH
from dpa_kg.terms import name_of, noun_of

_NODES = ("participation", "membership", "grant")  # what they say of an entity stands one step away from it


@dataclass(frozen=True)
class Checked:
    """How many passages were compared with their documents, and what is wrong, one sentence each."""

    passages: int
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """One passage: what it is, the lines of the document (none without the document), and what it states of an entity."""

    graph: str
    source: str
    lines: str
    status: str
    note: str
    texts: tuple[tuple[int, str], ...]
    statements: tuple[ox.Triple, ...]


def check(store: OxigraphStore, documents: Mapping[str, Document]) -> Checked:
    """Compares the hash of every document and of every passage in the store with the documents."""
    described = sources(store.quads(PROVENANCE_GRAPH))
    faults = [
        f"{source.label} ({source.file}) is not the document that the passages were made from: its SHA-256 is another one."
        for slug, source in described.items()
        if slug in documents and source.sha256 != documents[slug].sha256
    ]
    faults += [f"The document {of.file} of the source '{slug}' is missing." for slug, of in described.items() if slug not in documents]
    passages = [graph for graph in store.graphs() if _is_passage(graph)]
    faults += [f"{graph}: {fault}" for graph in passages for fault in _faults(store, graph, documents)]
    return Checked(len(passages), tuple(faults))


def _is_passage(graph: str) -> bool:
    try:
        return passage_of(graph) is not None
    except InputError:
        return True


def _faults(store: OxigraphStore, graph: str, documents: Mapping[str, Document]) -> Iterator[str]:
    try:
        slug, lines = passage_of(graph) or ("", Lines(()))
        if slug not in documents:
            yield "its document is missing."
            return
        digest = documents[slug].digest(lines)
    except InputError as error:
        yield error.detail
        return
    facts = _facts(store, graph)
    if facts.get("sha256") != digest:
        yield "the lines are not those that it was made from: the SHA-256 differs." if "sha256" in facts else "it has no SHA-256."
    if facts.get("lines") != str(lines):
        yield f"its dpa:lines are '{facts.get('lines', '')}'."


def _facts(store: OxigraphStore, graph: str) -> dict[str, str]:
    """What the provenance graph says of a passage, by local name."""
    quads = store.engine.quads_for_pattern(ox.NamedNode(graph), None, None, ox.NamedNode(PROVENANCE_GRAPH))
    return {
        quad.predicate.value.removeprefix(DPA): quad.object.value
        for quad in sorted(quads, key=str)
        if isinstance(quad.object, (ox.NamedNode, ox.Literal))
    }


def behind(store: OxigraphStore, iri: str, documents: Mapping[str, Document]) -> list[Evidence]:
    """The passages that state something of an entity, in the order of sources and lines.

    Its participations, memberships and grants count as its own. Raises InputError where a document is too short.
    """
    labels = {slug: source.label for slug, source in sources(store.quads(PROVENANCE_GRAPH)).items()}
    node = ox.NamedNode(iri)
    mentioning = [*store.engine.quads_for_pattern(node, None, None), *store.engine.quads_for_pattern(None, None, node)]
    found = []
    for graph in {name_of(quad.graph_name) for quad in mentioning}:
        if passage := passage_of(graph):
            slug, lines = passage
            facts = _facts(store, graph)
            texts = tuple(documents[slug].text(lines)) if slug in documents else ()
            status = facts.get("status", "").removeprefix(DPA)
            statements = _statements(store, graph, node)
            evidence = Evidence(graph, labels.get(slug, slug), str(lines), status, facts.get("note", ""), texts, statements)
            found.append(((slug, lines.ranges), evidence))
    return [evidence for _, evidence in sorted(found, key=lambda pair: pair[0])]


def _statements(store: OxigraphStore, graph: str, node: ox.NamedNode) -> tuple[ox.Triple, ...]:
    """What a passage says of the node, and of the participations, memberships and grants that tie it to others."""
    triples = {quad.triple for quad in store.quads(graph)}
    own = {triple for triple in triples if node in (triple.subject, triple.object)}
    ties = {name for triple in own for term in (triple.subject, triple.object) if noun_of(name := name_of(term)) in _NODES}
    linked = {triple for triple in triples if name_of(triple.subject) in ties or name_of(triple.object) in ties}
    return tuple(sorted(own | linked, key=lambda triple: (triple.subject != node, str(triple))))
