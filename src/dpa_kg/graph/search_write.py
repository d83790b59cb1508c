"""Writes the search index of a version, `search.sqlite`: as a whole, or as its parent's with a few entities changed.

Entities are numbered in the order in which a search prefers them, the most used first, and names are numbered in the order of
their entities. So the first rows that the full-text index gives for a word are the best ones, and a search need not read the rest.

A patched index is the parent's file, untouched and shared by a hard link, and `search-delta.sqlite` beside it: a second index
of the entities that are different, and the numbers of those in the first that do not count any more.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.namespaces import DPA, PROVENANCE_GRAPH, RDF, RDFS, SKOS
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
FORMAT = 2  # of the files, as SQLite's user_version; 1 had no delta
LONGEST_PREFIX = 4  # letters of the beginnings of words that are indexed as words are
ENTITY = "entity"  # the tag of everything that has a noun
_TYPE = f"{RDF}type"
_KIND_PREDICATES = ("http://www.w3.org/ns/org#classification", f"{DPA}eventKind", f"{DPA}publicationKind", f"{DPA}programmeKind")
_NOT_USE = frozenset({f"{DPA}containedIn", f"{SKOS}broader", f"{DPA}country", f"{DPA}region", f"{DPA}homeCountry"})
_MOST_USES = 1000  # more count as so many: who is spoken of so often needs no better place
_MOST_QUADS = 20_000  # that are looked at to count the uses of one entity
_LEAST_DELTA = 500  # entities that a delta may have, however small the index is
_SHARE = 50  # a delta may have one entity for so many of the index; then the index is written anew
_FIRST_TAG = 0x10000  # see `tag_letter`
_SCHEMA = f"""
PRAGMA user_version = {FORMAT};
CREATE TABLE entity (
  id INTEGER PRIMARY KEY, iri TEXT NOT NULL UNIQUE, noun TEXT NOT NULL, kind TEXT NOT NULL, uses INTEGER NOT NULL, tags TEXT NOT NULL
);
CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE name (
  id INTEGER PRIMARY KEY, entity INTEGER NOT NULL, text TEXT NOT NULL, language TEXT NOT NULL, kind TEXT NOT NULL, folded TEXT NOT NULL
);
CREATE TABLE replaced (entity INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE words USING fts5 (
  text, tags, content='', columnsize=0, detail=column, tokenize='ascii', prefix='{" ".join(map(str, range(1, LONGEST_PREFIX + 1)))}'
);
"""
_INDEXES = """
CREATE INDEX name_folded ON name (folded);
CREATE INDEX name_entity ON name (entity);
"""
_FILL = """
INSERT INTO name (entity, text, language, kind, folded)
  SELECT entity, text, language, kind, folded FROM raw GROUP BY entity, kind, language, text ORDER BY entity, kind, language, text;
DROP TABLE raw;
INSERT INTO words (rowid, text, tags) SELECT n.id, n.folded, e.tags FROM name n JOIN entity e ON e.id = n.entity ORDER BY n.id;
INSERT INTO words (words) VALUES ('optimize');
"""

Name = tuple[str, str, str, str, str]  # IRI, text, language, kind, folded text


def delta_of(path: Path) -> Path:
    """The file beside an index that says what is different; there need not be one."""
    return path.with_name(f"{path.stem}-delta{path.suffix}")


def tag_letter(number: int) -> str:
    """What stands for a class or a noun in the full-text index: one letter, so that the index of prefixes does not hold it."""
    return chr(_FIRST_TAG + number)


def tags_of(iri: str, types: Iterable[str]) -> set[str]:
    """By what else than its names an entity is found: its classes, its noun, and whether it has one."""
    noun = noun_of(iri)
    return {*types, *((noun_tag(noun), ENTITY) if noun else ())}


def noun_tag(noun: str) -> str:
    """The tag of all entities of a noun; no class has such an IRI."""
    return f"noun {noun}"


def write(store: ox.Store, path: Path) -> int:
    """Writes the names of every entity in the store's default graph to a new SQLite file. Returns how many names."""
    uses = {named: _uses(store, named) for named in {iri for iri, _, _ in _literals(store)}}
    numbers = {iri: number for number, iri in enumerate(sorted(uses, key=lambda iri: (-uses[iri], iri)), 1)}
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(_SCHEMA)
        tags = _tags(store, numbers, _Tags(database))
        kinds = _kinds(store)
        rows = ((number, iri, noun_of(iri), kinds.get(iri, ""), uses[iri], " ".join(tags[number])) for iri, number in numbers.items())
        database.executemany("INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.execute("CREATE TEMP TABLE raw (entity INTEGER, text TEXT, language TEXT, kind TEXT, folded TEXT)")
        database.executemany("INSERT INTO raw VALUES (?, ?, ?, ?, ?)", ((numbers[iri], *rest) for iri, *rest in _names(store)))
        database.executescript(_FILL + _INDEXES)
        return int(database.execute("SELECT count(*) FROM name").fetchone()[0])


def patch(store: ox.Store, parent: Path, path: Path, entities: Collection[str]) -> None:
    """Writes the index of a version from its parent's, where only `entities` (IRIs) may be different.

    These are all entities whose names, classes, kind or number of uses have perhaps changed; those that are gone too. `parent` and
    `path` are the `search.sqlite` of the two versions; `path` must not exist. The index answers just as one that is written as a
    whole. The cost follows the number of entities, until the delta has grown beyond a share of the index: then that is written anew.
    """
    if not _may_grow(parent, len(entities)):
        write(store, path)
        return
    try:
        os.link(parent, path)
    except OSError:  # a file system without hard links
        shutil.copyfile(parent, path)
    delta, known = delta_of(path), delta_of(parent).exists()
    if known:
        shutil.copyfile(delta_of(parent), delta)
    with closing(sqlite3.connect(delta)) as database:
        if not known:
            database.executescript(_SCHEMA + _INDEXES)
        database.execute("ATTACH ? AS base", (str(path),))
        with database:
            tags = _Tags(database)
            for iri in sorted(set(entities)):
                _replace(database, store, iri, tags)


def _may_grow(parent: Path, more: int) -> bool:
    """Whether the delta beside `parent` may have so many more entities. A parent of another format never has one."""
    with closing(sqlite3.connect(parent)) as database:
        if database.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            return False
        (known,) = database.execute("SELECT count(*) FROM entity").fetchone()
    if (delta := delta_of(parent)).exists():
        with closing(sqlite3.connect(delta)) as database:
            more += database.execute("SELECT (SELECT count(*) FROM replaced) + (SELECT count(*) FROM entity)").fetchone()[0]
    return more <= max(_LEAST_DELTA, int(known) // _SHARE)


class _Tags:
    """The letters of tags, as one file has them. A tag beyond the last letter of Unicode has none."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._letters = {name: tag_letter(number) for number, name in database.execute("SELECT id, name FROM main.tag")}

    def of(self, name: str) -> str:
        """The letter, a new one where the tag has none yet."""
        if name not in self._letters:
            number = len(self._letters) + 1
            self._letters[name] = tag_letter(number) if _FIRST_TAG + number <= 0x10FFFF else ""
            self._database.execute("INSERT INTO main.tag VALUES (?, ?)", (number, name))
        return self._letters[name]


def _tags(store: ox.Store, numbers: dict[str, int], tags: _Tags) -> dict[int, str]:
    """The letters of each entity by its number."""
    found = {number: "".join(tags.of(tag) for tag in sorted(tags_of(iri, ()))) for iri, number in numbers.items()}
    joined: dict[tuple[str, str], str] = {}  # most entities have the same ones: one text for all of them
    for subject, value in _links(store, _TYPE):
        if (number := numbers.get(subject)) and (letter := tags.of(value)) not in found[number]:
            found[number] = joined.setdefault((found[number], letter), found[number] + letter)
    return found


def _replace(database: sqlite3.Connection, store: ox.Store, iri: str, tags: _Tags) -> None:
    """Makes a delta say of one entity what the store says."""
    old = "FROM main.entity e JOIN main.name n ON n.entity = e.id WHERE e.iri = ?"
    for row in database.execute(f"SELECT n.id, n.folded, e.tags {old}", (iri,)).fetchall():
        database.execute("INSERT INTO main.words (words, rowid, text, tags) VALUES ('delete', ?, ?, ?)", row)
        database.execute("DELETE FROM main.name WHERE id = ?", row[:1])
    database.execute("DELETE FROM main.entity WHERE iri = ?", (iri,))
    database.execute("INSERT OR IGNORE INTO main.replaced SELECT id FROM base.entity WHERE iri = ?", (iri,))
    node = ox.NamedNode(iri)
    names = sorted({row[1:] for row in _names(store, node)}, key=lambda row: (row[2], row[1], row[0]))
    if not names:
        return
    types = {value for _, value in _links(store, _TYPE, node)}
    letters = " ".join(filter(None, map(tags.of, sorted(tags_of(iri, types)))))
    values = (iri, noun_of(iri), _kinds(store, node).get(iri, ""), _uses(store, iri), letters)
    entity = database.execute("INSERT INTO main.entity (iri, noun, kind, uses, tags) VALUES (?, ?, ?, ?, ?)", values).lastrowid
    for name in names:
        insert = "INSERT INTO main.name (entity, text, language, kind, folded) VALUES (?, ?, ?, ?, ?)"
        number = database.execute(insert, (entity, *name)).lastrowid
        database.execute("INSERT INTO main.words (rowid, text, tags) VALUES (?, ?, ?)", (number, name[-1], letters))


def _named(store: ox.Store, predicate: str, subject: ox.NamedNode | None) -> Iterator[ox.Quad]:
    """The quads of a predicate: of the default graph, and of provenance, which is no part of it and describes the sources."""
    for graph in (ox.DefaultGraph(), ox.NamedNode(PROVENANCE_GRAPH)):
        yield from store.quads_for_pattern(subject, ox.NamedNode(predicate), None, graph)


def _names(store: ox.Store, subject: ox.NamedNode | None = None) -> Iterator[Name]:
    """The names of one entity, or of all."""
    for iri, name, kind in _literals(store, subject):
        yield iri, name.value, name.language or "", kind, fold(name.value)


def _literals(store: ox.Store, subject: ox.NamedNode | None = None) -> Iterator[tuple[str, ox.Literal, str]]:
    """IRI, name and kind of name, as they are stated."""
    for predicate, kind in KINDS.items():
        for quad in _named(store, predicate, subject):
            if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.Literal):
                yield quad.subject.value, quad.object, kind


def _kinds(store: ox.Store, subject: ox.NamedNode | None = None) -> dict[str, str]:
    """The kind of each entity that has one; of several the first by its IRI."""
    pairs = {pair for predicate in _KIND_PREDICATES for pair in _links(store, predicate, subject)}
    return dict(sorted(pairs, reverse=True))


def _links(store: ox.Store, predicate: str, subject: ox.NamedNode | None = None) -> Iterator[tuple[str, str]]:
    """The IRIs on both sides of a predicate."""
    for quad in _named(store, predicate, subject):
        if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.NamedNode):
            yield quad.subject.value, quad.object.value


def _uses(store: ox.Store, iri: str) -> int:
    """How often an entity is the object of a statement, other than of a place or concept above another; `_MOST_USES` at most."""
    node = ox.NamedNode(iri)
    quads = islice(store.quads_for_pattern(None, None, node, ox.DefaultGraph()), _MOST_QUADS)
    used = sum(1 for _ in islice((quad for quad in quads if quad.predicate.value not in _NOT_USE), _MOST_USES))
    sources = store.quads_for_pattern(None, ox.NamedNode(f"{DPA}source"), node, ox.NamedNode(PROVENANCE_GRAPH))
    return min(_MOST_USES, used + sum(1 for _ in islice(sources, _MOST_USES)))
