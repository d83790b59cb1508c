"""One shape for every error, and headers that every response carries."""

from __future__ import annotations

import re

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from dpa_kg import errors
from dpa_kg.errors import DpaKgError
from dpa_kg.http.app import create_app
from dpa_kg.http.errors import Problem
from dpa_kg.http.middleware import COMMON_HEADERS
from dpa_kg.settings import Settings
from tests.test_negotiation import BROWSER

WRONG = [
    ("GET", "/nowhere", 404),
    ("GET", "/doc/project", 404),
    ("GET", "/doc/project/none", 404),
    ("GET", "/queries/none", 404),
    ("POST", "/queries", 405),
    ("PUT", "/sparql", 405),
    ("GET", "/sparql?query=nonsense", 400),
    ("GET", "/queries/projects-by-funder-and-country?funder=nobody-at-all", 422),
    ("GET", "/queries/projects-by-funder-and-country?lang=xx", 422),
    ("GET", "/search?noun=none&q=x", 422),
    ("GET", "/%00", 404),
    ("GET", "/doc/project/" + "x" * 3000, 404),
]


@pytest.mark.parametrize(("method", "address", "status"), WRONG)
def test_an_error_is_a_problem_document(client: httpx.Client, method: str, address: str, status: int) -> None:
    answer = client.request(method, address)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    body = answer.json()
    assert set(body) <= {"type", "title", "status", "detail", "hint", "candidates", "instance"}
    assert {"type", "title", "status", "detail"} <= set(body)
    assert body["status"] == status
    assert body["type"].startswith("https://w3id.org/dpa-kg/problem/")
    assert body["instance"].endswith(answer.headers["x-request-id"])
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("method", "address", "status"), WRONG)
def test_an_error_is_a_page_for_a_browser(client: httpx.Client, method: str, address: str, status: int) -> None:
    answer = client.request(method, address, headers={"Accept": BROWSER})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert 'role="alert"' in answer.text
    assert "Traceback" not in answer.text


def test_a_method_that_is_not_allowed_names_those_that_are(client: httpx.Client) -> None:
    assert client.delete("/sparql").headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert client.post("/queries").headers["allow"] == "GET, HEAD, OPTIONS"


def test_what_a_caller_wrote_is_escaped_in_pages(client: httpx.Client) -> None:
    evil = "<img src=x onerror=alert(1)>\"'"
    for address in (
        "/search",
        "/queries/projects-by-funder-and-country",
        "/sparql",
        "/nowhere",
        "/queries/" + "%3Cimg%20src=x%3E",
    ):
        fields = {"q": evil, "funder": evil, "query": evil, evil: evil}
        page = client.get(address, params=fields, headers={"Accept": BROWSER}).text
        assert "<img" not in page
        assert not re.search(r'="[^"]*<', page)


def test_every_error_of_the_package_is_a_problem_with_a_title_and_a_status_of_its_own_kind() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DpaKgError)]
    assert len(kinds) >= 14
    for kind in kinds:
        problem = Problem.of(DpaKgError("detail") if kind.__init__ is not DpaKgError.__init__ else kind("detail"))
        assert 400 <= problem.status < 600
        assert problem.title
        assert re.fullmatch(r"[a-z-]+", problem.type)
    assert Problem.of(errors.Overloaded("busy")).headers == {"Retry-After": "2"}


@pytest.fixture(scope="module")
def broken() -> FastAPI:
    """An app with a route that fails in a way nobody foresaw."""
    app = create_app(Settings())
    router = APIRouter()

    @router.get("/broken")
    async def fail() -> None:
        raise ZeroDivisionError("secret detail")

    app.include_router(router)
    return app


@pytest.mark.anyio
@pytest.mark.parametrize("accept", ["*/*", BROWSER])
async def test_an_unforeseen_error_is_a_500_without_its_reason(broken: FastAPI, accept: str) -> None:
    transport = httpx.ASGITransport(broken, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as session:
        answer = await session.get("/broken", headers={"Accept": accept})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["content-security-policy"] == COMMON_HEADERS["Content-Security-Policy"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


# ---- headers


@pytest.mark.parametrize(
    "address", ["/", "/queries", "/doc/place/colombia", "/doc/place/colombia.ttl", "/nowhere", "/static/style.css", "/openapi.json"]
)
def test_every_response_carries_the_common_headers(client: httpx.Client, address: str) -> None:
    answer = client.get(address)
    for name, value in COMMON_HEADERS.items():
        assert answer.headers[name] == value
    assert {"Accept", "Accept-Language"} <= {part.strip() for part in answer.headers["vary"].split(",")}


def test_the_security_policy_lets_nothing_in_from_elsewhere_and_runs_no_script() -> None:
    policy = COMMON_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "address", ["/", "/queries", "/doc/place/colombia.ttl", "/sparql?query=ASK%20%7B%7D", "/nowhere", "/static/style.css"]
)
def test_head_is_get_without_the_body(client: httpx.Client, address: str) -> None:
    head, get = client.head(address), client.get(address)
    assert (head.status_code, head.content) == (get.status_code, b"")
    for name in ("content-type", "content-length"):
        assert head.headers[name] == get.headers[name]
    assert head.headers.get("etag") == get.headers.get("etag")


def test_scripts_of_other_sites_may_read(client: httpx.Client) -> None:
    origin = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = client.options("/sparql", headers=origin)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Content-Type" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers
