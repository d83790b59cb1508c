"""What the SPARQL endpoint is, in RDF (SPARQL 1.1 Service Description)."""

from __future__ import annotations

from typing import Final

import pyoxigraph as ox

from dpa_kg.namespaces import RDF
from dpa_kg.representations.formats import GRAPH_FORMATS, JSON_LD, RESULT_FORMATS, Format
from dpa_kg.representations.jsonld import compact

_SD: Final = "http://www.w3.org/ns/sparql-service-description#"
_FORMATS: Final = "http://www.w3.org/ns/formats/"
_FORMAT_NAMES: Final = {
    "turtle": "Turtle", "ntriples": "N-Triples", "jsonld": "JSON-LD", "rdfxml": "RDF_XML",
    "sparql-json": "SPARQL_Results_JSON", "sparql-xml": "SPARQL_Results_XML", "csv": "SPARQL_Results_CSV", "tsv": "SPARQL_Results_TSV",
}  # fmt: skip


def service_description(base: str, form: Format) -> bytes:
    """The description of the endpoint at `base`/sparql, in one of GRAPH_FORMATS."""
    endpoint = ox.NamedNode(f"{base}/sparql")
    data_set, default_graph = ox.BlankNode("dataset"), ox.BlankNode("default")
    triples = [
        _triple(endpoint, f"{RDF}type", ox.NamedNode(f"{_SD}Service")),
        _triple(endpoint, f"{_SD}endpoint", endpoint),
        _triple(endpoint, f"{_SD}supportedLanguage", ox.NamedNode(f"{_SD}SPARQL11Query")),
        _triple(endpoint, f"{_SD}feature", ox.NamedNode(f"{_SD}EmptyGraphs")),
        _triple(endpoint, f"{_SD}defaultDataset", data_set),
        _triple(data_set, f"{RDF}type", ox.NamedNode(f"{_SD}Dataset")),
        _triple(data_set, f"{_SD}defaultGraph", default_graph),
        _triple(default_graph, f"{RDF}type", ox.NamedNode(f"{_SD}Graph")),
    ]
    for offered in (*RESULT_FORMATS, *GRAPH_FORMATS):
        triples.append(_triple(endpoint, f"{_SD}resultFormat", ox.NamedNode(_FORMATS + _FORMAT_NAMES[offered.name])))
    if form is JSON_LD:
        return compact(triples, context_url=f"{base}/context.jsonld")
    written = ox.serialize(triples, format=form.rdf, prefixes={"sd": _SD, "formats": _FORMATS})
    return written or b""


def _triple(subject: ox.NamedNode | ox.BlankNode, predicate: str, value: ox.NamedNode | ox.BlankNode) -> ox.Triple:
    return ox.Triple(subject, ox.NamedNode(predicate), value)
