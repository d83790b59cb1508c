"""Pushing a version to an engine: all of it or nothing that is served, and nothing of an earlier one is left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dpa_kg.errors import EngineFailed, EngineUnavailable, InputError, NotFound
from dpa_kg.graph.endpoint import Endpoint
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.push import push
from dpa_kg.graph.pushed import MERGE_GRAPH, PUSHED_GRAPH, Pushed, PushedVersions
from dpa_kg.graph.results import rows
from dpa_kg.query.engine import Engine
from tests.engines import Running, oxigraph
from tests.faults import faulty, status
from tests.tiny import make_version

GRAPHS = "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }"
SMALL = 'graph:report/L9 { <urn:a> <urn:b> "c" , [ <urn:d> 1 ] . }'


@pytest.fixture
def engine() -> Iterator[Running]:
    with oxigraph() as running:
        yield running


def graphs(endpoint: Endpoint) -> set[str]:
    return {row["g"].value.rpartition("/graph/")[2] for row in rows(endpoint, GRAPHS)}


def pushed(version: Version, endpoint: Endpoint) -> tuple[Pushed, int]:
    sent: list[int] = []
    return push(version, endpoint, sent.append), sum(sent)


def test_a_version_is_there_graph_by_graph_with_its_merge_and_its_mark(engine: Running, tmp_path: Path) -> None:
    version, endpoint = make_version(tmp_path), engine.endpoint()
    done, sent = pushed(version, endpoint)
    assert graphs(endpoint) == {"report/L1", "report/L2", "reference/places", "derived", "provenance", "merge", "pushed"}
    assert (done.version, done.triples, done.is_complete) == (1, version.metadata.triples, True)
    assert sent > done.triples
    assert Pushed.read(endpoint) == done


def test_it_is_the_same_over_updates_where_there_is_no_graph_store(engine: Running, tmp_path: Path) -> None:
    version, endpoint = make_version(tmp_path, SMALL), engine.endpoint()
    everything = "SELECT ?g ?s ?p ?o { GRAPH ?g { ?s ?p ?o FILTER(?g != <https://w3id.org/dpa-kg/graph/pushed>) } } ORDER BY ?g ?s ?p ?o"
    pushed(version, endpoint)
    by_graph_store = [str(row) for row in rows(endpoint, everything)]
    endpoint.update("DROP ALL")
    pushed(version, Endpoint(replace(engine.access, graphs=None), 60))
    assert [str(row) for row in rows(endpoint, everything)] == by_graph_store
    assert any("genid" in row for row in by_graph_store)


def test_graphs_that_the_next_version_does_not_have_are_removed(engine: Running, tmp_path: Path) -> None:
    endpoint = engine.endpoint()
    pushed(make_version(tmp_path), endpoint)
    done, _ = pushed(make_version(tmp_path, SMALL), endpoint)
    assert graphs(endpoint) == {"report/L9", "merge", "pushed"}
    assert (done.version, done.graphs) == (2, ("https://w3id.org/dpa-kg/graph/report/L9",))


@pytest.mark.parametrize("write", range(1, 9))
def test_a_push_that_breaks_off_serves_nothing_until_it_is_done_again(engine: Running, tmp_path: Path, write: int) -> None:
    """Whichever of its eight writes fails: the mark, five graphs, the merge, the mark."""
    version = make_version(tmp_path)
    with faulty(engine.access.query.removesuffix("/query")) as server:
        broken = Endpoint(replace(engine.access, query=f"{server.url}/query", graphs=f"{server.url}/store"), 60)
        server.fault = status(500)
        writes: list[str] = []
        server.spoils = lambda method, text: method == "PUT" and (writes.append(method) or len(writes) == write)  # type: ignore[func-returns-value]
        with pytest.raises(EngineFailed):
            pushed(version, broken)
        server.fault = None
        found = PushedVersions(tmp_path, broken)
        found.refresh()
        assert found.current() is None
        with pytest.raises(EngineUnavailable, match="has been pushed" if write == 1 else "broken off"):
            found.served()
        with pytest.raises(EngineUnavailable):
            Engine(broken).store(version)
        pushed(version, broken)
        found.refresh()
        assert found.served() == version
    assert len(graphs(engine.endpoint())) == 7


def test_a_second_push_takes_the_first_ones_place_and_the_first_one_says_so(engine: Running, tmp_path: Path) -> None:
    version, endpoint, second = make_version(tmp_path), engine.endpoint(), engine.endpoint()
    began: list[bool] = []

    def meanwhile(_: int) -> None:
        if not began:
            began.append(True)
            push(version, second, lambda _: None)

    with pytest.raises(EngineFailed, match="Another push"):
        push(version, endpoint, meanwhile)
    mark = Pushed.read(endpoint)
    assert mark is not None
    assert mark.is_complete


def test_an_answer_during_a_push_is_thrown_away(engine: Running, tmp_path: Path) -> None:
    version, endpoint = make_version(tmp_path), engine.endpoint()
    pushed(version, endpoint)
    asked = Engine(engine.endpoint())
    store = asked.store(version)
    with asked.answering():
        assert bool(store.query("ASK { ?s ?p ?o }"))
    with pytest.raises(EngineUnavailable, match="loaded anew"), asked.answering():
        store.query("ASK { ?s ?p ?o }")
        pushed(version, endpoint)
    assert not asked.is_current


def test_another_version_than_the_one_on_the_engine_cannot_be_asked(engine: Running, tmp_path: Path) -> None:
    first, endpoint = make_version(tmp_path), engine.endpoint()
    make_version(tmp_path, SMALL)
    pushed(first, endpoint)
    found = PushedVersions(tmp_path, endpoint)
    found.refresh()
    assert found.current() == first
    assert found.served(1) == first
    with pytest.raises(NotFound, match="holds version 1") as error:
        found.served(2)
    assert error.value.hint
    with pytest.raises(NotFound, match="no version 3"):
        found.served(3)


def test_a_version_of_another_home_is_not_served(engine: Running, tmp_path: Path) -> None:
    version, endpoint = make_version(tmp_path), engine.endpoint()
    pushed(replace(version, metadata=replace(version.metadata, created="2025-05-05T00:00:00+00:00")), endpoint)
    found = PushedVersions(tmp_path, endpoint)
    found.refresh()
    with pytest.raises(EngineUnavailable, match="of 2025-05-05") as error:
        found.served()
    assert "Copy the home" in str(error.value.hint)


def test_an_engine_that_counts_otherwise_is_not_marked(engine: Running, tmp_path: Path) -> None:
    version = make_version(tmp_path)
    with pytest.raises(EngineFailed, match="counts"):
        pushed(replace(version, metadata=replace(version.metadata, triples=2 * version.metadata.triples)), engine.endpoint())
    mark = Pushed.read(engine.endpoint())
    assert mark is not None
    assert not mark.is_complete


def test_what_cannot_be_pushed_is_told_before_anything_is_written(engine: Running, tmp_path: Path) -> None:
    version, endpoint = make_version(tmp_path), engine.endpoint()
    with pytest.raises(InputError, match="plain data set"):
        pushed(replace(version, metadata=replace(version.metadata, default_graph="own")), endpoint)
    with pytest.raises(InputError, match="no address to write"):
        pushed(version, Endpoint(replace(engine.access, graphs=None, update=None), 60))
    with pytest.raises(InputError, match="keeps the merge"):
        pushed(make_version(tmp_path, "graph:merge { <urn:a> <urn:b> <urn:c> . }"), endpoint)
    assert Pushed.read(endpoint) is None
    assert {MERGE_GRAPH, PUSHED_GRAPH} == {f"https://w3id.org/dpa-kg/graph/{name}" for name in ("merge", "pushed")}


def test_the_command_pushes_and_says_how_to_serve(engine: Running, tmp_path: Path) -> None:
    make_version(tmp_path)
    command = [str(Path(sys.executable).parent / "dpa-kg"), "push", "--store", engine.access.query]
    environment = {**os.environ, "DPA_KG_HOME": str(tmp_path)}
    done = subprocess.run([*command, "--graphs", str(engine.access.graphs)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "triples merged from 5 graphs" in done.stdout
    assert f"DPA_KG_STORE={engine.access.query} dpa-kg serve" in done.stdout
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (refused.returncode, "no address to write" in refused.stderr) == (1, True)
