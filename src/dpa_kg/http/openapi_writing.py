"""The part of the OpenAPI document that is about writing: updates and the Graph Store Protocol."""

from __future__ import annotations

from typing import Final

from dpa_kg.http.openapi import VERSION, Json, answers, format_parameter, in_path, in_query
from dpa_kg.representations.formats import (
    FORM_TYPE,
    GRAPH_FORMATS,
    HTML,
    JSON,
    MULTIPART_TYPE,
    PROBLEM,
    SPARQL_UPDATE_TYPE,
)

PROBLEM_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}
_TOKEN: Final[list[Json]] = [{"bearer": []}]
_REPORTS: Final[Json] = {form.media_type: {} for form in GRAPH_FORMATS}
_WRITE_ERRORS: Final = {
    status: {
        "description": what,
        "content": {PROBLEM.media_type: {"schema": PROBLEM_SCHEMA}, HTML.media_type: {}, **(_REPORTS if status == "422" else {})},
    }
    for status, what in (
        ("400", "The request cannot be understood"),
        ("401", "The token is missing, unknown, or has ended"),
        ("403", "No token is configured, the token does not allow it, or the graph is read-only"),
        ("412", "What If-Match or If-None-Match expect is not so"),
        ("413", "The body is too large"),
        ("415", "The body has a media type that is not read here"),
        ("422", "The gate found violations, told in `results` or as a `sh:ValidationReport`; nothing was changed"),
        ("501", "A remote engine answers here, and nothing can be written"),
        ("503", "Another write is at work"),
        ("504", "The write took too long"),
    )
}
_CONDITIONS: Final[list[Json]] = [
    {"name": name, "in": "header", "required": False, "description": meaning, "schema": {"type": "string"}}
    for name, meaning in (
        ("If-Match", "Tags of which one must be the current one, or `*`: anything must be there."),
        ("If-None-Match", "Tags of which none may be the current one, or `*`: nothing may be there."),
    )
]
_CHANGED: Final[Json] = {name: {"type": "integer"} for name in ("version", "added", "removed")}
UPDATE: Final = {
    "security": _TOKEN,
    "parameters": [
        in_query(name, meaning, {"type": "array", "items": {"type": "string", "format": "uri"}}, style="form", explode=True)
        for name, meaning in (
            ("using-graph-uri", "Graphs that are merged into the default graph of WHERE."),
            ("using-named-graph-uri", "Graphs that WHERE can name."),
        )
    ]
    + _CONDITIONS,
    "requestBody": {
        "required": True,
        "content": {
            SPARQL_UPDATE_TYPE: {"schema": {"type": "string"}},
            FORM_TYPE: {"schema": {"type": "object", "required": ["update"], "properties": {"update": {"type": "string"}}}},
        },
    },
    "responses": {
        "200": {
            "description": "The version that holds the change, and how many triples were added and removed",
            "content": {JSON.media_type: {"schema": {"type": "object", "properties": _CHANGED}}},
        },
        **_WRITE_ERRORS,
    },
}
_ADMIN_ERRORS: Final = {
    **{status: _WRITE_ERRORS[status] for status in ("401", "403", "503", "504")},
    **{
        status: {"description": what, "content": {PROBLEM.media_type: {"schema": PROBLEM_SCHEMA}, HTML.media_type: {}}}
        for status, what in (("404", "There is no such version"), ("409", "The version is the current one, or may not be served"))
    },
}
GRAPHS: Final = {
    "GET": ("The triples of a graph", answers(GRAPH_FORMATS, (400, 404, 406, 422, 503, 504))),
    "PUT": ("Replace or make a graph", {"201": {"description": "Made"}, "204": {"description": "Replaced"}, **_WRITE_ERRORS}),
    "POST": ("Add to a graph", {"201": {"description": "Made"}, "204": {"description": "Added"}, **_WRITE_ERRORS}),
    "DELETE": ("Remove a graph", {"204": {"description": "Removed"}, "404": answers((), (404,))["404"], **_WRITE_ERRORS}),
}


def of_version(number: Json, done: Json) -> Json:
    """The part of the document for what changes which versions there are."""
    return {"security": _TOKEN, "parameters": [number], "responses": {**done, **_ADMIN_ERRORS}}


def graph_route(path: str, method: str) -> Json:
    """The part of the document for one method of the Graph Store Protocol at one address."""
    indirect = [
        in_query("graph", "IRI of the graph.", {"type": "string", "format": "uri"}),
        in_query("default", "The default graph.", {"type": "string", "maxLength": 0}, allowEmptyValue=True),
    ]
    parameters = [in_path("name", "The rest of the graph's address.")] if "{" in path else indirect
    document: Json = {"parameters": [*parameters, *_CONDITIONS], "responses": GRAPHS[method][1]}
    if method == "GET":
        return {**document, "parameters": [*parameters, format_parameter(GRAPH_FORMATS), VERSION]}
    if method != "DELETE":
        types = (*(form.media_type for form in GRAPH_FORMATS), MULTIPART_TYPE)
        document["requestBody"] = {"required": True, "content": {media_type: {"schema": {"type": "string"}} for media_type in types}}
    return {**document, "security": _TOKEN}
