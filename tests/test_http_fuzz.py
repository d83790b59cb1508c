"""Requests that machines make up: from the OpenAPI document (schemathesis), and from the parameters of named queries (hypothesis)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance, unsupported_method]
FEW = settings(max_examples=4, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
MORE = settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
pytestmark = pytest.mark.xdist_group("fuzz")


def test_every_operation_answers_what_the_openapi_document_says(service_url: str) -> None:
    """Not with schemathesis's plugin for pytest, which pytest 9.2 does not load."""
    schema = schemathesis.openapi.from_url(f"{service_url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]  # fails where one is not right
    assert len(operations) > 80
    wrong = [problem for operation in operations if (problem := _first_problem(operation))]
    assert not wrong, "\n\n".join(wrong)


def _first_problem(operation: Any) -> str | None:
    """What the first request that is answered otherwise than described got, or None."""

    @FEW
    @given(operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(checks=CHECKS, timeout=60)

    try:
        ask()
    except FailureGroup as group:
        return f"{operation.label}: {group.exceptions[0]}"
    return None


def test_the_openapi_document_describes_every_named_query(client: httpx.Client) -> None:
    """What is made up from it above is about all of them."""
    queries = [entry["name"] for entry in client.get("/queries").json()["queries"]]
    paths = client.get("/openapi.json").json()["paths"]
    assert len(queries) > 50
    assert {f"/queries/{name}" for name in queries} <= set(paths)


# ---- parameters

TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["IDB", "Colombia", "2019", "-1", "0", "1e9", "\x00", "\ud7ff", "<xss>", "=1+1", "' OR 1=1 --", '"', "\\", "%", "{x}", "\r\nX: y"]
    ),
)
Pairs = list[tuple[str, str | int | float | bool | None]]
NAMES = st.sampled_from(["funder", "country", "since", "until", "limit", "offset", "lang", "format", "version", "x"])


def check(answer: httpx.Response) -> None:
    """An answer, or a problem that the caller has made; whatever it is, it is whole."""
    assert answer.status_code in {200, 400, 404, 406, 422}, answer.text
    if "json" in answer.headers["content-type"]:
        body = json.loads(answer.content)
        if answer.status_code != 200:
            assert body["status"] == answer.status_code
    else:
        assert "<xss" not in answer.text


@MORE
@given(st.lists(st.tuples(NAMES, TEXTS), max_size=5))
def test_no_parameters_break_a_named_query(client: httpx.Client, parameters: Pairs) -> None:
    check(client.get("/queries/projects-by-funder-and-country", params=httpx.QueryParams(parameters)))


@MORE
@given(st.lists(st.tuples(NAMES, TEXTS), max_size=3))
def test_no_parameters_break_a_page(client: httpx.Client, parameters: Pairs) -> None:
    check(client.get("/queries/projects-by-funder-and-country", params=httpx.QueryParams(parameters), headers={"Accept": "text/html"}))


@MORE
@given(st.text(max_size=200))
def test_no_text_breaks_the_search(client: httpx.Client, text: str) -> None:
    check(client.get("/search", params={"q": text}))


@MORE
@given(st.text(max_size=120), st.sampled_from(["ASK { ", "SELECT * { ?s ?p ", "CONSTRUCT { ", ""]))
def test_no_text_breaks_the_endpoint(client: httpx.Client, text: str, start: str) -> None:
    answer = client.post("/sparql", content=(start + text).encode(), headers={"Content-Type": "application/sparql-query"})
    assert answer.status_code in {200, 400, 403}, answer.text


@MORE
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_address_breaks_a_document(client: httpx.Client, noun: str, slug: str) -> None:
    address = httpx.URL("/doc").copy_with(raw_path=f"/doc/{httpx.QueryParams({'': noun})}/{httpx.QueryParams({'': slug})}".encode())
    check(client.get(address))
