"""Descriptions of the data set in RDF: statements made one by one, and written in the format that was asked for."""

from __future__ import annotations

from importlib.resources import files

import pyoxigraph as ox

from dpa_kg.namespaces import XSD, expand
from dpa_kg.representations.formats import JSON_LD, Format
from dpa_kg.representations.graphs import used_prefixes
from dpa_kg.representations.jsonld import compact

Term = ox.NamedNode | ox.BlankNode | ox.Literal
Node = ox.NamedNode | ox.BlankNode


def number(value: int) -> ox.Literal:
    """An `xsd:integer`."""
    return ox.Literal(str(value), datatype=ox.NamedNode(f"{XSD}integer"))


def moment(text: str) -> ox.Literal:
    """An `xsd:dateTime` from ISO 8601."""
    return ox.Literal(text, datatype=ox.NamedNode(f"{XSD}dateTime"))


class Description:
    """Triples about the service at `base` (no slash at the end). It begins with what is said wherever it is served."""

    def __init__(self, base: str) -> None:
        self.base = base
        text = (files("dpa_kg.http") / "dataset.ttl").read_bytes()
        self.triples = [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE, base_iri=f"{base}/")]

    def at(self, path: str) -> ox.NamedNode:
        """An address of the service."""
        return ox.NamedNode(self.base + path)

    def add(self, subject: Node, name: str, *values: Term | str) -> None:
        """Says the values of a property (a prefixed name) of a subject; a text stands for the IRI that it names."""
        for value in values:
            term = ox.NamedNode(expand(value)) if isinstance(value, str) else value
            self.triples.append(ox.Triple(subject, ox.NamedNode(expand(name)), term))

    def write(self, form: Format) -> bytes:
        """The description in one of GRAPH_FORMATS."""
        if form is JSON_LD:
            return compact(self.triples, context_url=f"{self.base}/context.jsonld")
        return ox.serialize(self.triples, format=form.rdf, prefixes=dict(used_prefixes(self.triples))) or b""
