"""Versions over HTTP with a token that may administer: to return to one, to delete one; and any two compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import httpx
import pytest

from dpa_kg import access
from dpa_kg.graph import kept
from dpa_kg.graph.metadata import write_json
from dpa_kg.graph.versions import Versions
from tests.serving import serving
from tests.tiny import QUADS, make_version

NAMES = ("Media Lab", "Lab of Media", "Laboratory", "Lab")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Four versions in which the lab has different names; the third one has not been validated."""
    for name in NAMES:
        make_version(tmp_path, QUADS.replace('"Media Lab"@en', f'"{name}"@en'))
    versions = Versions(tmp_path)
    third = versions.get(3)
    write_json(third.path / "version.json", asdict(replace(third.metadata, validated=False)))
    return tmp_path


@pytest.fixture
def client(home: Path) -> Iterator[httpx.Client]:
    """A client with a token that may administer."""
    token = access.Tokens(home).create("ana", ("admin",))
    with serving(home, query_workers=1, question_workers=1) as url, httpx.Client(base_url=url, timeout=60) as session:
        session.headers["Authorization"] = f"Bearer {token}"
        yield session


def name_of_the_lab(client: httpx.Client, **parameters: int) -> str:
    return str(client.get("/search", params={"q": "lab", "format": "json", **parameters}).json()["hits"][0]["label"])


def test_an_older_version_is_made_the_current_one(client: httpx.Client, home: Path) -> None:
    tag = client.get("/search?q=lab").headers["etag"]
    answer = client.post("/versions/2/rollback")
    assert (answer.status_code, answer.json()) == (200, {"current": 2})
    assert name_of_the_lab(client) == NAMES[1]
    assert client.get("/search?q=lab", headers={"If-None-Match": tag}).status_code == 200
    assert client.get("/versions").json()["current"] == 2
    assert '"who": "ana"' in (home / "held.json").read_text()
    assert client.post("/versions/2/rollback").status_code == 200  # it is already


def test_a_version_is_deleted_though_a_worker_has_just_read_it(client: httpx.Client) -> None:
    assert name_of_the_lab(client, version=1) == NAMES[0]
    assert client.delete("/versions/1").status_code == 204
    assert client.get("/search?q=lab&version=1").status_code == 404
    assert [one["number"] for one in client.get("/versions").json()["versions"]] == [4, 3, 2]


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("DELETE", "/versions/4", 409),  # the current one
        ("POST", "/versions/3/rollback", 409),  # not validated
        ("DELETE", "/versions/9", 404),
        ("POST", "/versions/9/rollback", 404),
        ("DELETE", "/versions/x", 404),
        ("POST", "/versions/x/rollback", 404),
        ("GET", "/versions/1/rollback", 405),
        ("POST", "/versions/1", 405),
    ],
)
def test_what_cannot_be_done_is_a_problem_and_changes_nothing(client: httpx.Client, method: str, address: str, status: int) -> None:
    answer = client.request(method, address)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert client.get("/versions").json()["current"] == 4
    assert len(client.get("/versions").json()["versions"]) == 4


def test_a_version_that_somebody_reads_is_not_deleted(client: httpx.Client, home: Path) -> None:
    with Versions(home).reading(1):
        answer = client.delete("/versions/1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert client.delete("/versions/1").status_code == 204


@pytest.mark.parametrize(("method", "address"), [("POST", "/versions/1/rollback"), ("DELETE", "/versions/1")])
def test_only_a_token_that_may_administer_changes_versions(client: httpx.Client, home: Path, method: str, address: str) -> None:
    writing = access.Tokens(home).create("ben")
    for header, status in (("", 401), ("Bearer wrong", 401), (f"Bearer {writing}", 403)):
        assert client.request(method, address, headers={"Authorization": header}).status_code == status
    assert client.get("/versions").json()["current"] == 4
    assert client.get("/versions/1").status_code == 200


def test_the_methods_of_a_version_are_told(client: httpx.Client) -> None:
    assert client.options("/versions/1").headers["allow"] == "GET, HEAD, DELETE, OPTIONS"
    assert client.options("/versions/1/rollback").headers["allow"] == "POST, OPTIONS"
    assert client.put("/versions/1").headers["allow"] == "GET, HEAD, DELETE, OPTIONS"


# ---- any two versions


def test_any_two_versions_are_compared(client: httpx.Client) -> None:
    for new, old in ((3, 1), (1, 3), (2, 4)):
        answer = client.get(f"/versions/{new}/diff", params={"from": old})
        lines = answer.text.splitlines()
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert [(line[0], name) for line in lines for name in NAMES if f'"{name}"@en' in line] == [
            ("-", NAMES[old - 1]),
            ("+", NAMES[new - 1]),
        ]
        assert len(lines) == 2
        assert client.get(f"/versions/{new}/diff?from={old}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert client.get("/versions/2/diff?from=2").text == ""
    assert client.get("/versions/1/diff").text.count("\n") > 20  # nothing before it


@pytest.mark.parametrize("start", ["9", "x", "-1"])
def test_a_version_that_is_not_there_cannot_be_compared_with(client: httpx.Client, start: str) -> None:
    assert client.get("/versions/2/diff", params={"from": start}).status_code == 404


def test_the_oldest_comparisons_go(tmp_path: Path) -> None:
    made = []
    for number in range(20):
        path = kept.folder(tmp_path, number) / kept.comparison("1")
        with kept.making(path) as output:
            output.write(b"x")
        kept.bound(tmp_path, path)
        made.append(path)
    left = [path for path in made if path.is_file()]
    assert len(left) == 16
    assert made[-1] in left
