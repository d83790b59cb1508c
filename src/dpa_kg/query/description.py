"""The catalogue as data that can itself be queried: each named query as a `sh:SPARQLExecutable` with its texts and parameters."""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox

from dpa_kg.namespaces import PREFIXES, QUERIES_GRAPH, QUERY, expand
from dpa_kg.query.catalogue import Catalogue, NamedQuery, Parameter, Text

_GRAPH = ox.NamedNode(QUERIES_GRAPH)
_FORMS = {"SELECT": ("sh:SPARQLSelectExecutable", "sh:select"), "CONSTRUCT": ("sh:SPARQLConstructExecutable", "sh:construct")}


def _node(name: str) -> ox.NamedNode:
    return ox.NamedNode(expand(name))


def _quad(subject: ox.NamedNode, predicate: str, value: ox.NamedNode | ox.Literal) -> ox.Quad:
    return ox.Quad(subject, _node(predicate), value, _GRAPH)


def describe(catalogue: Catalogue) -> Iterator[ox.Quad]:
    """Quads of the graph `queries`: one node per named query, one per parameter."""
    for query in catalogue:
        yield from _query(query)


def _query(query: NamedQuery) -> Iterator[ox.Quad]:
    node = ox.NamedNode(QUERY + query.name)
    kind, text = _FORMS[query.form]
    yield _quad(node, "rdf:type", _node(kind))
    yield from _texts(node, "rdfs:label", query.title)
    yield from _texts(node, "dcterms:description", query.description)
    yield _quad(node, "dcterms:subject", ox.Literal(query.subject))
    yield _quad(node, text, ox.Literal(query.template.example(frozenset(parameter.name for parameter in query.parameters))))
    for parameter in query.parameters:
        yield from _parameter(node, parameter)


def _parameter(query: ox.NamedNode, parameter: Parameter) -> Iterator[ox.Quad]:
    node = ox.NamedNode(f"{query.value}/{parameter.name}")
    yield _quad(query, "sh:parameter", node)
    yield _quad(node, "rdf:type", _node("sh:Parameter"))
    yield _quad(node, "sh:path", node)
    yield _quad(node, "sh:name", ox.Literal(parameter.name))
    yield _quad(node, "sh:class" if parameter.is_entity else "sh:datatype", _node(parameter.type))
    yield _quad(node, "sh:optional", ox.Literal(str(not parameter.required).lower(), datatype=ox.NamedNode(f"{PREFIXES['xsd']}boolean")))
    yield from _texts(node, "rdfs:label", parameter.label)


def _texts(node: ox.NamedNode, predicate: str, text: Text) -> Iterator[ox.Quad]:
    for language, words in text.items():
        yield _quad(node, predicate, ox.Literal(words.strip(), language=language))
