"""The form of a named query: one field per parameter, with the names that it knows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request

from dpa_kg.http.caching import Memory
from dpa_kg.http.dependencies import ask
from dpa_kg.http.pages.rendering import Page
from dpa_kg.query.answers import Suggestion
from dpa_kg.query.catalogue import Example, NamedQuery, Parameter, localized

_HELP = {
    "xsd:gYear": "year",
    "xsd:date": "date",
    "dpa:Period": "date",
    "xsd:integer": "number",
    "xsd:decimal": "number",
    "xsd:string": "text",
}


@dataclass(frozen=True)
class Field:
    """One parameter as a field: as many inputs as it has values, and one more where it may have several."""

    name: str
    label: str
    help: str
    inputs: Sequence[str]
    required: bool
    multiple: bool
    options: str  # the id of its datalist, or an empty string
    mode: str  # the keyboard that a phone shows


@dataclass(frozen=True)
class Form:
    """The fields, the datalists by id, and examples with their addresses."""

    fields: Sequence[Field]
    options: Mapping[str, Sequence[Suggestion]]
    examples: Sequence[tuple[str, str]]


async def form_of(request: Request, query: NamedQuery, written: Mapping[str, Sequence[str]], page: Page, edition: str) -> Form:
    """The form with what the reader has written in it."""
    types = sorted({parameter.type for parameter in query.parameters if parameter.is_entity})
    lists = await asyncio.gather(*(_suggestions(request, type_name, page.language, edition) for type_name in types))
    options = {_list_id(type_name): _told_apart(found) for type_name, found in zip(types, lists, strict=True)}
    fields = [_field(parameter, written.get(parameter.name, ()), page) for parameter in query.parameters]
    return Form(fields, options, examples_of(query, page))


async def _suggestions(request: Request, type_name: str, language: str, edition: str) -> list[Suggestion]:
    memory: Memory[list[Suggestion]] = request.app.state.suggestions
    key = (edition, type_name, language)
    kept = memory.get(key)
    return kept if kept is not None else memory.keep(key, await ask(request, "suggestions", type_name=type_name, language=language))


def _told_apart(found: Sequence[Suggestion]) -> list[Suggestion]:
    """The suggestions with an empty IRI where the name alone says which one is meant; two with one name keep theirs."""
    names = [suggestion.label for suggestion in found]
    return [suggestion if names.count(suggestion.label) > 1 else Suggestion(suggestion.label, "") for suggestion in found]


def _field(parameter: Parameter, written: Sequence[str], page: Page) -> Field:
    values = [text for text in written if text.strip()] or ([parameter.default] if parameter.default else [])
    inputs = [*values, ""] if parameter.multiple or not values else values
    return Field(
        name=parameter.name,
        label=localized(parameter.label, page.language) or parameter.name,
        help=page.text(f"field.{_HELP.get(parameter.type, 'entity')}"),
        inputs=inputs,
        required=parameter.required,
        multiple=parameter.multiple,
        options=_list_id(parameter.type) if parameter.is_entity else "",
        mode="numeric" if _HELP.get(parameter.type) in {"year", "number"} else "text",
    )


def _list_id(type_name: str) -> str:
    return "names-of-" + type_name.replace(":", "-")


def examples_of(query: NamedQuery, page: Page) -> list[tuple[str, str]]:
    """The examples of a query: title and address."""
    return [_example(query, example, page) for example in query.examples]


def _example(query: NamedQuery, example: Example, page: Page) -> tuple[str, str]:
    title = localized(example.title, page.language) or ", ".join(text for texts in example.parameters.values() for text in texts)
    return title, page.href(f"/queries/{query.name}#answer", {name: list(texts) for name, texts in example.parameters.items()})
