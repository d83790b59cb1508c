"""`/ontology`, `/shapes`, `/context.jsonld`: the words and the rules of the graph, as they stand in the version that answers."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response

from dpa_kg import resources
from dpa_kg.http import openapi
from dpa_kg.http.caching import cache_headers, entity_tag, not_modified
from dpa_kg.http.dependencies import ask, base_url, chosen, language, page, version, wants_page
from dpa_kg.http.pages.terms import shown_terms
from dpa_kg.http.responses import payload_response
from dpa_kg.query.answers import Payload
from dpa_kg.representations.formats import GRAPH_FORMATS, HTML, JSON_LD, N_TRIPLES, TURTLE

router = APIRouter(tags=["Vocabulary"])
_FORMATS: Final = (TURTLE, HTML, *GRAPH_FORMATS[1:])


@router.get("/ontology", summary="The vocabulary", openapi_extra=openapi.ONTOLOGY, response_class=Response)
async def ontology(request: Request) -> Response:
    """Classes, properties and concept schemes, with labels and definitions in four languages."""
    form, current = chosen(request, _FORMATS), version(request)
    tag = entity_tag(current, "ontology", form.name, language(request), str(request.query_params))
    if found := not_modified(request, tag):
        return found
    payload: Payload = await ask(request, "graph", name="ontology", format_name=(N_TRIPLES if form is HTML else form).name)
    if form is not HTML:
        return payload_response(payload, cache_headers(tag))
    shown = page(request)
    groups = await asyncio.to_thread(shown_terms, payload, shown.language)
    downloads = [(other, shown.href("/ontology", {"format": other.name})) for other in GRAPH_FORMATS]
    return shown.respond("ontology.html", tag=tag, groups=groups, downloads=downloads, version=current.number)


@router.get("/shapes", summary="The SHACL shapes", openapi_extra=openapi.SHAPES, response_class=Response)
async def shapes(request: Request) -> Response:
    """What the gate holds every version against."""
    form = TURTLE if wants_page(request, GRAPH_FORMATS) else chosen(request, GRAPH_FORMATS)
    tag = entity_tag(version(request), "shapes", form.name)
    if found := not_modified(request, tag):
        return found
    return payload_response(await ask(request, "graph", name="shapes", format_name=form.name), cache_headers(tag))


@router.get("/context.jsonld", summary="The JSON-LD context", openapi_extra=openapi.CONTEXT, response_class=Response)
async def context(request: Request) -> Response:
    """What the keys of our JSON-LD mean."""
    body = await asyncio.to_thread((resources.folder("ontology") / "context.jsonld").read_bytes)
    tag = entity_tag(None, "context", body.hex())
    if found := not_modified(request, tag):
        return found
    return Response(
        body, headers={**cache_headers(tag), "Link": f'<{base_url(request)}/ontology>; rel="describedby"'}, media_type=JSON_LD.media_type
    )
