"""The commands, on a small project: what they print, what they change, and how they fail."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pyoxigraph as ox
import pytest
from typer.testing import CliRunner, Result

from dpa_kg import __version__, cli, resources
from dpa_kg.settings import Settings
from tests.small_project import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    project = Project(tmp_path)
    monkeypatch.setattr(resources, "_CHECKOUT", project.root)
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "not a wheel")
    monkeypatch.setenv("DPA_KG_HOME", str(project.settings.home))
    monkeypatch.setenv("COLUMNS", "200")
    return project


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def no_label(project: Project) -> None:
    project.replace("data/statements/note.trig", 'rdfs:label "River Watch"@en ; ', "")


def test_every_command_tells_what_it_does() -> None:
    text = run("--help").output
    for name in ("build", "validate", "versions", "dump", "evidence", "settings", "serve", "query", "search", "export", "forget", "token"):
        assert re.search(rf"^  {name} +\S", text, re.MULTILINE), name
    for name in ("build", "validate", "dump", "evidence", "serve", "search", "settings", "export", "forget"):
        help_text = run(name, "--help").output
        assert "Usage:" in help_text
    assert __version__ in run("--version").output


def test_build_shows_its_stages_and_what_came_out(project: Project) -> None:
    result = run("build")
    assert result.stdout.startswith("Version 1: ")
    assert "1 warning and 0 notes" in result.stdout
    shown = [line.partition("  ")[0] for line in result.stderr.splitlines()]
    assert shown == ["Reading the files", "Merging the graphs", "Applying the rules", "Validating with SHACL", "Running the checks",
                     "Indexing the names", "Publishing"]  # fmt: skip


def test_build_does_nothing_the_second_time_unless_it_is_forced(project: Project) -> None:
    run("build")
    assert "Nothing has changed: version 1" in run("build").stdout
    assert run("build", "--force").stdout.startswith("Version 2: ")


def test_a_refused_build_prints_the_report_and_exits_with_1(project: Project) -> None:
    no_label(project)
    result = run("build", code=1)
    assert "violation project:river-watch needs rdfs:label: at least 1 must be given." in result.stdout
    assert "data/statements/note.trig, line 13" in result.stdout
    assert "note/L3" in result.stdout
    assert "shape:Project-label" in result.stdout
    assert "The gate found 1 violation; nothing was published." in result.stderr
    assert "There is no version yet" in run("versions", "list").stdout


def test_the_report_speaks_the_language_that_is_asked_for(project: Project) -> None:
    no_label(project)
    assert "project:river-watch necesita rdfs:label: hay que indicar al menos 1." in run("build", "--language", "es", code=1).stdout
    assert "project:river-watch precisa de rdfs:label" in run("validate", "--language", "pt", code=1).stdout


def test_a_broken_file_is_one_sentence_and_no_traceback(project: Project) -> None:
    project.append("ontology/dpa.ttl", "\nbroken\n")
    result = run("build", code=1)
    assert "ontology/dpa.ttl, line 25: " in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_validate_changes_nothing(project: Project) -> None:
    result = run("validate")
    assert "warning “River Watch” (project:river-watch) starts twice" in result.stdout
    assert "0 violations, 1 warning, 0 notes. The data conform." in result.stdout
    assert not project.settings.home.exists()


def test_validate_takes_files(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "new.nt"
    kind = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    file.write_text(f"<https://w3id.org/dpa-kg/id/project/x> {kind} <https://w3id.org/dpa-kg/ontology#Project> .\n")
    result = run("validate", file, code=1)
    assert "1 violation, 0 warnings, 1 note. The data do not conform." in result.stdout
    assert "1 × note shape:Project-dated" in result.stdout
    assert "begins" not in result.stdout
    assert "project:x: No source says when it begins." in run("validate", file, "--notes", code=1).stdout
    assert "there is no such file" in run("validate", tmp_path / "lost.ttl", code=1).stderr


def test_validate_writes_json(project: Project) -> None:
    no_label(project)
    report = json.loads(run("validate", "--json", code=1).stdout)
    assert (report["conforms"], report["violation"], report["warning"]) == (False, 1, 1)
    assert report["results"][0]["focusNode"] == "https://w3id.org/dpa-kg/id/project/river-watch"
    assert set(report["results"][0]["messages"]) == {"en", "es", "fr", "pt"}


def test_versions_are_listed_and_rolled_back_and_deleted(project: Project) -> None:
    run("build")
    project.replace("data/reference/places.ttl", '"Sweden"@en', '"Suède"@fr')
    run("build")
    assert re.search(r"^ →\s+2 ", run("versions", "list").stdout, re.MULTILINE)
    assert "Version 1 of " in run("versions", "rollback", 1).stdout
    assert re.search(r"^ →\s+1 ", run("versions", "list").stdout, re.MULTILINE)
    assert "Nothing has changed: version 1" in run("build").stdout
    run("versions", "delete", 2)
    assert "2 " not in [line[:10] for line in run("versions", "list").stdout.splitlines()]
    assert "There is no version 7." in run("versions", "rollback", 7, code=1).stderr
    assert "Version 1 is the current one." in run("versions", "delete", 1, code=1).stderr


def test_a_dump_is_sorted_and_gives_the_graphs_back(project: Project, tmp_path: Path) -> None:
    run("build")
    first = run("dump").stdout
    quads = set(ox.parse(input=first, format=ox.RdfFormat.N_QUADS))
    assert first == run("dump").stdout
    assert len(quads) == first.count("\n")
    assert all(isinstance(quad.graph_name, ox.NamedNode) for quad in quads)
    run("dump", "--format", "trig", "--output", tmp_path / "out.trig")
    assert set(ox.parse(path=str(tmp_path / "out.trig"))) == quads
    run("build", "--force")
    assert run("dump", "--version", 1).stdout == first
    assert "There is no version 9" in run("dump", "--version", 9, code=1).stderr


def test_evidence_checks_every_passage(project: Project) -> None:
    assert "5 passages of 2 documents: every line exists, every hash matches." in run("evidence", "--documents", project.documents).stdout
    project.replace("documents/note.txt", "in Norway", "in Sweden")
    result = run("evidence", "--documents", project.documents, code=1)
    assert "https://w3id.org/dpa-kg/graph/note/L3,5: the lines are not those" in result.stderr
    assert "every hash matches" not in result.stdout


@pytest.mark.parametrize("name", ["https://w3id.org/dpa-kg/id/organization/rb", "organization:rb", "River Bank", "river bank"])
def test_evidence_shows_the_passages_behind_an_entity(project: Project, name: str) -> None:
    text = run("evidence", name, "--documents", project.documents).stdout
    assert "River Bank  https://w3id.org/dpa-kg/id/organization/rb\n1 passage\n" in text
    assert "The Note, lines 3-4 (stated)  https://w3id.org/dpa-kg/graph/note/L3-4" in text
    assert "    4  It is funded by the River Bank (RB)" in text
    assert "participation:river-watch-rb-funder prov:hadRole role:funder" in text
    assert "Its partner" not in text


def test_evidence_for_a_name_that_nobody_has_says_so(project: Project) -> None:
    result = run("evidence", "River Bonk", "--documents", project.documents, code=1)
    assert "River Bank" in result.stderr


def test_evidence_stamps_a_file(project: Project) -> None:
    file = project.root / "data/statements/note.trig"
    text = file.read_text()
    file.write_text(text.partition("# ---- provenance")[0])
    assert f"{file}: 4 passages" in run("evidence", "--stamp", file, "--documents", project.documents).stdout
    assert file.read_text() == text


def test_search_finds_names(project: Project) -> None:
    text = run("search", "lake").stdout
    assert re.search(r"Lake Lab .* organization:lake-lab", text)
    assert "1 of 1 found." in text
    assert "0 of 0 found." in run("search", "lake", "--noun", "project").stdout


def test_the_named_queries_are_commands(project: Project) -> None:
    run("build")
    assert "https://w3id.org/dpa-kg/id/project/river-watch" in run("query", "projects", "--format", "csv").output


def test_an_answer_is_cited_by_its_address_or_by_the_command_that_asks_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    run("build")
    asked = ("query", "projects", "--format", "json")
    cited = json.loads(run(*asked).stdout)["citation"]
    assert re.search(r"version 1 of \d{4}-\d\d-\d\d: .*dpa-kg query projects$", cited), cited
    table = run("query", "projects", "--lang", "es")
    assert "versión 1 del" in table.stdout
    rows = run("query", "projects", "--format", "csv")
    assert cited in rows.stderr
    assert cited not in rows.stdout
    monkeypatch.setenv("DPA_KG_PUBLIC_URL", "https://kg.example.org/")
    assert json.loads(run(*asked).stdout)["citation"].endswith(" https://kg.example.org/queries/projects?version=1")


def test_settings_shows_every_setting_with_its_variable(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DPA_KG_PORT", "8123")
    text = run("settings").stdout
    for name in Settings.model_fields:
        assert f"DPA_KG_{name.upper()} " in text
    assert re.search(r"DPA_KG_PORT +8123 +port to listen on", text)


def test_a_setting_that_makes_no_sense_is_told_plainly(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DPA_KG_PORT", "eighty")
    result = run("settings", code=1)
    assert "DPA_KG_PORT" in result.stderr


def test_serve_without_a_version_and_without_building_says_so(project: Project) -> None:
    assert "There is no version yet." in run("serve", "--no-build", code=1).stderr


def test_the_second_start_is_fast(project: Project) -> None:
    run("build")
    code = (
        "import sys; from pathlib import Path; from dpa_kg import cli, resources; import uvicorn;"
        "resources._CHECKOUT = Path(sys.argv.pop()); resources._PACKAGE = resources._CHECKOUT / 'none';"
        "uvicorn.Server.run = lambda self, _sockets=None: (setattr(self, 'started', True), print('serving'));"
        "cli.app(sys.argv[1:], standalone_mode=False);"
        "print(sorted({'pyshacl', 'rdflib'} & set(sys.modules)))"
    )
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    before = usage.ru_utime + usage.ru_stime
    command = [sys.executable, "-c", code, "serve", str(project.root)]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=True)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert children.ru_utime + children.ru_stime - before < 4  # two seconds on an idle machine; the tests keep it busy
    assert "is served at http://127.0.0.1:8000/" in ended.stdout
    assert ended.stdout.splitlines()[-2] == "serving"
    assert ended.stdout.splitlines()[-1] == "[]"


def test_tokens_are_made_listed_and_revoked(project: Project) -> None:
    token = run("token", "create", "ana", "--scope", "write", "--scope", "admin", "--days", "30").stdout.strip()
    assert re.fullmatch(r"dpakg_[\w-]{43}", token)
    listed = run("token", "list").stdout
    assert re.search(r"ana +admin, write", listed)
    assert token not in listed + run("settings").stdout + (project.settings.home / "tokens.json").read_text("utf-8")
    run("token", "create", "ana", code=1)
    run("token", "revoke", "ana")
    assert "There is no token" in run("token", "list").stdout
    assert "no token named" in run("token", "revoke", "ana", code=1).output
