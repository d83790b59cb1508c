"""`/update`: SPARQL 1.1 Protocol, update operation (section 2.2), through the gate."""

from __future__ import annotations

import json
from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from dpa_kg.errors import InputError
from dpa_kg.http import openapi_writing as openapi
from dpa_kg.http import preconditions
from dpa_kg.http.caching import cache_headers
from dpa_kg.http.dependencies import base_url, settings
from dpa_kg.http.protocol import Pairs, check_iri, decode, media_type_of, read_body, read_form
from dpa_kg.http.writing import authorized, write
from dpa_kg.representations.formats import FORM_TYPE, JSON, SPARQL_UPDATE_TYPE

router = APIRouter(tags=["Writing"])


@router.post("/update", summary="Change the graph", openapi_extra=openapi.UPDATE, response_class=Response)
async def update(request: Request) -> Response:
    """The update is the body, or the field `update` of a form. Needs a token; passes the gate, or changes nothing."""
    authorized(request)  # before anything is read
    fields = await _fields(request)
    texts = [value for name, value in fields if name == "update"]
    if len(texts) != 1:
        raise InputError("There must be exactly one update.", hint="Send it as the field “update”, or as the body.")
    if any(name in {"query", "default-graph-uri", "named-graph-uri"} for name, _ in fields):
        raise InputError("This address takes updates, not queries.", hint="Queries go to /sparql.")
    using, using_named = (_graphs(fields, name) for name in ("using-graph-uri", "using-named-graph-uri"))
    expects = preconditions.of_everything(request)
    base = f"{base_url(request)}/update"
    done = await write(request, "update", text=texts[0], base=base, using=using, using_named=using_named, expects=expects)
    body = {name: value for name, value in asdict(done).items() if name != "created"}
    return Response(json.dumps(body), headers=cache_headers(None), media_type=JSON.media_type)


async def _fields(request: Request) -> Pairs:
    """What the address and the body say."""
    media_type = media_type_of(request, (SPARQL_UPDATE_TYPE, FORM_TYPE), "update")
    body = await read_body(request, settings(request).request_bytes)
    address = read_form(request.scope["query_string"])
    return [*address, *(read_form(body) if media_type == FORM_TYPE else [("update", decode(body))])]


def _graphs(fields: Pairs, wanted: str) -> list[str]:
    found = [value for name, value in fields if name == wanted]
    for value in found:
        check_iri(wanted, value)
    return found
