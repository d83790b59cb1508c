"""From the engine's solutions to the rows of an answer: paging, names in the reader's language, and the passages behind each row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice

import pyoxigraph as ox

from dpa_kg.graph.search import Names
from dpa_kg.graph.store import Store
from dpa_kg.namespaces import GRAPH, ID, XSD
from dpa_kg.query import internal
from dpa_kg.query.answers import Column, PassageRef, Term
from dpa_kg.query.binding import Bound
from dpa_kg.query.catalogue import Catalogue, NamedQuery, Text, localized
from dpa_kg.terms import binding

Row = Mapping[str, Term]
_NUMBERS = {f"{XSD}{name}" for name in ("integer", "decimal", "double", "float")}
_DATES = {f"{XSD}{name}" for name in ("date", "gYear", "gYearMonth", "dateTime")}


def page(solutions: object, offset: int, limit: int) -> tuple[list[Row], int]:
    """The rows `offset` to `offset + limit`, and how many rows there are in all."""
    if not isinstance(solutions, ox.QuerySolutions):
        raise TypeError("a named query that answers with rows is a SELECT query")
    variables = [variable.value for variable in solutions.variables]
    total = sum(1 for _ in islice(solutions, offset))
    rows: list[Row] = []
    for solution in islice(solutions, limit):
        terms = zip(variables, solution, strict=True)
        rows.append({name: binding(term) for name, term in terms if term is not None and not _empty(term)})
    total += len(rows) + sum(1 for _ in solutions)
    return rows, total


def added(parts: Sequence[Sequence[Mapping[str, str]]]) -> list[dict[str, str]]:
    """One row with the sum of the `count` of all rows."""
    return [{"count": str(sum(int(row["count"]) for rows in parts for row in rows))}]


def _empty(term: object) -> bool:
    """GROUP_CONCAT over nothing is an empty string; a reader sees an empty cell either way."""
    return isinstance(term, ox.Literal) and term.value == ""


def name_columns(columns: Sequence[str]) -> dict[str, str]:
    """Each column `x` that has a companion `xName`, with that companion."""
    return {name: f"{name}Name" for name in columns if f"{name}Name" in columns}


def localize(rows: Sequence[Row], columns: Sequence[str], names: Names, catalogue: Catalogue, language: str) -> list[Row]:
    """The rows with every `xName` replaced by the name of `x`, and words of the query's own, in the reader's language."""
    pairs = name_columns(columns)
    iris = {row[name]["value"] for row in rows for name in pairs if name in row and row[name]["type"] == "uri"}
    labels = names.labels(iris, language)
    words = {column: catalogue.values[column] for column in columns if column in catalogue.values}
    return [_localized(row, pairs, labels) | _worded(row, words, language) for row in rows]


def _worded(row: Row, words: Mapping[str, Mapping[str, Text]], language: str) -> dict[str, Term]:
    said = {
        column: localized(texts[row[column]["value"]], language)
        for column, texts in words.items()
        if row.get(column, {}).get("value") in texts
    }
    return {column: {"type": "literal", "value": text} for column, text in said.items()}


def _localized(row: Row, pairs: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, Term]:
    known = {companion: labels[row[name]["value"]] for name, companion in pairs.items() if name in row and row[name]["value"] in labels}
    return {**row, **{companion: {"type": "literal", "value": label} for companion, label in known.items()}}


def columns_of(query: NamedQuery, rows: Sequence[Row], catalogue: Catalogue, language: str) -> list[Column]:
    """The columns with their headings and kinds."""
    pairs = name_columns(query.columns)
    terms = {name: [row[name] for row in rows if name in row] for name in query.columns}
    kinds = {name: "name" if name in pairs.values() else _kind(terms[name], named=name in pairs) for name in query.columns}
    return [Column(name, catalogue.column_label(name, language), kind) for name, kind in kinds.items()]


def _kind(terms: Sequence[Term], *, named: bool) -> str:
    """What a column holds, by its terms; a column with a companion for names holds entities even when it is empty."""
    if not terms:
        return "entity" if named else "text"
    if all(term["type"] == "uri" for term in terms):
        values = [term["value"] for term in terms]
        if all(value.startswith(GRAPH) for value in values):
            return "passage"
        return "entity" if all(value.startswith(ID) for value in values) else "link"
    datatypes = {term.get("datatype", "") for term in terms}
    if datatypes <= _NUMBERS:
        return "number"
    return "date" if datatypes <= _DATES else "text"


class Evidence:
    """Finds the passages behind rows: by the query's evidence sibling, or else by the first entity of the row."""

    def __init__(self, store: Store, passages: Mapping[str, PassageRef], query: NamedQuery, bound: Bound) -> None:
        self._store = store
        self._passages = passages
        self._query = query
        self._bound = bound

    def of(self, rows: Sequence[Row]) -> list[list[PassageRef]]:
        """For each row its passages, in the order of sources and lines."""
        if not rows:
            return []
        keys, found = self._sibling(rows) if self._query.evidence else self._default(rows)
        return [self._sorted(found.get(tuple(row.get(key, {}).get("value", "") for key in keys), ())) for row in rows]

    def _sorted(self, iris: Sequence[str] | set[str]) -> list[PassageRef]:
        known = (self._passages[iri] for iri in iris if iri in self._passages)
        return sorted(known, key=lambda ref: (ref.source, int(ref.lines.split(",")[0].split("-")[0]), ref.lines))

    def _sibling(self, shown: Sequence[Row]) -> tuple[tuple[str, ...], Mapping[tuple[str, ...], set[str]]]:
        template = self._query.evidence
        assert template is not None  # noqa: S101 - told to the type checker
        shared = [name for name in template.conditions & set(self._query.columns) if not self._query.parameter(name)]
        values: dict[tuple[str, ...], Sequence[Sequence[str]]] = {
            (name,): [(str(ox.NamedNode(iri)),) for iri in sorted({row[name]["value"] for row in shown})]
            for name in shared
            if all(_is_uri(row, name) for row in shown)
        }
        given = self._bound.given | {name for (name,) in values}
        solutions = self._store.query(template.render({**self._bound.rows, **values}, given))
        rows, _ = page(solutions, 0, 1_000_000)
        columns = [variable.value for variable in solutions.variables] if isinstance(solutions, ox.QuerySolutions) else []
        keys = tuple(name for name in columns if name in self._query.columns and name != "passage")
        found: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for row in rows:
            found[tuple(row.get(key, {}).get("value", "") for key in keys)].add(row["passage"]["value"])
        return keys, found

    def _default(self, rows: Sequence[Row]) -> tuple[tuple[str, ...], Mapping[tuple[str, ...], set[str]]]:
        key = next((name for name in self._query.columns if any(_is_entity(row, name) for row in rows)), "")
        entities = {row[key]["value"] for row in rows if key and _is_entity(row, key)}
        found: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for iri, passage in internal.evidence(self._store, entities) if entities else ():
            found[(iri,)].add(passage)
        return (key,), found


def _is_uri(row: Row, name: str) -> bool:
    return name in row and row[name]["type"] == "uri"


def _is_entity(row: Row, name: str) -> bool:
    return _is_uri(row, name) and row[name]["value"].startswith(ID)
