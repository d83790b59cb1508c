"""Writing over HTTP: tokens, SPARQL Update, the Graph Store Protocol, and what the gate refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pyoxigraph as ox
import pytest
from markupsafe import escape

from dpa_kg import access, publish
from dpa_kg.graph.versions import Versions
from dpa_kg.namespaces import DPA, GRAPH, ID, PREFIXES, RDFS, SH
from dpa_kg.representations.formats import GRAPH_FORMATS, JSON_LD, Format
from dpa_kg.settings import Settings
from tests.serving import serving

TOKEN = "s3cret"  # noqa: S105 (a token of these tests)
MINE = "https://example.org/mine"
TURTLE = {"Content-Type": "text/turtle"}
THEME = f"<{ID}theme/x> a <http://www.w3.org/2004/02/skos/core#Concept> ."


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client with a token of a service over a plain data set."""
    home = tmp_path_factory.mktemp("plain")
    publish.build(Settings(home=home, default_graph="own"))
    with serving(home, default_graph="own", write_token=TOKEN) as url, httpx.Client(base_url=url, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client


@pytest.fixture(scope="module")
def merged(built_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The same over a copy of the project's own graph."""
    home = tmp_path_factory.mktemp("merged")
    publish.build(Settings(home=home))
    with serving(home, write_token=TOKEN) as url, httpx.Client(base_url=url, timeout=120) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client


def update(client: httpx.Client, text: str, **more: str) -> httpx.Response:
    return client.post("/update", content=text, headers={"Content-Type": "application/sparql-update"}, params=more)


def ask(client: httpx.Client, pattern: str) -> bool:
    answer = client.get("/sparql", params={"query": f"ASK {{ {pattern} }}"}, headers={"Accept": "application/sparql-results+json"})
    return bool(answer.json()["boolean"])


# ---- tokens


@pytest.mark.parametrize(
    ("method", "address"),
    [("POST", "/update"), ("PUT", "/graphs?default"), ("POST", "/graphs"), ("DELETE", "/graphs?graph=urn:x"), ("PUT", "/graph/x")],
)
def test_without_any_configured_token_every_write_is_forbidden_with_a_hint(client: httpx.Client, method: str, address: str) -> None:
    answer = client.request(method, address, content="", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 403
    assert "DPA_KG_WRITE_TOKEN" in answer.json()["hint"]


def test_a_wrong_token_or_none_is_unauthorized(plain: httpx.Client) -> None:
    for header in ("Bearer wrong", "Basic s3cret", ""):
        answer = plain.put("/graphs?default", content=THEME, headers={**TURTLE, "Authorization": header})
        assert (answer.status_code, answer.headers["www-authenticate"].split()[0]) == (401, "Bearer")
    assert answer.json()["type"].endswith("/unauthorized")


def test_a_token_that_was_made_works_at_once_and_signs_the_version(tmp_path: Path) -> None:
    publish.build(Settings(home=tmp_path, default_graph="own"))
    text = access.Tokens(tmp_path).create("ana")
    with serving(tmp_path, default_graph="own") as url:
        answer = httpx.put(f"{url}/graphs?default", content=THEME, headers={**TURTLE, "Authorization": f"Bearer {text}"}, timeout=60)
        assert answer.status_code == 204
        access.Tokens(tmp_path).revoke("ana")
        access.Tokens(tmp_path).create("ben")
        answer = httpx.delete(f"{url}/graphs?graph=urn:x", headers={"Authorization": f"Bearer {text}"})
        assert answer.status_code == 401
    version = Versions(tmp_path).current()
    assert version is not None
    assert (version.metadata.who, version.metadata.changes) == ("ana", {"added": 1, "removed": 0})


# ---- a plain data set


def test_an_update_says_what_it_changed(plain: httpx.Client) -> None:
    update(plain, "DROP ALL")
    answer = update(plain, "INSERT DATA { <urn:a> <urn:p> 1 , 2 }")
    assert (answer.status_code, answer.json()["added"], answer.json()["removed"]) == (200, 2, 0)
    form = plain.post("/update", data={"update": "DELETE WHERE { <urn:a> <urn:p> 2 }"})
    assert (form.status_code, form.json()["removed"], form.json()["version"]) == (200, 1, answer.json()["version"] + 1)
    assert ask(plain, "<urn:a> <urn:p> 1 FILTER NOT EXISTS { <urn:a> <urn:p> 2 }")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ("INSERT DATA {", "application/sparql-update", 400),
        ("SELECT * {}", "application/sparql-update", 400),
        ("update=DROP+ALL&update=DROP+ALL", "application/x-www-form-urlencoded", 400),
        ("query=ASK+{}", "application/x-www-form-urlencoded", 400),
        (b"INSERT DATA { <urn:a> <urn:p> '\xff' }", "application/sparql-update", 400),
        ("DROP ALL", "application/sparql-query", 415),
        ("DROP ALL", "application/sparql-update; charset=utf-16", 415),
        ("LOAD <http://127.0.0.1:9/>", "application/sparql-update", 403),
        ("L\\u004fAD <http://127.0.0.1:9/>", "application/sparql-update", 403),
        ("DROP GRAPH <urn:none>", "application/sparql-update", 400),
        ("INSERT { ?s ?p " + "1+" * 200000 + "1 } WHERE {}", "application/sparql-update", 400),
    ],
)
def test_a_wrong_update_has_its_status_and_the_service_goes_on(plain: httpx.Client, content: str | bytes, kind: str, status: int) -> None:
    answer = plain.post("/update", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert ask(plain, "")


def test_a_text_that_overflows_the_stack_ends_the_writer_and_not_the_service(plain: httpx.Client) -> None:
    answer = update(plain, "INSERT { <urn:a> <urn:p> ?x } WHERE { BIND(" + "!" * 300_000 + "true AS ?x) }")
    assert answer.status_code == 400
    assert update(plain, "INSERT DATA { GRAPH <urn:after> { <urn:a> <urn:p> 1 } }").status_code == 200
    assert ask(plain, "GRAPH <urn:after> { <urn:a> <urn:p> 1 }")


def test_an_update_over_a_data_set_of_the_request(plain: httpx.Client) -> None:
    update(plain, "DROP ALL ; INSERT DATA { GRAPH <urn:g> { <urn:a> a <urn:T> } GRAPH <urn:h> { <urn:b> a <urn:T> } }")
    text = "INSERT { GRAPH <urn:out> { ?s a <urn:Seen> } } WHERE { ?s a <urn:T> }"
    assert update(plain, text, **{"using-graph-uri": "urn:g"}).status_code == 200
    assert ask(plain, "GRAPH <urn:out> { <urn:a> a <urn:Seen> FILTER NOT EXISTS { <urn:b> a <urn:Seen> } }")
    for wrong in ({"using-graph-uri": "not an iri"}, {"using-graph-uri": "urn:g> WHERE {} ; DROP ALL #"}):
        assert update(plain, text, **wrong).status_code == 400
    assert update(plain, f"WITH <urn:g> {text}", **{"using-graph-uri": "urn:g"}).status_code == 400
    assert ask(plain, "GRAPH <urn:h> { <urn:b> a <urn:T> }")


def test_a_graph_is_made_replaced_read_and_removed(plain: httpx.Client) -> None:
    address = f"/graphs?graph={quote('urn:x:graph')}"
    assert plain.get(address).status_code == 404
    assert plain.put(address, content="<urn:a> <urn:p> 1 .", headers=TURTLE).status_code == 201
    assert plain.put(address, content="<urn:b> <urn:p> 1 .", headers=TURTLE).status_code == 204
    assert plain.post(address, content="<urn:c> <urn:p> 1 .", headers=TURTLE).status_code == 204
    answer = plain.get(address, headers={"Accept": "application/n-triples"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/n-triples")
    assert sorted(answer.text.split("\n"))[1:] == [
        f'<urn:{name}> <urn:p> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .' for name in "bc"
    ]
    assert plain.get(address, headers={"If-None-Match": answer.headers["etag"], "Accept": "application/n-triples"}).status_code == 304
    head = plain.head(address, headers={"Accept": "text/turtle"})
    assert (head.status_code, head.headers["content-type"], head.content) == (200, "text/turtle; charset=utf-8", b"")
    assert plain.get(address, headers={"Accept": "image/png"}).status_code == 406
    assert plain.delete(address).status_code == 204
    assert plain.delete(address).status_code == 404


def test_a_new_graph_gets_an_address_of_its_own(plain: httpx.Client) -> None:
    answer = plain.post("/graphs", content="<> <urn:p> <urn:o> .", headers=TURTLE)
    assert answer.status_code == 201
    place = answer.headers["location"]
    assert place.startswith(f"{str(plain.base_url).rstrip('/')}/graphs/")
    assert f"<{place}> <urn:p> <urn:o>" in plain.get(place, headers={"Accept": "application/n-triples"}).text


def test_every_format_of_a_graph_is_read_and_blank_nodes_are_new_each_time(plain: httpx.Client) -> None:
    bodies = {
        "text/turtle": "[] <urn:p> 1 .",
        "application/n-triples": '_:a <urn:p> "1" .',
        "application/ld+json": '{"@id": "_:a", "urn:p": 1}',
        "application/rdf+xml": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="urn:">'
        "<rdf:Description><p>1</p></rdf:Description></rdf:RDF>",
    }
    for number, (kind, body) in enumerate(bodies.items()):
        for _ in range(2):
            assert plain.post(f"/graphs?graph=urn:f:{number}", content=body, headers={"Content-Type": kind}).status_code in {201, 204}
        assert plain.get(f"/graphs?graph=urn:f:{number}", headers={"Accept": "application/n-triples"}).text.count("\n") == 2, kind


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("<urn:a> <urn:p>", "text/turtle", 400),
        ("<urn:a> <urn:p> 1 .", "application/rdf+xml", 400),
        ('<!DOCTYPE r [<!ENTITY a "b">]><r/>', "application/rdf+xml", 400),
        ("[" * 5000, "application/ld+json", 400),
        ('{"@context": "http://127.0.0.1:9/c", "@id": "urn:a", "b": 1}', "application/ld+json", 403),
        ('{"@id": "urn:g", "@graph": [{"@id": "urn:a", "urn:p": 1}]}', "application/ld+json", 400),
        ("<urn:a> <urn:p> 1 <urn:g> .", "application/n-quads", 415),
        ("x", "image/png", 415),
        ("--b\r\n\r\nx", "multipart/form-data; boundary=b", 400),
        ('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n', "multipart/form-data; boundary=b", 415),
    ],
)
def test_a_wrong_body_has_its_status(plain: httpx.Client, body: str, kind: str, status: int) -> None:
    answer = plain.put("/graphs?graph=urn:wrong", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert plain.get("/graphs?graph=urn:wrong").status_code == 404


def test_an_address_names_exactly_one_graph(plain: httpx.Client) -> None:
    for address in (
        "/graphs",
        "/graphs?graph=urn:a&default",
        "/graphs?graph=urn:a&graph=urn:b",
        "/graphs?graph=relative",
        "/graphs/a?default",
    ):
        assert plain.get(address).status_code == 400, address
        assert plain.put(address, content="", headers=TURTLE).status_code == 400, address


def test_methods_that_are_not_there_are_refused_properly(plain: httpx.Client) -> None:
    answer = plain.patch("/graphs?default", content="DROP ALL", headers={"Content-Type": "application/sparql-update"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT, POST, DELETE, OPTIONS")
    answer = plain.get("/update?update=DROP+ALL")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    assert (
        plain.request("BREW", "/graphs?default").status_code == 400
    )  # the parser knows the methods of the registry (RFC 9110, section 16.1)
    assert plain.request("PROPFIND", "/graphs?default").status_code in {405, 501}
    assert plain.options("/graphs").headers["allow"] == "GET, HEAD, PUT, POST, DELETE, OPTIONS"
    assert plain.head("/update").status_code == 405


def test_a_graph_that_others_have_changed_is_not_overwritten(plain: httpx.Client) -> None:
    mine, other = "/graphs?graph=urn:x:seen", "/graphs?graph=urn:x:other"
    plain.put(mine, content="<urn:a> <urn:p> 1 .", headers=TURTLE)
    seen = {form: plain.get(mine, headers={"Accept": form}).headers["etag"] for form in ("text/turtle", "application/n-triples")}
    assert len(set(seen.values())) == 2
    for tag in seen.values():
        assert tag.startswith('"')  # a strong one: weak ones never match (RFC 9110, section 13.1.1)
    plain.put(other, content="<urn:a> <urn:p> 1 .", headers=TURTLE)  # changes nothing of ours
    plain.post(mine, content="<urn:b> <urn:p> 1 .", headers={**TURTLE, "If-Match": f'"none", {seen["application/n-triples"]}'})
    assert ask(plain, "GRAPH <urn:x:seen> { <urn:b> ?p ?o }")
    theirs = plain.get(other).headers["etag"]
    for tag in (seen["text/turtle"], theirs, f"W/{plain.get(mine).headers['etag']}", '"1"', "nonsense", "", '"99999999-' + "0" * 32 + '"'):
        for method in ("PUT", "POST", "DELETE"):
            answer = plain.request(method, mine, content="<urn:c> <urn:p> 1 .", headers={**TURTLE, "If-Match": tag})
            assert (answer.status_code, answer.headers["content-type"]) == (412, "application/problem+json"), (method, tag)
            assert answer.json()["hint"]
    assert not ask(plain, "GRAPH <urn:x:seen> { <urn:c> ?p ?o }")
    fresh = plain.get(mine).headers["etag"]
    assert plain.put(mine, content="<urn:d> <urn:p> 1 .", headers={**TURTLE, "If-None-Match": f"W/{fresh}"}).status_code == 412
    assert plain.delete(mine, headers={"If-Match": fresh}).status_code == 204


def test_a_graph_is_made_only_where_there_is_none_or_changed_only_where_there_is_one(plain: httpx.Client) -> None:
    address = "/graphs?graph=urn:x:once"
    body = "<urn:a> <urn:p> 1 ."
    assert plain.put(address, content=body, headers={**TURTLE, "If-Match": "*"}).status_code == 412
    assert plain.put(address, content=body, headers={**TURTLE, "If-None-Match": "*"}).status_code == 201
    for method in ("PUT", "POST", "DELETE"):
        assert plain.request(method, address, content=body, headers={**TURTLE, "If-None-Match": "*"}).status_code == 412
    assert plain.post(address, content=body, headers={**TURTLE, "If-Match": "*"}).status_code == 204
    assert plain.delete(address, headers={"If-Match": "*"}).status_code == 204
    assert plain.post("/graphs", content=body, headers={**TURTLE, "If-None-Match": "*"}).status_code == 201


def test_an_update_is_made_only_on_the_version_that_was_seen(plain: httpx.Client) -> None:
    number = update(plain, "INSERT DATA { GRAPH <urn:x:u> { <urn:a> <urn:p> 1 } }").json()["version"]
    kind = {"Content-Type": "application/sparql-update"}
    text = "INSERT DATA { GRAPH <urn:x:u> { <urn:a> <urn:p> %d } }"
    for header in (
        {"If-Match": f'"{number - 1}"'},
        {"If-Match": f'W/"{number}"'},
        {"If-None-Match": "*"},
        {"If-None-Match": f'"{number}"'},
    ):
        assert plain.post("/update", content=text % 2, headers={**kind, **header}).status_code == 412, header
    answer = plain.post("/update", content=text % 3, headers={**kind, "If-Match": f'"{number - 1}", "{number}"'})
    assert (answer.status_code, answer.json()["version"]) == (200, number + 1)
    assert plain.post("/update", content=text % 4, headers={**kind, "If-Match": "*"}).status_code == 200
    assert ask(plain, "GRAPH <urn:x:u> { <urn:a> <urn:p> 1 , 3 , 4 } FILTER NOT EXISTS { GRAPH <urn:x:u> { <urn:a> <urn:p> 2 } }")


def test_a_token_is_asked_for_before_a_precondition(plain: httpx.Client) -> None:
    answer = plain.put("/graphs?graph=urn:x", content="", headers={**TURTLE, "If-Match": '"1"', "Authorization": "Bearer wrong"})
    assert answer.status_code == 401


def test_several_default_graphs_are_merged_without_duplicates(plain: httpx.Client) -> None:
    update(
        plain, "DROP ALL ; INSERT DATA { GRAPH <urn:g> { <urn:a> <urn:p> 1 } GRAPH <urn:h> { <urn:a> <urn:p> 1 , 2 } <urn:z> <urn:p> 3 }"
    )
    query = "SELECT (COUNT(*) AS ?n) (COUNT(?g) AS ?named) WHERE { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
    fields = {"query": query, "default-graph-uri": ["urn:g", "urn:h", "urn:none"]}
    row = plain.get("/sparql", params=fields, headers={"Accept": "application/sparql-results+json"}).json()["results"]["bindings"][0]
    assert (row["n"]["value"], row["named"]["value"]) == ("2", "0")
    fields["named-graph-uri"] = ["urn:g"]
    row = plain.get("/sparql", params=fields, headers={"Accept": "application/sparql-results+json"}).json()["results"]["bindings"][0]
    assert (row["n"]["value"], row["named"]["value"]) == ("3", "1")

    text = f"PREFIX u: <urn:> {query.replace('WHERE', 'FROM u:g FROM <urn:h> FROM NAMED u:g WHERE')}"
    row = plain.get("/sparql", params={"query": text}, headers={"Accept": "application/sparql-results+json"}).json()["results"]["bindings"][
        0
    ]
    assert (row["n"]["value"], row["named"]["value"]) == ("3", "1")
    fields = {"query": text, "default-graph-uri": ["urn:h", "urn:none"]}  # the request wins over the text
    row = plain.get("/sparql", params=fields, headers={"Accept": "application/sparql-results+json"}).json()["results"]["bindings"][0]
    assert (row["n"]["value"], row["named"]["value"]) == ("2", "0")


# ---- the merged graph


def test_what_is_written_passes_the_gate_and_is_read_at_once(merged: httpx.Client) -> None:
    body = f"<{ID}organization/new-bank> a <{PREFIXES['org']}Organization> ; <{RDFS}label> 'Very New Bank'@en ."
    answer = merged.put(f"/graphs?graph={MINE}", content=body, headers=TURTLE)
    assert answer.status_code == 201, answer.text
    assert ask(merged, f"<{ID}organization/new-bank> <{RDFS}label> 'Very New Bank'@en")
    found = merged.get("/search", params={"q": "very new"}, headers={"Accept": "application/json"})
    assert f"{ID}organization/new-bank" in found.text
    assert merged.delete(f"/graphs?graph={MINE}").status_code == 204
    assert not ask(merged, f"<{ID}organization/new-bank> ?p ?o")


def test_what_the_gate_refuses_is_told_finding_by_finding(merged: httpx.Client) -> None:
    before = merged.get("/health").json()["version"]
    answer = update(merged, f"INSERT DATA {{ GRAPH <{MINE}> {{ <{ID}project/nameless> a <{DPA}Project> }} }}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    violations = [finding for finding in answer.json()["results"] if finding["severity"] == "violation"]
    assert {finding["focusNode"] for finding in violations} == {f"{ID}project/nameless"}
    for finding in violations:
        assert set(finding) == {"focusNode", "path", "value", "message", "severity", "shape", "graphs"}
        assert finding["graphs"] == [MINE]
    assert merged.get("/health").json()["version"] == before


def test_validate_says_what_a_write_would_be_refused_for(merged: httpx.Client) -> None:
    """About what the data speak of, and about what they break elsewhere: a participation belongs to one thing."""
    query = f"SELECT ?taken {{ ?x <{DPA}participation> ?taken FILTER(isIRI(?taken)) }} LIMIT 1"
    found = merged.get("/sparql", params={"query": query}, headers={"Accept": "application/sparql-results+json"}).json()
    taken = found["results"]["bindings"][0]["taken"]["value"]
    data = f"<{ID}project/nameless> a <{DPA}Project> ; <{DPA}participation> <{taken}> ."
    refused = update(merged, f"INSERT DATA {{ GRAPH <{MINE}> {{ {data} }} }}").json()
    told = merged.post("/validate", content=f"<{MINE}> {{ {data} }}", headers={"Content-Type": "application/trig"}).json()
    violations = [[one for one in report["results"] if one["severity"] == "violation"] for report in (told, refused)]
    assert violations[0] == violations[1]
    assert {one["focusNode"] for one in violations[0]} == {f"{ID}project/nameless", taken}


@pytest.mark.parametrize("form", GRAPH_FORMATS, ids=lambda form: form.name)
def test_what_the_gate_refuses_is_a_validation_report_where_rdf_is_preferred(merged: httpx.Client, form: Format) -> None:
    text = f"INSERT DATA {{ GRAPH <{MINE}> {{ <{ID}project/nameless> a <{DPA}Project> }} }}"
    headers = {"Content-Type": "application/sparql-update", "Accept": f"{form.media_type}, */*;q=0.1"}
    answer = merged.post("/update", content=text, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (422, form.content_type)
    if form is JSON_LD:
        assert "nameless" in answer.text
        return
    triples = list(ox.parse(answer.content, format=form.rdf))
    violations = {found.subject for found in triples if str(found.object) == f"<{SH}Violation>"}
    told = {str(found.object) for found in triples if found.subject in violations and found.predicate.value == f"{SH}focusNode"}
    assert told == {f"<{ID}project/nameless>"}
    assert {str(found.object)[:7] for found in triples if found.predicate.value == f"{SH}conforms"} == {'"false"'}


def test_what_the_gate_refuses_is_told_in_the_language_of_the_reader_and_on_a_page(merged: httpx.Client) -> None:
    text = f"INSERT DATA {{ GRAPH <{MINE}> {{ <{ID}project/nameless> a <{DPA}Project> }} }}"
    headers = {"Content-Type": "application/sparql-update", "Accept-Language": "fr"}
    message = merged.post("/update", content=text, headers=headers).json()["results"][0]["message"]
    assert "a besoin d" in message
    page = merged.post("/update", content=text, headers={**headers, "Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (422, "text/html; charset=utf-8")
    assert str(escape(message)) in page.text


def test_the_merge_and_what_comes_from_files_is_read_only(merged: httpx.Client) -> None:
    for address in ("/graphs?default", "/graph/derived", "/graph/ontology", "/graph/provenance", f"/graphs?graph={GRAPH}reference/places"):
        assert merged.get(address, headers={"Accept": "application/n-triples"}).status_code == 200, address
        answer = merged.put(address, content=THEME, headers=TURTLE)
        assert answer.status_code == 403, address
        assert answer.json()["hint"]
    for text in ("DROP ALL", "INSERT DATA { <urn:a> <urn:p> 1 }", "DELETE WHERE { ?s ?p ?o }"):
        answer = update(merged, text)
        assert answer.status_code == 403
        assert "GRAPH" in answer.json()["hint"]
