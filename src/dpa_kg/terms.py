"""Small functions on RDF terms as pyoxigraph has them."""

from __future__ import annotations

import re
import unicodedata

import pyoxigraph as ox

from dpa_kg.namespaces import ID, XSD

_WORDS = re.compile(r"[^\W_]+")


def binding(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> dict[str, str]:
    """`term` as SPARQL 1.1 Query Results JSON writes it (section 3.2.2)."""
    if isinstance(term, ox.NamedNode):
        return {"type": "uri", "value": term.value}
    if isinstance(term, ox.BlankNode):
        return {"type": "bnode", "value": term.value}
    if isinstance(term, ox.Triple):
        return {"type": "literal", "value": str(term)}
    if term.language:
        return {"type": "literal", "value": term.value, "xml:lang": term.language}
    if term.datatype.value == f"{XSD}string":
        return {"type": "literal", "value": term.value}
    return {"type": "literal", "value": term.value, "datatype": term.datatype.value}


def name_of(term: object) -> str:
    """The IRI or label of a node; an empty string for anything that is no node (a literal, the default graph)."""
    return term.value if isinstance(term, (ox.NamedNode, ox.BlankNode)) else ""


def into(what: ox.Quad | ox.Triple, graph: ox.NamedNode | ox.DefaultGraph) -> ox.Quad:
    """The triple in a graph."""
    return ox.Quad(what.subject, what.predicate, what.object, graph)


def noun_of(iri: str) -> str:
    """The noun in an entity's IRI (`…/id/project/x` gives `project`), or an empty string."""
    return iri[len(ID) :].partition("/")[0] if iri.startswith(ID) else ""


def fold(text: str) -> str:
    """`text` for comparison of names: words only, without accents and case."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join(_WORDS.findall(plain.casefold()))
