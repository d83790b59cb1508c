"""The first page, the API page and the style sheet."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from dpa_kg.http.caching import cache_headers, entity_tag, not_modified
from dpa_kg.http.dependencies import ask, base_url, catalogue, page, version
from dpa_kg.http.pages.api import errors_of, operations_of
from dpa_kg.http.pages.catalogue import subjects_of
from dpa_kg.http.pages.rendering import Pages
from dpa_kg.query.answers import Statistics

router = APIRouter(include_in_schema=False)
_COUNTED: Final = ("organization", "person", "project", "initiative", "programme", "event", "publication", "place", "theme", "source")


@router.get("/")
async def home(request: Request) -> Response:
    """A search box, and the named queries by subject."""
    shown = page(request)
    tag = entity_tag(version(request), "home", shown.language, str(request.query_params))
    if found := not_modified(request, tag):
        return found
    statistics: Statistics = await ask(request, "statistics")
    counts = [(noun, statistics.entities[noun]) for noun in _COUNTED if statistics.entities.get(noun)]
    return shown.respond("home.html", tag=tag, subjects=subjects_of(catalogue(request), shown), statistics=statistics, counts=counts)


@router.get("/docs")
async def api(request: Request) -> Response:
    """The OpenAPI document as a page."""
    shown = page(request)
    tag = entity_tag(None, "docs", shown.language, base_url(request), str(request.query_params))
    if found := not_modified(request, tag):
        return found
    return shown.respond("docs.html", tag=tag, operations=operations_of(request.app.openapi()), errors=errors_of())


@router.get("/static/style.css")
async def style(request: Request) -> Response:
    """The style sheet. Its address changes when it does."""
    pages: Pages = request.app.state.pages
    tag = f'"{pages.style_tag}"'
    if found := not_modified(request, tag):
        return found
    return Response(pages.style, headers={**cache_headers(tag), "Cache-Control": "public, max-age=86400"}, media_type="text/css")
