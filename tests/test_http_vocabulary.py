"""`/ontology`, `/shapes`, `/context.jsonld`, `/health`, `/robots.txt`, `/docs` and the OpenAPI document."""

from __future__ import annotations

import json
import re

import httpx
import pyoxigraph as ox
import pytest

from dpa_kg import __version__, resources
from dpa_kg.namespaces import DPA
from dpa_kg.query.catalogue import Catalogue
from dpa_kg.representations import formats
from dpa_kg.representations.formats import Format
from tests.test_negotiation import BROWSER


@pytest.mark.parametrize("form", [formats.TURTLE, formats.N_TRIPLES, formats.RDF_XML], ids=lambda form: form.name)
def test_the_vocabulary_comes_as_data_with_labels_in_four_languages(client: httpx.Client, form: Format) -> None:
    answer = client.get("/ontology", headers={"Accept": form.media_type})
    labels = {
        quad.object.language
        for quad in ox.parse(answer.content, format=form.rdf)
        if quad.subject == ox.NamedNode(f"{DPA}Project") and quad.predicate.value.endswith("#label") and isinstance(quad.object, ox.Literal)
    }
    assert labels == {"en", "es", "fr", "pt"}


def test_the_vocabulary_as_a_page_speaks_the_reader_s_language_and_has_an_anchor_per_term(client: httpx.Client) -> None:
    page = client.get("/ontology", params={"lang": "es"}, headers={"Accept": BROWSER}).text
    assert 'id="Project"' in page
    assert "Proyecto" in page
    assert 'id="startDate"' in page


def test_the_shapes_are_turtle(client: httpx.Client) -> None:
    answer = client.get("/shapes")
    assert answer.headers["content-type"] == "text/turtle; charset=utf-8"
    kinds = {quad.object.value for quad in ox.parse(answer.content, format=ox.RdfFormat.TURTLE) if quad.predicate.value.endswith("#type")}
    assert "http://www.w3.org/ns/shacl#NodeShape" in kinds


def test_the_context_is_the_bundled_one(client: httpx.Client) -> None:
    answer = client.get("/context.jsonld")
    assert answer.headers["content-type"] == "application/ld+json"
    assert answer.json() == json.loads((resources.folder("ontology") / "context.jsonld").read_text("utf-8"))


def test_health_counts_the_published_version(client: httpx.Client) -> None:
    body = client.get("/health").json()
    assert (body["status"], body["release"]) == ("ok", __version__)
    query = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    counted = client.get("/sparql", params={"query": query}).json()["results"]["bindings"][0]["n"]["value"]
    assert body["triples"] == int(counted)
    assert body["entities"]["project"] > 0


def test_robots_are_told_not_to_ask_questions(client: httpx.Client) -> None:
    assert "Disallow: /sparql" in client.get("/robots.txt").text


# ---- OpenAPI


def test_openapi_has_typed_parameters_for_every_named_query(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    queries = list(Catalogue.load(resources.folder("queries"), check=False))
    for query in queries:
        parameters = {parameter["name"]: parameter for parameter in paths[f"/queries/{query.name}"]["get"]["parameters"]}
        assert {parameter.name for parameter in query.parameters} <= set(parameters)
        assert {"lang", "format", "version"} <= set(parameters)
        for parameter in query.parameters:
            assert (parameters[parameter.name]["schema"]["type"] == "array") is parameter.multiple
            assert parameters[parameter.name]["required"] is parameter.required


def test_openapi_describes_one_shape_of_errors(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert list(document["components"]["schemas"]) == ["Problem"]
    schema = document["components"]["schemas"]["Problem"]
    for answer in (
        client.get("/nowhere"),
        client.get("/queries/projects-by-funder-and-country?funder=IADBX"),
        client.get("/sparql?query=x"),
    ):
        assert set(schema["required"]) <= set(answer.json()) <= set(schema["properties"])
    text = json.dumps(document)
    assert "HTTPValidationError" not in text
    references = set(re.findall(r'"\$ref": "([^"]+)"', text))
    assert references == {"#/components/schemas/Problem"}


def test_every_path_of_openapi_answers_with_a_status_that_it_names(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert len(paths) > 10
    for path, operations in paths.items():
        if "get" not in operations:
            continue
        address = path.replace("{noun}", "place").replace("{slug}", "colombia").replace("{number}", "1").replace("{name}", "1.nq.gz")
        answer = client.get(address)
        assert str(answer.status_code) in operations["get"]["responses"], (path, answer.status_code)
        if answer.status_code == 200:
            content = operations["get"]["responses"]["200"]["content"]
            assert answer.headers["content-type"].partition(";")[0] in content, path


def test_the_api_page_shows_every_path_and_every_type_of_error(client: httpx.Client) -> None:
    page = client.get("/docs", headers={"Accept": BROWSER}).text
    for path in client.get("/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in page
    assert "https://w3id.org/dpa-kg/problem/timeout" in page
