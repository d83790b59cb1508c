"""The OpenAPI document: typed parameters for each named query, the formats of each answer, one shape for all errors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from dpa_kg.namespaces import LANGUAGES, NOUNS, SCHEMES
from dpa_kg.query.catalogue import NamedQuery, Parameter
from dpa_kg.representations.formats import (
    FORM_TYPE,
    GRAPH_FORMATS,
    HTML,
    JSON,
    JSON_LD,
    PAGE_FORMATS,
    PROBLEM,
    RESULT_FORMATS,
    SPARQL_QUERY_TYPE,
    TABLE_FORMATS,
    Format,
)

Json = dict[str, Any]
EXAMPLE: Final = "x-example"  # an extension: the address of a question that has an answer
_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
_ERRORS: Final = {
    400: "The request cannot be understood",
    404: "There is nothing here",
    406: "None of the media types in the Accept header can be produced",
    413: "The text is too long",
    415: "The body has a media type that is not read here",
    416: "The range begins beyond the end",
    422: "A parameter is not right, or a name is unknown or ambiguous: `candidates` are the nearest ones",
    501: "A remote engine answers here, and it cannot do that",
    502: "The remote engine failed",
    503: "The service is busy",
    504: "The query took too long",
}
_PROBLEM_SCHEMA: Final[Json] = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "hint": {"type": "string", "description": "What to do."},
        "candidates": {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "string"}}},
        "results": {
            "type": "array",
            "items": {"type": "object"},
            "description": "What the gate found: focusNode, path, value, message, severity, shape, graphs.",
        },
        "instance": {"type": "string", "format": "uri"},
    },
}
_LITERALS: Final[Mapping[str, Json]] = {
    "xsd:gYear": {"type": "string", "pattern": r"^\d{4}$"},
    "xsd:date": {"type": "string", "pattern": r"^\d{4}(-\d{2}(-\d{2})?)?$"},
    "dpa:Period": {"type": "string", "pattern": r"^\d{4}(-\d{2}(-\d{2})?)?$"},
    "xsd:integer": {"type": "integer"},
    "xsd:decimal": {"type": "number"},
    "xsd:string": {"type": "string", "maxLength": 300},
}


def in_query(name: str, description: str, schema: Json, *, required: bool = False, **more: Any) -> Json:
    """One parameter of an address."""
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema, **more}


def in_header(name: str, description: str, pattern: str) -> Json:
    """One header of a request."""
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string", "pattern": pattern}}


def in_path(name: str, description: str) -> Json:
    """One part of an address."""
    return {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": "string"}}


def answers(formats: Iterable[Format], errors: Collection[int], description: str = "The answer") -> Json:
    """The responses of an operation: 200 in each format, and the errors; what can be busy may be a remote engine, which can fail too."""
    content: Json = {form.media_type: {} for form in formats}
    problems = {
        str(status): {"description": _ERRORS[status], "content": {PROBLEM.media_type: {"schema": _PROBLEM}, HTML.media_type: {}}}
        for status in sorted({*errors, *((502,) if 503 in errors else ())})
    }
    return {"200": {"description": description, "content": content}, **problems}


def format_parameter(formats: Sequence[Format]) -> Json:
    """`?format=`, which wins over the Accept header."""
    return in_query("format", "The format, instead of an Accept header.", {"type": "string", "enum": [form.name for form in formats]})


LANGUAGE: Final = in_query("lang", "The language of names and texts, instead of Accept-Language.", {"type": "string", "enum": [*LANGUAGES]})
LIMIT: Final = in_query("limit", "How many rows at most.", {"type": "integer", "minimum": 0})
OFFSET: Final = in_query("offset", "How many rows to pass over.", {"type": "integer", "minimum": 0})
VERSION: Final = in_query("version", "The version of the graph that answers, instead of the current one.", {"type": "integer"})
_GRAPHS: Final = [
    in_query(name, meaning, {"type": "array", "items": {"type": "string", "format": "uri"}}, style="form", explode=True)
    for name, meaning in (
        ("default-graph-uri", "Graphs that are merged into the default graph of the query."),
        ("named-graph-uri", "Graphs that the query can name."),
    )
]
_SPARQL_ANSWERS: Final = answers((*RESULT_FORMATS, *GRAPH_FORMATS, HTML), (400, 406, 413, 415, 422, 501, 503, 504))
SPARQL_GET: Final = {
    "parameters": [
        in_query("query", "A SPARQL 1.1 query: SELECT, ASK, CONSTRUCT or DESCRIBE.", {"type": "string"}),
        *_GRAPHS,
        format_parameter((*RESULT_FORMATS, *GRAPH_FORMATS, HTML)),
    ],
    "responses": _SPARQL_ANSWERS,
}
SPARQL_POST: Final = {
    "parameters": [*_GRAPHS, format_parameter((*RESULT_FORMATS, *GRAPH_FORMATS, HTML))],
    "requestBody": {
        "required": True,
        "content": {
            SPARQL_QUERY_TYPE: {"schema": {"type": "string"}},
            FORM_TYPE: {"schema": {"type": "object", "required": ["query"], "properties": {"query": {"type": "string"}}}},
        },
    },
    "responses": _SPARQL_ANSWERS,
}
ID_ROUTE: Final = {
    "parameters": [in_path("noun", "The kind of entity, such as `project`."), in_path("slug", "Its name in addresses.")],
    "responses": {"303": {"description": "See the document about the entity"}},
}
DOC: Final = {
    "parameters": [
        in_path("noun", "The kind of entity, such as `project`."),
        in_path("slug", "Its name in addresses; `.ttl`, `.jsonld`, `.nt`, `.rdf` or `.html` may follow."),
        LANGUAGE,
        format_parameter(PAGE_FORMATS),
        VERSION,
    ],
    "responses": answers(PAGE_FORMATS, (404, 406, 422, 503, 504)),
}
SEARCH: Final = {
    "parameters": [
        in_query("q", "A part of a name, in any language.", {"type": "string", "maxLength": 200}, required=True),
        in_query("noun", "Only entities of this kind.", {"type": "string", "enum": [*NOUNS, *SCHEMES, "scheme"]}),
        LIMIT,
        OFFSET,
        LANGUAGE,
        format_parameter((JSON, HTML)),
        VERSION,
    ],
    "responses": answers((JSON, HTML), (406, 422, 503, 504)),
}
ONTOLOGY: Final = {
    "parameters": [LANGUAGE, format_parameter(PAGE_FORMATS), VERSION],
    "responses": answers((*GRAPH_FORMATS, HTML), (404, 406, 422, 503)),
}
SHAPES: Final = {"parameters": [format_parameter(GRAPH_FORMATS), VERSION], "responses": answers(GRAPH_FORMATS, (404, 406, 422, 503))}
CONTEXT: Final = {"responses": answers((JSON_LD,), ())}
HEALTH: Final = {"responses": answers((JSON,), (503,))}


def of_query(query: NamedQuery) -> Json:
    """The part of the document that comes from a named query's header."""
    is_table = query.form in {"SELECT", "ASK"}
    formats = TABLE_FORMATS if is_table else (*GRAPH_FORMATS, HTML)
    paging = [LIMIT, OFFSET] if is_table else []
    own = [_parameter(parameter) for parameter in query.parameters]
    example = f"?{urlencode(query.examples[0].parameters, doseq=True)}" if query.examples else ""
    return {
        EXAMPLE: f"/queries/{query.name}{example.rstrip('?')}",
        "parameters": [*own, *paging, LANGUAGE, format_parameter(formats), VERSION],
        "responses": answers(formats, (404, 406, 422, 503, 504)),
    }


def _parameter(parameter: Parameter) -> Json:
    one = _LITERALS.get(parameter.type, {"type": "string"})
    meaning = parameter.label.get("en", parameter.name)
    if parameter.is_entity:
        meaning += f" ({parameter.type}): a name or acronym in any language, a slug, or an IRI."
    if parameter.multiple:
        schema: Json = {"type": "array", "items": one}
        return in_query(parameter.name, meaning, schema, required=parameter.required, style="form", explode=True)
    schema = {**one, **({"default": parameter.default} if parameter.default else {})}
    return in_query(parameter.name, meaning, schema, required=parameter.required)


def install(app: FastAPI) -> None:
    """Makes `app.openapi()` tell the one shape of errors, and nothing of the framework's own."""

    def document() -> Json:
        if not app.openapi_schema:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags)
            for operations in made["paths"].values():
                for operation in operations.values():
                    _own_errors_only(operation)
            bearer = {"type": "http", "scheme": "bearer", "description": "A token that the operator of the service has made."}
            made["components"] = {"schemas": {"Problem": _PROBLEM_SCHEMA}, "securitySchemes": {"bearer": bearer}}
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _own_errors_only(operation: Json) -> None:
    for status, response in list(operation["responses"].items()):
        if "HTTPValidationError" in str(response):
            del operation["responses"][status]
