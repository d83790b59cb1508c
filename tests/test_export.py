"""What came in through the interface is written as TriG, and comes back from `data/graphs/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpa_kg import publish, resources
from dpa_kg.errors import BuildError, Forbidden
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.versions import Versions
from dpa_kg.namespaces import GRAPH, PREFIXES
from dpa_kg.query.update import Update
from tests.small_project import Project
from tests.test_cli import run

PREFIX = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
INSERT = """INSERT DATA {
  GRAPH <https://example.org/b> { project:b a dpa:Project ; rdfs:label "B"@en , "Bé"@fr ;
    dpa:startDate "2020"^^xsd:gYear ; dpa:place place:norway }
  GRAPH <https://example.org/a> { project:a a dpa:Project ; rdfs:label "A \\"quoted\\"\\n"@en ;
    dpa:startDate "2020-05-01"^^xsd:date ; dpa:note [ dpa:note "x" ] }
}"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path)
    monkeypatch.setattr(resources, "_CHECKOUT", made.root)
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "not a wheel")
    monkeypatch.setenv("DPA_KG_HOME", str(made.settings.home))
    publish.build(made.settings)
    publish.change(made.settings, Update(PREFIX + INSERT), "tests")
    (made.root / "data/graphs").mkdir()
    return made


def merged(project: Project) -> set[str]:
    """The merge, with blank nodes told by nothing but that they are some."""
    version = Versions(project.settings.home).current()
    assert version is not None
    quads = OxigraphStore.open_read_only(version.store_path).quads()
    return {" ".join("_" if str(term).startswith("_:") else str(term) for term in quad.triple) for quad in quads}


def test_what_is_exported_comes_back_from_the_files_of_the_project(project: Project) -> None:
    before = merged(project)
    file = project.root / "data/graphs/mine.trig"
    assert "10 statements of 2 graphs of version 2" in run("export", "-o", file).stdout
    text = file.read_text()
    assert "@prefix dpa: <https://w3id.org/dpa-kg/ontology#> ." in text
    assert text.index("<https://example.org/a>") < text.index("<https://example.org/b>")
    elsewhere = project.settings.model_copy(update={"home": project.settings.home.with_name("elsewhere")})
    for settings in (project.settings, elsewhere):  # over what came through the interface, and from nothing
        project.settings = settings
        built = publish.build(settings)
        assert merged(project) == before
        assert {"https://example.org/a", "https://example.org/b"} <= set(built.metadata.file_graphs)
    with pytest.raises(Forbidden, match="comes from a file"):
        publish.change(elsewhere, Update("DROP GRAPH <https://example.org/a>"), "tests")


def test_the_same_graphs_give_the_same_bytes(project: Project) -> None:
    files = [project.root / f"data/graphs/{name}.trig" for name in "xy"]
    for file in files:
        run("export", "--output", file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_one_graph_of_one_version_is_exported(project: Project) -> None:
    file = project.root / "one.trig"
    assert "5 statements of 1 graphs" in run("export", "--graph", "https://example.org/b", "--version", 2, "-o", file).stdout
    assert "example.org/a" not in file.read_text()
    assert "0 statements of 0 graphs" in run("export", "--version", 1, "-o", file).stdout


@pytest.mark.parametrize("graph", [f"{GRAPH}note/L3", f"{GRAPH}ontology", "https://example.org/none"])
def test_a_graph_that_did_not_come_through_the_interface_is_not_exported(project: Project, graph: str) -> None:
    result = run("export", "--graph", graph, "-o", project.root / "none.trig", code=1)
    assert "There are: https://example.org/a, https://example.org/b." in result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<urn:a> <urn:p> 1 .", "data/graphs/mine.trig: a statement stands outside any graph"),
        (f"<{GRAPH}note/L3> {{ <urn:a> <urn:p> 1 }}", f"data/graphs/mine.trig, line 1: {GRAPH}note/L3 is written by another file"),
        (f"<{GRAPH}derived> {{ <urn:a> <urn:p> 1 }}", f"line 1: {GRAPH}derived is written by another file, or by the service"),
        (f"<{GRAPH}provenance> {{ <urn:a> <urn:p> 1 }}", f"{GRAPH}provenance is written by another file, or by the service"),
    ],
)
def test_a_file_of_graphs_writes_nowhere_but_into_graphs_of_its_own(project: Project, text: str, words: str) -> None:
    (project.root / "data/graphs/mine.trig").write_text(text)
    with pytest.raises(BuildError) as caught:
        publish.build(project.settings)
    assert words in caught.value.detail
