"""Forgetting a person, on a small project: what goes, what stays, and that the person does not come back."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyoxigraph as ox
import pytest

from dpa_kg import forget as work
from dpa_kg import publish
from dpa_kg.errors import AmbiguousName, BuildError, Forbidden, UnknownName
from dpa_kg.graph import kept, merge
from dpa_kg.graph.forgetting import Forgetting
from dpa_kg.graph.forgotten import GAP, Forgotten
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.search import Names
from dpa_kg.graph.versions import Versions
from dpa_kg.namespaces import GRAPH, ID, PREFIXES, PROVENANCE_GRAPH
from dpa_kg.query.update import Update
from tests.small_project import Project, ask

ANA = f"{ID}person/ana-sol"
PREFIX = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
STATEMENTS = """
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix org: <http://www.w3.org/ns/org#> .
@prefix organization: <https://w3id.org/dpa-kg/id/organization/> .
@prefix membership: <https://w3id.org/dpa-kg/id/membership/> .
@prefix participation: <https://w3id.org/dpa-kg/id/participation/> .
@prefix person: <https://w3id.org/dpa-kg/id/person/> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix role: <https://w3id.org/dpa-kg/id/role/> .
letter:L2 {
  person:ana-sol a foaf:Person ; rdfs:label "Ana Sol"@en ; dpa:variantName "Ana María Sol"@es .
  membership:ana-sol-lake-lab a org:Membership ; org:member person:ana-sol ; org:organization organization:lake-lab .
}
letter:L3 {
  project:river-watch dpa:participation participation:river-watch-ana-sol-partner .
  participation:river-watch-ana-sol-partner a dpa:Participation ; prov:agent person:ana-sol ; prov:hadRole role:partner .
  project:river-watch dpa:note "Its founder, SOL ANA, left early."@en .
  person:ben-sol a foaf:Person ; rdfs:label "Ben Sol"@en .
  project:talk a dpa:Project ; rdfs:label "A talk by Ana Sol and Ben Sol"@en .
}
<https://w3id.org/dpa-kg/graph/provenance> {
  letter:L2 a dpa:Passage ; dpa:lines "2" ; dpa:status dpa:stated .
  letter:L3 a dpa:Passage ; dpa:lines "3" ; dpa:status dpa:implied ; dpa:note "“She” is Ana Sol."@en .
}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.append("data/statements/letter.trig", STATEMENTS)
    publish.build(made.settings, root=made.root)
    return made


def change(project: Project, text: str) -> Version:
    return publish.change(project.settings, Update(PREFIX + text), "tests", root=project.root).version


def forget(project: Project, who: str = "Ana Sol") -> work.Outcome:
    return work.forget(project.settings, work.person(project.settings, who), publish.silent, root=project.root)


def store(project: Project, number: int) -> OxigraphStore:
    return OxigraphStore.open_read_only(Versions(project.settings.home).get(number).store_path)


def naming(home: Path, pattern: bytes = rb"ana.{0,3}(mar\S+ )?sol|sol,? ana") -> list[Path]:
    """The files of the home in which the name stands, in any spelling."""
    return [path for path in home.rglob("*") if path.is_file() and re.search(pattern, path.read_bytes(), re.IGNORECASE)]


def test_the_name_is_in_the_files_before(project: Project) -> None:
    assert naming(project.settings.home)  # or else the tests below prove nothing


def test_what_is_said_of_the_person_goes_and_the_rest_stays(project: Project) -> None:
    outcome = forget(project)
    after = store(project, 1)
    assert naming(project.settings.home) == []
    assert not ask(after, "GRAPH ?g { <https://w3id.org/dpa-kg/id/person/ana-sol> ?p ?o }")
    assert not ask(after, "?x org:member ?y")
    assert not ask(after, f"GRAPH <{GRAPH}letter/L2> {{ ?s ?p ?o }}")
    assert not ask(after, f"GRAPH <{PROVENANCE_GRAPH}> {{ <{GRAPH}letter/L2> ?p ?o }}")
    assert not ask(after, "project:river-watch dpa:note ?note")
    assert ask(after, f'project:talk rdfs:label "A talk by {GAP} and Ben Sol"@en')
    assert ask(after, f'GRAPH <{PROVENANCE_GRAPH}> {{ <{GRAPH}letter/L3> dpa:note "“She” is {GAP}."@en }}')
    assert ask(after, 'person:ben-sol rdfs:label "Ben Sol"@en')
    assert ask(after, "project:river-watch dpa:participation participation:river-watch-lake-lab-partner")
    expected = {quad.triple for graph in after.graphs() if graph not in merge.UNMERGED for quad in after.quads(graph)}
    assert Counter(quad.triple for quad in after.quads()) == Counter(expected)
    (going,) = outcome.versions
    assert (going.statements, len(going.texts), going.again) == (14, 3, True)
    assert (outcome.read, outcome.home, outcome.spelled) == ((), (), ())
    assert outcome.partly == (f"{ID}project/talk: A talk by {GAP} and Ben Sol",)


def test_the_files_of_the_project_that_name_the_person_are_told_with_their_lines(project: Project) -> None:
    lines = (project.root / "data/statements/letter.trig").read_text().split("\n")
    expected = [
        f"data/statements/letter.trig, line {number}"
        for number, line in enumerate(lines, 1)
        if re.search("(?i)ana.(maría )?sol|sol ana", line)
    ]
    assert len(expected) == 7
    assert list(forget(project).project) == expected


def test_the_name_is_not_found_by_search_any_more(project: Project) -> None:
    forget(project)
    names = Names(Versions(project.settings.home).get(1).search_path)
    assert names.search("ana", None, 10, 0).found == []
    assert [hit.iri for hit in names.search("ben sol", None, 10, 0).found][:1] == [f"{ID}person/ben-sol"]
    names.close()


def test_the_version_says_that_somebody_was_forgotten_and_not_whom(project: Project) -> None:
    before = Versions(project.settings.home).get(1).metadata
    forget(project)
    after = Versions(project.settings.home).get(1)
    assert (before.generation, after.generation, after.edition) == (0, 1, "1.1")
    assert [record["statements"] for record in after.metadata.forgotten] == [16]
    assert after.metadata.triples == store(project, 1).triples() < before.triples
    assert [path.name for path in sorted(after.path.iterdir())] == ["lock", "search.1.sqlite", "store.1", "version.json"]
    text = (after.path / "version.json").read_text() + (project.settings.home / "forgotten.json").read_text()
    assert "sol" not in text.lower()


def test_every_version_forgets_with_what_was_made_of_it(project: Project) -> None:
    publish.change(
        project.settings,
        Update(f"{PREFIX} INSERT DATA {{ GRAPH <urn:mine> {{ <urn:x> dpa:note 'Ana Sol was here' }} }}"),
        "t",
        root=project.root,
    )
    change(project, "INSERT DATA { GRAPH <urn:other> { <urn:x> dpa:note 'other' } }")
    change(project, "DROP GRAPH <urn:mine>")
    for number in (2, 3):
        with kept.making(kept.folder(project.settings.home, number) / kept.DIFFERENCE) as output:
            output.write(b"+ Ana Sol\n")
    outcome = forget(project)
    assert [going.number for going in outcome.versions if going.again] == [1, 2, 3, 4]
    assert naming(project.settings.home) == []
    assert ask(store(project, 4), "GRAPH <urn:other> { <urn:x> dpa:note 'other' }")
    assert Versions(project.settings.home).get(4).metadata.changes == {"added": 0, "removed": 1}


def test_a_version_that_has_the_name_only_in_files_of_its_parents_is_written_again(tmp_path: Path) -> None:
    project = Project(tmp_path)
    publish.build(project.settings, root=project.root)
    change(project, "INSERT DATA { GRAPH <urn:mine> { person:ana-sol a foaf:Person ; rdfs:label 'Ana Sol'@en } }")
    last = change(project, "DROP GRAPH <urn:mine>")
    assert not ask(store(project, 3), "person:ana-sol ?p ?o")
    assert naming(last.path)
    forget(project)
    assert [version.generation for version in Versions(project.settings.home).all()] == [1, 1, 0]
    assert naming(project.settings.home) == []


def test_a_version_that_can_hold_nothing_of_the_person_is_not_touched(tmp_path: Path) -> None:
    project = Project(tmp_path)
    publish.build(project.settings, root=project.root)
    project.append("data/statements/letter.trig", STATEMENTS)
    publish.build(project.settings, root=project.root)
    forget(project)
    assert [version.generation for version in Versions(project.settings.home).all()] == [1, 0]


def test_the_person_does_not_come_back_with_a_build_nor_through_the_interface(project: Project) -> None:
    forget(project)
    rebuilt = publish.build(project.settings, root=project.root, force=True)
    assert rebuilt.number == 2
    assert naming(project.settings.home) == []
    assert set(store(project, 2).engine) == set(store(project, 1).engine)
    with pytest.raises(Forbidden, match="on request"):
        change(project, "INSERT DATA { GRAPH <urn:mine> { person:ana-sol a foaf:Person } }")
    change(project, "INSERT DATA { GRAPH <urn:mine> { <urn:x> dpa:note 'Another Ana Sol' } }")  # a name may be anybody's


def test_the_same_command_again_finds_nothing_to_do(project: Project) -> None:
    forget(project)
    with pytest.raises(UnknownName):
        forget(project)
    again = forget(project, ANA)
    assert [going.again for going in again.versions] == [False]
    assert Versions(project.settings.home).get(1).generation == 1


def test_somebody_else_is_forgotten_in_a_generation_more(project: Project) -> None:
    forget(project)
    forget(project, "ben-sol")
    version = Versions(project.settings.home).get(1)
    assert (version.generation, len(version.metadata.forgotten)) == (2, 2)
    assert ask(store(project, 1), f'project:talk rdfs:label "A talk by {GAP} and {GAP}"@en')
    assert not Versions(project.settings.home).former(version)


def test_who_is_meant_is_told_when_it_is_not_clear(project: Project) -> None:
    change(project, "INSERT DATA { GRAPH <urn:mine> { person:ana-sol-2 a foaf:Person ; rdfs:label 'Ana Sol'@en } }")
    with pytest.raises(AmbiguousName) as caught:
        forget(project)
    assert {candidate["iri"] for candidate in caught.value.candidates} == {ANA, f"{ANA}-2"}
    with pytest.raises(UnknownName):
        forget(project, "Nobody At All")
    with pytest.raises(UnknownName):
        forget(project, "Lake Lab")


def test_another_person_of_the_same_name_keeps_it_and_is_told(project: Project) -> None:
    change(
        project,
        "INSERT DATA { GRAPH <urn:mine> { person:namesake a foaf:Person ; rdfs:label 'Ana Sol'@en ; dpa:possiblySame person:ana-sol } }",
    )
    who = work.person(project.settings, ANA)
    assert sorted(who.namesakes) == sorted(who.possibly_same) == [f"{ID}person/namesake"]
    forget(project, ANA)
    assert ask(store(project, 2), "person:namesake rdfs:label 'Ana Sol'@en")
    assert not ask(store(project, 2), "person:namesake dpa:possiblySame ?anybody")


def test_a_node_with_another_agent_stays(project: Project) -> None:
    shared = "participation:river-watch-ana-sol-partner"
    change(project, f"INSERT DATA {{ GRAPH <urn:mine> {{ {shared} prov:agent person:ben-sol }} }}")
    outcome = forget(project)
    assert ask(store(project, 2), f"{shared} prov:agent person:ben-sol ; prov:hadRole role:partner")
    assert f"{ID}participation/river-watch-ana-sol-partner" in outcome.spelled
    assert outcome.home  # because that name spells the person's


def test_while_somebody_reads_old_files_they_stay_and_are_told(project: Project) -> None:
    versions = Versions(project.settings.home)
    with versions.reading(1) as version:
        reader = OxigraphStore.open_read_only(version.store_path)
        outcome = work.forget(project.settings, work.person(project.settings, ANA), publish.silent, wait=0.1, root=project.root)
        assert outcome.read == (1,)
        assert outcome.home
        assert ask(reader, "person:ana-sol ?p ?o")
        assert versions.get(1).generation == 1
    assert forget(project, ANA).read == ()
    assert naming(project.settings.home) == []


def test_a_write_ends_what_readers_held_up(project: Project) -> None:
    versions = Versions(project.settings.home)
    with versions.reading(1):
        work.forget(project.settings, work.person(project.settings, ANA), publish.silent, wait=0.0, root=project.root)
    change(project, "INSERT DATA { GRAPH <urn:mine> { <urn:x> dpa:note 'next' } }")
    assert naming(project.settings.home) == []


def test_a_plan_changes_nothing(project: Project) -> None:
    before = sorted(
        (path, path.stat().st_mtime_ns) for path in project.settings.home.rglob("*") if path.is_file() and path.name != "write.lock"
    )
    (going,) = work.plan(project.settings, work.person(project.settings, ANA), publish.silent)
    assert going.statements == 14
    after = sorted(
        (path, path.stat().st_mtime_ns) for path in project.settings.home.rglob("*") if path.is_file() and path.name != "write.lock"
    )
    assert after == before


KILLED = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from dpa_kg import forget
from dpa_kg.settings import Settings

@contextmanager
def stage(name):
    if name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
    yield
    if "after " + name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

settings = Settings(home=Path(sys.argv[1]))
forget.forget(settings, forget.person(settings, "ana-sol"), stage, root=Path(sys.argv[2]))
"""


@pytest.mark.parametrize(
    "stage",
    ["read version 1", "write version 1", "derive version 2", "index version 2", "publish", "after publish", "after wait for readers"],
)
def test_a_killed_run_leaves_whole_versions_and_the_next_one_ends_it(project: Project, stage: str) -> None:
    change(project, "INSERT DATA { GRAPH <urn:mine> { <urn:x> dpa:note 'mine' } }")
    command = [sys.executable, "-c", KILLED, str(project.settings.home), str(project.root), stage]
    assert subprocess.run(command, check=False, timeout=120).returncode == -signal.SIGKILL
    for number in (1, 2):
        assert ask(store(project, number), "project:talk a dpa:Project")
    publish.build(project.settings, root=project.root, force=True)
    assert not ask(store(project, 3), "person:ana-sol ?p ?o")
    assert forget(project, ANA).read == ()
    assert naming(project.settings.home) == []


def test_a_plain_data_set_forgets_too(tmp_path: Path) -> None:
    plain = Project(tmp_path)
    plain.settings = plain.settings.model_copy(update={"default_graph": "own"})
    publish.build(plain.settings, root=plain.root)
    facts = f"<{ANA}> a foaf:Person ; rdfs:label 'Ana Sol' . <urn:x> dpa:note 'Ana Sol' , 'else'"
    change(plain, f"INSERT DATA {{ {facts} . GRAPH <{ANA}> {{ <urn:a> a <urn:T> }} }}")
    change(plain, "CREATE GRAPH <urn:empty>")
    forget(plain)
    assert naming(plain.settings.home) == []
    last = store(plain, 3)
    assert [str(quad.object) for quad in last.engine] == ['"else"']
    assert last.graphs() == ["urn:empty"]
    with pytest.raises(Forbidden):
        change(plain, f"INSERT DATA {{ <{ANA}> a foaf:Person }}")


# ---- who is forgotten


def test_the_list_of_the_forgotten_is_told_when_it_is_damaged(project: Project) -> None:
    (project.settings.home / "forgotten.json").write_text("{")
    with pytest.raises(BuildError, match="damaged"):
        publish.build(project.settings, root=project.root, force=True)


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        ("Ana Sol", "[…]"),
        ("by ANA  SÓL, and others", "by […], and others"),
        ("Sol, Ana: a book", "[…]: a book"),
        ("Ana Sola", None),
        ("Mariana Sol", None),
        ("Ana", None),
        ("Ana María Sol and Ana Sol", "[…] and […]"),
        ("A\u0301na Sol", "[…]"),
        ("Sol y Luna", None),
    ],
)
def test_a_name_is_struck_whatever_its_case_accents_and_order(text: str, struck: str | None) -> None:
    forgotten = Forgotten("salt").adding(ANA, ["Ana Sol", "Ana María Sol", "Ana"])
    assert forgotten.strike(text) == (struck or text)
    assert forgotten.stands_in(text) == (struck is not None)


def test_an_iri_spells_a_name_too() -> None:
    forgotten = Forgotten("salt").adding(ANA, ["Ana Sol"])
    for iri in ("https://example.org/people/ana-sol", "https://example.org/Ana_Sol", "https://example.org/?who=Ana%20Sol"):
        assert forgotten.stands_in(iri)
    assert not forgotten.stands_in("https://example.org/anasol")


def test_the_list_survives_being_written(tmp_path: Path) -> None:
    forgotten = Forgotten.read(tmp_path).adding(ANA, ["Ana Sol"])
    forgotten.write(tmp_path)
    assert Forgotten.read(tmp_path) == forgotten
    assert set(json.loads((tmp_path / "forgotten.json").read_text())) == {"salt", "people", "names"}


def test_a_triple_that_is_a_term_is_looked_into() -> None:
    ana, other = ox.NamedNode(ANA), ox.NamedNode("urn:x")
    quads = [ox.Quad(other, other, ox.Triple(other, other, ana)), ox.Quad(other, other, other)]
    going = Forgetting(lambda: quads, Forgotten("salt").adding(ANA, []))
    assert list(going.left()) == quads[1:]
    assert going.removed == 1


def test_blank_nodes_below_what_goes_go_too() -> None:
    ana, node, deep, other = ox.NamedNode(ANA), ox.BlankNode("a"), ox.BlankNode("b"), ox.NamedNode("urn:x")
    quads = [ox.Quad(ana, other, node), ox.Quad(node, other, deep), ox.Quad(deep, other, ox.Literal("x")), ox.Quad(other, other, other)]
    assert list(Forgetting(lambda: quads, Forgotten("salt").adding(ANA, [])).left()) == quads[3:]


# ---- the command


def command(project: Project, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    root = f"resources._CHECKOUT = Path({str(project.root)!r}); resources._PACKAGE = Path('/none')"
    code = f"from pathlib import Path; from dpa_kg import resources, cli; {root}; cli.app()"
    environment = {**os.environ, "DPA_KG_HOME": str(project.settings.home)}
    return subprocess.run(
        [sys.executable, "-c", code, "forget", *arguments],
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_shows_what_goes_and_asks_before_it_does_anything(project: Project) -> None:
    assert command(project, "Ana Sol", "--dry-run").returncode == 0
    asked = command(project, "Ana Sol", text="n\n")
    assert asked.returncode == 1
    assert "version 1: 14 statements, 3 texts" in asked.stdout
    assert f"becomes “A talk by {GAP} and Ben Sol”" in asked.stdout
    assert naming(project.settings.home)
    done = command(project, "Ana Sol", text="y\n")
    assert done.returncode == 0, done.stderr
    assert "data/statements/letter.trig, line" in done.stdout
    assert naming(project.settings.home) == []


def test_the_command_exits_with_1_while_somebody_reads_and_says_how_to_go_on(project: Project) -> None:
    with Versions(project.settings.home).reading(1):
        done = command(project, ANA, "--yes", "--wait", "0.1")
    assert done.returncode == 1
    assert f"dpa-kg forget {ANA}" in done.stderr
    assert command(project, ANA, "--yes").returncode == 0
    assert naming(project.settings.home) == []
