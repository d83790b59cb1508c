"""Rows of an answer as cells of an HTML table: an entity and its name are one link, numbers stand right, dates keep their precision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dpa_kg.http.pages.links import Link
from dpa_kg.http.pages.rendering import Page
from dpa_kg.namespaces import XSD
from dpa_kg.query.answers import Answer, PassageRef, Term

_NUMBERS = frozenset(f"{XSD}{name}" for name in ("integer", "decimal", "double", "float"))
_DATES = frozenset(f"{XSD}{name}" for name in ("date", "gYear", "gYearMonth", "dateTime"))
SEPARATOR = " | "  # what named queries put between the values that they gather in one cell


@dataclass(frozen=True)
class Cell:
    """One cell: its texts (several when a query gathered them), where they lead, its style (text, number, date), the IRI it shows."""

    texts: tuple[str, ...]
    link: Link | None = None
    style: str = "text"
    language: str = ""
    iri: str = ""


@dataclass(frozen=True)
class Heading:
    """One column's heading."""

    label: str
    style: str = "text"


@dataclass(frozen=True)
class HtmlTable:
    """Headings, rows of cells, and the passages behind each row (empty where the table has none)."""

    headings: Sequence[Heading]
    rows: Sequence[Sequence[Cell]]
    evidence: Sequence[Sequence[PassageRef]] = ()


def table_of(answer: Answer, page: Page) -> HtmlTable:
    """The answer of a named query: a column `xName` beside `x` goes into the link of `x`."""
    names = {column.name for column in answer.columns}
    shown = [column for column in answer.columns if not (column.name.endswith("Name") and column.name.removesuffix("Name") in names)]
    rows = [[cell(row.get(column.name), page, row.get(f"{column.name}Name")) for column in shown] for row in answer.rows]
    headings = [Heading(column.label, _style_of_column(row[index] for row in rows)) for index, column in enumerate(shown)]
    return HtmlTable(headings, rows, answer.evidence if any(answer.evidence) else ())


def table_of_results(variables: Sequence[str], bindings: Iterable[Mapping[str, Term]], page: Page) -> HtmlTable:
    """The rows of a SPARQL SELECT."""
    rows = [[cell(binding.get(name), page) for name in variables] for binding in bindings]
    return HtmlTable([Heading(name, _style_of_column(row[index] for row in rows)) for index, name in enumerate(variables)], rows)


def cell(term: Term | None, page: Page, name: Term | None = None) -> Cell:
    """One term as a cell; `name` is what to show instead of an IRI."""
    if term is None:
        return Cell((name["value"],) if name else ())
    value = term["value"]
    if term["type"] != "literal":
        shown = name["value"] if name else page.short_name(value) if term["type"] == "uri" else f"_:{value}"
        return Cell((shown,), page.link(value), iri=value) if term["type"] == "uri" else Cell((shown,))
    datatype = term.get("datatype", "")
    if datatype in _NUMBERS:
        return Cell((page.number(value),), style="number")
    if datatype in _DATES:
        return Cell((value,), style="date")
    if datatype == f"{XSD}boolean":
        return Cell((page.text("query.yes" if value in {"true", "1"} else "query.no"),))
    return Cell(tuple(value.split(SEPARATOR)), language=term.get("xml:lang", ""))


def _style_of_column(cells: Iterable[Cell]) -> str:
    styles = {found.style for found in cells if found.texts}
    return styles.pop() if len(styles) == 1 else "text"
