"""The vocabulary as a page shows it: classes, properties and concept schemes in the reader's language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from dpa_kg.http.pages.links import short_name
from dpa_kg.http.responses import read_payload
from dpa_kg.namespaces import DPA, LANGUAGES, PREFIXES, RDF, RDFS, SKOS
from dpa_kg.query.answers import Payload

_OWL: Final = PREFIXES["owl"]
_KINDS: Final = {
    f"{_OWL}Class": "classes",
    f"{RDFS}Class": "classes",
    f"{_OWL}ObjectProperty": "properties",
    f"{_OWL}DatatypeProperty": "properties",
    f"{RDF}Property": "properties",
}
Values = Mapping[str, Sequence[ox.NamedNode | ox.Literal]]


@dataclass(frozen=True)
class ShownTerm:
    """One class or property: its IRI, short name, label, definition, and the IRIs it stands below, belongs to, and takes."""

    iri: str
    name: str
    label: str
    definition: str
    broader: Sequence[str]
    domain: Sequence[str]
    range: Sequence[str]

    @property
    def anchor(self) -> str:
        """The fragment that the term's own IRI ends with."""
        return self.iri.removeprefix(DPA) if self.iri.startswith(DPA) else self.name.replace(":", "-")


def shown_terms(payload: Payload, language: str) -> dict[str, list[ShownTerm]]:
    """The terms of an ontology (a payload of N-Triples) under `classes` and `properties`, by name; own terms only."""
    subjects: dict[str, dict[str, list[ox.NamedNode | ox.Literal]]] = defaultdict(lambda: defaultdict(list))
    for triple in ox.parse(read_payload(payload), format=ox.RdfFormat.N_TRIPLES):
        if isinstance(triple.subject, ox.NamedNode) and isinstance(triple.object, ox.NamedNode | ox.Literal):
            subjects[triple.subject.value][triple.predicate.value].append(triple.object)
    groups: dict[str, list[ShownTerm]] = {"classes": [], "properties": []}
    for iri, values in sorted(subjects.items()):
        kind = next((_KINDS[value.value] for value in values[f"{RDF}type"] if value.value in _KINDS), None)
        if kind and iri.startswith(DPA):
            groups[kind].append(_shown(iri, values, language))
    return groups


def _shown(iri: str, values: Values, language: str) -> ShownTerm:
    definitions = [*values.get(f"{SKOS}definition", ()), *values.get(f"{RDFS}comment", ())]
    return ShownTerm(
        iri=iri,
        name=short_name(iri),
        label=_in_language(values.get(f"{RDFS}label", ()), language) or short_name(iri),
        definition=_in_language(definitions, language),
        broader=_iris(values, f"{RDFS}subClassOf", f"{RDFS}subPropertyOf"),
        domain=_iris(values, f"{RDFS}domain"),
        range=_iris(values, f"{RDFS}range"),
    )


def _in_language(texts: Iterable[ox.NamedNode | ox.Literal], language: str) -> str:
    by_language = {text.language or "": text.value for text in texts if isinstance(text, ox.Literal)}
    return next((by_language[code] for code in (language, *LANGUAGES, "") if code in by_language), "")


def _iris(values: Values, *properties: str) -> list[str]:
    return sorted({value.value for name in properties for value in values.get(name, ()) if isinstance(value, ox.NamedNode)})
