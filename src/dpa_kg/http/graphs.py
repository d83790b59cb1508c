"""The Graph Store HTTP Protocol (https://www.w3.org/TR/sparql11-http-rdf-update/): reads for all, writes through the gate.

`/graphs?graph=IRI` and `/graphs?default` name a graph indirectly, `/graphs/…` is a graph of that very address, and `/graph/…`
stands for a graph whose IRI begins with `https://w3id.org/dpa-kg/graph/`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request, Response

from dpa_kg.errors import InputError
from dpa_kg.http import openapi_writing as openapi
from dpa_kg.http.caching import cache_headers, not_modified
from dpa_kg.http.dependencies import ask, base_url, chosen, settings, version, wants_page
from dpa_kg.http.errors import UnsupportedMediaType
from dpa_kg.http.multipart import read_parts
from dpa_kg.http.preconditions import graph_tag, of_graph
from dpa_kg.http.protocol import check_iri, decode, media_type_of, read_body, read_form
from dpa_kg.http.responses import payload_response
from dpa_kg.http.writing import authorized, write
from dpa_kg.namespaces import GRAPH
from dpa_kg.query.answers import Done
from dpa_kg.representations.formats import GRAPH_FORMATS, MULTIPART_TYPE, TURTLE, Format

router = APIRouter(tags=["Graphs"])
_TYPES: Final = {media_type: form for form in reversed(GRAPH_FORMATS) for media_type in (form.media_type, *form.aliases)}
_PATHS: Final = ("/graphs", "/graphs/{name:path}", "/graph/{name:path}")


@dataclass(frozen=True)
class Target:
    """The graph that a request is about: its IRI (None: the default graph), and whether the service is to choose the name."""

    graph: str | None
    is_new: bool = False


def target(request: Request) -> Target:
    """The graph that the address names (sections 4.1 and 4.2). Raises InputError where it names none, or more than one."""
    fields = read_form(request.scope["query_string"])
    named = [value for name, value in fields if name == "graph"]
    defaults = [value for name, value in fields if name == "default"]
    path, base = request.scope["path"], base_url(request)
    raw = (request.scope.get("raw_path") or path.encode()).decode("ascii", "replace")
    direct = [f"{base}/graphs/{raw.partition('/graphs/')[2]}"] if path.startswith("/graphs/") else []
    direct += [GRAPH + request.path_params["name"]] if path.startswith("/graph/") else []
    if len(named) + len(defaults) + len(direct) > 1 or any(defaults):
        raise InputError("The address names more than one graph.", hint="Use either ?graph=…, ?default, or an address below /graphs/.")
    for iri in (*named, *direct):
        check_iri("graph", iri)
        return Target(iri)
    if defaults:
        return Target(None)
    if request.method == "POST":
        return Target(f"{base}/graphs/{uuid.uuid4()}", is_new=True)
    raise InputError("The address names no graph.", hint="Add ?graph=… or ?default.")


async def read(request: Request) -> Response:
    """The triples of the graph; browsers get Turtle."""
    graph = target(request).graph
    form = TURTLE if wants_page(request, GRAPH_FORMATS) else chosen(request, GRAPH_FORMATS)
    tag = graph_tag(request, graph, version(request).edition, form)
    if found := not_modified(request, tag):
        return found
    payload = await ask(request, "named_graph", pool="adhoc", iri=graph, format_name=form.name, base=base_url(request))
    return payload_response(payload, cache_headers(tag))


async def put(request: Request) -> Response:
    """The graph holds what is sent, and nothing else from now on."""
    where = target(request)
    return _written(where, await _send(request, "put", where))


async def post(request: Request) -> Response:
    """What is sent is added to the graph. Without a graph in the address, a new one is made."""
    where = target(request)
    return _written(where, await _send(request, "post", where))


async def delete(request: Request) -> Response:
    """The graph goes."""
    graph = target(request).graph
    await write(request, "delete", graph=graph, expects=of_graph(request, graph))
    return Response(status_code=204)


async def _send(request: Request, method: str, where: Target) -> Done:
    authorized(request)  # before anything is read
    address = f"{base_url(request)}{request.scope['path']}"
    parts, expects = await _parts(request), of_graph(request, where.graph)
    return await write(request, method, graph=where.graph, parts=parts, base=where.graph or address, expects=expects)


async def _parts(request: Request) -> list[tuple[str, str]]:
    """The texts of the body, each with the name of its format. Raises UnsupportedMediaType, TextTooLong or InputError."""
    media_type = media_type_of(request, (*(form.media_type for form in GRAPH_FORMATS), *_TYPES, MULTIPART_TYPE), "graph")
    body = await read_body(request, settings(request).request_bytes)
    if media_type != MULTIPART_TYPE:
        return [(decode(body), _TYPES[media_type].name)]
    parts = read_parts(body, request.headers["content-type"])
    return [(decode(bytes(part.content)), _format(part.headers.get("content-type", "")).name) for part in parts]


def _format(content_type: str) -> Format:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in _TYPES:
        raise UnsupportedMediaType(
            f"No graph is read from a part of type “{media_type}”.",
            hint=f"Use {', '.join(form.media_type for form in GRAPH_FORMATS)}.",
        )
    return _TYPES[media_type]


def _written(where: Target, done: Done) -> Response:
    created = done.created or where.is_new
    headers = {"Location": where.graph} if created and where.graph and where.is_new else {}
    return Response(status_code=201 if created else 204, headers=headers)


for _path in _PATHS:
    for _method, _route in (("GET", read), ("PUT", put), ("POST", post), ("DELETE", delete)):
        router.add_api_route(
            _path, _route, methods=[_method], summary=openapi.GRAPHS[_method][0], openapi_extra=openapi.graph_route(_path, _method),
            response_class=Response, operation_id=f"{_route.__name__}_{_path.count('/')}_{_path[:7].strip('/')}",
        )  # fmt: skip
