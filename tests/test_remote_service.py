"""The whole service before `oxigraph serve`: reads answer as from the embedded store, writes are refused, failures are told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dpa_kg.graph.push import push
from dpa_kg.graph.versions import Versions
from tests.engines import Running, oxigraph
from tests.faults import Faulty, body, faulty, silent, status
from tests.serving import serving
from tests.tiny import make_version

LIMIT = 30.0  # seconds
SELECT = "SELECT ?s ?g { ?s a <https://w3id.org/dpa-kg/ontology#Project> . GRAPH ?g { ?s ?p ?o } } ORDER BY ?s ?g"
TOKEN = {"Authorization": "Bearer s3cret-token-of-tests"}
pytestmark = pytest.mark.xdist_group("remote-service")


@pytest.fixture(scope="module")
def engine(built_home: Path) -> Iterator[Running]:
    """The real graph on an engine."""
    with oxigraph() as running:
        push_to(built_home, running)
        yield running


@pytest.fixture(scope="module")
def server(engine: Running) -> Iterator[Faulty]:
    with faulty(engine.access.query.removesuffix("/query")) as running:
        yield running


@pytest.fixture(scope="module")
def remote(built_home: Path, server: Faulty) -> Iterator[httpx.Client]:
    """A service that asks the engine through something that can spoil its answers."""
    changes = {"query_timeout": 20.0, "query_workers": 1, "question_workers": 1, "write_token": "s3cret-token-of-tests"}
    with serving(built_home, store=f"{server.url}/query", **changes) as url, httpx.Client(base_url=url, timeout=60) as session:
        eventually(lambda: session.get("/ready").status_code == 200)
        yield session


@pytest.fixture(autouse=True)
def _whole(server: Faulty) -> Iterator[None]:
    yield
    server.fault = None


def push_to(home: Path, engine: Running) -> None:
    with Versions(home).reading() as version:
        push(version, engine.endpoint(), lambda _: None)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


@contextmanager
def small_service(home: Path, engine: Running, **changes: Any) -> Iterator[httpx.Client]:
    with (
        serving(home, store=engine.access.query, query_workers=1, question_workers=1, **changes) as url,
        httpx.Client(base_url=url, timeout=60) as session,
    ):
        yield session


# ---- reads


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/queries/grants-search", "text/csv"),
        ("/queries/sources-overview?lang=es", "application/json"),
        ("/queries/project-graph?project=ciudata-segura", "application/n-triples"),
        ("/doc/project/ciudata-segura", "application/n-triples"),
        ("/search?q=bank", "application/json"),
        ("/graphs?graph=https://w3id.org/dpa-kg/graph/lac-page/L50", "application/n-triples"),
        ("/graph/lac-page/L50", "application/n-triples"),
        ("/ontology", "application/n-triples"),
        ("/health", "application/json"),
        ("/versions", "application/json"),
        ("/.well-known/void", "application/n-triples"),
    ],
)
def test_a_read_answers_what_the_embedded_store_answers(remote: httpx.Client, client: httpx.Client, path: str, accept: str) -> None:
    ours, theirs = (session.get(path, headers={"Accept": accept}) for session in (client, remote))
    assert (theirs.status_code, theirs.headers["content-type"]) == (200, ours.headers["content-type"])
    named = theirs.text.replace(str(remote.base_url).rstrip("/"), str(client.base_url).rstrip("/"))
    assert sorted(_skolemized(named).splitlines()) == sorted(_skolemized(ours.text).splitlines())


def _skolemized(text: str) -> str:
    """Lines of nodes without a name are left out: the engine has given them one."""
    return "\n".join(line for line in text.splitlines() if "genid" not in line and "_:" not in line)


@pytest.mark.parametrize("accept", ["application/sparql-results+json", "application/sparql-results+xml", "text/csv"])
def test_a_text_of_a_caller_is_answered_in_the_format_that_was_asked_for(remote: httpx.Client, client: httpx.Client, accept: str) -> None:
    ours, theirs = (session.get("/sparql", params={"query": SELECT}, headers={"Accept": accept}) for session in (client, remote))
    assert theirs.headers["content-type"] == ours.headers["content-type"]
    assert theirs.text == ours.text
    assert theirs.text.count("ciudata-segura") > 3


def test_a_graph_that_is_not_there_is_not_found(remote: httpx.Client) -> None:
    assert remote.get("/graphs?graph=urn:none").status_code == 404
    assert remote.get("/graphs?graph=https://w3id.org/dpa-kg/graph/merge").status_code == 404
    assert len(remote.get("/graphs?default", headers={"Accept": "application/n-triples"}).text.splitlines()) > 20_000


def test_guards_stand_before_the_engine(remote: httpx.Client, server: Faulty) -> None:
    for text, expected in (
        ("SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }", 403),
        ("SELECT nonsense", 400),
        ("SELECT " + "{" * 99, 400),
    ):
        assert remote.get("/sparql", params={"query": text}, headers={"Accept": "text/csv"}).status_code == expected
    assert not any("nonsense" in seen or "SERVICE" in seen for seen in server.seen)


def test_answers_are_tagged_by_the_version_that_was_pushed(remote: httpx.Client, built_home: Path) -> None:
    version = Versions(built_home).current()
    assert version is not None
    answer = remote.get("/queries/projects-by-funder-and-country", params={"funder": "IDB"}, headers={"Accept": "text/csv"})
    assert answer.headers["etag"].startswith(f'W/"{version.number}-')
    again = remote.get(answer.url, headers={"Accept": "text/csv", "If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_another_version_is_not_found_and_the_hint_says_why(remote: httpx.Client) -> None:
    answer = remote.get("/sparql", params={"query": "ASK {}", "version": 99})
    assert answer.status_code == 404
    assert answer.json()["hint"]


def test_a_large_answer_passes_through_a_small_worker(built_home: Path, engine: Running) -> None:
    """The answer has more than 100 MB; the worker may grow by 64 MiB."""
    text = "SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 250000"
    with small_service(built_home, engine, query_memory=64, query_timeout=120.0) as session:
        eventually(lambda: session.get("/ready").status_code == 200)
        size = 0
        with session.stream(
            "GET", "/sparql", params={"query": text}, headers={"Accept": "application/sparql-results+json"}, timeout=120
        ) as got:
            assert got.status_code == 200
            for piece in got.iter_raw():
                size += len(piece)
    assert size > 100_000_000


# ---- writes


def test_writes_are_not_supported_and_the_hint_says_where_to_write(remote: httpx.Client) -> None:
    graph = "/graphs?graph=urn:mine"
    turtle = {"Content-Type": "text/turtle", **TOKEN}
    answers = [
        remote.post(
            "/update",
            content="INSERT DATA { GRAPH <urn:g> { <urn:a> <urn:b> 1 } }",
            headers={"Content-Type": "application/sparql-update", **TOKEN},
        ),
        remote.put(graph, content="<urn:a> <urn:b> 1 .", headers=turtle),
        remote.post(graph, content="<urn:a> <urn:b> 1 .", headers=turtle),
        remote.delete(graph, headers=TOKEN),
        remote.delete(graph),
    ]
    for answer in answers:
        assert answer.status_code == 501
        assert answer.json()["type"].endswith("/not-supported")
        assert "push" in answer.json()["hint"]


# ---- failures


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (status(500), 502),
        (status(401), 502),
        (body(b"<html>", "text/html"), 502),
        (body(b'{"head":{"vars":["s"]},"results":{"bindings":['), 502),
        (body(b'{"head":', length=5000), 502),
        (status(503), 503),
        (status(429), 503),
        (status(504), 504),
    ],
    ids=["500", "401", "html", "cut", "broken off", "503", "429", "504"],
)
def test_a_failure_of_the_engine_is_a_problem_document(remote: httpx.Client, server: Faulty, fault: Any, expected: int) -> None:
    server.fault = fault
    for path in ("/sparql?query=SELECT%20*%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D", "/queries/projects-by-funder-and-country?country=CO"):
        answer = remote.get(path, headers={"Accept": "application/json"})
        assert answer.status_code == expected
        assert answer.headers["content-type"] == "application/problem+json"
    server.fault = None
    assert remote.get("/sparql", params={"query": "ASK { ?s ?p ?o }"}).status_code == 200


def test_a_slow_engine_is_a_time_out_and_the_next_question_is_answered(remote: httpx.Client, server: Faulty) -> None:
    server.fault = silent
    assert remote.get("/sparql", params={"query": "ASK { ?s ?p ?o }"}).status_code == 504
    server.fault = None
    assert remote.get("/sparql", params={"query": "ASK { ?s ?p ?o }"}).status_code == 200


def test_a_caller_who_hangs_up_hangs_up_on_the_engine(remote: httpx.Client, server: Faulty) -> None:
    server.hung_up.clear()
    server.fault = silent
    with pytest.raises(httpx.ReadTimeout):
        remote.get("/sparql", params={"query": "ASK { ?s ?p ?o }"}, timeout=1)
    assert server.hung_up.wait(LIMIT)


def test_an_engine_that_is_killed_is_a_503_and_one_that_comes_back_is_served(tmp_path: Path) -> None:
    make_version(tmp_path)
    with oxigraph() as engine, small_service(tmp_path, engine) as session:
        eventually(lambda: "dpa-kg push" in session.get("/sparql", params={"query": "ASK {}"}).text)
        assert session.get("/ready").status_code == 503
        push_to(tmp_path, engine)
        eventually(lambda: session.get("/sparql", params={"query": "ASK { ?s ?p ?o }"}).status_code == 200)
        engine.process.kill()
        engine.process.wait()
        for path in ("/sparql?query=ASK%20%7B%3Fs%20%3Fp%20%3Fo%7D", "/health"):
            answer = session.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
            assert answer.headers["retry-after"]
        assert session.get("/metrics").status_code == 200
        eventually(lambda: session.get("/ready").status_code == 503)


def test_a_version_that_is_pushed_anew_is_served_without_a_restart(tmp_path: Path) -> None:
    make_version(tmp_path)
    with oxigraph() as engine:
        push_to(tmp_path, engine)
        with small_service(tmp_path, engine) as session:
            eventually(lambda: session.get("/ready").status_code == 200)
            assert session.get("/ready").json()["version"] == 1
            make_version(tmp_path, "graph:report/L1 { project:new a dpa:Project ; rdfs:label 'New'@en . }")
            assert session.get("/sparql", params={"query": "ASK { ?s ?p ?o }"}).status_code == 200
            push_to(tmp_path, engine)
            eventually(lambda: session.get("/ready").json().get("version") == 2)
            answer = session.get("/sparql", params={"query": "SELECT ?s { ?s ?p ?o } LIMIT 1"}, headers={"Accept": "text/csv"})
            assert answer.text.split() == ["s", "https://w3id.org/dpa-kg/id/project/new"]
