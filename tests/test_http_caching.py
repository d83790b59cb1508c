"""Entity tags: one per version, question, format and language, and none where the answer changes by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from dpa_kg.http.app import create_app
from dpa_kg.http.caching import Memory, is_repeatable
from dpa_kg.query.answers import Answer, Column
from dpa_kg.settings import Settings
from tests.serving import serving
from tests.tiny import QUADS, make_version

ADDRESSES = [
    "/",
    "/queries",
    "/queries/projects-by-funder-and-country?funder=IDB",
    "/doc/organization/idb",
    "/doc/organization/idb.jsonld",
    "/search?q=data",
    "/ontology",
    "/shapes",
    "/context.jsonld",
    "/docs",
    "/static/style.css",
    "/sparql?query=ASK%20%7B%7D",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_a_client_has_is_not_sent_again(client: httpx.Client, address: str) -> None:
    first = client.get(address)
    tag = first.headers["etag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(address, headers={"If-None-Match": f'"other", {tag.removeprefix("W/")}'}).status_code == 304
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_each_question_format_and_language_has_its_own_tag(client: httpx.Client) -> None:
    base = "/queries/projects-by-funder-and-country"
    variants = [
        client.get(base),
        client.get(base, params={"funder": "IDB"}),
        client.get(base, params={"funder": "AFD"}),
        client.get(base, params={"lang": "es"}),
        client.get(base, params={"limit": 1}),
        client.get(base, params={"offset": 1}),
        client.get(base, headers={"Accept": "text/csv"}),
        client.get(base, headers={"Accept": "text/html"}),
        client.get(base, headers={"Accept-Language": "pt"}),
        client.get("/queries"),
    ]
    assert len({answer.headers["etag"] for answer in variants}) == len(variants)


@pytest.mark.parametrize("call", ["NOW()", "RAND()", "UUID()", "STRUUID()", "BNODE()", "n\\u006fw()"])
def test_an_answer_that_changes_by_itself_has_no_tag_and_is_not_kept(client: httpx.Client, call: str) -> None:
    answer = client.get("/sparql", params={"query": f"SELECT ({call} AS ?x) {{}}"})
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def test_the_names_of_such_functions_in_strings_iris_and_variables_do_not_matter() -> None:
    assert is_repeatable('SELECT ?now ("NOW()" AS ?x) { ?s <http://e.org/RAND> ?uuid } # RAND()')
    assert not is_repeatable("SELECT (now() AS ?x) {}")


def test_posts_have_no_tag(client: httpx.Client) -> None:
    assert "etag" not in client.post("/sparql", data={"query": "ASK {}"}).headers


def test_a_new_version_has_new_tags_and_the_old_one_can_still_be_asked(tmp_path: Path) -> None:
    make_version(tmp_path)
    with serving(tmp_path, query_workers=1, question_workers=1) as url, httpx.Client(base_url=url, timeout=30) as client:
        before = client.get("/doc/organization/bank.nt")
        make_version(tmp_path, QUADS.replace('"Media Lab"', '"Renamed Lab"').replace('"IDB"', '"NEW"'))
        after = client.get("/doc/organization/bank.nt")
        assert '"NEW"' in after.text
        assert before.headers["etag"] != after.headers["etag"]
        assert client.get("/doc/organization/bank.nt?version=1").text == before.text
        assert client.get("/sparql", params={"query": "ASK { ?s ?p 'IDB' }", "version": "1"}).json()["boolean"] is True
        assert client.get("/sparql", params={"query": "ASK { ?s ?p 'IDB' }"}).json()["boolean"] is False


class CountingPool:
    """Stands for the workers: gives one answer, and counts how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    async def call(self, method: str, **arguments: Any) -> Answer:
        self.calls += 1
        columns = (Column("project", "Project", "entity"),)
        rows = ({"project": {"type": "uri", "value": f"https://e.org/{self.calls}"}},)
        return Answer("q", "T", "D", "s", arguments["language"], 1, {}, columns, rows, 1, 0, 100, evidence=([],))


def test_an_answer_that_was_given_before_is_given_again_without_a_worker(tmp_path: Path) -> None:
    make_version(tmp_path)
    app, pool = create_app(Settings(home=tmp_path)), CountingPool()
    app.state.questions = pool

    async def run() -> list[str]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as session:
            addresses = ("?limit=7", "?limit=7", "?limit=8", "?limit=7&format=csv", "?limit=7&lang=es", "?limit=7")
            return [(await session.get(f"/queries/projects-by-funder-and-country{address}")).text for address in addresses]

    first, again, *others, last = asyncio.run(run())
    assert first == again == last
    assert len({first, *others}) == 4
    assert pool.calls == 4


def test_a_service_without_a_version_says_so(tmp_path: Path) -> None:
    with serving(tmp_path, query_workers=1, question_workers=1) as url, httpx.Client(base_url=url, timeout=30) as client:
        for address in ("/health", "/", "/queries", "/sparql?query=ASK%20%7B%7D"):
            answer = client.get(address)
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert "build" in answer.json()["hint"]


def test_memory_keeps_what_was_used_last() -> None:
    memory: Memory[int] = Memory(2)
    memory.keep("a", 1)
    memory.keep("b", 2)
    assert memory.get("a") == 1
    memory.keep("c", 3)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (1, None, 3)
