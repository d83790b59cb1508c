"""The page of one entity: its names, what is known of it, what links to it, and the evidence of each fact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fastapi import Response

from dpa_kg.http.pages.rendering import Page
from dpa_kg.http.pages.reporting import Reporting
from dpa_kg.http.pages.schema_org import schema_org
from dpa_kg.namespaces import expand
from dpa_kg.query.answers import Dossier
from dpa_kg.query.catalogue import Catalogue, localized
from dpa_kg.representations.formats import HTML, PAGE_FORMATS


def dossier_page(  # noqa: PLR0917 - one argument for each part of the page
    page: Page, dossier: Dossier, queries: Catalogue, path: str, tag: str | None, headers: Mapping[str, str]
) -> Response:
    """The dossier as a page. `path` is the address of the document inside this service, without extension."""
    return page.respond(
        "doc.html",
        tag=tag,
        headers=headers,
        dossier=dossier,
        kinds=[kind.label for kind in dossier.types],
        outgoing=[group for group in dossier.groups if group.direction == "out"],
        incoming=[group for group in dossier.groups if group.direction == "in"],
        questions=list(_questions(page, dossier, queries)),
        downloads=[(form, f"{path}.{form.extension}") for form in PAGE_FORMATS if form is not HTML],
        address=page.base + path,
        reporting=Reporting(page, dossier.iri, dossier.version),
        schema_org=schema_org(dossier, page.base + path),
    )


def _questions(page: Page, dossier: Dossier, queries: Catalogue) -> Iterator[tuple[str, str, str]]:
    """The named queries that take an entity of this kind: title, what the entity is in it, address."""
    kinds = {kind.iri for kind in dossier.types} | {expand("rdfs:Resource")}
    for query in queries:
        fitting = [parameter for parameter in query.parameters if parameter.is_entity and expand(parameter.type) in kinds]
        others = any(parameter.required for parameter in query.parameters if parameter not in fitting)
        for parameter in fitting if not others else ():
            value = "/".join(dossier.iri.split("/")[-2:])
            role = localized(parameter.label, page.language) if len(fitting) > 1 else ""
            yield localized(query.title, page.language), role, page.href(f"/queries/{query.name}#answer", {parameter.name: value})
