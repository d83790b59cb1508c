"""Triples as Turtle, N-Triples and RDF/XML, with the prefixes that they use. JSON-LD is in jsonld.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import IO, Final

import pyoxigraph as ox

from dpa_kg.namespaces import PREFIXES
from dpa_kg.representations.formats import RDF_XML, TURTLE, Format

_LOOKED_AT: Final = 20_000  # triples that are held in memory to see which prefixes they use; more get all prefixes
_LOCAL: Final = re.compile(r"[^/#]*$")


def write_graph(triples: Iterable[ox.Triple], sink: IO[bytes], form: Format) -> None:
    """Writes the triples in their order to `sink`, in one of GRAPH_FORMATS but JSON-LD."""
    if form not in (TURTLE, RDF_XML):
        ox.serialize(triples, sink, format=form.rdf)
        return
    rest = iter(triples)
    first = list(islice(rest, _LOOKED_AT))
    following = next(rest, None)
    prefixes = used_prefixes(first) if following is None else PREFIXES
    more = () if following is None else (following,)
    ox.serialize(chain(first, more, rest), sink, format=form.rdf, prefixes=dict(prefixes))


def used_prefixes(triples: Iterable[ox.Triple]) -> Mapping[str, str]:
    """The known prefixes that shorten some IRI of the triples, in the order of the table."""
    namespaces = {_LOCAL.sub("", iri) for triple in triples for iri in _iris(triple)}
    return {prefix: namespace for prefix, namespace in PREFIXES.items() if namespace in namespaces}


def _iris(triple: ox.Triple) -> list[str]:
    terms = (triple.subject, triple.predicate, triple.object)
    datatypes = [term.datatype.value for term in terms if isinstance(term, ox.Literal)]
    return [term.value for term in terms if isinstance(term, ox.NamedNode)] + datatypes
