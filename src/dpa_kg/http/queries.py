"""`/queries`: the catalogue, and one route per named query, made when the app is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Final

from fastapi import APIRouter, Request, Response
from rapidfuzz import process

from dpa_kg.errors import NotFound
from dpa_kg.http import openapi
from dpa_kg.http.caching import Named, cache_headers, entity_tag, is_repeatable, keep, not_modified
from dpa_kg.http.dependencies import base_url, catalogue, chosen, language, page, settings, version
from dpa_kg.http.pages.catalogue import catalogue_page, entry_of
from dpa_kg.http.pages.question import question_page
from dpa_kg.http.question import Question, ask_graph, ask_rows, extra_of, links, next_offset
from dpa_kg.http.responses import payload_response
from dpa_kg.query.answers import Answer
from dpa_kg.query.catalogue import Catalogue, NamedQuery
from dpa_kg.representations.formats import CSV, GRAPH_FORMATS, HTML, JSON, TABLE_FORMATS, TSV, XLSX, Format
from dpa_kg.representations.tables import render

router = APIRouter(tags=["Named queries"])
_FILES: Final = (CSV, TSV, XLSX)
_LIST: Final = {"parameters": [openapi.LANGUAGE], "responses": openapi.answers((JSON, HTML), (406, 422))}
_is_repeatable = lru_cache(maxsize=512)(is_repeatable)  # of texts of the catalogue, whose tokens take longer than a cached answer


def described(queries: Catalogue) -> APIRouter:
    """The routes of all named queries, each with its own typed parameters in the OpenAPI document.

    They are never matched: `/queries/{name}` finds them without trying a hundred routes, and nobody else has to try them.
    """
    named = APIRouter(tags=["Named queries"])
    for query in queries:
        named.add_api_route(
            f"/queries/{query.name}",
            _route_of(query),
            operation_id=query.name,
            summary=query.title.get("en", query.name),
            description=query.description.get("en", ""),
            response_class=Response,
            openapi_extra=openapi.of_query(query),
        )
    return named


@router.get("/queries", summary="The catalogue of named queries", openapi_extra=_LIST, response_class=Response)
async def list_queries(request: Request) -> Response:
    """Every question with its parameters, columns, examples and address."""
    form, current, chosen_language = chosen(request, (JSON, HTML)), version(request), language(request)
    tag = entity_tag(current, "catalogue", form.name, chosen_language, base_url(request))
    if found := not_modified(request, tag):
        return found
    if form is HTML:
        return catalogue_page(catalogue(request), page(request), current.number, tag)
    entries = [entry_of(query, chosen_language, base_url(request)) for query in catalogue(request)]
    body = json.dumps({"version": current.number, "queries": entries}, ensure_ascii=False, indent=2)
    return Response(body, headers={"Content-Language": chosen_language, **cache_headers(tag)}, media_type=JSON.media_type)


def _route_of(query: NamedQuery) -> Callable[[Request], Awaitable[Response]]:
    async def route(request: Request) -> Response:
        return await respond(request, query)

    return route


async def respond(request: Request, query: NamedQuery) -> Response:
    """Negotiates, asks a worker, represents. What the client has, or what was answered before, is sent without asking."""
    is_table = query.form == "SELECT"
    form = chosen(request, TABLE_FORMATS if is_table else (*GRAPH_FORMATS, HTML))
    current, question = version(request), Question.read(request)
    asked = (sorted(question.parameters.items()), question.limit, question.offset)
    parts = (query.name, *asked, form.name, language(request), base_url(request), settings(request).report_url, str(request.query_params))
    tag = entity_tag(current, *parts) if _is_repeatable(query.text) else None
    if found := not_modified(request, tag):
        return found
    if form is HTML:
        return keep(request, tag, await question_page(request, query, question, tag))
    if not is_table:
        return payload_response(await ask_graph(request, query, question, form), {**cache_headers(tag), **links(request, query, question)})
    return keep(request, tag, await _table(request, query, question, form, tag))


async def _table(request: Request, query: NamedQuery, question: Question, form: Format, tag: str | None) -> Response:
    """A page of rows as JSON; all rows in the other formats, unless a limit was asked for."""
    answer = await ask_rows(request, query, question, None if form is JSON else settings(request).result_rows)
    extra = extra_of(request, query, question, answer) if form in (JSON, XLSX) else {}
    body = await asyncio.to_thread(render, answer, form, extra=extra)
    headers = {**cache_headers(tag), **_headers(request, query, question, answer, form)}
    return Response(body, headers=headers, media_type=form.content_type)


def _headers(request: Request, query: NamedQuery, question: Question, answer: Answer, form: Format) -> dict[str, str]:
    headers = {"Content-Language": answer.language, **links(request, query, question, next_offset(answer))}
    if form in _FILES:
        headers["Content-Disposition"] = f'attachment; filename="{query.name}.{form.extension}"'
    return headers


@router.get("/queries/{name}", response_class=Response, include_in_schema=False)
async def by_name(request: Request, name: str) -> Response:
    """The answer to a named query. Measures and logs call the route by its name."""
    if query := catalogue(request).queries.get(name):
        request.scope["route"] = Named(f"/queries/{name}")
        return await respond(request, query)
    raise _unknown(request, name)


def _unknown(request: Request, name: str) -> NotFound:
    nearest = process.extract(name, list(catalogue(request).queries), limit=3, score_cutoff=50)
    return NotFound(
        f"There is no named query “{name}”.",
        hint="The catalogue at /queries lists them all.",
        candidates=[{"name": found, "iri": f"{base_url(request)}/queries/{found}"} for found, _, _ in nearest],
    )
