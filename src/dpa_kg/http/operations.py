"""`/health`, `/ready` and `/robots.txt`: for those who run the service, and for machines that walk through it."""

from __future__ import annotations

import json
from typing import Final

from fastapi import APIRouter, Request, Response

from dpa_kg import __version__
from dpa_kg.errors import Overloaded
from dpa_kg.http import openapi
from dpa_kg.http.caching import cache_headers
from dpa_kg.http.dependencies import ask, version
from dpa_kg.http.metrics import report
from dpa_kg.query.answers import Statistics
from dpa_kg.representations.formats import JSON, PLAIN_TEXT

router = APIRouter(tags=["Operations"])
_NOT_FOR_CRAWLERS: Final = (
    "/sparql", "/search", "/queries/*?", "/*?version=", "/*&version=", "/catalog/dumps/", "/versions/*/diff", "/validate", "/metrics",
)  # fmt: skip
_ROBOTS: Final = "".join(["User-agent: *\n", *(f"Disallow: {path}\n" for path in _NOT_FOR_CRAWLERS), "Allow: /\n"])


@router.get("/health", summary="Whether the service answers", openapi_extra=openapi.HEALTH, response_class=Response)
async def health(request: Request) -> Response:
    """The published version, counted by a worker: when this answers, questions are answered. 503 otherwise."""
    counted: Statistics = await ask(request, "statistics")
    body = {
        "status": "ok",
        "release": __version__,
        "version": counted.version,
        "created": counted.created,
        "triples": counted.triples,
        "graphs": counted.graphs,
        "passages": counted.passages,
        "entities": dict(counted.entities),
    }
    return Response(json.dumps(body, indent=2), headers=cache_headers(None), media_type=JSON.media_type)


@router.get("/ready", summary="Whether questions can be sent", openapi_extra=openapi.HEALTH, response_class=Response)
async def ready(request: Request) -> Response:
    """Each pool of each web process has a worker that answers, over a published version; asked without keeping one busy. 503 otherwise."""
    current, siblings = version(request), request.app.state.siblings
    if not siblings.are_ready(report(request.app.state)):
        raise Overloaded("The workers are starting.", hint="Ask again in a second.")
    body = {"status": "ready", "release": __version__, "version": current.number}
    return Response(json.dumps(body, indent=2), headers=cache_headers(None), media_type=JSON.media_type)


@router.get("/robots.txt", include_in_schema=False)
async def robots() -> Response:
    """Search engines read the pages of entities, not every answer to every question."""
    return Response(_ROBOTS, media_type=PLAIN_TEXT.content_type)
