"""`/id` and `/doc`: from the name of a thing to the documents about it."""

from __future__ import annotations

import json
import re

import httpx
import pyoxigraph as ox
import pytest

from dpa_kg.namespaces import ID
from dpa_kg.representations import formats
from dpa_kg.representations.formats import Format
from tests.test_negotiation import BROWSER

NAME = "project/ciudata-segura"
IRI = f"{ID}{NAME}"
DATA = formats.GRAPH_FORMATS


def subjects(answer: httpx.Response, form: Format) -> set[str]:
    return {quad.subject.value for quad in ox.parse(answer.content, format=form.rdf) if isinstance(quad.subject, ox.NamedNode)}


def test_an_identifier_sends_on_to_the_document_with_see_other(client: httpx.Client) -> None:
    answer = client.get(f"/id/{NAME}", params={"lang": "es"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/doc/{NAME}?lang=es")


@pytest.mark.parametrize("form", DATA, ids=lambda form: form.name)
def test_the_document_comes_in_every_format_by_header_and_by_extension(client: httpx.Client, form: Format) -> None:
    by_header = client.get(f"/id/{NAME}", headers={"Accept": form.media_type}, follow_redirects=True)
    by_extension = client.get(f"/doc/{NAME}.{form.extension}", headers={"Accept": BROWSER})
    assert by_header.content == by_extension.content
    assert by_header.headers["content-type"] == form.content_type
    assert by_header.headers["content-location"].endswith(f"/doc/{NAME}.{form.extension}")
    if form is not formats.JSON_LD:
        assert IRI in subjects(by_header, form)


def test_the_document_holds_the_nodes_between_and_what_links_here(client: httpx.Client) -> None:
    found = subjects(client.get("/doc/organization/idb.nt"), formats.N_TRIPLES)
    assert f"{ID}organization/idb" in found
    assert any(iri.startswith(f"{ID}participation/") for iri in found)


def test_json_ld_is_one_object_about_the_entity(client: httpx.Client, service_url: str) -> None:
    document = client.get(f"/doc/{NAME}.jsonld").json()
    assert document["@context"] == f"{service_url}/context.jsonld"
    assert document["id"] == "project:ciudata-segura"
    assert "@graph" not in document
    assert client.get(document["@context"]).headers["content-type"] == "application/ld+json"


def test_a_browser_gets_a_page_with_a_description_for_search_engines(client: httpx.Client) -> None:
    answer = client.get(f"/doc/{NAME}", headers={"Accept": BROWSER})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', answer.text, re.DOTALL)
    assert block
    described = json.loads(block[1])
    assert (described["@context"], described["@type"], described["@id"]) == ("https://schema.org", "Project", IRI)


def test_links_tell_where_the_document_is_at_home_and_its_other_forms(client: httpx.Client, service_url: str) -> None:
    answer = client.get(f"/doc/{NAME}.ttl")
    links = answer.headers["link"]
    assert f'<{service_url}/doc/{NAME}>; rel="canonical"' in links
    assert f'<{service_url}/doc/{NAME}.ttl>; rel="describedby"; type="text/turtle"' in links
    alternates = re.findall(r'<([^>]+)>; rel="alternate"', links)
    assert len(alternates) == 4
    assert all(client.get(address).status_code == 200 for address in alternates)


@pytest.mark.parametrize(
    "name", ["project/no-such-project", "nonsense/x", "project/ciudata-segura.docx", "project/a%3Cb%3E", "project/.ttl"]
)
def test_what_is_not_known_is_a_404(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/doc/{name}")
    assert answer.status_code == 404, answer.text
    assert answer.json()["type"].endswith("/not-found")


def test_concepts_places_and_sources_have_documents_too(client: httpx.Client) -> None:
    for name in ("role/funder", "place/colombia", "source/lac-page", "organization-kind/government"):
        assert client.get(f"/doc/{name}", headers={"Accept": BROWSER}).status_code == 200
        assert client.get(f"/doc/{name}.ttl").status_code == 200
