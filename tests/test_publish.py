"""The write path on a small project: what a build makes of the files, what it refuses, and what it survives."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyoxigraph as ox
import pytest

from dpa_kg import publish
from dpa_kg.errors import BuildError, DpaKgError, InputError, Refused
from dpa_kg.graph import merge
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.report import Finding, Report
from dpa_kg.graph.search import Names
from dpa_kg.graph.versions import Versions
from dpa_kg.namespaces import DERIVED_GRAPH, GRAPH, ONTOLOGY_GRAPH, PROVENANCE_GRAPH, QUERIES_GRAPH, SHAPES_GRAPH
from tests.small_project import Project, ask


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def build(project: Project, *, force: bool = False) -> Version:
    return publish.build(project.settings, root=project.root, force=force)


def opened(version: Version) -> OxigraphStore:
    return OxigraphStore.open_read_only(version.store_path)


def current(project: Project) -> Version | None:
    return Versions(project.settings.home).current()


def refused(project: Project) -> Report:
    with pytest.raises(Refused) as caught:
        build(project)
    assert isinstance(caught.value.report, Report)
    return caught.value.report


def only(report: Report, severity: str = "violation") -> Finding:
    found = [finding for finding in report.findings if finding.severity == severity]
    assert len(found) == 1, [finding.message() for finding in found]
    return found[0]


# ---- what goes where


def test_every_file_goes_into_its_graph(project: Project) -> None:
    graphs = opened(build(project)).graphs()
    expected = ["letter/L1", "note/L3", "note/L3,5", "note/L3-4", "note/L6", "reference/places"]
    system = [DERIVED_GRAPH, ONTOLOGY_GRAPH, PROVENANCE_GRAPH, QUERIES_GRAPH, SHAPES_GRAPH]
    assert graphs == sorted([*(GRAPH + name for name in expected), *system])


def test_the_default_graph_is_the_merge_without_provenance_shapes_and_queries(project: Project) -> None:
    store = opened(build(project))
    unmerged = {PROVENANCE_GRAPH, SHAPES_GRAPH, QUERIES_GRAPH}
    expected = {quad.triple for graph in store.graphs() if graph not in unmerged for quad in store.quads(graph)}
    assert Counter(quad.triple for quad in store.quads()) == Counter(expected)
    assert not ask(store, "?passage dpa:sha256 ?hash")
    assert not ask(store, "?shape sh:targetClass ?class")
    assert ask(store, "GRAPH graph:provenance { ?passage dpa:sha256 ?hash }")


def test_a_triple_that_two_passages_state_is_once_in_the_merge(project: Project) -> None:
    store = opened(build(project))
    pattern = "?s a <https://w3id.org/dpa-kg/ontology#Project>"
    assert len(list(store.query(f"SELECT * {{ {pattern} }}"))) == 1  # type: ignore[arg-type]
    assert len(list(store.query(f"SELECT * {{ GRAPH ?g {{ {pattern} }} }}"))) == 3  # type: ignore[arg-type]


def test_rules_feed_each_other_and_what_they_derive_is_in_both_graphs(project: Project) -> None:
    store = opened(build(project))
    derived = "project:river-watch a dpa:Undertaking ; dpa:funder organization:rb ; dpa:participant organization:rb , organization:lake-lab"
    assert ask(store, derived)
    assert ask(store, f"GRAPH graph:derived {{ {derived} }}")
    assert not ask(store, "project:river-watch dpa:funder organization:lake-lab")


def test_what_is_asserted_does_not_count_as_derived(project: Project) -> None:
    project.replace("data/statements/letter.trig", "a dpa:Project ;", "a dpa:Project , dpa:Undertaking ;")
    store = opened(build(project))
    assert ask(store, "project:river-watch a dpa:Undertaking")
    assert not ask(store, "GRAPH graph:derived { project:river-watch a dpa:Undertaking }")


def test_the_version_says_what_it_is(project: Project) -> None:
    version = build(project)
    facts = version.metadata
    store = opened(version)
    assert facts.triples == store.triples()
    assert facts.graphs == len(store.graphs())
    assert (facts.warnings, facts.infos, facts.validated, facts.parent) == (1, 0, True, None)
    assert f"{GRAPH}note/L3,5" in facts.file_graphs
    assert DERIVED_GRAPH not in facts.file_graphs
    assert facts.changes["removed"] == 0
    assert json.loads((version.path / "version.json").read_text())["engine"].startswith("pyoxigraph ")


def test_the_names_can_be_searched(project: Project) -> None:
    names = Names(build(project).search_path)
    met = names.search("lake", None, 10, 0)
    names.close()
    assert (met.total, met.found[0].iri) == (1, "https://w3id.org/dpa-kg/id/organization/lake-lab")


def test_two_builds_of_the_same_files_hold_the_same_quads(project: Project, tmp_path: Path) -> None:
    other = Project(tmp_path / "other")
    assert set(opened(build(project)).engine) == set(opened(build(other)).engine)


# ---- building again


def test_nothing_is_built_when_nothing_has_changed(project: Project) -> None:
    assert build(project) == build(project)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("data/statements/note.trig", '"Lake Lab"@en', '"Lake Laboratory"@en'),
        ("data/reference/places.ttl", '"Sweden"@en', '"Suède"@fr'),
        ("ontology/rules.ttl", "rule:participant a sh:SPARQLRule ;", "rule:participant a sh:SPARQLRule ; sh:deactivated true ;"),
        ("shapes/project.ttl", "begins.", "started."),
        ("shapes/checks/two-starts-warning.rq", "starts twice", "begins twice"),
        ("queries/projects.rq", "Every project.", "All projects."),
    ],
)
def test_a_change_in_any_file_makes_a_new_version(project: Project, file: str, old: str, new: str) -> None:
    build(project)
    project.replace(file, old, new)
    assert build(project).number == 2


def test_a_second_build_changes_only_what_the_files_changed(project: Project) -> None:
    build(project)
    project.replace("data/statements/note.trig", '"Lake Lab"@en', '"Lake Laboratory"@en')
    version = build(project)
    store = opened(version)
    assert version.metadata.changes == {"added": 1, "removed": 1}
    assert ask(store, 'organization:lake-lab rdfs:label "Lake Laboratory"@en')
    assert not ask(store, 'organization:lake-lab rdfs:label "Lake Lab"@en')


def test_a_build_from_a_parent_and_a_build_from_nothing_are_the_same(project: Project) -> None:
    build(project)
    project.replace("data/statements/note.trig", "place:norway", "place:sweden")
    (project.root / "data/statements/letter.trig").unlink()
    grown = set(opened(build(project)).engine)
    shutil.rmtree(project.settings.home)
    assert grown == set(opened(build(project)).engine)


def test_a_statement_stays_in_the_merge_while_another_passage_makes_it(project: Project) -> None:
    build(project)
    (project.root / "data/statements/letter.trig").unlink()
    store = opened(build(project))
    assert f"{GRAPH}letter/L1" not in store.graphs()
    assert ask(store, "project:river-watch a dpa:Project")
    assert not ask(store, 'project:river-watch dpa:startDate "2018-03"^^xsd:gYearMonth')


def test_what_followed_from_a_removed_statement_is_gone(project: Project) -> None:
    build(project)
    project.replace("data/statements/note.trig", "prov:hadRole role:funder", "prov:hadRole role:partner")
    assert not ask(opened(build(project)), "?x dpa:funder ?y")


def add_users_graph(project: Project) -> None:
    """Publishes a version with a graph that no file has, as the interface will do."""
    versions = Versions(project.settings.home)
    with versions.writing(), versions.candidate() as candidate:
        assert candidate.parent is not None
        opened(candidate.parent).checkpoint(candidate.store_path)
        with OxigraphStore.open(candidate.store_path) as store:
            mine, label = (
                ox.NamedNode("https://w3id.org/dpa-kg/id/project/mine"),
                ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#label"),
            )
            merge.change(store, [ox.Quad(mine, label, ox.Literal("Mine", language="en"), ox.NamedNode("https://example.org/mine"))])
            store.engine.flush()
        shutil.copy(candidate.parent.search_path, candidate.search_path)
        versions.publish(candidate, candidate.parent.metadata)


MINE = 'GRAPH <https://example.org/mine> { project:mine rdfs:label "Mine"@en } project:mine rdfs:label "Mine"@en'


def test_a_graph_that_came_through_the_interface_survives_a_build(project: Project) -> None:
    build(project)
    add_users_graph(project)
    project.replace("data/reference/places.ttl", '"Sweden"@en', '"Suède"@fr')
    version = build(project)
    assert version.number == 3
    assert ask(opened(version), MINE)
    assert "https://example.org/mine" not in version.metadata.file_graphs


def test_a_graph_that_came_through_the_interface_survives_a_new_engine(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    build(project)
    add_users_graph(project)
    monkeypatch.setattr("dpa_kg.graph.candidates.engine", lambda: "pyoxigraph 9.9.9")
    assert ask(opened(build(project, force=True)), MINE)


def test_a_rollback_holds_until_the_files_change(project: Project) -> None:
    build(project)
    project.replace("data/reference/places.ttl", '"Sweden"@en', '"Suède"@fr')
    build(project)
    publish.rollback(project.settings, 1, root=project.root)
    assert build(project).number == 1
    project.replace("data/reference/places.ttl", '"Suède"@fr', '"Schweden"@de')
    version = build(project)
    assert (version.number, version.metadata.parent) == (3, 1)
    assert ask(opened(version), 'place:sweden rdfs:label "Schweden"@de')


# ---- the gate


def test_a_violation_publishes_nothing_and_the_report_names_file_passage_and_rule(project: Project) -> None:
    project.replace("data/statements/note.trig", 'rdfs:label "River Watch"@en ; ', "")
    finding = only(refused(project))
    assert current(project) is None
    assert finding.focus == "https://w3id.org/dpa-kg/id/project/river-watch"
    assert finding.rule == "https://w3id.org/dpa-kg/shape/Project-label"
    assert "data/statements/note.trig, line 13" in [file for mention in finding.mentions for file in mention.files]
    assert f"{GRAPH}note/L3" in [mention.graph for mention in finding.mentions]


def test_a_refused_change_leaves_the_current_version(project: Project) -> None:
    first = build(project)
    project.replace("data/statements/note.trig", 'rdfs:label "River Watch"@en ; ', "")
    refused(project)
    assert current(project) == first
    assert [path.name for path in Versions(project.settings.home).folder.iterdir()] == ["000001"]


def test_the_report_says_what_is_wrong_in_four_languages(project: Project) -> None:
    project.replace("data/statements/note.trig", '"2018"^^xsd:gYear', '"in 2018"')
    finding = only(refused(project))
    messages = finding.messages
    assert [mention.graph for mention in finding.mentions] == [f"{GRAPH}note/L3"]  # the one that states the value
    assert set(messages) == {"en", "es", "fr", "pt"}
    assert messages["en"] == (
        "“in 2018”, given as “start date” (dpa:startDate) of “River Watch” (project:river-watch), fits none of what is allowed: "
        "xsd:gYear, xsd:gYearMonth, xsd:date."
    )
    assert "“fecha de inicio” (dpa:startDate)" in messages["es"]
    assert len(set(messages.values())) == 4


def test_a_misspelt_role_is_answered_with_the_nearest_one(project: Project) -> None:
    project.replace("data/statements/note.trig", "role:funder", "role:fundr")
    found = {finding.rule: finding for finding in refused(project).findings if finding.severity == "violation"}
    role = found["https://w3id.org/dpa-kg/shape/Participation-role"]
    assert role.message("en").endswith("Did you mean “funder” (role:funder)?")
    assert role.message("es").endswith("¿Quiso decir “financiador” (role:funder)?")
    assert [mention.graph for mention in role.mentions] == [f"{GRAPH}note/L3-4"]
    assert found["dangling-violation"].message("en").endswith("Did you mean “funder” (role:funder)?")


def test_what_is_far_from_every_name_is_not_answered_with_one(project: Project) -> None:
    project.replace("data/statements/note.trig", "role:funder", "role:xylophone")
    assert not any("Did you mean" in finding.message() for finding in refused(project).findings)


def test_the_message_of_a_shape_goes_before_the_template(project: Project) -> None:
    project.replace("data/statements/note.trig", ' ; dpa:startDate "2018"^^xsd:gYear', "")
    (project.root / "data/statements/letter.trig").unlink()
    finding = only(publish.validate(project.settings, root=project.root), "info")
    assert finding.message("es") == "“River Watch” (project:river-watch): Ninguna fuente dice cuándo empieza."
    assert finding.message("fr") == "“River Watch” (project:river-watch): No source says when it begins."


def test_warnings_and_notes_do_not_refuse(project: Project) -> None:
    version = build(project)
    warning = only(publish.validate(project.settings, root=project.root), "warning")
    assert version.metadata.warnings == 1
    assert warning.rule == "two-starts-warning"
    assert warning.message() == "“River Watch” (project:river-watch) starts twice: “2018” (xsd:gYear) and “2018-03” (xsd:gYearMonth)."


def test_the_ontology_is_validated_with_shapes_of_its_own(project: Project) -> None:
    project.replace("ontology/dpa.ttl", 'dpa:funder a owl:ObjectProperty ; rdfs:label "funder"@en .', "dpa:funder a owl:ObjectProperty .")
    finding = only(refused(project))
    assert finding.rule == "https://w3id.org/dpa-kg/shape/Term-label"
    assert finding.mentions[0].files[0].startswith("ontology/dpa.ttl, line ")


# ---- files that are broken


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("data/statements/note.trig", "\nnote:L1 { project:x a }\n", "data/statements/note.trig, line {line}: "),
        ("data/reference/places.ttl", "\nplace:x a dpa:Place, .\n", "data/reference/places.ttl, line {line}: "),
        ("data/statements/letter.trig", "\n<https://w3id.org/dpa-kg/graph/reference/mine> { project:x a dpa:Project }\n",
         "letter.trig, line {line}: statements may not be written to https://w3id.org/dpa-kg/graph/reference/mine"),
        ("data/statements/letter.trig", "\n<https://w3id.org/dpa-kg/graph/derived> { project:x a dpa:Project }\n",
         "letter.trig, line {line}: statements may not be written to https://w3id.org/dpa-kg/graph/derived"),
        ("data/statements/letter.trig", "\nproject:x a dpa:Project .\n",
         "letter.trig, line {line}: a statement on https://w3id.org/dpa-kg/id/project/x stands outside any graph"),
        ("data/statements/letter.trig", "\n<https://w3id.org/dpa-kg/graph/post/L1> { project:x a dpa:Project }\n",
         "graph/post/L1 is a passage of 'post', which data/sources.ttl does not describe"),
        ("data/statements/letter.trig", "\nletter:L1-16 { project:x a dpa:Project }\n",
         "letter.trig, line {line}: https://w3id.org/dpa-kg/graph/letter/L1-16 has 16 lines"),
        ("data/statements/letter.trig", "\nletter:L2-1 { project:x a dpa:Project }\n", "letter.trig, line {line}: "),
        ("data/statements/letter.trig", "\n<https://w3id.org/dpa-kg/graph/note/L6> { project:x a dpa:Project }\n",
         "https://w3id.org/dpa-kg/graph/note/L6 stands in data/statements/letter.trig, line {line} already"),
        ("data/statements/letter.trig", "\nletter:L2 { project:x dpa:place [ a dpa:Place ] }\n",
         "letter.trig, line {line}: blank nodes may not be used"),
        ("data/statements/letter.trig", "\n<https://w3id.org/dpa-kg/graph/provenance> { letter:L2 dpa:status dpa:stated }\n",
         "letter.trig, line {line}: https://w3id.org/dpa-kg/graph/letter/L2 is described in"),
        ("data/sources.ttl", "\n<http://x/> <http://y/> [] .\n", "data/sources.ttl, line {line}: blank nodes may not be used"),
        ("ontology/dpa.ttl", "\nbroken\n", "ontology/dpa.ttl, line {line}: "),
        ("ontology/rules.ttl", '\nrule:bad a sh:SPARQLRule ; sh:construct "CONSTRUCT {" .\n', "rule/bad does not parse"),
        ("ontology/rules.ttl", '\nrule:ask a sh:SPARQLRule ; sh:construct "ASK {}" .\n', "rule/ask is not a CONSTRUCT query"),
        ("ontology/rules.ttl", "\nrule:none a sh:SPARQLRule .\n", "rule/none must have exactly one sh:construct"),
        ("ontology/rules.ttl", '\nrule:endless a sh:SPARQLRule ; sh:construct "CONSTRUCT { ?x a [] } WHERE { ?x a dpa:Project }" .\n',
         "after 20 rounds: https://w3id.org/dpa-kg/rule/endless"),
        ("shapes/project.ttl", "\nshape:Bad a sh:NodeShape ; sh:targetClass dpa:Project ; sh:property [ sh:path [] ] .\n",
         "shapes cannot be used"),
        ("shapes/checks/dangling-violation.rq", "\n}\n", "shapes/checks/dangling-violation.rq: "),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_its_line_and_nothing_is_published(project: Project, file: str, text: str, words: str) -> None:
    line = (project.root / file).read_text(encoding="utf-8").count("\n") + 2  # the first one after what is there and an empty one
    project.append(file, text)
    with pytest.raises(BuildError) as caught:
        build(project)
    assert words.format(line=line) in caught.value.detail
    assert current(project) is None
    assert list(Versions(project.settings.home).folder.iterdir()) == []


def test_all_broken_files_are_told_at_once(project: Project) -> None:
    project.append("data/reference/places.ttl", "\nbroken\n")
    project.append("ontology/dpa.ttl", "\nbroken\n")
    (project.root / "data/statements/lost.ttl").write_text("")
    with pytest.raises(BuildError) as caught:
        build(project)
    assert [line.partition(":")[0] for line in caught.value.detail.split("\n")] == [
        "data/statements/lost.ttl", "data/reference/places.ttl, line 8", "ontology/dpa.ttl, line 25",
    ]  # fmt: skip


def test_a_check_must_tell_its_severity_and_its_words(project: Project) -> None:
    checks = project.root / "shapes/checks"
    (checks / "two-starts-warning.rq").rename(checks / "two-starts.rq")
    with pytest.raises(BuildError, match=r"must end in -violation\.rq, -warning\.rq or -info\.rq"):
        build(project)
    (checks / "two-starts.rq").rename(checks / "two-starts-warning.rq")
    project.replace("shapes/checks/two-starts-warning.rq", "{two}", "{three}")
    with pytest.raises(BuildError, match="the message names three"):
        build(project)


# ---- accidents

BUILD = """
import sys, time
from contextlib import contextmanager
from pathlib import Path
from dpa_kg import publish
from dpa_kg.settings import Settings

@contextmanager
def stage(name):
    yield
    if name == sys.argv[3]:
        print("ready", flush=True)
        time.sleep(60)

publish.build(Settings(home=Path(sys.argv[1])), stage, root=Path(sys.argv[2]), force=True)
"""


@pytest.mark.parametrize("stage", ["merge", "derive", "index"])
def test_a_build_that_is_killed_leaves_the_current_version_and_the_next_one_is_clean(project: Project, stage: str) -> None:
    first = build(project)
    before = set(opened(first).engine)
    command = [sys.executable, "-c", BUILD, str(project.settings.home), str(project.root), stage]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert (Versions(project.settings.home).folder / "000002" / "store").is_dir()
        process.send_signal(signal.SIGKILL)
    assert current(project) == first
    assert set(opened(first).engine) == before
    second = build(project, force=True)
    assert second.number == 2
    assert set(opened(second).engine) == before


@pytest.mark.parametrize("size", [500, 5_000, 50_000, 150_000])
def test_a_full_disk_leaves_the_current_version(project: Project, size: int) -> None:
    first = build(project)
    places = (f'place:p{n} a dpa:Place ; rdfs:label "{"long name " * 20} {n}"@en .\n' for n in range(2000))
    project.append("data/reference/places.ttl", "".join(places))
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n{BUILD}"
    command = [sys.executable, "-c", code, str(project.settings.home), str(project.root), "-"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "dpa_kg.errors.BuildError: " in ended.stderr
    assert current(project) == first
    assert build(project).number > first.number


def test_two_builds_at_once_make_one_version(project: Project) -> None:
    code = BUILD.replace(", force=True", "")
    command = [sys.executable, "-c", code, str(project.settings.home), str(project.root), "-"]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert [version.number for version in Versions(project.settings.home).all()] == [1]


def test_a_build_does_not_wait_for_readers(project: Project) -> None:
    build(project)
    with Versions(project.settings.home).reading() as version:
        store = opened(version)
        start = time.perf_counter()
        build(project, force=True)
        assert time.perf_counter() - start < 10
        assert ask(store, "project:river-watch a dpa:Project")


# ---- validating files


def write(path: Path, text: str) -> Path:
    prefixes = "".join(
        f"@prefix {prefix}: <{iri}> .\n"
        for prefix, iri in {
            "dpa": "https://w3id.org/dpa-kg/ontology#",
            "organization": "https://w3id.org/dpa-kg/id/organization/",
            "participation": "https://w3id.org/dpa-kg/id/participation/",
            "place": "https://w3id.org/dpa-kg/id/place/",
            "project": "https://w3id.org/dpa-kg/id/project/",
            "prov": "http://www.w3.org/ns/prov#",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
            "role": "https://w3id.org/dpa-kg/id/role/",
        }.items()
    )
    path.write_text(prefixes + text, encoding="utf-8")
    return path


def test_a_file_is_validated_with_what_is_known_already_and_nothing_is_changed(project: Project, tmp_path: Path) -> None:
    first = build(project)
    text = (
        'project:lake a dpa:Project ; rdfs:label "Lake"@en ; dpa:place place:norway ; dpa:participation participation:p .\n'
        "participation:p a dpa:Participation ; prov:agent organization:rb ; prov:hadRole role:partner ."
    )
    file = write(tmp_path / "new.ttl", text)
    report = publish.validate(project.settings, [file], root=project.root)
    assert [(finding.severity, finding.rule.rpartition("/")[2]) for finding in report.findings] == [("info", "Project-dated")]
    assert current(project) == first


def test_the_report_on_a_file_is_about_this_file(project: Project, tmp_path: Path) -> None:
    file = write(tmp_path / "new.ttl", "project:lake a dpa:Project ; dpa:place place:norwy .")
    report = publish.validate(project.settings, [file], root=project.root)
    found = {finding.rule.rpartition("/")[2]: finding for finding in report.findings}
    assert set(found) == {"Project-label", "Project-place", "Project-dated", "dangling-violation"}
    assert found["Project-place"].message().endswith("Did you mean “Norway” (place:norway)?")
    assert found["Project-place"].mentions[0].files == (f"{file}, line 9",)


def test_validation_sees_the_files_as_they_are_now(project: Project) -> None:
    build(project)
    project.replace("data/statements/note.trig", 'rdfs:label "River Watch"@en ; ', "")
    assert only(publish.validate(project.settings, root=project.root)).rule.endswith("Project-label")


def test_what_a_file_points_at_is_its_concern_where_nothing_describes_it(project: Project, tmp_path: Path) -> None:
    check = (project.root / "shapes/checks/dangling-violation.rq").read_text()
    (project.root / "shapes/checks/dangling-violation.rq").write_text(
        check.replace("DISTINCT ?focus ?passage", "DISTINCT ?focus").replace(" in {passage}", "")
    )
    file = write(tmp_path / "new.ttl", "project:river-watch dpa:place place:nowhere .")
    report = publish.validate(project.settings, [file], root=project.root)
    assert ("dangling-violation", "https://w3id.org/dpa-kg/id/place/nowhere") in [(one.rule, one.focus) for one in report.findings]


def test_a_file_of_the_project_may_be_validated_alone(project: Project) -> None:
    report = publish.validate(project.settings, [project.root / "data/statements/letter.trig"], root=project.root)
    assert [finding.rule for finding in report.findings] == ["two-starts-warning"]
    places = publish.validate(project.settings, [project.root / "data/reference/places.ttl"], root=project.root)
    assert places.findings == ()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.rdf", '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]><r/>', "with a DOCTYPE is not read"),
        ("x.jsonld", '{"@graph": ' + "[" * 200 + "]" * 200 + "}", "nested more than 100 levels"),
        ("x.csv", "a,b", "is no extension of an RDF format"),
        ("x.ttl", "<a> <b>", "x.ttl, line 1: "),
        ("x.trig", "<https://w3id.org/dpa-kg/graph/ontology> { <http://a/> <http://b/> <http://c/> }", "nothing may be written to"),
        ("x.ttl", "<http://a/> <http://b/> <<( <http://a/> <http://b/> <http://c/> )>> .", "RDF 1.2"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_plainly(project: Project, tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        publish.validate(project.settings, [tmp_path / name], root=project.root)
    assert words in caught.value.detail
    assert name in caught.value.detail


@pytest.mark.parametrize("name", ["x.ttl", "x.trig", "x.nt", "x.nq", "x.jsonld", "x.rdf"])
def test_every_rdf_format_can_be_validated(project: Project, tmp_path: Path, name: str) -> None:
    rdf_format = ox.RdfFormat.from_extension(name.partition(".")[2])
    triple = ox.Triple(
        ox.NamedNode("https://w3id.org/dpa-kg/id/project/lake"), ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type"),
        ox.NamedNode("https://w3id.org/dpa-kg/ontology#Project"),
    )  # fmt: skip
    ox.serialize([triple], str(tmp_path / name), rdf_format)
    report = publish.validate(project.settings, [tmp_path / name], root=project.root)
    assert "https://w3id.org/dpa-kg/shape/Project-label" in [finding.rule for finding in report.findings]


def test_every_error_of_the_write_path_is_one_of_ours(project: Project) -> None:
    shutil.rmtree(project.root / "ontology")
    with pytest.raises(DpaKgError, match="ontology"):
        build(project)
