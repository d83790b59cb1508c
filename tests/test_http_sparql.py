"""`/sparql` over HTTP: the SPARQL 1.1 Protocol, the formats, and what a hostile or heavy query does (nothing)."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pyoxigraph as ox
import pytest

from dpa_kg.representations import formats
from dpa_kg.representations.formats import Format
from tests.serving import serving
from tests.test_negotiation import BROWSER

SELECT = 'SELECT ?x ?y { VALUES (?x ?y) { (1 "a,b"@en) (UNDEF <http://e.org/x>) } }'
CONSTRUCT = 'CONSTRUCT { <http://e.org/s> <http://e.org/p> "o"@en } {}'
HEAVY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
DIRECT = {"Content-Type": "application/sparql-query"}


def ask(client: httpx.Client, query: str, accept: str | None = None) -> httpx.Response:
    return client.get("/sparql", params={"query": query}, headers={"Accept": accept} if accept else {})


def still_answers(client: httpx.Client) -> None:
    start = time.perf_counter()
    assert ask(client, "ASK {}").json() == {"head": {}, "boolean": True}
    assert time.perf_counter() - start < 5


# ---- the three ways in


def test_get_and_both_posts_give_the_same_answer(client: httpx.Client) -> None:
    by_get = ask(client, SELECT)
    by_form = client.post("/sparql", data={"query": SELECT})
    direct = client.post("/sparql", content=SELECT, headers=DIRECT)
    assert by_get.status_code == by_form.status_code == direct.status_code == 200
    assert by_get.json() == by_form.json() == direct.json()
    assert by_get.json()["results"]["bindings"][1] == {"y": {"type": "uri", "value": "http://e.org/x"}}


def test_a_query_in_unicode_comes_through_every_way(client: httpx.Client) -> None:
    query = 'SELECT ("Bogotá 日本 𝄞" AS ?x) {}'
    for answer in (
        ask(client, query),
        client.post("/sparql", data={"query": query}),
        client.post("/sparql", content=query.encode(), headers=DIRECT),
    ):
        assert answer.json()["results"]["bindings"][0]["x"]["value"] == "Bogotá 日本 𝄞"


@pytest.mark.parametrize("form", formats.RESULT_FORMATS, ids=lambda form: form.name)
def test_rows_and_truth_come_in_every_result_format(client: httpx.Client, form: Format) -> None:
    rows = ask(client, SELECT, form.media_type)
    assert rows.headers["content-type"] == form.content_type
    if form.name in {"sparql-json", "sparql-xml"}:
        read = ox.parse_query_results(rows.content, format=form.oxigraph)  # type: ignore[arg-type]
        assert isinstance(read, ox.QuerySolutions)
        assert next(iter(read))["y"] == ox.Literal("a,b", language="en")
        truth = ox.parse_query_results(ask(client, "ASK {}", form.media_type).content, format=form.oxigraph)  # type: ignore[arg-type]
        assert isinstance(truth, ox.QueryBoolean)
        assert bool(truth)
    else:
        assert rows.text == {"csv": 'x,y\r\n1,"a,b"\r\n,http://e.org/x\r\n', "tsv": '?x\t?y\n1\t"a,b"@en\n\t<http://e.org/x>\n'}[form.name]


@pytest.mark.parametrize("form", formats.GRAPH_FORMATS, ids=lambda form: form.name)
def test_graphs_come_in_every_graph_format(client: httpx.Client, form: Format) -> None:
    answer = ask(client, CONSTRUCT, form.media_type)
    assert answer.headers["content-type"] == form.content_type
    if form is formats.JSON_LD:
        assert answer.json()["id"] == "http://e.org/s"
        return
    (quad,) = ox.parse(answer.content, format=form.rdf)
    assert quad.triple == ox.Triple(ox.NamedNode("http://e.org/s"), ox.NamedNode("http://e.org/p"), ox.Literal("o", language="en"))


def test_the_format_parameter_wins_over_the_accept_header(client: httpx.Client) -> None:
    answer = client.get("/sparql", params={"query": SELECT, "format": "csv"}, headers={"Accept": BROWSER})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


def test_a_query_that_names_an_entity_is_answered_from_the_graph(client: httpx.Client) -> None:
    query = "DESCRIBE <https://w3id.org/dpa-kg/id/organization/idb>"
    answer = ask(client, query, "text/turtle")
    assert "organization:idb" in answer.text
    assert "@prefix organization:" in answer.text


# ---- the data set


def test_a_default_graph_of_the_request_replaces_the_merge(client: httpx.Client) -> None:
    provenance = "https://w3id.org/dpa-kg/graph/provenance"
    query = "ASK { ?passage a <https://w3id.org/dpa-kg/ontology#Passage> }"
    assert ask(client, query).json()["boolean"] is False
    answer = client.get("/sparql", params={"query": query, "default-graph-uri": provenance})
    assert answer.json()["boolean"] is True
    direct = client.post(f"/sparql?{urlencode({'default-graph-uri': provenance})}", content=query, headers=DIRECT)
    assert direct.json()["boolean"] is True


def test_only_the_named_graphs_of_the_request_are_visible(client: httpx.Client) -> None:
    provenance = "https://w3id.org/dpa-kg/graph/provenance"
    query = "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }"
    answer = client.get("/sparql", params={"query": query, "named-graph-uri": provenance})
    assert [row["g"]["value"] for row in answer.json()["results"]["bindings"]] == [provenance]


# ---- what is wrong is told by the right status


@pytest.mark.parametrize(
    ("method", "address", "body", "headers", "status"),
    [
        ("GET", "/sparql?query=ASK%20%7B%7D&query=ASK%20%7B%7D", None, {}, 400),
        ("GET", "/sparql?query=", None, {}, 400),
        ("GET", "/sparql?query=SELEC", None, {}, 400),
        ("GET", "/sparql?query=%FF", None, {}, 400),
        ("GET", "/sparql?update=CLEAR%20ALL", None, {}, 400),
        ("GET", "/sparql?query=CLEAR%20ALL", None, {}, 400),
        ("GET", "/sparql?default-graph-uri=http://e.org/", None, {}, 400),
        ("GET", "/sparql", None, {"Accept": "text/csv"}, 400),
        ("GET", "/sparql?query=ASK%20%7B%7D", None, {"Accept": "image/png"}, 406),
        ("GET", "/sparql?query=ASK%20%7B%7D&format=docx", None, {}, 422),
        ("POST", "/sparql", "ASK {}", {"Content-Type": "text/plain"}, 415),
        ("POST", "/sparql", "ASK {}", {}, 415),
        ("POST", "/sparql", "ASK {}", {"Content-Type": "application/sparql-update"}, 415),
        ("POST", "/sparql", "ASK {}".encode("utf-16"), {"Content-Type": "application/sparql-query; charset=UTF-16"}, 415),
        ("POST", "/sparql", "ASK {}".encode("utf-16"), DIRECT, 400),
        ("POST", "/sparql", "update=CLEAR+ALL", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        ("POST", "/sparql", "x=y", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        ("POST", "/sparql?query=ASK%20%7B%7D", "ASK {}", DIRECT, 400),
        ("POST", "/sparql?query=ASK%20%7B%7D", "query=ASK+%7B%7D", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        ("PUT", "/sparql", "ASK {}", DIRECT, 405),
        ("DELETE", "/sparql", None, {}, 405),
        ("POST", "/sparql", "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", DIRECT, 403),
        ("POST", "/sparql", "#" * 70_000 + "\nASK {}", DIRECT, 413),
        ("POST", "/sparql", "x" * 500_000, DIRECT, 413),
    ],
)
def test_what_cannot_be_answered_has_its_own_status(  # noqa: PLR0917 - one column each
    client: httpx.Client, method: str, address: str, body: str | bytes | None, headers: dict[str, str], status: int
) -> None:
    answer = client.request(method, address, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_without_a_query_the_service_describes_itself(client: httpx.Client, service_url: str) -> None:
    answer = client.get("/sparql")
    assert answer.headers["content-type"] == "text/turtle; charset=utf-8"
    sd = "http://www.w3.org/ns/sparql-service-description#"
    triples = {quad.triple for quad in ox.parse(answer.content, format=ox.RdfFormat.TURTLE)}
    endpoint = ox.NamedNode(f"{service_url}/sparql")
    assert ox.Triple(endpoint, ox.NamedNode(f"{sd}endpoint"), endpoint) in triples
    assert sum(triple.predicate.value == f"{sd}resultFormat" for triple in triples) == 8
    for form in formats.GRAPH_FORMATS:
        other = client.get("/sparql", headers={"Accept": form.media_type})
        assert (other.status_code, other.headers["content-type"]) == (200, form.content_type)


# ---- heavy and hostile texts


@pytest.fixture(scope="module")
def impatient(built_home: Path) -> Iterator[str]:
    """The address of a service over the same graph that gives a query three seconds."""
    with serving(built_home, query_timeout=3.0, question_workers=1) as url:
        yield url


def test_a_query_that_takes_too_long_is_a_504_and_the_next_one_is_answered_at_once(impatient: str) -> None:
    with httpx.Client(base_url=impatient, timeout=30) as client:
        start = time.perf_counter()
        answer = ask(client, HEAVY)
        assert answer.status_code == 504
        assert answer.json()["type"].endswith("/timeout")
        assert time.perf_counter() - start < 10
        still_answers(client)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * WHERE " + "{" * 5000 + "}" * 5000,
        f"SELECT ({'+'.join(['1'] * 30_000)} AS ?x) {{}}",
        f"ASK {{ FILTER({'!' * 50_000}true) }}",
        f"ASK {{ ?s {'/'.join(['<a:>'] * 12_000)} ?o }}",
    ],
    ids=["nested groups", "a long sum", "many negations", "a long path"],
)
def test_a_text_that_would_overflow_the_stack_is_a_400_and_the_service_is_still_there(client: httpx.Client, query: str) -> None:
    assert 10_000 <= len(query) < 65_536
    answer = client.post("/sparql", content=query, headers=DIRECT)
    assert answer.status_code == 400, answer.text
    still_answers(client)


def test_a_client_that_hangs_up_frees_its_worker(client: httpx.Client, service_url: str) -> None:
    """Each of more clients than there are workers asks something heavy and goes; the next one does not wait for any of them."""
    host, port = urlsplit(service_url).hostname, urlsplit(service_url).port
    for _ in range(4):
        with socket.create_connection((host, port)) as connection:
            connection.sendall(f"GET /sparql?{urlencode({'query': HEAVY})} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            time.sleep(0.3)
    still_answers(client)


def test_a_large_answer_is_sent_whole_and_its_file_is_gone(client: httpx.Client, built_home: Path) -> None:
    query = "SELECT ?s ?p ?o ?q { ?s ?p ?o . VALUES ?q { 1 2 3 4 5 } } LIMIT 20000"
    answer = ask(client, query)
    assert int(answer.headers["content-length"]) == len(answer.content) > 1 << 20
    assert len(json.loads(answer.content)["results"]["bindings"]) == 20_000
    assert not list((built_home / "spool").glob(f"{os.getpid()}-*/*"))


# ---- people


def test_a_browser_gets_an_editor_with_the_answer_below(client: httpx.Client) -> None:
    empty = client.get("/sparql", headers={"Accept": BROWSER})
    assert empty.headers["content-type"] == "text/html; charset=utf-8"
    assert "<textarea" in empty.text
    filled = ask(client, SELECT, BROWSER)
    assert "a,b" in filled.text
    assert 'href="http://e.org/x"' in filled.text
    graph = ask(client, CONSTRUCT, BROWSER)
    assert "&lt;http://e.org/s&gt;" in graph.text


def test_a_browser_sees_what_is_wrong_beside_its_query(client: httpx.Client) -> None:
    answer = ask(client, "SELECT <script>alert(1)</script> {", BROWSER)
    assert answer.status_code == 400
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert "<script>alert" not in answer.text
