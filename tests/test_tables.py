"""Answers of named queries as CSV, TSV, XLSX, JSON, SPARQL JSON and SPARQL XML."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import Any

import openpyxl
import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpa_kg.namespaces import XSD
from dpa_kg.query.answers import Answer, Column, PassageRef, Term
from dpa_kg.representations import formats
from dpa_kg.representations.tables import plain, render, safe_cell


def literal(value: str, kind: str = "", language: str = "") -> Term:
    return {"type": "literal", "value": value, **({"datatype": XSD + kind} if kind else {}), **({"xml:lang": language} if language else {})}


COLUMNS = (Column("project", "Project", "entity"), Column("projectName", "Project", "name"), Column("n", "Number", "number"))
ROWS: tuple[dict[str, Term], ...] = (
    {
        "project": {"type": "uri", "value": "https://w3id.org/dpa-kg/id/project/x"},
        "projectName": literal('A "b", c\nd', language="es"),
        "n": literal("-5", "integer"),
    },
    {"projectName": literal("=HYPERLINK(1)")},
)
EVIDENCE: tuple[list[PassageRef], ...] = (
    [PassageRef("https://w3id.org/dpa-kg/graph/s/L1", "https://w3id.org/dpa-kg/id/source/s", "The source", "1", "stated")],
    [],
)


def answer(rows: Any = ROWS, columns: Any = COLUMNS, evidence: Any = EVIDENCE) -> Answer:
    return Answer("q", "Title", "Description.", "s", "en", 3, {}, columns, rows, len(rows), 0, 100, ("2 left out",), evidence)


def as_csv(value: Answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(render(value, formats.CSV).decode(), newline="")))


def test_csv_is_rfc_4180_with_the_names_of_the_columns() -> None:
    raw = render(answer(), formats.CSV)
    assert raw.startswith(b"project,projectName,n\r\n")
    assert raw.endswith(b"\r\n")
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert as_csv(answer())[1] == ["https://w3id.org/dpa-kg/id/project/x", 'A "b", c\nd', "-5"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "-", "=cmd|' /C calc'!A0"])
def test_text_that_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(text: str) -> None:
    assert safe_cell(literal(text)) == f"'{text}"


@pytest.mark.parametrize(("value", "kind"), [("-5", "integer"), ("+1.50", "decimal"), ("-1e5", "double")])
def test_numbers_stay_numbers(value: str, kind: str) -> None:
    assert safe_cell(literal(value, kind)) == value


def test_a_number_that_is_none_is_neutralized_whatever_its_datatype_says() -> None:
    assert safe_cell(literal("-1+cmd()", "integer")) == "'-1+cmd()"


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_cell_of_csv_or_tsv_begins_like_a_formula_and_rows_stay_rows(text: str) -> None:
    value = answer(({"projectName": literal(text)},), COLUMNS[1:2], ())
    (row,) = as_csv(value)[1:] or [[""]]
    assert row[0][:1] not in {"=", "+", "-", "@", "\t", "\r"}
    lines = render(value, formats.TSV).decode().split("\n")
    assert len(lines) == 3
    assert "\t" not in lines[1]


def test_tsv_has_no_quotes_and_no_line_ends_inside_a_cell() -> None:
    assert render(answer(), formats.TSV).decode().split("\n")[1] == 'https://w3id.org/dpa-kg/id/project/x\tA "b", c d\t-5'


def test_json_has_plain_rows_with_a_key_for_every_column() -> None:
    document = json.loads(render(answer(), formats.JSON, extra={"url": "http://x"}))
    assert document["rows"][0] == {"project": "https://w3id.org/dpa-kg/id/project/x", "projectName": 'A "b", c\nd', "n": -5}
    assert document["rows"][1] == {"project": None, "projectName": "=HYPERLINK(1)", "n": None}
    assert (document["total"], document["version"], document["coverage"], document["url"]) == (2, 3, ["2 left out"], "http://x")
    assert document["evidence"][0][0]["lines"] == "1"


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (literal("300000.50", "decimal"), 300000.5),
        (literal("007", "integer"), 7),
        (literal("true", "boolean"), True),
        (literal("0", "boolean"), False),
        (literal("2018", "gYear"), "2018"),
        (literal("NaN", "double"), "NaN"),
        (literal("x", "integer"), "x"),
        (None, None),
    ],
)
def test_terms_become_json_values_where_they_are_well_formed(term: Term | None, expected: Any) -> None:
    found = plain(term)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("form", [formats.SPARQL_JSON, formats.SPARQL_XML], ids=lambda form: form.name)
def test_sparql_results_are_read_by_the_engine_term_for_term(form: formats.Format) -> None:
    result = ox.parse_query_results(render(answer(), form), format=form.oxigraph)  # type: ignore[arg-type]
    assert isinstance(result, ox.QuerySolutions)
    assert [variable.value for variable in result.variables] == ["project", "projectName", "n"]
    first, second = list(result)
    assert first["project"] == ox.NamedNode("https://w3id.org/dpa-kg/id/project/x")
    assert first["projectName"] == ox.Literal('A "b", c\nd', language="es")
    assert first["n"] == ox.Literal("-5", datatype=ox.NamedNode(f"{XSD}integer"))
    assert second["project"] is None


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_sparql_xml_is_well_formed_whatever_a_text_holds(text: str) -> None:
    raw = render(answer(({"projectName": literal(text)},), COLUMNS[1:2], ()), formats.SPARQL_XML)
    result = ox.parse_query_results(raw, format=ox.QueryResultsFormat.XML)
    assert isinstance(result, ox.QuerySolutions)
    assert len(list(result)) == 1


def workbook(value: Answer, **extra: Any) -> Any:
    return openpyxl.load_workbook(io.BytesIO(render(value, formats.XLSX, extra=extra)))


def test_a_workbook_holds_the_rows_the_evidence_and_what_was_asked() -> None:
    book = workbook(answer(), citation="Cite me")
    assert book.sheetnames == ["Data", "Evidence", "About"]
    assert [cell.value for cell in book["Data"][1]] == ["Project", "Project", "Number"]
    assert book["Data"]["C2"].value == -5
    assert [cell.value for cell in book["Evidence"][2]][:4] == [2, "The source", "1", "stated"]
    assert ("citation", "Cite me") in [(row[0].value, row[1].value) for row in book["About"].iter_rows()]


def test_a_formula_in_a_workbook_is_text_and_keeps_its_characters() -> None:
    cell = workbook(answer())["Data"]["B3"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == ("=HYPERLINK(1)", "s", True)


def test_whole_days_are_dates_in_a_workbook_and_years_stay_as_stated() -> None:
    columns = (Column("d", "Day", "date"), Column("y", "Year", "date"))
    sheet = workbook(answer(({"d": literal("2018-01-02", "date"), "y": literal("2018", "gYear")},), columns, ()))["Data"]
    assert (sheet["A2"].value, sheet["A2"].number_format) == (datetime(2018, 1, 2), "yyyy-mm-dd")
    assert sheet["B2"].value == "2018"


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_text_makes_a_workbook_that_opens(text: str) -> None:
    sheet = workbook(answer(({"projectName": literal(text)},), COLUMNS[1:2], ()))["Data"]
    assert sheet.max_row == 2 if text else sheet.max_row in {1, 2}
    assert sheet["A2"].data_type in {"s", "n", "inlineStr"}


@pytest.mark.parametrize("form", [form for form in formats.TABLE_FORMATS if form is not formats.HTML], ids=lambda form: form.name)
def test_an_answer_without_rows_is_written_in_every_format(form: formats.Format) -> None:
    assert render(answer((), COLUMNS, ()), form)


def test_another_format_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="Turtle"):
        render(answer(), formats.TURTLE)
