"""The prefixes that Python knows. `ontology/prefixes.ttl` is the table; a test keeps the two equal."""

from __future__ import annotations

from typing import Final

BASE: Final = "https://w3id.org/dpa-kg/"
DPA: Final = f"{BASE}ontology#"
ID: Final = f"{BASE}id/"
GRAPH: Final = f"{BASE}graph/"
SHAPE: Final = f"{BASE}shape/"
QUERY: Final = f"{BASE}query/"

NOUNS: Final = (
    "organization", "person", "membership", "project", "initiative", "participation", "grant", "programme",
    "event", "publication", "place", "theme", "statistic", "source", "site",
)  # fmt: skip
SCHEMES: Final = (
    "role", "organization-kind", "project-status", "publication-kind", "event-kind", "programme-kind", "data-kind",
)  # fmt: skip

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
XSD: Final = "http://www.w3.org/2001/XMLSchema#"
SKOS: Final = "http://www.w3.org/2004/02/skos/core#"
SH: Final = "http://www.w3.org/ns/shacl#"
SCHEMA: Final = "https://schema.org/"

PREFIXES: Final[dict[str, str]] = {
    "dpa": DPA,
    **{name: f"{ID}{name}/" for name in (*NOUNS, *SCHEMES, "scheme")},
    "graph": GRAPH,
    "shape": SHAPE,
    "query": QUERY,
    "org": "http://www.w3.org/ns/org#",
    "prov": "http://www.w3.org/ns/prov#",
    "skos": SKOS,
    "foaf": "http://xmlns.com/foaf/0.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdf": RDF,
    "rdfs": RDFS,
    "xsd": XSD,
    "sh": SH,
    "schema": SCHEMA,
    "vann": "http://purl.org/vocab/vann/",
    "void": "http://rdfs.org/ns/void#",
    "dcat": "http://www.w3.org/ns/dcat#",
}

LANGUAGES: Final = ("en", "es", "fr", "pt")

PROVENANCE_GRAPH: Final = f"{GRAPH}provenance"
DERIVED_GRAPH: Final = f"{GRAPH}derived"
ONTOLOGY_GRAPH: Final = f"{GRAPH}ontology"
SHAPES_GRAPH: Final = f"{GRAPH}shapes"
QUERIES_GRAPH: Final = f"{GRAPH}queries"
REFERENCE_GRAPHS: Final = f"{GRAPH}reference/"


def expand(name: str) -> str:
    """`dpa:Project` as a full IRI; a full IRI unchanged. Raises KeyError on an unknown prefix."""
    prefix, colon, local = name.partition(":")
    return name if local.startswith("//") or not colon else PREFIXES[prefix] + local


def compact(iri: str) -> str:
    """A full IRI as `prefix:local` where a prefix fits, else unchanged."""
    best = max((ns for ns in PREFIXES.values() if iri.startswith(ns)), key=len, default=None)
    if best is None or "/" in iri[len(best) :]:
        return iri
    return f"{next(prefix for prefix, ns in PREFIXES.items() if ns == best)}:{iri[len(best) :]}"
