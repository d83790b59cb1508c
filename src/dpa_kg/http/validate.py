"""`/validate`: holds anyone's data against the shapes of the graph; nothing is changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from dpa_kg.errors import DpaKgError, InputError, ParameterError, QuerySyntaxError
from dpa_kg.graph.report import Report
from dpa_kg.http import openapi, reports
from dpa_kg.http.caching import cache_headers, entity_tag, not_modified
from dpa_kg.http.dependencies import base_url, chosen, language, page, settings, version
from dpa_kg.http.errors import Problem
from dpa_kg.http.jobs import validated
from dpa_kg.http.protocol import decode, media_type_of, read_body, read_form
from dpa_kg.representations.formats import (
    DATASET_FORMATS,
    FORM_TYPE,
    GRAPH_FORMATS,
    HTML,
    JSON,
    TURTLE,
    Format,
    named,
)

router = APIRouter(tags=["Validation"])
_READ: Final = (*GRAPH_FORMATS, *DATASET_FORMATS)
_TYPES: Final = {media_type: form for form in reversed(_READ) for media_type in (*form.aliases, form.media_type)}
_WRITTEN: Final = (JSON, *GRAPH_FORMATS, HTML)
_PAGE: Final = {"parameters": [openapi.LANGUAGE], "responses": openapi.answers((HTML,), (406, 503))}
_POST: Final = {
    "parameters": [openapi.LANGUAGE, openapi.format_parameter(_WRITTEN), openapi.VERSION],
    "requestBody": {
        "required": True,
        "content": {
            **{form.media_type: {"schema": {"type": "string"}} for form in _READ},
            FORM_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["data"],
                    "properties": {"data": {"type": "string"}, "type": {"type": "string", "enum": [form.name for form in _READ]}},
                }
            },
        },
    },
    "responses": openapi.answers(_WRITTEN, (400, 404, 406, 413, 415, 422, 503, 504), "The report"),
}


@dataclass(frozen=True)
class _Posted:
    """What was sent: a text and its format."""

    text: str
    form: Format


@router.get("/validate", summary="A form to check data with", openapi_extra=_PAGE, response_class=Response)
async def form_page(request: Request) -> Response:
    """For people; programs post."""
    chosen(request, (HTML,))
    shown, current = page(request), version(request)
    tag = entity_tag(current, "validate", shown.language, str(request.query_params))
    return not_modified(request, tag) or _page(request, None, tag=tag)


@router.post("/validate", summary="Check data against the shapes", openapi_extra=_POST, response_class=Response)
async def validate(request: Request) -> Response:
    """A report with one entry for each result, as if the data were added to the graph. Triples without a graph count as one of your own."""
    form = chosen(request, _WRITTEN)
    posted = await _read(request)
    try:
        report = await _report(request, posted)
    except DpaKgError as error:
        if form is not HTML:
            raise
        return _page(request, posted, problem=Problem.of(error))
    if form is HTML:
        return _page(request, posted, report=report)
    if form is JSON:
        found = {"version": version(request).number, **reports.as_json(report, language(request))}
        body = json.dumps(found, ensure_ascii=False, indent=2).encode()
    else:
        body = reports.write(report, form, base_url(request))
    return Response(body, headers={**cache_headers(None), "Content-Language": language(request)}, media_type=form.content_type)


async def _read(request: Request) -> _Posted:
    """The data. Raises UnsupportedMediaType, TextTooLong, InputError, ParameterError."""
    media_type = media_type_of(request, (*_TYPES, FORM_TYPE), "data")
    most = settings(request).validate_bytes
    if media_type != FORM_TYPE:
        return _Posted(decode(await read_body(request, most)), _TYPES[media_type])
    fields = dict(read_form(await read_body(request, 3 * most)))
    if "data" not in fields:
        raise ParameterError("“data” is missing.", hint="Send the data as the field “data”, and the name of its format as “type”.")
    return _Posted(fields["data"], named(fields.get("type") or TURTLE.name, _READ))


async def _report(request: Request, posted: _Posted) -> Report:
    try:
        return await validated(request, version(request), text=posted.text, format_name=posted.form.name, base=f"{base_url(request)}/")
    except QuerySyntaxError as error:
        raise InputError("The data are nested too deeply to be read.", hint="Flatten them.") from error


def _page(
    request: Request, posted: _Posted | None, *, report: Report | None = None, problem: Problem | None = None, tag: str | None = None
) -> Response:
    values: dict[str, Any] = {"data": posted.text if posted else "", "type": posted.form.name if posted else TURTLE.name}
    status = problem.status if problem else 200
    number = version(request).number if problem is None else 0
    values |= {"formats": _READ, "report": report, "problem": problem, "version": number}
    return page(request).respond("validate.html", status=status, tag=tag, **values)
