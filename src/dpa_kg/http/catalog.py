"""`/catalog`: the data set and its versions (DCAT 3, https://www.w3.org/TR/vocab-dcat-3/), and the dumps."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final

import pyoxigraph as ox
from fastapi import APIRouter, Request, Response

from dpa_kg.errors import NotFound
from dpa_kg.graph import kept
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.versions import Versions
from dpa_kg.http import openapi
from dpa_kg.http.caching import cache_headers, entity_tag, not_modified
from dpa_kg.http.dependencies import base_url, chosen, version, wants_page
from dpa_kg.http.descriptions import Description, moment
from dpa_kg.http.jobs import kept_file
from dpa_kg.http.responses import kept_response
from dpa_kg.representations.formats import GRAPH_FORMATS, GZIP, N_QUADS, TRIG, TURTLE, Format

router = APIRouter(tags=["Data set"])
DUMPS: Final[Mapping[str, tuple[str, Format]]] = {"nq": (kept.NQUADS_DUMP, N_QUADS), "trig": (kept.TRIG_DUMP, TRIG)}
_MEDIA_TYPES: Final = "https://www.iana.org/assignments/media-types/"
_NAME: Final = re.compile(r"(\d{1,9})\.(nq|trig)\.gz")
_CATALOG: Final = {
    "parameters": [openapi.format_parameter(GRAPH_FORMATS), openapi.VERSION],
    "responses": openapi.answers(GRAPH_FORMATS, (404, 406, 422, 503)),
}
_DUMP: Final = {
    "parameters": [
        openapi.in_path("name", "The number of a version, and `.nq.gz` (N-Quads, sorted) or `.trig.gz` (TriG)."),
        openapi.in_header("Range", "One range of bytes (RFC 9110, section 14): what is left of a dump that broke off.", r"^bytes=\d*-\d*$"),
    ],
    "responses": {
        **openapi.answers((GZIP,), (404, 416, 503, 504)),
        "206": {"description": "The range that was asked for", "content": {GZIP.media_type: {}}},
    },
}


@router.get("/catalog", summary="The data set and its versions (DCAT)", openapi_extra=_CATALOG, response_class=Response)
async def catalog(request: Request) -> Response:
    """Every version that is kept, with the files that one can take."""
    form = TURTLE if wants_page(request, GRAPH_FORMATS) else chosen(request, GRAPH_FORMATS)
    current, versions = version(request), request.app.state.versions
    known = await asyncio.to_thread(versions.all)
    sizes = await asyncio.to_thread(_sizes, versions, known)
    tag = entity_tag(current, "catalog", form.name, base_url(request), sorted(sizes.items()), [one.edition for one in known])
    if found := not_modified(request, tag):
        return found
    body = await asyncio.to_thread(_body, known, current, sizes, base_url(request), form)
    return Response(body, headers=cache_headers(tag), media_type=form.content_type)


@router.get("/catalog/dumps/{name}", summary="A version as one file", openapi_extra=_DUMP, response_class=Response)
async def dump(request: Request, name: str) -> Response:
    """All named graphs of a version, compressed. The same version always gives the same bytes. The first one to ask waits for it."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise NotFound("There is no such dump.", hint="Ask for /catalog/dumps/NUMBER.nq.gz or NUMBER.trig.gz; /catalog lists them.")
    versions: Versions = request.app.state.versions
    wanted = await asyncio.to_thread(versions.get, int(match[1]))
    tag = entity_tag(wanted, "dump", match[2]).removeprefix("W/")
    if found := not_modified(request, tag):
        return found
    path = await kept_file(request, wanted, DUMPS[match[2]][0])
    headers = {**cache_headers(tag), "Content-Disposition": f'attachment; filename="dpa-kg-{name}"'}
    return kept_response(request, path, GZIP.media_type, headers)


def _sizes(versions: Versions, known: list[Version]) -> dict[str, int]:
    """The bytes of the dumps that are there, by their address."""
    folders = {one.number: kept.folder(versions.home, one.number, one.generation) for one in known}
    places = {f"{number}.{end}.gz": place / name for number, place in folders.items() for end, (name, _) in DUMPS.items()}
    return {name: path.stat().st_size for name, path in places.items() if path.is_file()}


def _body(known: list[Version], current: Version, sizes: Mapping[str, int], base: str, form: Format) -> bytes:
    description = Description(base)
    add, at = description.add, description.at
    catalogue, data_set, endpoint = at("/catalog"), at("/catalog#dataset"), at("/sparql")
    add(catalogue, "rdf:type", "dcat:Catalog")
    add(catalogue, "dcterms:title", ox.Literal("DPA knowledge graph: catalogue", language="en"))
    add(catalogue, "dcterms:publisher", at("/catalog#publisher"))
    add(catalogue, "dcat:dataset", data_set, *(at(f"/versions/{one.number}") for one in known))
    add(catalogue, "dcat:service", endpoint)
    add(endpoint, "rdf:type", "dcat:DataService")
    add(endpoint, "dcterms:title", ox.Literal("SPARQL endpoint", language="en"))
    add(endpoint, "dcat:endpointURL", endpoint)
    add(endpoint, "dcat:endpointDescription", at("/.well-known/void"))
    add(endpoint, "dcterms:conformsTo", ox.NamedNode("https://www.w3.org/TR/sparql11-protocol/"))
    add(endpoint, "dcat:servesDataset", data_set)
    add(data_set, "dcat:hasCurrentVersion", at(f"/versions/{current.number}"))
    add(data_set, "dcterms:modified", moment(current.metadata.created))
    for one in known:
        add(data_set, "dcat:hasVersion", at(f"/versions/{one.number}"))
        _version(description, one, {other.number for other in known}, sizes)
    return description.write(form)


def _version(description: Description, one: Version, known: set[int], sizes: Mapping[str, int]) -> None:
    add, at = description.add, description.at
    node = at(f"/versions/{one.number}")
    add(node, "rdf:type", "dcat:Dataset")
    add(node, "dcterms:title", ox.Literal(f"DPA knowledge graph, version {one.number}", language="en"))
    add(node, "dcat:version", ox.Literal(str(one.number)))
    add(node, "dcat:isVersionOf", at("/catalog#dataset"))
    add(node, "dcterms:issued", moment(one.metadata.created))
    add(node, "dcterms:license", ox.NamedNode("https://creativecommons.org/licenses/by/4.0/"))
    if one.metadata.parent in known:
        add(node, "dcat:previousVersion", at(f"/versions/{one.metadata.parent}"))
    for end, (_, form) in DUMPS.items():
        _distribution(description, node, f"{one.number}.{end}.gz", form, sizes)


def _distribution(description: Description, node: ox.NamedNode, name: str, form: Format, sizes: Mapping[str, int]) -> None:
    add, file = description.add, description.at(f"/catalog/dumps/{name}")
    distribution = ox.NamedNode(f"{file.value}#distribution")
    add(node, "dcat:distribution", distribution)
    add(distribution, "rdf:type", "dcat:Distribution")
    add(distribution, "dcterms:title", ox.Literal(f"{form.label}, compressed", language="en"))
    add(distribution, "dcat:accessURL", file)
    add(distribution, "dcat:downloadURL", file)
    add(distribution, "dcat:mediaType", ox.NamedNode(_MEDIA_TYPES + form.media_type))
    add(distribution, "dcat:compressFormat", ox.NamedNode(_MEDIA_TYPES + GZIP.media_type))
    add(distribution, "dcterms:license", ox.NamedNode("https://creativecommons.org/licenses/by/4.0/"))
    if name in sizes:
        size = ox.Literal(str(sizes[name]), datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#nonNegativeInteger"))
        add(distribution, "dcat:byteSize", size)
