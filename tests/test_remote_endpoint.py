"""An engine over HTTP: each of its failures is one of our errors, and only what is safe is sent again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pyoxigraph as ox
import pytest

from dpa_kg.errors import DpaKgError, EngineFailed, EngineUnavailable, LimitExceeded, QuerySyntaxError, QueryTimeout
from dpa_kg.graph.endpoint import Access, Endpoint
from dpa_kg.graph.results import evaluate, rows
from dpa_kg.http.supervisor import handed_down
from dpa_kg.settings import Settings
from tests.engines import free_port, oxigraph
from tests.faults import Faulty, body, dropped, faulty, silent, status

ASK = "SELECT (1 AS ?one) {}"
JSON = b'{"head":{"vars":["one"]},"results":{"bindings":[{"one":{"type":"literal","value":"1"}}]}}'


@pytest.fixture(scope="module")
def behind() -> Iterator[str]:
    with oxigraph() as engine:
        yield engine.access.query.removesuffix("/query")


@pytest.fixture
def server(behind: str) -> Iterator[Faulty]:
    with faulty(behind) as running:
        yield running


def endpoint(server: Faulty, timeout: float = 20.0, **access: str) -> Endpoint:
    return Endpoint(replace(Access(f"{server.url}/query", graphs=f"{server.url}/store"), **access), timeout)


def ask(server: Faulty, timeout: float = 20.0) -> list[str]:
    return [row["one"].value for row in rows(endpoint(server, timeout), ASK)]


@pytest.mark.parametrize(
    ("fault", "error", "attempts"),
    [
        (status(500), EngineFailed, 1),
        (status(404), EngineFailed, 1),
        (status(401), EngineFailed, 1),
        (status(302, Location="http://127.0.0.1:1/"), EngineFailed, 1),
        (status(400), QuerySyntaxError, 1),
        (status(429), EngineUnavailable, 1),
        (status(503), EngineUnavailable, 1),
        (status(503, Retry_After="60"), EngineUnavailable, 1),
        (status(503, Retry_After="0"), EngineUnavailable, 3),
        (status(504), QueryTimeout, 1),
        (dropped, EngineFailed, 2),
        (body(b"<html>", "text/html"), EngineFailed, 1),
        (body(b"<html>"), EngineFailed, 1),
        (body(JSON[:-4]), EngineFailed, 1),
        (body(JSON[:-4], length=len(JSON)), EngineFailed, 1),
    ],
    ids=[
        "500",
        "404",
        "401",
        "302",
        "400",
        "429",
        "503",
        "503 later",
        "503 soon",
        "504",
        "dropped",
        "html",
        "no json",
        "cut",
        "broken off",
    ],
)
def test_a_failure_is_told_and_only_what_met_no_answer_is_sent_again(
    server: Faulty, fault: object, error: type[DpaKgError], attempts: int
) -> None:
    server.fault = fault  # type: ignore[assignment]
    with pytest.raises(error):
        ask(server)
    assert len(server.seen) == attempts


def test_an_engine_that_is_back_soon_is_asked_again(server: Faulty) -> None:
    server.fault = status(503, Retry_After="0")
    server.spoils = lambda method, text: len(server.seen) < 3
    assert ask(server) == ["1"]
    assert len(server.seen) == 3


def test_a_connection_that_was_closed_meanwhile_is_opened_again(server: Faulty) -> None:
    server.fault = dropped
    server.spoils = lambda method, text: len(server.seen) == 2
    asked = endpoint(server)
    assert [row["one"].value for _ in range(2) for row in rows(asked, ASK)] == ["1", "1"]


def test_a_slow_engine_is_a_time_out_and_is_hung_up_on(server: Faulty) -> None:
    server.fault = silent
    with pytest.raises(QueryTimeout):
        ask(server, timeout=0.5)
    assert server.hung_up.wait(20)
    assert len(server.seen) == 1


def test_an_engine_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(EngineUnavailable, match="cannot be reached"):
        rows(Endpoint(Access(f"http://127.0.0.1:{free_port()}/query"), 5), ASK)


def test_a_write_is_sent_once(server: Faulty) -> None:
    server.fault = dropped
    with pytest.raises(EngineFailed):
        endpoint(server).put("urn:g", b"<urn:a> <urn:b> <urn:c> .")
    assert len(server.seen) == 1


def test_an_answer_that_the_engine_has_cut_is_refused(server: Faulty) -> None:
    server.fault = lambda handler: handler.reply(200, JSON, Content_Type="application/sparql-results+json", X_SPARQL_MaxRows="100")
    with pytest.raises(LimitExceeded, match="part of the answer"):
        ask(server)


def test_triples_are_read_as_they_come(server: Faulty) -> None:
    server.fault = body(b"<urn:a> <urn:b> <urn:c> .\n<urn:a> <urn:b", "application/n-triples")
    found = evaluate(endpoint(server), "CONSTRUCT WHERE { ?s ?p ?o }", is_graph=True)
    assert next(found) == ox.Triple(ox.NamedNode("urn:a"), ox.NamedNode("urn:b"), ox.NamedNode("urn:c"))  # type: ignore[arg-type]
    with pytest.raises(SyntaxError):
        next(found)  # type: ignore[arg-type]


# ---- who asks


def test_a_user_is_named_when_the_engine_asks_who_it_is(server: Faulty) -> None:
    given: list[str | None] = []

    def fault(handler: object) -> None:
        given.append(handler.headers.get("Authorization"))  # type: ignore[attr-defined]
        answer = status(401, WWW_Authenticate='Basic realm="x"') if given[-1] is None else body(JSON)
        answer(handler)  # type: ignore[arg-type]

    server.fault = fault
    asked = endpoint(server, user="reader", password="secret")  # noqa: S106
    assert len(rows(asked, ASK)) == 1
    assert len(rows(asked, ASK)) == 1
    assert given == [None, "Basic cmVhZGVyOnNlY3JldA==", "Basic cmVhZGVyOnNlY3JldA=="]


def test_a_token_is_sent_at_once_and_to_nobody_else(server: Faulty) -> None:
    given: list[str | None] = []

    def fault(handler: object) -> None:
        given.append(handler.headers.get("Authorization"))  # type: ignore[attr-defined]
        status(307, Location=f"{server.url}/other")(handler)  # type: ignore[arg-type]

    server.fault = fault
    with pytest.raises(EngineFailed):
        rows(endpoint(server, token="secret"), ASK)  # noqa: S106
    assert given == ["Bearer secret"]


def test_secrets_are_not_shown() -> None:
    secrets = {"store_password": "hidden-one", "store_token": "hidden-two"}
    settings = Settings(store="http://127.0.0.1/query", store_user="u", **secrets)  # type: ignore[arg-type]
    assert "hidden" not in f"{settings!r} {settings.model_dump_json()} {Access.of(settings)!r}"
    assert Access.of(settings).to_json()["password"] == secrets["store_password"]
    assert Settings(**handed_down(settings)) == settings  # web processes get them


def test_an_address_with_a_user_name_in_it_is_no_setting() -> None:
    with pytest.raises(ValueError, match="store"):
        Settings(store="http://user:secret@127.0.0.1/query")


def test_answers_that_nobody_reads_to_their_end_leave_no_connection_open(server: Faulty) -> None:
    asked = endpoint(server)
    for _ in range(150):  # more than the client keeps
        asked.ask(ASK, "application/sparql-results+json")
    asked.release()
    assert threading.active_count() < 100
