"""The way in without the gate."""

from __future__ import annotations

from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from dpa_kg import bulk, publish
from dpa_kg.errors import InputError
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.search import Names
from dpa_kg.namespaces import DERIVED_GRAPH, GRAPH
from dpa_kg.settings import Settings
from tests.serving import serving
from tests.small_project import Project, ask

MINE = "https://example.org/mine"
DATA = f"""
<https://example.org/x> <https://w3id.org/dpa-kg/ontology#startDate> "soon" <{MINE}> .
<https://example.org/x> <http://www.w3.org/2000/01/rdf-schema#label> "Something quite new"@en <{MINE}> .
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def written(project: Project, name: str, text: str) -> Path:
    path = project.root / name
    path.write_text(text, encoding="utf-8")
    return path


def loaded(project: Project, *files: Path) -> OxigraphStore:
    version = bulk.build(project.settings, files, publish.silent, root=project.root)
    return OxigraphStore.open_read_only(version.store_path)


def test_what_the_gate_would_refuse_is_loaded_and_marked(project: Project) -> None:
    version = bulk.build(project.settings, [written(project, "x.nq", DATA)], publish.silent, root=project.root)
    assert not version.metadata.validated
    assert not version.metadata.may_be_served
    assert version.metadata.changes["added"] > 2


def test_it_is_merged_and_indexed_beside_the_project(project: Project) -> None:
    version = bulk.build(project.settings, [written(project, "x.nq", DATA)], publish.silent, root=project.root)
    store = OxigraphStore.open_read_only(version.store_path)
    assert ask(store, f'GRAPH <{MINE}> {{ ?x rdfs:label "Something quite new"@en }} ?x rdfs:label "Something quite new"@en')
    names = Names(version.search_path)
    assert [found.iri for found in names.search("quite new", None, 10, 0).found] == ["https://example.org/x"]
    names.close()


def test_loading_a_file_again_replaces_its_graph(project: Project) -> None:
    loaded(project, written(project, "x.nq", DATA))
    store = loaded(project, written(project, "x.nq", DATA.replace("quite new", "newer still")))
    assert ask(store, '?x rdfs:label "Something newer still"@en')
    assert not ask(store, '?x rdfs:label "Something quite new"@en')


def test_graphs_of_the_user_s_stay_when_another_file_is_loaded(project: Project) -> None:
    loaded(project, written(project, "x.nq", DATA))
    store = loaded(project, written(project, "y.nt", '<https://example.org/y> <http://www.w3.org/2000/01/rdf-schema#label> "Other" .'))
    assert ask(
        store, f'GRAPH <{MINE}> {{ ?x rdfs:label "Something quite new"@en }} ?x rdfs:label "Something quite new"@en . ?y rdfs:label "Other"'
    )
    derived = set(store.quads(DERIVED_GRAPH))
    assert {quad.triple for quad in derived} == {quad.triple for quad in derived_of(project)}


def derived_of(project: Project) -> list[ox.Quad]:
    """What a build that begins from nothing derives from the same files."""
    project.settings = Settings(home=project.root.parent / "another-home")
    return list(loaded(project, project.root / "x.nq", project.root / "y.nt").quads(DERIVED_GRAPH))


def test_triples_without_a_graph_go_to_one_named_after_the_file(project: Project) -> None:
    file = written(project, "x.ttl", "<https://example.org/x> a <https://example.org/Thing> .")
    assert file.resolve().as_uri() in loaded(project, file).graphs()


def test_a_build_through_the_gate_afterwards_is_validated(project: Project) -> None:
    good = "<https://example.org/x> <https://example.org/says> <https://example.org/y> .\n"
    loaded(project, written(project, "x.nt", good))
    assert publish.build(project.settings, root=project.root, force=True).metadata.validated


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.nq", f"<https://e.org/a> <https://e.org/b> <https://e.org/c> <{DERIVED_GRAPH}> .", "nothing may be written"),
        ("x.nq", DATA + f"<https://e.org/a> <https://e.org/b> <https://e.org/c> <{GRAPH}ontology> .", "there are statements of"),
        ("x.nq", DATA + "this is no quad", "x.nq"),
        ("x.rdf", "<rdf/>", "not loaded in bulk"),
    ],
)
def test_a_file_that_cannot_be_loaded_leaves_the_current_version(project: Project, name: str, text: str, said: str) -> None:
    before = publish.build(project.settings, root=project.root)
    with pytest.raises(InputError, match=said):
        bulk.build(project.settings, [written(project, name, text)], publish.silent, root=project.root)
    assert publish.up_to_date(project.settings, project.root) == before


def test_a_file_that_is_not_there_is_told(project: Project) -> None:
    with pytest.raises(InputError, match="no such file"):
        bulk.build(project.settings, [project.root / "none.nq"], publish.silent, root=project.root)


def test_the_service_answers_from_an_unvalidated_version_only_when_told_to(project: Project) -> None:
    bulk.build(project.settings, [], publish.silent, root=project.root)
    with serving(project.settings.home) as url:
        refused = httpx.get(f"{url}/sparql", params={"query": "ASK {}"})
    with serving(project.settings.home, serve_unvalidated=True) as url:
        answered = httpx.get(f"{url}/sparql", params={"query": "ASK {}"}, headers={"Accept": "application/sparql-results+json"})
    assert refused.status_code == 503
    assert "not been validated" in refused.text
    assert answered.json()["boolean"] is True
