"""The names of a version in SQLite: to resolve a name to an entity, to label an entity, and to search in full text (FTS5)."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyoxigraph as ox
from rapidfuzz import fuzz, process

from dpa_kg.namespaces import DPA, LANGUAGES, PROVENANCE_GRAPH, RDF, RDFS, SKOS
from dpa_kg.terms import fold, noun_of

KINDS = {
    f"{RDFS}label": "label",
    f"{SKOS}prefLabel": "label",
    f"{DPA}variantName": "variant",
    f"{SKOS}altLabel": "variant",
    f"{DPA}acronym": "acronym",
    f"{DPA}alpha2": "code",
    f"{DPA}alpha3": "code",
    f"{SKOS}notation": "code",
}
_KIND_PREDICATES = ("http://www.w3.org/ns/org#classification", f"{DPA}eventKind", f"{DPA}publicationKind", f"{DPA}programmeKind")
_NOT_USE = frozenset({f"{DPA}containedIn", f"{SKOS}broader", f"{DPA}country", f"{DPA}region", f"{DPA}homeCountry"})
_SCHEMA = """
CREATE TABLE entity (id INTEGER PRIMARY KEY, iri TEXT NOT NULL UNIQUE, noun TEXT NOT NULL, kind TEXT NOT NULL, uses INTEGER NOT NULL);
CREATE TABLE type (entity INTEGER NOT NULL, iri TEXT NOT NULL, PRIMARY KEY (iri, entity)) WITHOUT ROWID;
CREATE TABLE name (
  id INTEGER PRIMARY KEY, entity INTEGER NOT NULL, text TEXT NOT NULL, language TEXT NOT NULL, kind TEXT NOT NULL, folded TEXT NOT NULL
);
CREATE VIRTUAL TABLE words USING fts5 (text, content='name', content_rowid='id', tokenize="unicode61 remove_diacritics 2", prefix='2 3');
"""
_INDEXES = """
CREATE INDEX name_folded ON name (folded);
CREATE INDEX name_entity ON name (entity);
INSERT INTO words (words) VALUES ('rebuild');
INSERT INTO words (words) VALUES ('optimize');
"""
_SHORT = 5  # letters of a text that is perhaps an acronym: parts of longer names are no likeness then
_LIKE = 64.0  # of 100: less is no likeness
_RANKED = 2000  # names that one search ranks: bm25 over a common word of a million labels is slow


@dataclass(frozen=True, slots=True)
class NameRow:
    """One name of one entity. `kind` is label, variant, acronym or code; `language` may be empty."""

    iri: str
    text: str
    language: str
    kind: str


@dataclass(frozen=True, slots=True)
class Found:
    """An entity that a search met, and the name by which."""

    iri: str
    noun: str
    kind: str
    matched: str


def write(store: ox.Store, path: Path) -> int:
    """Writes the names of every entity in the store's default graph to a new SQLite file. Returns how many names."""
    entities: dict[str, int] = {}
    with sqlite3.connect(path) as database:
        database.executescript(_SCHEMA)
        names = _names(store, entities)
        count = database.executemany("INSERT INTO name (entity, text, language, kind, folded) VALUES (?, ?, ?, ?, ?)", names).rowcount
        database.executemany("INSERT OR IGNORE INTO type VALUES (?, ?)", _types(store, entities))
        kinds, uses = _kinds(store), _uses(store, entities)
        rows = ((number, iri, noun_of(iri), kinds.get(iri, ""), uses[iri]) for iri, number in entities.items())
        database.executemany("INSERT INTO entity VALUES (?, ?, ?, ?, ?)", rows)
        database.executescript(_INDEXES)
    database.close()
    return max(count, 0)


def _named(store: ox.Store, predicate: str) -> Iterator[ox.Quad]:
    """The quads of a predicate: of the default graph, and of provenance, which is no part of it and describes the sources."""
    for graph in (ox.DefaultGraph(), ox.NamedNode(PROVENANCE_GRAPH)):
        yield from store.quads_for_pattern(None, ox.NamedNode(predicate), None, graph)


def _names(store: ox.Store, entities: dict[str, int]) -> Iterator[tuple[int, str, str, str, str]]:
    for predicate, kind in KINDS.items():
        for quad in _named(store, predicate):
            if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.Literal):
                number = entities.setdefault(quad.subject.value, len(entities) + 1)
                yield number, quad.object.value, quad.object.language or "", kind, fold(quad.object.value)


def _types(store: ox.Store, entities: dict[str, int]) -> Iterator[tuple[int, str]]:
    for subject, value in _links(store, f"{RDF}type"):
        if number := entities.get(subject):
            yield number, value


def _kinds(store: ox.Store) -> dict[str, str]:
    return {subject: value for predicate in _KIND_PREDICATES for subject, value in _links(store, predicate)}


def _links(store: ox.Store, predicate: str) -> Iterator[tuple[str, str]]:
    """The IRIs on both sides of a predicate."""
    for quad in _named(store, predicate):
        if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.NamedNode):
            yield quad.subject.value, quad.object.value


def _uses(store: ox.Store, entities: dict[str, int]) -> dict[str, int]:
    """How often each entity is the object of a statement, other than of a place or concept above another."""
    uses: dict[str, int] = defaultdict(int)
    sources = store.quads_for_pattern(None, ox.NamedNode(f"{DPA}source"), None, ox.NamedNode(PROVENANCE_GRAPH))
    for quad in chain(store.quads_for_pattern(None, None, None, ox.DefaultGraph()), sources):
        if isinstance(quad.object, ox.NamedNode) and quad.object.value in entities and quad.predicate.value not in _NOT_USE:
            uses[quad.object.value] += 1
    return uses


class Names:
    """Reads search.sqlite of one version. One connection, for one thread."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)

    def close(self) -> None:
        self._database.close()

    def has_type(self, iri: str, type_iri: str) -> bool:
        """Whether the entity is known, and of that class (any class with rdfs:Resource)."""
        if type_iri == f"{RDFS}Resource":
            return bool(self._all("SELECT 1 FROM entity WHERE iri = ?", iri))
        return bool(self._all("SELECT 1 FROM entity e JOIN type t ON t.entity = e.id WHERE e.iri = ? AND t.iri = ?", iri, type_iri))

    def named(self, text: str, type_iri: str) -> list[NameRow]:
        """The names equal to `text` but for case and accents, of entities of that class."""
        rows = self._all(
            "SELECT e.iri, n.text, n.language, n.kind FROM name n JOIN entity e ON e.id = n.entity WHERE n.folded = ?", fold(text)
        )
        return [row for row in (NameRow(*row) for row in rows) if self.has_type(row.iri, type_iri)]

    def nearest(self, text: str, type_iri: str, limit: int = 5) -> list[NameRow]:
        """The names most like `text` of entities of that class, best first, one per entity."""
        rows = [NameRow(*row) for row in self._of_type(type_iri)]
        folded = [fold(row.text) for row in rows]
        best: dict[str, NameRow] = {}
        for _, _, index in process.extract(fold(text), folded, scorer=_likeness, limit=limit * 6, score_cutoff=_LIKE):
            best.setdefault(rows[index].iri, rows[index])
        return list(best.values())[:limit]

    def _of_type(self, type_iri: str, minimum: int = 0) -> list[tuple[Any, ...]]:
        if type_iri == f"{RDFS}Resource":
            return self._all(
                "SELECT e.iri, n.text, n.language, n.kind FROM entity e JOIN name n ON n.entity = e.id WHERE e.noun <> '' AND e.uses >= ?",
                minimum,
            )
        return self._all(
            "SELECT e.iri, n.text, n.language, n.kind FROM type t JOIN entity e ON e.id = t.entity JOIN name n ON n.entity = e.id"
            " WHERE t.iri = ? AND e.uses >= ?",
            type_iri,
            minimum,
        )

    def suggestions(self, type_iri: str, language: str, limit: int) -> list[tuple[str, str]]:
        """(label in the reader's language, IRI) of the entities of that class that something is said with, by label."""
        names: dict[str, list[NameRow]] = defaultdict(list)
        for row in self._of_type(type_iri, minimum=1):
            names[row[0]].append(NameRow(*row))
        labels = ((best_label(rows, language), iri) for iri, rows in names.items())
        return sorted(((label, iri) for label, iri in labels if label), key=lambda pair: fold(pair[0]))[:limit]

    def names_of(self, iri: str) -> list[NameRow]:
        """All names of one entity."""
        rows = self._all("SELECT e.iri, n.text, n.language, n.kind FROM entity e JOIN name n ON n.entity = e.id WHERE e.iri = ?", iri)
        return sorted((NameRow(*row) for row in rows), key=lambda row: (row.kind, row.language, row.text))

    def labels(self, iris: Collection[str], language: str) -> dict[str, str]:
        """The best label of each entity in a language; entities without a name are absent."""
        found = {iri: best_label(self.names_of(iri), language) for iri in iris}
        return {iri: label for iri, label in found.items() if label}

    def search(self, text: str, noun: str | None, limit: int, offset: int) -> tuple[list[Found], int, dict[str, int]]:
        """Entities whose names contain every word of `text` (the last one as a prefix): a page, how many there are, how many by noun."""
        words = fold(text).split()
        if not words:
            return [], 0, {}
        match = " ".join(f'"{word}"' for word in words) + "*"
        rows = self._all(
            "SELECT e.iri, e.noun, e.kind, n.text, n.folded, n.kind, e.uses FROM (SELECT rowid FROM words WHERE words MATCH ? LIMIT ?) w"
            " JOIN name n ON n.id = w.rowid JOIN entity e ON e.id = n.entity",
            match,
            _RANKED,
        )
        rows.sort(key=lambda row: _rank(row, words))
        found: dict[str, Found] = {}
        for iri, entity_noun, kind, name, *_ in rows:
            found.setdefault(iri, Found(iri, entity_noun, kind, name))
        facets: dict[str, int] = defaultdict(int)
        for hit in found.values():
            facets[hit.noun] += 1
        hits = [hit for hit in found.values() if noun in (None, hit.noun)]
        return hits[offset : offset + limit], len(hits), dict(sorted(facets.items()))

    def _all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self._database.execute(statement, values).fetchall()


def _likeness(text: str, name: str, **_: Any) -> float:
    """How like two folded names are, 0 to 100: as a whole when one of them is short, else also by their words and parts."""
    if min(len(text), len(name)) <= _SHORT:
        return fuzz.ratio(text, name)
    return max(fuzz.WRatio(text, name), fuzz.partial_ratio(text, name))


def _rank(row: Sequence[Any], words: Sequence[str]) -> tuple[Any, ...]:
    """Sorts what a search met: the very name first, then primary names, names that begin so, and what is much spoken of."""
    iri, _, _, _, folded, kind, uses = row
    return folded != " ".join(words), kind == "variant", not folded.startswith(words[0]), -uses, len(folded), iri


def best_label(rows: Sequence[NameRow], language: str) -> str:
    """The label in `language`, or else in en, es, fr, pt, or any. Where there are several, a full name goes before an acronym."""
    acronyms = {row.text for row in rows if row.kind == "acronym"}
    labels = sorted((row for row in rows if row.kind == "label"), key=lambda row: (row.text in acronyms, row.text))
    for code in (language, *LANGUAGES):
        if in_language := [row.text for row in labels if row.language.partition("-")[0] == code]:
            return in_language[0]
    return labels[0].text if labels else ""
