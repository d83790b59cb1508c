"""`/sparql`: SPARQL 1.1 Protocol, query operation, and an editor for people."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from dpa_kg.errors import DpaKgError, InputError, NotAcceptable
from dpa_kg.http.caching import cache_headers, entity_tag, is_repeatable, not_modified
from dpa_kg.http.dependencies import ask, base_url, chosen, page, version, wants_page
from dpa_kg.http.errors import Problem
from dpa_kg.http.openapi import SPARQL_GET, SPARQL_POST
from dpa_kg.http.pages.editor import editor_page
from dpa_kg.http.protocol import Operation, read_form, read_operation
from dpa_kg.http.responses import payload_response
from dpa_kg.http.service_description import service_description
from dpa_kg.query.answers import Payload
from dpa_kg.query.lexer import query_form
from dpa_kg.representations.formats import GRAPH_FORMATS, HTML, RESULT_FORMATS, Format

router = APIRouter(tags=["SPARQL"])


@router.get("/sparql", summary="Evaluate a query", openapi_extra=SPARQL_GET, response_class=Response)
async def query_by_get(request: Request) -> Response:
    """Without `query`, browsers get an editor, everybody else a description of the service."""
    operation = read_operation(read_form(request.scope["query_string"]))
    if operation.query is None:
        return await _without_query(request, operation)
    return await _evaluate(request, operation)


@router.post("/sparql", summary="Evaluate a long query", openapi_extra=SPARQL_POST, response_class=Response)
async def query_by_post(request: Request) -> Response:
    """The query is the body, or the field `query` of a form."""
    operation = await Operation.of_body(request)
    if operation.query is None:
        raise InputError("There is no query.", hint="Send it as the field “query”, or as the body (application/sparql-query).")
    return await _evaluate(request, operation)


async def _without_query(request: Request, operation: Operation) -> Response:
    if operation.default_graphs or operation.named_graphs:
        raise InputError("There is no query.", hint="Add ?query=…")
    if wants_page(request, GRAPH_FORMATS):
        return await editor_page(request, page(request), Operation(None), None)
    try:
        form = chosen(request, GRAPH_FORMATS)
    except NotAcceptable as error:
        raise InputError("There is no query.", hint="Add ?query=…, or ask for text/turtle to get a description of the service.") from error
    return Response(service_description(base_url(request), form), media_type=form.content_type, headers=cache_headers(None))


async def _evaluate(request: Request, operation: Operation) -> Response:
    """As a page for those who want one, with its errors on it; else in the format that was negotiated."""
    text = operation.query or ""
    try:
        offered: Sequence[Format] = RESULT_FORMATS if query_form(text) in {"SELECT", "ASK"} else GRAPH_FORMATS
    except InputError:
        offered = ()
        if not wants_page(request, RESULT_FORMATS):
            raise
    if not offered or wants_page(request, offered):
        return await _evaluate_on_page(request, operation, offered)
    form = chosen(request, offered)
    current = version(request)
    parts = ("sparql", text, operation.default_graphs, operation.named_graphs, form.name, base_url(request))
    tag = entity_tag(current, *parts) if request.method == "GET" and is_repeatable(text) else None
    if found := not_modified(request, tag):
        return found
    payload = await _run(request, operation, form)
    return payload_response(payload, cache_headers(tag))


async def _evaluate_on_page(request: Request, operation: Operation, offered: Sequence[Format]) -> Response:
    try:
        version(request)
        payload = await _run(request, operation, offered[0] if offered else HTML)
    except DpaKgError as error:
        return await editor_page(request, page(request), operation, Problem.of(error))
    return await editor_page(request, page(request), operation, payload)


async def _run(request: Request, operation: Operation, form: Format) -> Payload:
    payload: Payload = await ask(
        request,
        "sparql",
        pool="adhoc",
        text=operation.query,
        accept=form.media_type,
        default_graphs=list(operation.default_graphs) or None,
        named_graphs=list(operation.named_graphs) or None,
        base=base_url(request),
    )
    return payload
