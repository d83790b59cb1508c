"""`/versions`: what each version is, who made it, what it changed; with a token that may administer, to return to one or delete one."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from dpa_kg.errors import NotFound
from dpa_kg.graph import kept
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.versions import Versions
from dpa_kg.http import openapi, openapi_writing
from dpa_kg.http.caching import cache_headers, entity_tag, not_modified
from dpa_kg.http.dependencies import base_url, chosen, page
from dpa_kg.http.jobs import kept_comparison, kept_file
from dpa_kg.http.responses import kept_response
from dpa_kg.http.writing import write
from dpa_kg.representations.formats import HTML, JSON, PLAIN_TEXT

router = APIRouter(tags=["Versions"])
_FORMATS: Final = (JSON, HTML)
_NUMBER: Final = {
    "name": "number",
    "in": "path",
    "required": True,
    "description": "The number of the version.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
}
_LIST: Final = {
    "parameters": [openapi.LANGUAGE, openapi.format_parameter(_FORMATS)],
    "responses": openapi.answers(_FORMATS, (406, 422, 503)),
}
_ONE: Final = {
    "parameters": [_NUMBER, openapi.LANGUAGE, openapi.format_parameter(_FORMATS)],
    "responses": openapi.answers(_FORMATS, (404, 406, 422, 503)),
}
_FROM: Final = openapi.in_query("from", "The version to compare with, instead of the parent.", {"type": "integer", "minimum": 1})
_DIFF: Final = {"parameters": [_NUMBER, _FROM], "responses": openapi.answers((PLAIN_TEXT,), (404, 503, 504))}
_ROLLBACK: Final = openapi_writing.of_version(
    _NUMBER, {"200": {"description": "It is the current version", "content": {JSON.media_type: {}}}}
)
_DELETE: Final = openapi_writing.of_version(_NUMBER, {"204": {"description": "It is gone"}})
_DIGITS: Final = 9


@router.get("/versions", summary="The versions of the graph", openapi_extra=_LIST, response_class=Response)
async def every(request: Request) -> Response:
    """The newest first: when it was made, by whom, how much it holds and what it changed. One of them is the current one."""
    return await _respond(request, None)


@router.get("/versions/{number}", summary="One version", openapi_extra=_ONE, response_class=Response)
async def one(request: Request, number: str) -> Response:
    """What it is, what it changed, and where it can be taken."""
    return await _respond(request, _number(number))


@router.get("/versions/{number}/diff", summary="What a version changed", openapi_extra=_DIFF, response_class=Response)
async def difference(request: Request, number: str) -> Response:
    """Against its parent, or the version of `?from=`: first what went (`- ` and a line of N-Quads), then what came (`+ `), both sorted."""
    versions: Versions = request.app.state.versions
    wanted = await asyncio.to_thread(versions.get, _number(number))
    start = request.query_params.get("from")
    other = await asyncio.to_thread(_other, versions, wanted, start)
    tag = entity_tag(wanted, "diff", other.edition if other else None).removeprefix("W/")
    if found := not_modified(request, tag):
        return found
    path = await (kept_comparison(request, wanted, other) if start and other else kept_file(request, wanted, kept.DIFFERENCE))
    return kept_response(request, path, PLAIN_TEXT.content_type, cache_headers(tag))


@router.post("/versions/{number}/rollback", summary="Return to a version", openapi_extra=_ROLLBACK, response_class=Response)
async def rollback(request: Request, number: str) -> Response:
    """It becomes the current one, and stays so until something is written or the files of the project change. Needs the scope `admin`."""
    done = await write(request, "rollback", scope="admin", number=_number(number))
    return Response(json.dumps({"current": done.version}), headers=cache_headers(None), media_type=JSON.media_type)


@router.delete("/versions/{number}", summary="Delete a version", openapi_extra=_DELETE, response_class=Response)
async def delete(request: Request, number: str) -> Response:
    """With its dumps and differences. Not the current one (409), nor one that somebody is reading (503). Needs the scope `admin`."""
    await write(request, "discard", scope="admin", number=_number(number))
    return Response(status_code=204)


def _other(versions: Versions, wanted: Version, start: str | None) -> Version | None:
    """The version to compare with: the one that is named, or else the parent, None where there is none (any more)."""
    if start:
        return versions.get(_number(start))
    parent = wanted.metadata.parent
    return versions.get(parent) if parent in versions.numbers() else None


async def _respond(request: Request, number: int | None) -> Response:
    form, versions = chosen(request, _FORMATS), request.app.state.versions
    current, known = await asyncio.to_thread(_known, versions, number)
    editions = [version.edition for version in known]
    shown = page(request)
    tag = entity_tag(None, "versions", current, number, editions, form.name, shown.language, base_url(request), str(request.query_params))
    if found := not_modified(request, tag):
        return found
    if form is HTML:
        return shown.respond("versions.html", tag=tag, known=known, current=current, number=number, version=number or current)
    entries = [_entry(version, current, base_url(request)) for version in known]
    body: Any = {"current": current, "versions": entries} if number is None else entries[0]
    return Response(json.dumps(body, ensure_ascii=False, indent=2), headers=cache_headers(tag), media_type=JSON.media_type)


def _known(versions: Versions, number: int | None) -> tuple[int | None, list[Version]]:
    current = versions.current()
    return current.number if current else None, versions.all() if number is None else [versions.get(number)]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise NotFound("There is no such version.", hint="/versions lists them all.")
    return int(text)


def _entry(version: Version, current: int | None, base: str) -> dict[str, Any]:
    """One version as data."""
    facts, address = version.metadata, f"{base}/versions/{version.number}"
    return {
        "number": version.number,
        "current": version.number == current,
        "created": facts.created,
        "who": facts.who,
        "parent": facts.parent,
        "triples": facts.triples,
        "graphs": facts.graphs,
        "changes": dict(facts.changes),
        "validated": facts.validated,
        "warnings": facts.warnings,
        "notes": facts.infos,
        "release": facts.code,
        "generation": facts.generation,
        "forgotten": [dict(record) for record in facts.forgotten],
        "url": address,
        "diff": f"{address}/diff",
        "dumps": [f"{base}/catalog/dumps/{version.number}.{end}.gz" for end in ("nq", "trig")],
    }
