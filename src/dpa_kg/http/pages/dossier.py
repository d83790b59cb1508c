"""The page of one entity: its names, what is known of it, what links to it, and the evidence of each fact."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Response

from dpa_kg.http.pages.rendering import Page
from dpa_kg.http.pages.schema_org import schema_org
from dpa_kg.query.answers import Dossier
from dpa_kg.representations.formats import HTML, PAGE_FORMATS


def dossier_page(page: Page, dossier: Dossier, path: str, tag: str | None, headers: Mapping[str, str]) -> Response:
    """The dossier as a page. `path` is the address of the document inside this service, without extension."""
    return page.respond(
        "doc.html",
        tag=tag,
        headers=headers,
        dossier=dossier,
        kinds=[kind.label for kind in dossier.types],
        outgoing=[group for group in dossier.groups if group.direction == "out"],
        incoming=[group for group in dossier.groups if group.direction == "in"],
        downloads=[(form, f"{path}.{form.extension}") for form in PAGE_FORMATS if form is not HTML],
        address=page.base + path,
        schema_org=schema_org(dossier, page.base + path),
    )
