"""Reads a search index, with the delta beside it where there is one, as if both were one file."""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from dpa_kg.errors import BuildError
from dpa_kg.graph.search_write import FORMAT, delta_of, tag_letter

_COLUMNS = "e.uses, e.iri, e.noun, e.kind, n.text, n.language, n.kind, n.folded"
_MAPPED = 256 << 20  # bytes of the files that are read as memory, without copies; a millisecond of ten over hundreds of thousands of names
_NOT_REPLACED = "AND e.id NOT IN (SELECT entity FROM delta.replaced)"


class Record(NamedTuple):
    """One name and its entity. `entity_kind` is an IRI or empty; `kind` is label, variant, acronym or code."""

    uses: int
    iri: str
    noun: str
    entity_kind: str
    text: str
    language: str
    kind: str
    folded: str


class Index:
    """The two files. Records come in the order of preference: by entity, the most used first. One connection, for one thread."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(_address(path), uri=True, check_same_thread=False)
        if (found := self._database.execute("PRAGMA user_version").fetchone()[0]) != FORMAT:
            detail = f"{path} has format {found}, and this code reads {FORMAT}."
            raise BuildError(detail, hint="Build the graph again: dpa-kg build --force.")
        self._database.execute(f"PRAGMA mmap_size = {_MAPPED}")
        self._parts = ["main"]
        if (delta := delta_of(path)).exists():
            self._database.execute("ATTACH ? AS delta", (_address(delta),))
            self._parts.append("delta")
        for part in self._parts:
            self._database.execute(f"CREATE VIRTUAL TABLE temp.{part}_vocabulary USING fts5vocab('{part}', 'words', 'row')")

    def close(self) -> None:
        """Closes the files."""
        self._database.close()

    def tags(self, iri: str) -> set[str]:
        """The classes of an entity, its noun as a tag; empty where the entity has no name."""
        for part in self._parts:
            for (letters,) in self._rows("SELECT tags FROM {part}.entity e WHERE iri = ? {shown}", part, iri):
                numbers = json.dumps([ord(letter) - ord(tag_letter(0)) for letter in letters.split()])
                names = self._rows("SELECT name FROM {part}.tag WHERE id IN (SELECT value FROM json_each(?))", part, numbers)
                return {name for (name,) in names}
        return set()

    def knows(self, iri: str) -> bool:
        """Whether the entity has a name."""
        return any(list(self._rows("SELECT 1 FROM {part}.entity e WHERE iri = ? {shown}", part, iri)) for part in self._parts)

    def matching(self, words: str = "", tag: str = "") -> Iterator[Record]:
        """The names that an FTS5 expression over words matches, of the entities with a tag; read as far as they are asked for."""
        expression = f"text : ({words})" if words else ""
        joined = " AND " if words and tag else ""
        tables = "{part}.words w CROSS JOIN {part}.name n ON n.id = w.rowid CROSS JOIN {part}.entity e ON e.id = n.entity"
        return self._merged(
            f"{tables} WHERE w.words MATCH ? || ?", "w.rowid", tag, lambda letter: (expression, f'{joined}tags : "{letter}"' if tag else "")
        )

    def longer(self, word: str, most: int) -> set[str]:
        """The words that begin with `word` and have more letters; no more than `most` of each file."""
        statement = "SELECT term FROM temp.{part}_vocabulary WHERE term >= ? AND term < ? LIMIT ?"
        return {term for part in self._parts for (term,) in self._rows(statement, part, f"{word}\x01", f"{word}\U0010ffff", most)}

    def equal(self, folded: str, tag: str = "") -> Iterator[Record]:
        """The names whose folded text is this one, of the entities with a tag."""
        tables = "{part}.name n CROSS JOIN {part}.entity e ON e.id = n.entity"
        return self._merged(f"{tables} WHERE n.folded = ? AND instr(e.tags, ?)", "n.id", tag, lambda letter: (folded, letter))

    def of(self, iris: Collection[str]) -> Iterator[Record]:
        """All names of some entities."""
        tables = "json_each(?) j CROSS JOIN {part}.entity e ON e.iri = j.value CROSS JOIN {part}.name n ON n.entity = e.id"
        return self._merged(f"{tables} WHERE 1", "n.id", "", lambda _: (json.dumps(list(iris)),))

    def _merged(self, tables: str, order: str, tag: str, values: Callable[[str], tuple[str, ...]]) -> Iterator[Record]:
        """What both files have; `values` are those of the statement, given the letter that one of them has for the tag."""
        runs: list[Iterator[Record]] = []
        for part in self._parts:
            if (letter := self._letter(part, tag)) is not None:
                # the base is numbered in this very order, so the engine need not sort it
                sorting = order if part == "main" else "e.uses DESC, e.iri, n.id"
                rows = self._rows(f"SELECT {_COLUMNS} FROM {tables} {{shown}} ORDER BY {sorting}", part, *values(letter))  # noqa: S608
                runs.append(map(Record._make, rows))
        return heapq.merge(*runs, key=_place) if len(runs) > 1 else chain(*runs)

    def _letter(self, part: str, tag: str) -> str | None:
        """How a file spells a tag; None where it does not know it."""
        if not tag:
            return ""
        rows = self._rows("SELECT id FROM {part}.tag WHERE name = ?", part, tag)
        return next((tag_letter(number) for (number,) in rows), None)

    def _rows(self, statement: str, part: str, *values: str | int) -> sqlite3.Cursor:
        """Runs a statement on one file; `{shown}` leaves out those entities `e` of the base that the delta has in its place."""
        shown = _NOT_REPLACED if part == "main" and len(self._parts) > 1 else ""
        return self._database.execute(statement.format(part=part, shown=shown), values)


def _place(record: Record) -> tuple[int, str]:
    return -record.uses, record.iri


def _address(path: Path) -> str:
    return f"{path.resolve().as_uri()}?mode=ro&immutable=1"
