"""The OpenAPI document as a page shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dpa_kg.errors import DpaKgError
from dpa_kg.http.errors import PROBLEM_TYPES
from dpa_kg.http.openapi import EXAMPLE


@dataclass(frozen=True)
class ShownParameter:
    """One row of an operation's table of parameters."""

    name: str
    type: str
    description: str
    required: bool


@dataclass(frozen=True)
class ShownOperation:
    """One operation: what it does, what it takes, and in which formats and with which statuses it answers."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[ShownParameter, ...]
    formats: tuple[str, ...]
    statuses: tuple[str, ...]
    example: str


@dataclass(frozen=True)
class ShownError:
    """One type of problem."""

    iri: str
    status: int
    title: str


def operations_of(document: Mapping[str, Any]) -> list[ShownOperation]:
    """The operations of an OpenAPI document in its order."""
    return [_shown(path, method, operation) for path, operations in document["paths"].items() for method, operation in operations.items()]


def _shown(path: str, method: str, operation: Mapping[str, Any]) -> ShownOperation:
    responses = operation["responses"]
    formats = [media_type for status in ("200", "201") if status in responses for media_type in responses[status].get("content", {})]
    return ShownOperation(
        id=f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=tuple(_parameter(parameter) for parameter in operation.get("parameters", ())),
        formats=tuple(formats),
        statuses=tuple(responses),
        example=operation.get(EXAMPLE, ""),
    )


def _parameter(parameter: Mapping[str, Any]) -> ShownParameter:
    schema = parameter["schema"]
    one = schema.get("items", schema)
    kind = " | ".join(one["enum"]) if "enum" in one else one.get("type", "")
    several = " (…)" if schema.get("type") == "array" else ""
    return ShownParameter(parameter["name"], kind + several, parameter.get("description", ""), parameter.get("required", False))


def errors_of() -> list[ShownError]:
    """Every type of problem, by status."""
    kinds = {kind.type: kind for kind in _below(DpaKgError)}
    return sorted(
        (ShownError(PROBLEM_TYPES + kind.type, kind.status, kind.title) for kind in kinds.values()), key=lambda error: error.status
    )


def _below(kind: type[DpaKgError]) -> Iterator[type[DpaKgError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _below(narrower)
