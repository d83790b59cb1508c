"""`/id/…` names a thing and sends on to `/doc/…`, the document about it (Cool URIs for the Semantic Web, 303)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from dpa_kg.errors import NotFound
from dpa_kg.http import openapi
from dpa_kg.http.caching import cache_headers, entity_tag, not_modified
from dpa_kg.http.dependencies import ask, base_url, catalogue, chosen, language, page, settings, version
from dpa_kg.http.pages.dossier import dossier_page
from dpa_kg.http.responses import payload_response
from dpa_kg.namespaces import ID
from dpa_kg.representations.formats import HTML, PAGE_FORMATS, TURTLE, Format

router = APIRouter(tags=["Entities"])
_PART: Final = re.compile(r"[\w-]+")


@router.get(
    "/id/{noun}/{slug}", summary="The identifier of an entity", openapi_extra=openapi.ID_ROUTE, response_class=Response, status_code=303
)
async def identify(request: Request, noun: str, slug: str) -> Response:
    """Sends on to the document about the entity; `?lang=` and the like go along."""
    query = f"?{request.url.query}" if request.url.query else ""
    address = f"{request.scope.get('root_path', '')}/doc/{quote(noun)}/{quote(slug)}{query}"
    return RedirectResponse(address, status_code=303, headers=cache_headers(None))


@router.get("/doc/{noun}/{slug}", summary="The document about an entity", openapi_extra=openapi.DOC, response_class=Response)
async def document(request: Request, noun: str, slug: str) -> Response:
    """A page, or data; an extension (`.ttl`, `.jsonld`, `.nt`, `.rdf`, `.html`) wins over the Accept header."""
    stem, _, extension = slug.partition(".")
    if not (_PART.fullmatch(noun) and _PART.fullmatch(stem)):
        raise NotFound("No entity has such an address.", hint="/search finds entities by name.")
    form = _of_extension(extension) if extension else chosen(request, PAGE_FORMATS)
    shown = (language(request), base_url(request), settings(request).report_url, str(request.query_params))
    tag = entity_tag(version(request), "doc", noun, stem, form.name, *shown)
    if found := not_modified(request, tag):
        return found
    headers = _links(f"{base_url(request)}/doc/{noun}/{stem}", form)
    iri = f"{ID}{noun}/{stem}"
    if form is HTML:
        dossier = await ask(request, "dossier", iri=iri, language=language(request))
        return dossier_page(page(request), dossier, catalogue(request), f"/doc/{noun}/{stem}", tag, headers)
    payload = await ask(request, "describe", iri=iri, format_name=form.name, base=base_url(request))
    return payload_response(payload, {**cache_headers(tag), **headers})


def _of_extension(extension: str) -> Format:
    for form in PAGE_FORMATS:
        if form.extension == extension:
            return form
    raise NotFound(
        f"No document ends with “.{extension}”.", hint="There are: " + ", ".join(f".{form.extension}" for form in PAGE_FORMATS) + "."
    )


def _links(address: str, shown: Format) -> dict[str, str]:
    """Where this document has its home, what describes the entity as data, and the other forms (RFC 8288)."""
    links = [f'<{address}>; rel="canonical"', f'<{address}.{TURTLE.extension}>; rel="describedby"; type="{TURTLE.media_type}"']
    links += [f'<{address}.{form.extension}>; rel="alternate"; type="{form.media_type}"' for form in PAGE_FORMATS if form is not shown]
    return {"Link": ", ".join(links), "Content-Location": f"{address}.{shown.extension}"}
