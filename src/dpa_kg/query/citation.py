"""How an answer is cited: the question, its parameters, the version and its date, and an address that asks again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from dpa_kg.graph.metadata import Metadata
from dpa_kg.query.answers import Answer
from dpa_kg.query.catalogue import NamedQuery, localized

_TEXT: Final = {
    "en": "Data-Pop Alliance knowledge graph (dpa-kg), version {number} of {date}: {question}. {address}",
    "es": "Grafo de conocimiento de Data-Pop Alliance (dpa-kg), versión {number} del {date}: {question}. {address}",
    "fr": "Graphe de connaissances de Data-Pop Alliance (dpa-kg), version {number} du {date}\u202f: {question}. {address}",
    "pt": "Grafo de conhecimento da Data-Pop Alliance (dpa-kg), versão {number} de {date}: {question}. {address}",
}
_COLON: Final = {"en": ":", "es": ":", "fr": "\u202f:", "pt": ":"}


def citation(
    query: NamedQuery, asked: Mapping[str, Sequence[str]], answer: Answer | None, *, version: Metadata, address: str, language: str
) -> str:
    """One line in a language (en, es, fr, pt). Without an answer (a graph has none) the parameters stand as they were `asked`."""
    shown = {name: [value.label for value in values] for name, values in answer.parameters.items()} if answer else asked
    labels = {parameter.name: localized(parameter.label, language) for parameter in query.parameters}
    said = "; ".join(f"{labels.get(name, name)}{_COLON[language]} {', '.join(values)}" for name, values in shown.items() if values)
    question = localized(query.title, language) + (f" ({said})" if said else "")
    return _TEXT[language].format(number=version.number, date=version.created[:10], question=question, address=address)
