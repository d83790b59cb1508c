"""An index that is patched answers just as one that is written as a whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpa_kg.errors import BuildError
from dpa_kg.graph import search, search_write
from dpa_kg.graph.search import Names
from dpa_kg.graph.search_write import delta_of
from dpa_kg.namespaces import PROVENANCE_GRAPH, expand

IRIS = [expand(name) for name in ("project:a", "project:b", "organization:a", "place:a", "source:a")] + ["https://example.org/a"]
TYPES = [expand(name) for name in ("dpa:Project", "org:Organization", "dpa:Country")]
TEXTS = ["Alpha", "Álpha", "alpha beta", "Beta", "beta gamma", "Gamma Alpha beta", "IDB", "BID", "10", "!"]
NAMINGS = ["rdfs:label", "skos:prefLabel", "dpa:variantName", "dpa:acronym", "dpa:alpha2"]
ASKED = ["alpha", "alpha b", "beta", "g", "idb", "ibd", "alhpa betta", "10", "", "!", "gamma beta"]

_default, _provenance = ox.DefaultGraph(), ox.NamedNode(PROVENANCE_GRAPH)
_node = st.sampled_from(IRIS).map(ox.NamedNode)
_literal = st.one_of(
    st.builds(ox.Literal, st.sampled_from(TEXTS)),
    st.builds(lambda text, language: ox.Literal(text, language=language), st.sampled_from(TEXTS), st.sampled_from(["en", "es", "de"])),
)


def _quads(subject: st.SearchStrategy[ox.NamedNode], properties: list[str], value: st.SearchStrategy[object]) -> st.SearchStrategy[ox.Quad]:
    return st.builds(ox.Quad, subject, st.sampled_from(properties).map(expand).map(ox.NamedNode), value, st.just(_default))


_quad = st.one_of(
    _quads(_node, NAMINGS, _literal),
    _quads(_node, ["rdf:type"], st.sampled_from(TYPES).map(ox.NamedNode)),
    _quads(_node, ["org:classification", "dpa:eventKind", "dpa:partner", "dpa:place", "dpa:country"], _node),
    st.builds(ox.Quad, _node, st.just(ox.NamedNode(expand("dpa:source"))), _node, st.just(_provenance)),
    st.builds(ox.Quad, _node, st.just(ox.NamedNode(expand("rdfs:label"))), _literal, st.just(_provenance)),
)
_changes = st.lists(st.tuples(st.booleans(), st.lists(_quad, max_size=6)), max_size=5)


def answers(path: Path) -> dict[str, object]:
    """Everything that one can ask of an index."""
    with closing(Names(path)) as names:
        types = [*TYPES, expand("rdfs:Resource")]
        return {
            "names_of": [names.names_of(iri) for iri in IRIS],
            "labels": [names.labels(IRIS, language) for language in ("en", "es")],
            "has_type": [names.has_type(iri, type_iri) for iri in IRIS for type_iri in types],
            "named": [names.named(text, type_iri) for text in [*TEXTS, *ASKED] for type_iri in types],
            "nearest": [names.nearest(text, type_iri) for text in ASKED for type_iri in types],
            "suggestions": [names.suggestions(type_iri, "en", limit) for type_iri in types for limit in (1, 10)],
            "search": [names.search(text, noun, 3, offset) for text in ASKED for noun in (None, "project") for offset in (0, 2)],
        }


@pytest.fixture
def few() -> Iterator[None]:
    """Bounds so low that they are met, and a delta that may have any number of entities."""
    bounds = {"_RANKED": 3, "_SAME": 3, "_LIKELY": 3, "_SIMILAR": 2}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in bounds.items():
            patched.setattr(search, name, value)
        patched.setattr(search_write, "_MOST_USES", 3)
        yield


@pytest.mark.usefixtures("few")
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(first=st.lists(_quad, min_size=4, max_size=30), changes=_changes)
def test_a_patched_index_answers_as_a_whole_one_does_within_its_bounds_and_beyond(
    first: list[ox.Quad], changes: list[tuple[bool, list[ox.Quad]]]
) -> None:
    store = ox.Store()
    store.extend(first)
    with TemporaryDirectory() as folder:
        path = _folder(folder, "0")
        search.write(store, path)
        for number, (adds, quads) in enumerate(changes, 1):
            for quad in quads:
                (store.add if adds else store.remove)(quad)
            parent, path = path, _folder(folder, f"{number}")
            changed = {term.value for quad in quads for term in (quad.subject, quad.object) if isinstance(term, ox.NamedNode)}
            search.patch(store, parent, path, changed)
            whole = _folder(folder, f"whole-{number}")
            search.write(store, whole)
            assert answers(path) == answers(whole)


def _folder(place: str, name: str) -> Path:
    path = Path(place) / name
    path.mkdir()
    return path / "search.sqlite"


def _store(*texts: str) -> ox.Store:
    store = ox.Store()
    for number, text in enumerate(texts):
        node = ox.NamedNode(f"{expand('project:p')}{number}")
        store.add(ox.Quad(node, ox.NamedNode(expand("rdfs:label")), ox.Literal(text)))
    return store


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: _folder(str(tmp_path), name)


def _rename(store: ox.Store, text: str) -> set[str]:
    """Gives the first project another name; what has changed by that."""
    (old,) = store.quads_for_pattern(ox.NamedNode(expand("project:p0")), None, None)
    store.remove(old)
    store.add(ox.Quad(old.subject, old.predicate, ox.Literal(text)))
    return {expand("project:p0")}


def test_a_patched_index_shares_its_parent_s_file_and_leaves_it_as_it_is(made: Callable[[str], Path]) -> None:
    store, parent, path = _store("Lake", "River"), made("1"), made("2")
    search.write(store, parent)
    before = parent.read_bytes()
    search.patch(store, parent, path, _rename(store, "Ocean"))
    assert path.samefile(parent)
    assert parent.read_bytes() == before
    with closing(Names(parent)) as names:
        assert names.search("lake", None, 5, 0).total == 1
    with closing(Names(path)) as names:
        assert (names.search("lake", None, 5, 0).total, names.search("ocean", None, 5, 0).total) == (0, 1)


def test_an_index_without_its_parent_still_answers(made: Callable[[str], Path]) -> None:
    store, parent, path = _store("Lake", "River"), made("1"), made("2")
    search.write(store, parent)
    search.patch(store, parent, path, _rename(store, "Ocean"))
    parent.unlink()
    with closing(Names(path)) as names:
        assert names.search("river", None, 5, 0).total == 1


def test_a_delta_that_has_grown_becomes_part_of_a_new_index(made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_write, "_LEAST_DELTA", 2)
    store, parent, path = _store("Lake", "River"), made("1"), made("2")
    search.write(store, parent)
    search.patch(store, parent, path, _rename(store, "Ocean"))
    search.patch(store, path, third := made("3"), _rename(store, "Sea"))
    assert [delta_of(one).exists() for one in (path, third)] == [True, False]
    assert not third.samefile(parent)
    with closing(Names(third)) as names:
        assert [found.matched for found in names.search("sea", None, 5, 0).found] == ["Sea"]


def test_an_index_of_another_format_is_refused_with_a_hint_and_written_anew_by_a_change(made: Callable[[str], Path]) -> None:
    store, parent, path = _store("Lake"), made("1"), made("2")
    search.write(store, parent)
    with closing(sqlite3.connect(parent)) as database:
        database.execute("PRAGMA user_version = 1")
    with pytest.raises(BuildError) as refused:
        Names(parent)
    assert "dpa-kg build" in (refused.value.hint or "")
    search.patch(store, parent, path, _rename(store, "Ocean"))
    with closing(Names(path)) as names:
        assert names.search("ocean", None, 5, 0).total == 1


def test_a_search_that_meets_more_than_it_ranks_says_so(made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_RANKED", 3)
    search.write(_store("Lake one", "Lake two", "Lake three", "Lake", "River"), path := made("1"))
    with closing(Names(path)) as names:
        met = names.search("lake", None, 2, 0)
        assert not met.complete
        assert met.found[0].matched == "Lake"  # the very name, wherever it stands
        assert names.search("river", None, 2, 0).complete


@pytest.mark.parametrize("longer", [0, 2, 64])
def test_the_beginning_of_a_long_word_is_met_however_many_words_begin_so(
    made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, longer: int
) -> None:
    """Few of them are looked up one by one, and many all at once."""
    monkeypatch.setattr(search, "_LONGER", longer)
    store = _store("River", "Rivers of Mali", "Riverbank", "Blue riverside", "Riven", "Driver", "Ríverîne")
    search.write(store, parent := made("1"))
    search.patch(store, parent, path := made("2"), _rename(store, "Riverboat"))
    for index, first in ((parent, "River"), (path, "Riverboat")):
        with closing(Names(index)) as names:
            met = {hit.matched for hit in names.search("river", None, 10, 0).found}
            assert met == {first, "Rivers of Mali", "Riverbank", "Blue riverside", "Ríverîne"}
            assert [hit.matched for hit in names.search("blue river", None, 10, 0).found] == ["Blue riverside"]
            assert names.search("riverx", None, 10, 0).found == []
