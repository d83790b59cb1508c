"""Passages and their hashes: what a name means, what is stamped, what is found wrong."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpa_kg import publish
from dpa_kg.errors import BuildError, DpaKgError, InputError
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.ingest import evidence
from dpa_kg.ingest.passages import Document, Lines, Source, passage_of, read_documents, sources
from dpa_kg.ingest.stamp import MARKER, stamp
from dpa_kg.ingest.statements import load
from dpa_kg.namespaces import DPA, GRAPH, ID, PROVENANCE_GRAPH
from dpa_kg.resources import folder
from tests.small_project import Project

SHARED = Path(__file__).parents[2] / "shared"
needs_shared = pytest.mark.skipif(not (SHARED / "sources").is_dir(), reason="needs the documents in ../shared/sources")
RIVER_WATCH = f"{ID}project/river-watch"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def documents(project: Project) -> Mapping[str, Document]:
    return read_documents(project.documents, described(project))


def described(project: Project) -> Mapping[str, Source]:
    return sources(ox.parse(path=str(project.root / "data/sources.ttl")))


def stored(project: Project) -> OxigraphStore:
    """What the files say, without a build."""
    return OxigraphStore.memory(quad for quads in load(project.root).graphs.values() for quad in quads)


# ---- names of passages


@st.composite
def ranges(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    cuts = sorted(draw(st.sets(st.integers(1, 5000), min_size=2, max_size=12)))
    pairs = [(a, b if draw(st.booleans()) else a) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    return tuple(draw(st.permutations(pairs)))


@given(ranges())
def test_lines_are_read_as_they_are_written(given_ranges: tuple[tuple[int, int], ...]) -> None:
    lines = Lines(given_ranges)
    assert Lines.parse(str(lines)) == lines
    assert len(lines) == len(list(lines.numbers())) == len(set(lines.numbers()))
    assert passage_of(f"{GRAPH}some-source/L{lines}") == ("some-source", lines)


@pytest.mark.parametrize("text", ["", "0", "1-", "-1", "5-5", "5-4", "1,1", "1-3,2", "3,1-4", "01", "1, 2", "1-2-3", "a", "1\n", "²"])
def test_what_is_no_list_of_lines_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Lines.parse(text)


@pytest.mark.parametrize("graph", ["provenance", "reference/places", "derived", "note/3", "a/b/L3", "Note/L3", "note/l3"])
def test_other_graphs_are_no_passages(graph: str) -> None:
    assert passage_of(GRAPH + graph) is None


# ---- hashes


def test_the_hash_is_over_the_lines_each_with_a_line_feed_in_the_order_of_the_ranges(tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_bytes("one\ntwo\u2028still two\r\nthrée".encode())
    document = Document.read(tmp_path / "d.txt")
    assert len(document.lines) == 3
    expected = hashlib.sha256("thrée\none\ntwo\u2028still two\r\n".encode()).hexdigest()
    assert document.digest(Lines.parse("3,1-2")) == expected


def test_a_line_behind_the_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_text("one\ntwo\n")
    with pytest.raises(InputError, match=r"d\.txt has 2 lines; there is no line 3"):
        Document.read(tmp_path / "d.txt").digest(Lines.parse("2-3"))


def test_a_document_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_bytes(b"caf\xe9")
    with pytest.raises(BuildError, match=r"d\.txt is not UTF-8 text: byte 3"):
        Document.read(tmp_path / "d.txt")


@needs_shared
def test_the_worked_example_has_the_hashes_that_we_compute() -> None:
    documents = read_documents(SHARED / "sources", sources(ox.parse(path=str(folder("data") / "sources.ttl"))))
    example = {
        quad.subject.value: quad.object.value
        for quad in ox.parse(path=str(SHARED / "example.trig"))
        if quad.predicate.value == f"{DPA}sha256" and isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.Literal)
    }
    assert len(example) == 3
    for graph, digest in example.items():
        passage = passage_of(graph)
        assert passage is not None
        assert documents[passage[0]].digest(passage[1]) == digest


@needs_shared
def test_every_passage_of_the_project_is_in_the_documents() -> None:
    store = OxigraphStore.memory(quad for quads in load().graphs.values() for quad in quads)
    checked = evidence.check(store, read_documents(SHARED / "sources", sources(store.quads(PROVENANCE_GRAPH))))
    assert checked.faults == ()
    assert checked.passages > 300


# ---- stamping


def test_the_files_of_the_fixture_are_stamped_and_right(project: Project, documents: Mapping[str, Document]) -> None:
    assert evidence.check(stored(project), documents) == evidence.Checked(5, ())


def test_stamping_twice_changes_nothing(project: Project, documents: Mapping[str, Document]) -> None:
    path = project.root / "data/statements/note.trig"
    before = path.read_bytes()
    assert stamp(path, documents) == 4
    assert path.read_bytes() == before


def test_stamping_does_not_touch_what_stands_above_the_marker(project: Project, documents: Mapping[str, Document]) -> None:
    path = project.root / "data/statements/note.trig"
    above = path.read_text().partition(MARKER)[0]
    project.replace("data/statements/note.trig", "note:L6 {", "note:L5-6 {")
    project.replace("data/statements/note.trig", "{ note:L6 <", "{ note:L5-6 <")
    stamp(path, documents)
    text = path.read_text()
    assert text.partition(MARKER)[0] == above.replace("note:L6", "note:L5-6")
    assert "note:L5-6 a dpa:Passage" in text
    assert "note:L6 a" not in text
    assert text.count(MARKER) == 1


def status(project: Project, passage: str) -> set[tuple[str, str]]:
    subject = ox.NamedNode(f"{GRAPH}note/{passage}")
    quads = stored(project).engine.quads_for_pattern(subject, None, None, ox.NamedNode(PROVENANCE_GRAPH))
    wanted = (f"{DPA}status", f"{DPA}note")
    return {(q.predicate.value.removeprefix(DPA), q.object.value.removeprefix(DPA)) for q in quads if q.predicate.value in wanted}  # type: ignore[union-attr]


def test_a_passage_is_stated_unless_the_curator_says_implied(project: Project, documents: Mapping[str, Document]) -> None:
    assert status(project, "L3") == {("status", "stated")}
    assert status(project, "L6") == {("status", "implied"), ("note", "“Its” is the project of line 3.")}
    above = "<https://w3id.org/dpa-kg/graph/provenance> { note:L6 <https://w3id.org/dpa-kg/ontology#status> dpa:implied ; "
    project.replace("data/statements/note.trig", above + 'dpa:note "“Its” is the project of line 3."@en . }\n', "")
    stamp(project.root / "data/statements/note.trig", documents)
    assert status(project, "L6") == {("status", "stated")}


def test_a_status_and_a_note_that_stand_in_the_block_are_kept(project: Project, documents: Mapping[str, Document]) -> None:
    old = 'note:L3 a dpa:Passage ; dpa:source source:note ; dpa:lines "3" ; dpa:status dpa:stated ;'
    project.replace("data/statements/note.trig", old, old.replace("stated", 'implied ; dpa:note "say \\"why\\""@en'))
    stamp(project.root / "data/statements/note.trig", documents)
    assert status(project, "L3") == {("status", "implied"), ("note", 'say "why"')}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("note:L6 {", "note:L7 {", "note.txt has 6 lines; there is no line 7"),
        ("note:L6 {", "<https://w3id.org/dpa-kg/graph/post/L6> {", "there is no document for it"),
        ("note:L6 {", "note:L6-2 {", "must run from a smaller line number to a larger one"),
        ("{ note:L6 <", "{ note:L2 <", "no graph of that name is in the file"),
        ("dpa:implied ; ", 'dpa:implied ; dpa:sha256 "0" ; ', "leave dpa:sha256 to --stamp"),
        ("note:L6 {", "note:L6 {{", "note.trig, line 20: "),
    ],
)
def test_a_file_that_cannot_be_stamped_is_left_alone(
    project: Project, documents: Mapping[str, Document], old: str, new: str, words: str
) -> None:
    project.replace("data/statements/note.trig", old, new)
    path = project.root / "data/statements/note.trig"
    before = path.read_bytes()
    with pytest.raises(DpaKgError) as caught:
        stamp(path, documents)
    assert words in caught.value.detail
    assert path.read_bytes() == before


# ---- checking


@pytest.mark.parametrize(
    ("file", "old", "new", "faults"),
    [
        ("documents/note.txt", "River Bank (RB)", "River bank (RB)",
         ["The Note (note.txt) is not the document", "note/L3-4: the lines are not those"]),
        ("documents/letter.txt", "in it.\n", "in it.\n\n", ["The Letter (letter.txt) is not the document"]),
        ("data/statements/note.trig", "note:L3 a dpa:Passage", "note:L4 a dpa:Passage",
         ["note/L3: it has no SHA-256", "note/L3: its dpa:lines are ''"]),
        ("data/statements/note.trig", 'dpa:lines "6"', 'dpa:lines "5"', ["note/L6: its dpa:lines are '5'"]),
        ("data/sources.ttl", '"letter.txt"', '"lost.txt"',
         ["The document lost.txt of the source 'letter' is missing", "letter/L1: its document is missing"]),
    ],
)  # fmt: skip
def test_what_is_not_as_it_was_is_told(project: Project, file: str, old: str, new: str, faults: list[str]) -> None:
    project.replace(file, old, new)
    store = OxigraphStore.memory(quad for path in sorted(project.root.glob("data/**/*.t*")) for quad in quads_of(path))
    checked = evidence.check(store, read_documents(project.documents, sources(store.quads(PROVENANCE_GRAPH))))
    assert len(checked.faults) == len(faults)
    assert all(any(words in fault for fault in checked.faults) for words in faults)


def quads_of(path: Path) -> list[ox.Quad]:
    provenance = ox.NamedNode(PROVENANCE_GRAPH)
    quads = ox.parse(path=str(path))
    return [q if isinstance(q.graph_name, ox.NamedNode) else ox.Quad(q.subject, q.predicate, q.object, provenance) for q in quads]


def test_documents_that_are_not_there_are_told(project: Project, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=re.escape("None of the documents (letter.txt, note.txt)")):
        read_documents(tmp_path, sources(ox.parse(path=str(project.root / "data/sources.ttl"))))
    with pytest.raises(BuildError, match="no folder"):
        read_documents(tmp_path / "nowhere", {})


# ---- the passages behind an entity


def test_the_passages_behind_an_entity_come_with_their_text_in_order(project: Project, documents: Mapping[str, Document]) -> None:
    version = publish.build(project.settings, root=project.root)
    found = evidence.behind(OxigraphStore.open_read_only(version.store_path), RIVER_WATCH, documents)
    assert [(passage.source, passage.lines) for passage in found] == [
        ("The Letter", "1"), ("The Note", "3"), ("The Note", "3,5"), ("The Note", "3-4"), ("The Note", "6"),
    ]  # fmt: skip
    last = found[-1]
    assert (last.status, last.note) == ("implied", "“Its” is the project of line 3.")
    assert last.texts == ((6, "Its partner is the Lake Lab."),)


def test_what_a_participation_says_belongs_to_both_ends(project: Project, documents: Mapping[str, Document]) -> None:
    store = stored(project)
    for entity in ("project/river-watch", "organization/rb"):
        passage = next(one for one in evidence.behind(store, ID + entity, documents) if one.graph == f"{GRAPH}note/L3-4")
        said = " ".join(str(triple) for triple in passage.statements)
        assert "http://www.w3.org/ns/prov#hadRole" in said
        assert f"{ID}organization/rb" in said
        assert RIVER_WATCH in said


def test_nothing_else_of_the_passage_is_shown(project: Project, documents: Mapping[str, Document]) -> None:
    passages = evidence.behind(stored(project), f"{ID}organization/rb", documents)
    assert [passage.graph for passage in passages] == [f"{GRAPH}note/L3-4"]
    assert not any("ontology#Project>" in str(triple) for triple in passages[0].statements)
