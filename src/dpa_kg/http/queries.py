"""`/queries`: the catalogue, and one route per named query, made when the app is."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from rapidfuzz import process

from dpa_kg.errors import NotFound
from dpa_kg.http import openapi
from dpa_kg.http.caching import cache_headers, entity_tag, not_modified
from dpa_kg.http.dependencies import base_url, catalogue, chosen, language, page, version
from dpa_kg.http.pages.catalogue import catalogue_page, entry_of
from dpa_kg.http.question import respond
from dpa_kg.query.catalogue import Catalogue, NamedQuery
from dpa_kg.representations.formats import HTML, JSON


def router_of(queries: Catalogue) -> APIRouter:
    """The routes of all named queries, each with its own typed parameters in the OpenAPI document."""
    router = APIRouter(tags=["Named queries"])
    router.add_api_route(
        "/queries",
        list_queries,
        summary="The catalogue of named queries",
        response_class=Response,
        openapi_extra={"parameters": [openapi.LANGUAGE], "responses": openapi.answers((JSON, HTML), (406, 422))},
    )
    for query in queries:
        router.add_api_route(
            f"/queries/{query.name}",
            _route_of(query),
            operation_id=query.name,
            summary=query.title.get("en", query.name),
            description=query.description.get("en", ""),
            response_class=Response,
            openapi_extra=openapi.of_query(query),
        )
    router.add_api_route("/queries/{name}", _unknown, include_in_schema=False)
    return router


async def list_queries(request: Request) -> Response:
    """Every question with its parameters, columns, examples and address."""
    form, current, chosen_language = chosen(request, (JSON, HTML)), version(request), language(request)
    tag = entity_tag(current.number, "catalogue", form.name, chosen_language, base_url(request))
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


async def _unknown(request: Request, name: str) -> Response:
    nearest = process.extract(name, list(catalogue(request).queries), limit=3, score_cutoff=50)
    raise NotFound(
        f"There is no named query “{name}”.",
        hint="The catalogue at /queries lists them all.",
        candidates=[{"name": found, "iri": f"{base_url(request)}/queries/{found}"} for found, _, _ in nearest],
    )
