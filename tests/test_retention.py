"""Old versions go by number and age; the current one, and those that somebody reads, stay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from dpa_kg import publish
from dpa_kg.graph import kept, retention
from dpa_kg.graph.versions import Versions
from dpa_kg.query.update import Update
from dpa_kg.settings import Settings
from tests.serving import serving
from tests.test_cli import run
from tests.test_versions import metadata

LIMIT = 60.0


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    """Six versions, made six, five … one day ago."""
    made = Versions(tmp_path)
    for age in range(6, 0, -1):
        with made.writing(), made.candidate() as candidate:
            created = (datetime.now(UTC) - timedelta(days=age)).isoformat(timespec="seconds")
            made.publish(candidate, replace(metadata(candidate), created=created))
    return made


@pytest.mark.parametrize(
    ("keep", "days", "left"),
    [
        (3, 0, [4, 5, 6]),
        (1, 0, [6]),
        (1, 2.5, [5, 6]),
        (4, 2.5, [3, 4, 5, 6]),
        (20, 0, [1, 2, 3, 4, 5, 6]),
        (1, 30, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_a_version_goes_when_it_is_both_beyond_the_newest_and_too_old(versions: Versions, keep: int, days: float, left: list[int]) -> None:
    gone = [version.number for version in retention.expired(versions, keep, days)]
    with versions.writing():
        assert retention.prune(versions, keep, days) == retention.Pruned(tuple(gone))
    assert versions.numbers() == left
    assert sorted({*gone, *left}) == [1, 2, 3, 4, 5, 6]


def test_the_version_that_a_rollback_returned_to_stays(versions: Versions) -> None:
    versions.rollback(2, instead_of="x")
    with versions.writing():
        retention.prune(versions, 1, 0)
    assert versions.numbers() == [2, 6]
    current = versions.current()
    assert current is not None
    assert current.number == 2


def test_a_version_that_is_read_is_passed_over_and_goes_the_next_time(versions: Versions) -> None:
    with versions.reading(2), versions.writing():
        assert retention.prune(versions, 3, 0) == retention.Pruned((1, 3), (2,))
    with versions.writing():
        assert retention.prune(versions, 3, 0) == retention.Pruned((2,))


def test_what_was_made_of_a_version_goes_with_it(versions: Versions) -> None:
    for number, generation in ((1, 0), (1, 1), (6, 0)):
        with kept.making(kept.folder(versions.home, number, generation) / kept.DIFFERENCE) as output:
            output.write(b"x")
    with versions.writing():
        retention.prune(versions, 3, 0)
    assert [path.name for path in (versions.home / "dumps").iterdir()] == ["000006"]


def test_a_number_is_not_given_again(versions: Versions) -> None:
    with versions.writing():
        retention.prune(versions, 1, 0)
    versions.rollback(6, instead_of="x")
    with versions.writing(), versions.candidate() as candidate:
        assert candidate.number == 7


def test_the_command_says_what_would_go_and_what_went(versions: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DPA_KG_HOME", str(versions.home))
    assert run("versions", "prune").stdout == "Deleted: none.\n"
    assert run("versions", "prune", "--keep", 4, "--days", 0, "--dry-run").stdout == "Would be deleted: 1, 2.\n"
    assert len(versions.numbers()) == 6
    with versions.reading(2):
        text = run("versions", "prune", "--keep", 4, "--days", 0).stdout
    assert text == "Deleted: 1.\nBeing read, to be deleted later: 2.\n"
    assert versions.numbers() == [2, 3, 4, 5, 6]


# ---- with a service


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[tuple[Settings, httpx.Client]]:
    """A plain data set, of which one version is kept, and a client of a service over it."""
    settings = Settings(home=tmp_path, default_graph="own", keep_versions=1, keep_days=0)
    publish.build(settings)
    with (
        serving(tmp_path, default_graph="own", query_workers=1, question_workers=1) as url,
        httpx.Client(base_url=url, timeout=LIMIT) as client,
    ):
        yield settings, client


def insert(settings: Settings, value: int) -> None:
    publish.change(settings, Update(f"INSERT DATA {{ <urn:a> <urn:p> {value} }}"), "tests")


def value(client: httpx.Client, **parameters: int) -> httpx.Response:
    query = "SELECT (COUNT(*) AS ?n) { <urn:a> <urn:p> ?o }"
    return client.get("/sparql", params={"query": query, **parameters}, headers={"Accept": "text/csv"})


def test_a_write_removes_old_versions_once_idle_workers_have_let_go_of_them(plain: tuple[Settings, httpx.Client]) -> None:
    settings, client = plain
    versions = Versions(settings.home)
    assert value(client).text.split() == ["n", "0"]
    insert(settings, 1)
    assert versions.numbers() == [1, 2]  # a worker has just read version 1
    until = time.monotonic() + LIMIT
    number = 2
    while 1 in versions.numbers() and time.monotonic() < until:
        time.sleep(0.5)
        insert(settings, number)
        number += 1
    assert versions.numbers() == [number]
    assert value(client).text.split() == ["n", str(number - 1)]
    assert value(client, version=1).status_code == 404
