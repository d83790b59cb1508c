"""What entities and properties are called in a reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import pyoxigraph as ox
import yaml

from dpa_kg.graph.search import Names
from dpa_kg.namespaces import compact
from dpa_kg.query.catalogue import localized


@cache
def _standard() -> Mapping[str, Mapping[str, str]]:
    text = (files("dpa_kg.query") / "property-labels.yaml").read_text("utf-8")
    labels: Mapping[str, Mapping[str, str]] = yaml.safe_load(text)
    return labels


class Labels:
    """Looks labels up once; for one dossier."""

    def __init__(self, names: Names, language: str) -> None:
        self.language = language
        self._names = names
        self._known: dict[str, str] = {}

    def of(self, iri: str) -> str:
        """The name of an entity or a property, or else its compact IRI."""
        if iri not in self._known:
            label = localized(_standard().get(iri, {}), self.language) or self._names.labels([iri], self.language).get(iri, "")
            self._known[iri] = label or compact(iri)
        return self._known[iri]

    def text(self, term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> str:
        """A value as a person reads it."""
        if isinstance(term, ox.NamedNode):
            return self.of(term.value)
        return term.value if isinstance(term, ox.Literal | ox.BlankNode) else str(term)
