"""Hostile requests over real sockets to a real server: each gets what it must, and after each the service still answers."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from dpa_kg.http.middleware import COMMON_HEADERS
from tests.hostile.corpus import CLOSED, Hostile, corpus
from tests.serving import serving

CORPUS = list(corpus())
LIMITS = {
    "query_timeout": 2.0, "query_memory": 256, "result_bytes": 4 << 20, "query_workers": 1, "question_workers": 1,
    "header_timeout": 1.0, "body_timeout": 1.0, "request_bytes": 1 << 20,
    "write_token": "s3cret", "write_timeout": 4.0, "write_memory": 2048,
}  # fmt: skip
PATIENCE = 60.0  # seconds until a test that waits for an answer fails
pytestmark = pytest.mark.xdist_group("hostile")


@dataclass(frozen=True)
class Received:
    """What came back; `status` is `closed` where nothing did."""

    status: int | str
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        head = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{head}\n\n{self.body.decode('utf-8', 'replace')}"


@pytest.fixture(scope="module")
def target(built_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with small limits, over a home that may be written."""
    home = tmp_path_factory.mktemp("hostile") / "home"
    shutil.copytree(built_home, home, symlinks=True, ignore=shutil.ignore_patterns("spool"))
    with serving(home, **LIMITS) as url:
        yield url


@pytest.fixture(scope="module")
def witness(target: str) -> Iterator[httpx.Client]:
    """Another client of the same service, who means well."""
    with httpx.Client(base_url=target, timeout=PATIENCE) as session:
        yield session


@pytest.fixture(scope="module")
def canary() -> Iterator[socket.socket]:
    """A server that nobody may ask."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def send(target: str, hostile: Hostile, canary: socket.socket) -> Received:
    """Sends the bytes as they are. A server that does not want to read all of them may answer before it has them."""
    address = urlsplit(target)
    named = {"host": address.netloc, "canary": f"127.0.0.1:{canary.getsockname()[1]}", "token": str(LIMITS["write_token"])}
    pieces = hostile.pieces(named)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                connection.sendall(piece)
        response = HTTPResponse(connection, method="HEAD" if pieces[0].startswith(b"HEAD ") else None)
        try:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Received(response.status, headers, response.read())
        except (HTTPException, ConnectionResetError):
            return Received(CLOSED, {}, b"")


def test_the_corpus_has_at_least_two_hundred_requests_of_different_names() -> None:
    assert len(CORPUS) >= 200
    assert len({hostile.name for hostile in CORPUS}) == len(CORPUS)
    assert len({tuple(hostile.pieces({})) for hostile in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("hostile", CORPUS, ids=lambda hostile: hostile.name)
def test_a_hostile_request_gets_what_it_must_and_the_service_still_answers(
    target: str, witness: httpx.Client, canary: socket.socket, hostile: Hostile
) -> None:
    received = send(target, hostile, canary)
    assert received.status in hostile.status, received.text[:2000]
    for expected in hostile.says:
        assert expected in received.text
    for unwanted in ("Traceback", *hostile.hides):
        assert unwanted not in received.text
    if received.status != CLOSED:
        check_headers(received)
        check_shape(received)
    with pytest.raises(BlockingIOError):
        canary.accept()
    assert witness.get("/sparql", params={"query": "ASK {}"}).json() == {"head": {}, "boolean": True}


def check_headers(received: Received) -> None:
    """Every answer carries what protects its reader, and no header that a caller has made."""
    for name, value in COMMON_HEADERS.items():
        assert received.headers.get(name.lower()) == value, name
    assert not any("injected" in name for name in received.headers)
    if received.status in {429, 503}:
        assert received.headers["retry-after"].isdecimal()


def check_shape(received: Received) -> None:
    """An error is a problem document or a page; a page has no element that a caller has written."""
    kind = received.headers.get("content-type", "")
    if kind.startswith("text/html"):
        page = received.body.decode()
        assert "<xss" not in page.lower()
        assert not re.search(r"""(?:href|src|action)=["']?\s*(?:javascript|data:text|vbscript)""", page, re.IGNORECASE)
        assert not re.search(r"<[^>]*\son\w+\s*=", re.sub(r"""=("[^"]*"|'[^']*')""", "", page), re.IGNORECASE)
        assert "<script" not in re.sub(r'<script type="application/ld\+json">', "", page)
    elif isinstance(received.status, int) and received.status >= 400:
        assert kind == "application/problem+json"
        if received.body:  # HEAD has none
            assert json.loads(received.body)["status"] == received.status
