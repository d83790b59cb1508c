"""One client cannot take everything; behind a reverse proxy each client is its own; what is told is told under the right address."""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dpa_kg.errors import TextTooLong
from dpa_kg.http.clients import Clients, client_of
from dpa_kg.http.errors import TooManyQueries, printable
from dpa_kg.http.limits import _Parts
from dpa_kg.settings import Settings
from tests.serving import serving
from tests.test_negotiation import BROWSER

RUNAWAY = {"query": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"}
ASK = {"query": "ASK {}"}


def request_from(host: str) -> Request:
    return Request({"type": "http", "client": (host, 1), "headers": [], "method": "GET", "path": "/"})


# ---- who asks


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("a name", "a name", True),
    ],
)
def test_a_client_is_its_address_or_its_network(one: str, other: str, same: bool) -> None:
    assert (client_of(request_from(one)) == client_of(request_from(other))) is same


@given(st.text(max_size=300))
def test_whatever_a_proxy_says_a_client_is_a_short_text(host: str) -> None:
    assert len(client_of(request_from(host))) <= 64


def test_a_client_has_as_many_queries_as_it_may_and_is_forgotten_after(tmp_path: Path) -> None:
    clients = Clients(2, (tmp_path / "places").open("w+b"))
    with clients.admit("a"), clients.admit("a"), clients.admit("b"):
        with pytest.raises(TooManyQueries), clients.admit("a"):
            pass
        assert len(clients) == 2
    with pytest.raises(ZeroDivisionError), clients.admit("a"):
        raise ZeroDivisionError
    assert len(clients) == 0


def test_parts_are_counted_however_the_body_is_cut() -> None:
    body = b"--x\r\n\r\na\r\n" * 3 + b"--x--"
    for size in range(1, len(body)):
        for most, refused in ((3, False), (2, True)):
            parts = _Parts(b"--x", most)
            try:
                for start in range(0, len(body), size):
                    parts.see(body[start : start + size])
                assert not refused
            except TextTooLong:
                assert refused


@given(st.text(max_size=1000))
def test_what_a_caller_wrote_is_one_short_line_of_the_log(text: str) -> None:
    line = printable(text)
    assert line.isprintable()
    assert len(line) <= 300 * len("\\U0010ffff")


def test_a_forged_line_in_an_address_stays_in_its_line_of_the_log(impatient: str, caplog: pytest.LogCaptureFixture) -> None:
    with httpx.Client(base_url=impatient, timeout=60) as client:
        assert client.get("/doc/place/colombia%0aroot logged in.ttl").status_code == 404
        assert client.get("/sparql", params=RUNAWAY, headers={"X-Forwarded-For": "203.0.113.9\x1b[31m"}).status_code == 400
        assert client.get("/sparql", params=RUNAWAY, headers={b"X-Forwarded-For": b"203.0.113.9\x9b31m"}).status_code == 504
    assert "GET /sparql" in caplog.text
    assert not {"\x1b", "\x9b"} & set(caplog.text)
    assert not any(line.startswith("root logged in") for line in caplog.text.splitlines())


# ---- runaways in flight


@pytest.fixture(scope="module")
def impatient(built_home: Path) -> Iterator[str]:
    with serving(built_home, query_timeout=1.0, query_workers=1, question_workers=1) as url:
        yield url


@contextmanager
def runaways(url: str, count: int, headers: str = "", source: str = "127.0.0.1") -> Iterator[list[socket.socket]]:
    """`count` queries without end, each on its own connection; at the end their client hangs up."""
    address = urlsplit(url)
    with ExitStack() as stack:
        open_ones = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection((address.hostname, address.port), source_address=(source, 0)))
            one.sendall(f"GET /sparql?{urlencode(RUNAWAY)} HTTP/1.1\r\nHost: {address.netloc}\r\n{headers}\r\n".encode())
            open_ones.append(one)
        yield open_ones


def answered(connections: list[socket.socket]) -> list[socket.socket]:
    """Those to which something has come back."""
    return select.select(connections, [], [], 0)[0]


def until(client: httpx.Client, status: int, headers: dict[str, str] | None = None) -> httpx.Response:
    """Asks until an answer has this status. With 429 or 503, as many as are allowed are in flight from then on."""
    for _ in range(200):
        try:
            answer = client.get("/sparql", params=ASK, headers=headers, timeout=0.5)
        except httpx.TimeoutException:
            continue
        if answer.status_code == status:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"no query was answered with {status}")


def test_named_queries_pages_and_search_are_answered_while_eight_runaways_are_in_flight(built_home: Path) -> None:
    """No runaway has ended when the last of them is answered: no clock is needed to see it."""
    with (
        serving(built_home, query_timeout=120.0, query_workers=2, client_queries=8) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        with runaways(url, 8) as connections:
            refused = until(client, 429)
            assert refused.json()["type"].endswith("/too-many-queries")
            assert refused.headers["retry-after"] == "2"
            for address in (
                "/queries/projects-by-funder-and-country?funder=IDB&format=json",
                "/queries/projects-by-funder-and-country?funder=AFD&format=csv",
                "/doc/place/colombia.ttl",
                "/search?q=bank",
                "/health",
            ):
                assert client.get(address).status_code == 200, address
            assert client.get("/queries", headers={"Accept": BROWSER}).status_code == 200
            assert answered(connections) == []
        assert until(client, 200).json()["boolean"] is True  # the hang-ups have freed what they had


def test_a_full_queue_is_a_503_that_says_when_to_come_back(built_home: Path) -> None:
    settings = {"query_timeout": 120.0, "query_workers": 1, "query_queue": 1, "client_queries": 100}
    with serving(built_home, **settings) as url, httpx.Client(base_url=url, timeout=60) as client, runaways(url, 2):
        assert until(client, 503).headers["retry-after"].isdecimal()


def test_another_client_is_not_refused_for_what_one_has_in_flight(built_home: Path) -> None:
    with serving(built_home, query_timeout=120.0, query_workers=2, client_queries=1) as url, runaways(url, 1):
        with httpx.Client(base_url=url, timeout=60) as same:
            assert until(same, 429)
        with httpx.Client(base_url=url, timeout=60, transport=httpx.HTTPTransport(local_address="127.0.0.2")) as other:
            assert other.get("/sparql", params=ASK).json()["boolean"] is True


# ---- behind a reverse proxy


def test_behind_a_trusted_proxy_a_client_is_the_last_address_that_is_no_proxy(built_home: Path) -> None:
    one, forged, other = ("198.51.100.1", "192.0.2.7, 198.51.100.1, 127.0.0.1", "198.51.100.2")
    settings = {"query_timeout": 120.0, "query_workers": 2, "client_queries": 1}
    header = f"X-Forwarded-For: {one}\r\n"
    with serving(built_home, **settings) as url, runaways(url, 1, header), httpx.Client(base_url=url, timeout=60) as client:
        assert until(client, 429, {"X-Forwarded-For": forged})
        assert client.get("/sparql", params=ASK, headers={"X-Forwarded-For": other}).json()["boolean"] is True


def test_without_a_trusted_proxy_nobody_becomes_another_by_a_header(built_home: Path) -> None:
    settings = {"query_timeout": 120.0, "query_workers": 2, "client_queries": 1, "trusted_proxies": ""}
    with serving(built_home, **settings) as url, httpx.Client(base_url=url, timeout=60) as client:
        with runaways(url, 1, "X-Forwarded-For: 198.51.100.1\r\n"):
            assert until(client, 429, {"X-Forwarded-For": "198.51.100.2"})
        page = client.get("/doc/place/colombia", headers={"Accept": BROWSER, "X-Forwarded-Proto": "https"})
        assert 'rel="canonical" href="https' not in page.text


def test_a_trusted_proxy_says_which_scheme_readers_use(client: httpx.Client) -> None:
    page = client.get("/doc/place/colombia", headers={"Accept": BROWSER, "X-Forwarded-Proto": "https"})
    assert 'rel="canonical" href="https://' in page.text


@pytest.fixture(scope="module")
def below(built_home: Path) -> Iterator[httpx.Client]:
    """A client of a service that a proxy shows under /kg."""
    with serving(built_home, root_path="/kg", query_workers=1, question_workers=1) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


PAGES = [
    "/",
    "/queries",
    "/queries/projects-by-funder-and-country?funder=IDB",
    "/doc/place/colombia",
    "/search?q=bank",
    "/sparql",
    "/docs",
    "/nowhere",
]


@pytest.mark.parametrize("page", PAGES)
def test_under_a_root_path_every_link_of_a_page_leads_below_it(below: httpx.Client, page: str) -> None:
    html = below.get(page, headers={"Accept": BROWSER}).text
    links = re.findall(r'\s(?:href|action|src)="([^"]*)"', html)
    assert len(links) > 5
    for link in links:
        assert link.startswith(("/kg/", "http", "#", "data:image/svg+xml,")), link
        if link.startswith(str(below.base_url)):
            assert link.startswith(f"{str(below.base_url).rstrip('/')}/kg/"), link


def test_a_root_path_may_be_cut_off_by_the_proxy_or_not(below: httpx.Client) -> None:
    for prefix in ("", "/kg"):
        assert below.get(f"{prefix}/sparql", params=ASK).json()["boolean"] is True
        found = below.get(f"{prefix}/id/place/colombia")
        assert found.headers["location"] == "/kg/doc/place/colombia"
        assert "/kg/doc/place/colombia>" in below.get(f"{prefix}/doc/place/colombia.ttl").headers["link"]
    assert below.get("/kgx/sparql", params=ASK).status_code == 404
    assert below.get("/kg").status_code == 200


def test_a_root_path_that_is_none_is_refused() -> None:
    for wrong in ("kg", "/kg/", "//evil.example", "/a b", "/<x>"):
        with pytest.raises(ValidationError):
            Settings(root_path=wrong)


# ---- what comes before a request is one


def test_connections_past_the_limit_are_told_so(built_home: Path) -> None:
    with serving(built_home, connections=2, query_workers=1, question_workers=1) as url, ExitStack() as stack:
        address = urlsplit(url)
        for _ in range(2):
            one = stack.enter_context(socket.create_connection((address.hostname, address.port)))
            one.sendall(f"GET /robots.txt HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
            assert one.recv(9) == b"HTTP/1.1 "
        with httpx.Client(base_url=url, timeout=60) as client:
            refused = client.get("/robots.txt")
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        assert refused.headers["retry-after"].isdecimal()


def test_a_refused_body_that_goes_on_is_not_read_to_its_end(impatient: str) -> None:
    """The client gets its answer, and then the connection ends although the client has more to send."""
    address = urlsplit(impatient)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(f"POST /sparql HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 99999999999\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 413"
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                connection.sendall(b"x" * 1000)
                time.sleep(0.01)


def test_crawlers_are_kept_from_what_costs_and_from_older_versions(client: httpx.Client) -> None:
    rules = client.get("/robots.txt").text.splitlines()
    assert {"Disallow: /sparql", "Disallow: /search", "Disallow: /queries/*?"} <= set(rules)
    assert any(rule.startswith("Disallow:") and "version=" in rule for rule in rules)


def raw(url: str, *pieces: bytes) -> bytes:
    """What comes back for bytes that are sent one piece after the other, until the connection is closed."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        for piece in pieces:
            connection.sendall(piece)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


HEAD = b"GET /robots.txt HTTP/1.1\r\nHost: a\r\n"


def test_headers_without_end_are_refused_before_they_fill_the_memory(impatient: str) -> None:
    assert raw(impatient, HEAD + b"X: " + b"x" * 200_000).startswith(b"HTTP/1.1 431 ")


def test_fields_behind_a_body_change_nothing(impatient: str) -> None:
    body = b"Content-Type: application/sparql-query\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nASK {}\r\n0\r\n"
    head = b"POST /sparql HTTP/1.1\r\nHost: a\r\n"
    assert b'"boolean":true' in raw(impatient, head + body + b"Accept: text/html\r\n\r\n" + HEAD + b"Connection: close\r\n\r\n")


def test_two_requests_at_once_are_answered_in_order(impatient: str) -> None:
    first = HEAD.replace(b"/robots.txt", b"/sparql?query=ASK%7B%7D") + b"\r\n"
    received = raw(impatient, first + HEAD + b"Connection: close\r\n\r\n")
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert received.index(b'"boolean"') < received.index(b"Disallow")


def test_a_head_that_begins_behind_another_request_and_never_ends_does_not_keep_the_connection(impatient: str) -> None:
    assert raw(impatient, HEAD + b"\r\n" + HEAD).count(b"HTTP/1.1 200 OK") == 1


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /robots.txt HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /robots.txt HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET /robots.txt HTTP/1.0\r\n\r\n", b"200"),
        (b"GET http://a/robots.txt HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n", b"200"),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"204"),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
        (b"GET /robots.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"GET /robots.txt HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET /robots.txt HTTP/1.1\r\nHost : a\r\n\r\n", b"400"),
        (b"GET /robots.txt HTTP/1.1\nHost: a\n\n", b"400"),
    ],
)
def test_each_head_has_the_status_that_http_gives_it(impatient: str, request_head: bytes, status: bytes) -> None:
    assert raw(impatient, request_head).split()[1] == status


def test_a_client_that_hangs_up_behind_a_second_request_ends_the_first_one(built_home: Path) -> None:
    with (
        serving(built_home, query_timeout=300.0, query_workers=1, question_workers=1) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port)) as connection:
            endless = f"GET /sparql?{urlencode(RUNAWAY)} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
            connection.sendall(endless + endless)
            busy = 'dpa_kg_workers{pool="adhoc",state="busy"} 1'
            for _ in range(600):
                if busy in client.get("/metrics").text:
                    break
                time.sleep(0.05)
            else:
                raise AssertionError("the first query did not start")
        assert client.get("/sparql", params=ASK).json()["boolean"] is True
