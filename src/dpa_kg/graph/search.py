"""The names of a version in SQLite: to resolve a name to an entity, to label an entity, and to search in full text (FTS5)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, islice
from pathlib import Path

from dpa_kg.graph.likeness import most_alike
from dpa_kg.graph.search_read import Index, Record
from dpa_kg.graph.search_write import ENTITY, LONGEST_PREFIX, noun_tag, patch, write
from dpa_kg.namespaces import LANGUAGES, RDFS
from dpa_kg.terms import fold

__all__ = ["Found", "Matches", "NameRow", "Names", "best_label", "patch", "write"]

_RANKED = 500  # names that one search ranks: the most used of those that match
_LONGER = 64  # words that begin with the last one asked for, up to which each of them is looked up
_SAME = 1000  # names equal to a text
_LIKELY = 5000  # names of the most used entities of a class: the nearest name is looked for among them,
_SIMILAR = 200  # and among so many names for each way to share beginnings of words with the text
_WORDS = 6  # of a text, whose beginnings count
_BEGINNING = 3  # letters


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


@dataclass(frozen=True, slots=True)
class Matches:
    """A page of what a search met, how many entities it met, and how many of each noun.

    Where it is not complete, these are the entities of the names that were ranked, and there are more.
    """

    found: Sequence[Found]
    total: int
    facets: dict[str, int]
    complete: bool


class Names:
    """Reads the search index of one version. One connection, for one thread."""

    def __init__(self, path: Path) -> None:
        self._index = Index(path)

    def close(self) -> None:
        """Closes the files."""
        self._index.close()

    def has_type(self, iri: str, type_iri: str) -> bool:
        """Whether the entity is known, and of that class (any class with rdfs:Resource)."""
        return self._index.knows(iri) if type_iri == f"{RDFS}Resource" else type_iri in self._index.tags(iri)

    def named(self, text: str, type_iri: str) -> list[NameRow]:
        """The names equal to `text` but for case and accents, of entities of that class: of the most used ones, if there are many."""
        tag = "" if type_iri == f"{RDFS}Resource" else type_iri
        return [_row(record) for record in islice(self._index.equal(fold(text), tag), _SAME)]

    def nearest(self, text: str, type_iri: str, limit: int = 5) -> list[NameRow]:
        """The names most like `text` of entities of that class, best first, one per entity.

        In a large class they are looked for among its most used entities, and among names in which words begin alike.
        """
        tag = ENTITY if type_iri == f"{RDFS}Resource" else type_iri
        folded = fold(text)
        records = dict.fromkeys(islice(self._index.matching(tag=tag), _LIKELY))
        if len(records) == _LIKELY:
            for expression in _beginnings(folded.split()[:_WORDS]):
                records |= dict.fromkeys(islice(self._index.matching(expression, tag), _SIMILAR))
        candidates = sorted(records, key=lambda record: (-record.uses, record))
        alike = most_alike(folded, [record.folded for record in candidates], limit * 6)
        best: dict[str, NameRow] = {}
        for index in alike:
            best.setdefault(candidates[index].iri, _row(candidates[index]))
        return list(best.values())[:limit]

    def suggestions(self, type_iri: str, language: str, limit: int) -> list[tuple[str, str]]:
        """(label in the reader's language, IRI) of the entities of that class that something is said with, by label.

        In a large class, of the `limit` most used ones.
        """
        labels: list[tuple[str, str]] = []
        for iri, records in groupby(self._index.matching(tag=type_iri), key=lambda record: record.iri):
            names = list(records)
            if len(labels) == limit or not names[0].uses:
                break
            if label := best_label([_row(record) for record in names], language):
                labels.append((label, iri))
        return sorted(labels, key=lambda pair: (fold(pair[0]), pair[1]))

    def names_of(self, iri: str) -> list[NameRow]:
        """All names of one entity."""
        return sorted(map(_row, self._index.of([iri])), key=lambda row: (row.kind, row.language, row.text))

    def labels(self, iris: Collection[str], language: str) -> dict[str, str]:
        """The best label of each entity in a language; entities without a name are absent."""
        names: dict[str, list[NameRow]] = defaultdict(list)
        for record in self._index.of(iris):
            names[record.iri].append(_row(record))
        return {iri: label for iri, rows in names.items() if (label := best_label(rows, language))}

    def search(self, text: str, noun: str | None, limit: int, offset: int) -> Matches:
        """Entities with a name that contains every word of `text`, the last one as a prefix: one page, the best first.

        Where more names match than are ranked, those of the most used entities are, and the very name in any case.
        """
        words = fold(text).split()
        if not words:
            return Matches((), 0, {}, complete=True)
        whole = self._candidates(words)
        facets = Counter(noun_of for _, noun_of in {(record.iri, record.noun) for record in whole})
        hits, complete = whole, len(whole) < _RANKED
        if noun is not None:
            hits = self._candidates(words, noun_tag(noun)) if not complete else whole
            hits = [record for record in hits if record.noun == noun]
        found: dict[str, Found] = {}
        name, first = " ".join(words), words[0]
        for record in sorted(hits, key=lambda record: _rank(record, name, first)):
            found.setdefault(record.iri, Found(record.iri, record.noun, record.entity_kind, record.text))
        page = list(found.values())[offset : offset + limit]
        return Matches(page, len(found), dict(sorted(facets.items())), complete or (noun is not None and len(hits) < _RANKED))

    def _candidates(self, words: Sequence[str], tag: str = "") -> list[Record]:
        """The names to rank. Equal ones come first; there are more candidates than are given where there are `_RANKED`."""
        found = dict.fromkeys(islice(self._index.equal(" ".join(words), tag), _RANKED))
        before = [f'"{word}"' for word in words[:-1]]
        for ending in self._endings(words[-1]):
            if len(found) < _RANKED:
                found |= dict.fromkeys(islice(self._index.matching(" AND ".join([*before, ending]), tag), _RANKED))
        return list(found)[:_RANKED]

    def _endings(self, word: str) -> list[str]:
        """FTS5 expressions for names with a word and for those with longer words that begin so.

        Of the beginning of a long word SQLite reads all names before it gives the first, so the longer words are named if they are few.
        """
        if len(word) <= LONGEST_PREFIX:
            return [f'"{word}" *']
        longer = sorted(self._index.longer(word, _LONGER + 1))
        if len(longer) > _LONGER:
            return [f'"{word}"', f'"{word}" *']
        others = " OR ".join(f'"{other}"' for other in longer)
        return [f'"{word}"', f"({others})"] if longer else [f'"{word}"']


def _beginnings(words: Sequence[str]) -> Iterator[str]:
    """FTS5 expressions for names with words that begin like these: like all of them, all but one, two, one; narrow ones first."""
    starts = sorted({word[:_BEGINNING] for word in words})
    sizes = sorted({len(starts), len(starts) - 1, 2, 1} & set(range(1, len(starts) + 1)), reverse=True)
    for size in sizes:
        for group in combinations(starts, size):
            yield " AND ".join(f'"{start}" *' for start in group)


def _row(record: Record) -> NameRow:
    return NameRow(record.iri, record.text, record.language, record.kind)


def _rank(record: Record, name: str, first: str) -> tuple[object, ...]:
    """Sorts what a search met: the very name first, then primary names, names that begin so, and what is much spoken of."""
    folded = record.folded
    return (
        folded != name,
        record.kind == "variant",
        not folded.startswith(first),
        -record.uses,
        len(folded),
        record.iri,
        record,
    )


def best_label(rows: Iterable[NameRow], language: str) -> str:
    """The label in `language`, or else in en, es, fr, pt, or any. Where there are several, a full name goes before an acronym."""
    every = list(rows)
    acronyms = {row.text for row in every if row.kind == "acronym"}
    labels = sorted((row for row in every if row.kind == "label"), key=lambda row: (row.text in acronyms, row.text))
    for code in (language, *LANGUAGES):
        if in_language := [row.text for row in labels if row.language.partition("-")[0] == code]:
            return in_language[0]
    return labels[0].text if labels else ""
