"""The catalogue of named queries as a page and as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Response

from dpa_kg.http.pages.forms import examples_of
from dpa_kg.http.pages.rendering import Page
from dpa_kg.query.catalogue import Catalogue, NamedQuery, localized


@dataclass(frozen=True)
class Entry:
    """One question as a list shows it; examples are pairs of a title and an address."""

    title: str
    description: str
    href: str
    examples: list[tuple[str, str]]


@dataclass(frozen=True)
class Subject:
    """A subject with its questions."""

    id: str
    label: str
    queries: list[Entry]


def subjects_of(queries: Catalogue, page: Page) -> list[Subject]:
    """The subjects that have questions, in the order of the catalogue."""
    return [
        Subject(name, localized(queries.subjects[name], page.language), [_entry(query, page) for query in members])
        for name, members in queries.by_subject().items()
        if members
    ]


def _entry(query: NamedQuery, page: Page) -> Entry:
    title, description = localized(query.title, page.language), localized(query.description, page.language)
    return Entry(title, description, page.href(f"/queries/{query.name}"), examples_of(query, page))


def catalogue_page(queries: Catalogue, page: Page, version: int, tag: str) -> Response:
    """All questions with their descriptions and examples."""
    return page.respond("catalogue.html", tag=tag, subjects=subjects_of(queries, page), version=version)


def entry_of(query: NamedQuery, language: str, base: str) -> dict[str, Any]:
    """One question as data, in one language."""
    address = f"{base}/queries/{query.name}"
    return {
        "name": query.name,
        "title": localized(query.title, language),
        "description": localized(query.description, language),
        "subject": query.subject,
        "form": query.form,
        "url": address,
        "parameters": [
            {
                "name": parameter.name,
                "label": localized(parameter.label, language),
                "type": parameter.type,
                "multiple": parameter.multiple,
                "required": parameter.required,
                "default": parameter.default,
            }
            for parameter in query.parameters
        ],
        "columns": list(query.columns),
        "examples": [
            {
                "title": localized(example.title, language),
                "parameters": {name: list(values) for name, values in example.parameters.items()},
                "url": f"{address}?{urlencode(example.parameters, doseq=True)}",
            }
            for example in query.examples
        ],
    }
