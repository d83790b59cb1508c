"""Changes that requests ask for: through the same gate as a build, from the difference, and nothing that is read-only."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyoxigraph as ox
import pytest

from dpa_kg import publish
from dpa_kg.errors import BuildError, DpaKgError, Forbidden, InputError, NotFound, Overloaded, QuerySyntaxError, Refused
from dpa_kg.graph import kept, merge
from dpa_kg.graph.changes import Delete, Post, Put, Quads
from dpa_kg.graph.draft import Change
from dpa_kg.graph.dump import write_difference
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.report import Report
from dpa_kg.graph.search import Names
from dpa_kg.graph.versions import Versions
from dpa_kg.namespaces import DERIVED_GRAPH, GRAPH, ONTOLOGY_GRAPH, PREFIXES, PROVENANCE_GRAPH, QUERIES_GRAPH, SHAPES_GRAPH
from dpa_kg.query.counts import Counts
from dpa_kg.query.update import Update
from tests.small_project import Project, ask

MINE = "https://example.org/mine"
PREFIX = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items()) + f"PREFIX my: <{MINE}>\n"
PROJECT = "project:new a dpa:Project ; dpa:startDate '2020'^^xsd:gYear ; rdfs:label 'New Sea'@en ; dpa:acronym 'NS' ."


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    publish.build(made.settings, root=made.root)
    return made


def change(project: Project, wanted: Change | str, who: str = "tests") -> publish.Changed:
    if isinstance(wanted, str):
        wanted = Update(PREFIX + wanted)
    return publish.change(project.settings, wanted, who, root=project.root)


def current(project: Project) -> OxigraphStore:
    version = Versions(project.settings.home).current()
    assert version is not None
    return OxigraphStore.open_read_only(version.store_path)


def triples(text: str) -> tuple[ox.Triple, ...]:
    parsed = ox.parse("".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items()) + text, format=ox.RdfFormat.TURTLE)
    return tuple(quad.triple for quad in parsed)


def assert_merged(store: OxigraphStore) -> None:
    """The default graph is the merge of the named graphs, and what is derived follows from what is asserted."""
    expected = {quad.triple for graph in store.graphs() if graph not in merge.UNMERGED for quad in store.quads(graph)}
    assert Counter(quad.triple for quad in store.quads()) == Counter(expected)


def test_an_update_makes_a_version_with_its_statements_merged_derived_and_indexed(project: Project) -> None:
    before = Versions(project.settings.home).current()
    made = change(project, f"INSERT DATA {{ GRAPH my: {{ {PROJECT} }} }}", who="ana")
    store = current(project)
    assert ask(store, f"GRAPH <{MINE}> {{ project:new a dpa:Project }}")
    assert ask(store, "project:new rdfs:label 'New Sea'@en")
    assert_merged(store)
    assert before is not None
    facts = made.version.metadata
    assert (facts.number, facts.parent, facts.who) == (before.number + 1, before.number, "ana")
    assert facts.changes == {"added": 4, "removed": 0} == {"added": made.added, "removed": made.removed}
    assert made.graphs == {MINE}
    names = Names(made.version.search_path)
    assert [row.iri for row in names.named("NS", PREFIXES["dpa"] + "Project")] == [PREFIXES["project"] + "new"]
    names.close()


def test_what_is_derived_follows_the_change(project: Project) -> None:
    def derived() -> set[ox.Triple]:
        return {quad.triple for quad in current(project).quads(DERIVED_GRAPH)}

    before = derived()
    change(project, f"INSERT DATA {{ GRAPH my: {{ {PROJECT} }} }}")
    more = derived()
    assert before < more
    change(project, "DROP GRAPH my:")
    assert derived() == before
    assert_merged(current(project))


def test_asserting_what_is_derived_and_taking_it_back_keeps_the_merge_right(project: Project) -> None:
    stated = next(quad.triple for quad in current(project).quads(DERIVED_GRAPH))
    graph = ox.NamedNode(MINE)
    quad = ox.Quad(stated.subject, stated.predicate, stated.object, graph)
    with OxigraphStore.memory(current(project).engine) as store:
        merge.change(store, [quad])
        merge.strip_derived(store)
        assert ox.Quad(*stated) in store.engine  # asserted now
        merge.change(store, [], [quad])
        assert ox.Quad(*stated) not in store.engine


def test_a_violation_is_refused_with_its_report_and_nothing_is_published(project: Project) -> None:
    before = Versions(project.settings.home).current()
    with pytest.raises(Refused) as caught:
        change(project, "INSERT DATA { GRAPH my: { project:nameless a dpa:Project } }")
    report = caught.value.report
    assert isinstance(report, Report)
    assert {finding.focus for finding in report.findings if finding.severity == "violation"} == {PREFIXES["project"] + "nameless"}
    versions = Versions(project.settings.home)
    assert versions.current() == before
    assert len(list(versions.folder.iterdir())) == 1


@pytest.mark.parametrize(
    "text",
    [
        "INSERT DATA { project:x a dpa:Project }",
        "INSERT { ?s a ?t } WHERE { ?s a ?t . FILTER(false) }",
        "DELETE WHERE { ?s ?p ?o }",
        "DELETE { ?s ?p ?o } INSERT { GRAPH my: { ?s ?p ?o } } WHERE { ?s ?p ?o }",
        "DROP ALL",
        "CLEAR DEFAULT",
        "CLEAR SILENT NAMED",
        f"COPY <{DERIVED_GRAPH}> TO DEFAULT",
        "MOVE DEFAULT TO my:",
    ],
)
def test_an_update_that_would_touch_the_default_graph_is_refused_with_a_hint(project: Project, text: str) -> None:
    with pytest.raises(Forbidden) as caught:
        change(project, text)
    assert "GRAPH" in str(caught.value.hint)


@pytest.mark.parametrize(
    "graph", [DERIVED_GRAPH, ONTOLOGY_GRAPH, SHAPES_GRAPH, QUERIES_GRAPH, PROVENANCE_GRAPH, f"{GRAPH}note/L3", f"{GRAPH}reference/places"]
)
def test_graphs_of_the_service_and_of_files_are_read_only(project: Project, graph: str) -> None:
    fact = triples("project:a rdfs:label 'A'@en .")
    wanted: list[Change] = [Put(graph, fact), Post(graph, fact), Delete(graph)]
    texts = (
        f"INSERT DATA {{ GRAPH <{graph}> {{ project:a a dpa:Project }} }}",
        f"CLEAR GRAPH <{graph}>",
        f"MOVE <{graph}> TO my:",
        f"COPY my: TO <{graph}>",
        f"WITH <{graph}> DELETE {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o }}",
        f"DELETE {{ GRAPH ?g {{ ?s ?p ?o }} }} WHERE {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(?g = <{graph}>) }}",
    )
    change(project, f"INSERT DATA {{ GRAPH my: {{ {PROJECT} }} }}")
    for one in (*wanted, *(Update(PREFIX + text) for text in texts)):
        with pytest.raises(Forbidden) as caught:
            change(project, one)
        assert caught.value.hint


def test_a_graph_is_put_posted_to_and_deleted(project: Project) -> None:
    name = "project:a a dpa:Project ; rdfs:label '{}'@en ."
    assert change(project, Put(MINE, triples(name.format("A")))).graphs == {MINE}
    made = change(project, Post(MINE, triples("project:a rdfs:label 'A-ES'@es .")))
    assert (made.added, made.removed, set(made.graphs)) == (1, 0, set())
    made = change(project, Put(MINE, triples(name.format("B"))))
    assert (made.added, made.removed) == (1, 2)
    assert not ask(current(project), "project:a rdfs:label 'A'@en")
    change(project, Delete(MINE))
    assert not ask(current(project), "project:a ?p ?o")
    with pytest.raises(NotFound):
        change(project, Delete(MINE))


def test_a_change_that_changes_nothing_makes_no_version(project: Project) -> None:
    first = change(project, f"INSERT DATA {{ GRAPH my: {{ {PROJECT} }} }}")
    again = change(project, f"INSERT DATA {{ GRAPH my: {{ {PROJECT} }} }}")
    assert (again.version, again.added) == (first.version, 0)


def test_where_sees_the_merge_with_what_is_derived_and_what_was_done_before(project: Project) -> None:
    change(
        project,
        f"INSERT DATA {{ GRAPH my: {{ {PROJECT} }} }} ; "
        "INSERT { GRAPH my: { ?one dpa:acronym ?name } } "
        "WHERE { ?one dpa:acronym 'NS' ; rdfs:label ?label . ?other a dpa:Undertaking . BIND(STR(?label) AS ?name) }",
    )
    assert ask(current(project), "project:new dpa:acronym 'New Sea'")


def test_a_build_keeps_what_came_through_the_interface(project: Project) -> None:
    change(project, f"INSERT DATA {{ GRAPH my: {{ {PROJECT} }} }}")
    publish.build(project.settings, root=project.root, force=True)
    store = current(project)
    assert ask(store, f"GRAPH <{MINE}> {{ project:new a dpa:Project }}")
    assert_merged(store)


def test_a_change_on_a_rolled_back_version_does_not_bring_the_files_back(project: Project) -> None:
    project.append("data/reference/places.ttl", "\n# changed\n")
    publish.build(project.settings, root=project.root)
    publish.rollback(project.settings, 1, root=project.root)
    made = change(project, f"INSERT DATA {{ GRAPH my: {{ {PROJECT} }} }}")
    assert publish.up_to_date(project.settings, project.root) == made.version


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("INSERT DATA {", QuerySyntaxError),
        ("SELECT * { ?s ?p ?o }", QuerySyntaxError),
        ("DROP GRAPH <https://example.org/none>", InputError),
        ("LOAD <http://127.0.0.1/x> INTO GRAPH my:", Forbidden),
        ("L\\u004FAD <http://127.0.0.1/x> INTO GRAPH my:", Forbidden),
        ("INSERT { GRAPH my: { ?s ?p ?o } } WHERE { SERVICE <http://127.0.0.1/x> { ?s ?p ?o } }", Forbidden),
    ],
)
def test_a_wrong_update_is_an_error_and_changes_nothing(project: Project, text: str, error: type[DpaKgError]) -> None:
    before = Versions(project.settings.home).current()
    with pytest.raises(error):
        change(project, text)
    assert Versions(project.settings.home).current() == before


def test_an_update_fails_as_a_whole(project: Project) -> None:
    with pytest.raises(InputError):
        change(project, f"INSERT DATA {{ GRAPH my: {{ {PROJECT} }} }} ; DROP GRAPH <https://example.org/none>")
    assert not ask(current(project), "project:new ?p ?o")


def test_nothing_can_be_changed_before_the_first_build(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with pytest.raises(Overloaded):
        change(project, Quads())


CHANGES = (
    f"INSERT DATA {{ GRAPH my: {{ {PROJECT} project:new owl:sameAs <https://example.com/a/b> ; rdfs:seeAlso <http://example.com/c> }} }}",
    "INSERT DATA { GRAPH my:two { project:new dpa:acronym 'NS' , 'N' ; a dpa:Project . place:a a dpa:Place ; rdfs:label 'A'@en } }",
    "DELETE DATA { GRAPH my: { project:new dpa:acronym 'NS' . project:new owl:sameAs <https://example.com/a/b> } }",
    "DELETE { GRAPH my:two { place:a a dpa:Place } } INSERT { GRAPH my:two { place:a dpa:note 'x' , 'y' } } WHERE {}",
    "DROP GRAPH my:two",
    "DROP GRAPH my:",
)


def test_counts_and_differences_follow_the_change_and_are_those_of_the_whole(project: Project) -> None:
    """Once somebody has asked for the counts, each version's are made of its parent's; a difference is there with the version."""
    home = project.settings.home
    first = Versions(home).current()
    assert first is not None
    with kept.making(kept.folder(home, first.number) / kept.COUNTS) as output:
        output.write(json.dumps(Counts.of(first).to_json()).encode())
    derived = False
    for number, text in enumerate(CHANGES, first.number):
        version, parent = change(project, text).version, Versions(home).get(number)
        counted = json.loads((kept.folder(home, version.number) / kept.COUNTS).read_bytes())
        assert Counts.from_json(counted) == Counts.of(version)
        assert version.metadata.triples == current(project).triples()
        expected = io.BytesIO()
        write_difference(version, parent, expected)
        assert (kept.folder(home, version.number) / kept.DIFFERENCE).read_bytes() == expected.getvalue()
        derived |= b"graph/derived" in expected.getvalue()
    assert derived


def test_warnings_of_a_version_are_its_parents_and_those_of_the_change(project: Project) -> None:
    starts = "dpa:startDate '2020'^^xsd:gYear , '2021'^^xsd:gYear"
    twice = f"INSERT DATA {{ GRAPH my: {{ project:two a dpa:Project ; {starts} ; rdfs:label 'Two'@en }} }}"
    before = change(project, f"INSERT DATA {{ GRAPH my:one {{ {PROJECT} }} }}").version.metadata
    after = change(project, twice).version.metadata
    everything = publish.validate(project.settings, root=project.root)
    assert after.warnings == everything.count("warning") == before.warnings + 1
    assert change(project, "DROP GRAPH my:").version.metadata.warnings == before.warnings


_KILLED = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from dpa_kg import publish
from dpa_kg.query.update import Update
from dpa_kg.settings import Settings

@contextmanager
def die(stage):
    if stage == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
    yield

home, root, _, text = sys.argv[1:]
publish.change(Settings(home=Path(home)), Update(text), "killed", die, root=Path(root))
"""


@pytest.mark.parametrize("stage", ["change", "derive", "validate", "index", "publish"])
def test_a_writer_that_is_killed_leaves_the_version_whole_and_the_next_one_nothing_to_repair(project: Project, stage: str) -> None:
    before = Versions(project.settings.home).current()
    text = PREFIX + f"INSERT DATA {{ GRAPH my: {{ {PROJECT} }} }}"
    command = [sys.executable, "-c", _KILLED, str(project.settings.home), str(project.root), stage, text]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert Versions(project.settings.home).current() == before
    assert_merged(current(project))
    assert change(project, Update(text)).added == 4
    assert_merged(current(project))


# ---- a plain data set


@pytest.fixture
def plain(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.settings = made.settings.model_copy(update={"default_graph": "own"})
    publish.build(made.settings, root=made.root)
    return made


def test_a_plain_data_set_begins_empty_and_has_a_default_graph_of_its_own(plain: Project) -> None:
    assert len(current(plain).engine) == 0
    made = change(plain, "INSERT DATA { <urn:a> a <urn:T> . GRAPH <urn:g> { <urn:b> a <urn:T> } }")
    assert (made.added, made.removed, set(made.graphs)) == (2, 0, {"urn:g"})
    store = current(plain)
    assert ask(store, "<urn:a> a <urn:T>")
    assert not ask(store, "<urn:b> a <urn:T>")
    assert change(plain, "DROP ALL").removed == 2


def test_a_plain_data_set_is_not_built_over(plain: Project) -> None:
    change(plain, "INSERT DATA { <urn:a> a <urn:T> }")
    publish.build(plain.settings, root=plain.root, force=True)
    assert ask(current(plain), "<urn:a> a <urn:T>")


def test_a_merged_home_is_not_used_as_a_plain_one(project: Project) -> None:
    with pytest.raises(BuildError, match="default graph"):
        publish.build(project.settings.model_copy(update={"default_graph": "own"}), root=project.root)


def test_a_plain_home_is_not_used_as_a_merged_one(plain: Project) -> None:
    with pytest.raises(BuildError, match="default graph"):
        publish.build(plain.settings.model_copy(update={"default_graph": "merged"}), root=plain.root)
