"""The formats that answers and graphs are written in. This is the one place where a media type is spelt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pyoxigraph import QueryResultsFormat, RdfFormat

from dpa_kg.errors import ParameterError


@dataclass(frozen=True)
class Format:
    """One format.

    `name` is what `?format=` takes; `aliases` are further media types that ask for it, `names` further values of `?format=`.
    """

    name: str
    media_type: str
    extension: str
    label: str
    aliases: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def content_type(self) -> str:
        """The value of a Content-Type header; texts are always UTF-8."""
        return f"{self.media_type}; charset=utf-8" if self.media_type.startswith("text/") else self.media_type

    @property
    def oxigraph(self) -> RdfFormat | QueryResultsFormat:
        """The engine's own format. Raises ValueError where the engine does not write it (XLSX, HTML, plain JSON)."""
        if self in RESULT_FORMATS and (results := QueryResultsFormat.from_media_type(self.media_type)):
            return results
        return self.rdf

    @property
    def rdf(self) -> RdfFormat:
        """The engine's format for triples or quads. Raises ValueError where this is none."""
        if self in GRAPH_FORMATS + DATASET_FORMATS and (graph := RdfFormat.from_media_type(self.media_type)):
            return graph
        raise ValueError(f"the engine does not write {self.label}")

    def answers_to(self, name: str) -> bool:
        """Whether a caller who writes `name` (a name, an extension, a media type) means this format."""
        return name.lower().lstrip(".") in {self.name, self.extension, self.media_type, *self.aliases, *self.names}


HTML: Final = Format("html", "text/html", "html", "HTML", aliases=("application/xhtml+xml",))
PLAIN_TEXT: Final = Format("text", "text/plain", "txt", "Text")
JSON: Final = Format("json", "application/json", "json", "JSON")
PROBLEM: Final = Format("problem", "application/problem+json", "json", "Problem", aliases=("application/json",))

TURTLE: Final = Format("turtle", "text/turtle", "ttl", "Turtle", aliases=("application/x-turtle",))
N_TRIPLES: Final = Format("ntriples", "application/n-triples", "nt", "N-Triples", aliases=("text/plain",), names=("n-triples",))
JSON_LD: Final = Format("jsonld", "application/ld+json", "jsonld", "JSON-LD", aliases=("application/json",), names=("json-ld", "json"))
RDF_XML: Final = Format(
    "rdfxml", "application/rdf+xml", "rdf", "RDF/XML", aliases=("application/xml", "text/xml"), names=("rdf-xml", "rdf/xml", "xml")
)
TRIG: Final = Format("trig", "application/trig", "trig", "TriG", aliases=("application/x-trig",))
N_QUADS: Final = Format("nquads", "application/n-quads", "nq", "N-Quads", names=("n-quads",))

SPARQL_JSON: Final = Format(
    "sparql-json", "application/sparql-results+json", "srj", "SPARQL JSON", aliases=("application/json",), names=("json",)
)
SPARQL_XML: Final = Format(
    "sparql-xml", "application/sparql-results+xml", "srx", "SPARQL XML", aliases=("application/xml", "text/xml"), names=("xml",)
)
CSV: Final = Format("csv", "text/csv", "csv", "CSV")
TSV: Final = Format("tsv", "text/tab-separated-values", "tsv", "TSV")
XLSX: Final = Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", "Excel", names=("excel",))

GZIP: Final = Format("gzip", "application/gzip", "gz", "Gzip")

GRAPH_FORMATS: Final = (TURTLE, N_TRIPLES, JSON_LD, RDF_XML)
DATASET_FORMATS: Final = (TRIG, N_QUADS)
RESULT_FORMATS: Final = (SPARQL_JSON, SPARQL_XML, CSV, TSV)
TABLE_FORMATS: Final = (JSON, HTML, CSV, TSV, XLSX, SPARQL_JSON, SPARQL_XML)
PAGE_FORMATS: Final = (HTML, JSON_LD, TURTLE, N_TRIPLES, RDF_XML)

SPARQL_QUERY_TYPE: Final = "application/sparql-query"
SPARQL_UPDATE_TYPE: Final = "application/sparql-update"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
MULTIPART_TYPE: Final = "multipart/form-data"


def named(name: str, offered: Iterable[Format]) -> Format:
    """The offered format that `?format=name` means. A format's own name wins over its other names. Raises ParameterError."""
    choices = tuple(offered)
    wanted = name.strip().lower()
    for candidate in choices:
        if candidate.name == wanted:
            return candidate
    for candidate in choices:
        if candidate.answers_to(wanted):
            return candidate
    raise ParameterError(
        f"There is no format “{name}” here.",
        hint="Ask for one of: " + ", ".join(choice.name for choice in choices) + ".",
        candidates=[{"name": choice.name, "iri": choice.media_type} for choice in choices],
    )
