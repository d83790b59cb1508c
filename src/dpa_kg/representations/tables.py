"""Tables as bytes: the answers of named queries as JSON, CSV, TSV, SPARQL JSON and SPARQL XML. Workbooks are in workbook.py."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, ClassVar, Final, Protocol
from xml.sax.saxutils import escape, quoteattr

from dpa_kg.namespaces import XSD
from dpa_kg.representations import formats
from dpa_kg.representations.formats import Format

Term = Mapping[str, str]  # as in SPARQL 1.1 Query Results JSON
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SIGNED_NUMBER = re.compile(r"[+-]?\d[\d.]*(?:[eE][+-]?\d+)?")
_INTEGERS: Final = frozenset(
    f"{XSD}{name}" for name in ("integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger", "unsignedInt")
)
_NUMBERS: Final = _INTEGERS | {f"{XSD}decimal", f"{XSD}double", f"{XSD}float"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Column(Protocol):
    """What a table needs to know of a column."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def kind(self) -> str: ...


class Table(Protocol):
    """What can be written as a table: the answer of a named query (a dataclass of the query layer)."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def columns(self) -> Sequence[Column]: ...
    @property
    def rows(self) -> Sequence[Mapping[str, Term]]: ...
    @property
    def coverage(self) -> Sequence[str]: ...
    @property
    def evidence(self) -> Sequence[Sequence[Any]]: ...


def render(table: Table, form: Format, *, extra: Mapping[str, Any] | None = None) -> bytes:
    """The table in one of TABLE_FORMATS but HTML, which is a page's business.

    `extra` (address, citation, …) is added to JSON and to the first sheet of a workbook. Raises ValueError on another format.
    """
    writers: dict[Format, Callable[[], bytes]] = {
        formats.JSON: lambda: _json(table, extra or {}),
        formats.CSV: lambda: _separated(table, ",", "\r\n"),
        formats.TSV: lambda: _separated(table, "\t", "\n"),
        formats.XLSX: lambda: _workbook(table, extra or {}),
        formats.SPARQL_JSON: lambda: _sparql_json(table),
        formats.SPARQL_XML: lambda: "".join(_sparql_xml(table)).encode(),
    }
    if form not in writers:
        raise ValueError(f"a table is not written as {form.label} here")
    return writers[form]()


def _workbook(table: Table, extra: Mapping[str, Any]) -> bytes:
    from dpa_kg.representations.workbook import write_workbook  # noqa: PLC0415 - openpyxl takes a tenth of a second of every start

    return write_workbook(table, extra)


def plain(term: Term | None) -> Any:
    """A term as a JSON value: numbers and booleans as such, everything else as its text, unbound as None.

    A decimal stays exact as long as a JSON reader keeps 15 digits; SPARQL JSON keeps every digit and the datatype.
    """
    if term is None:
        return None
    value, datatype = term["value"], term.get("datatype")
    if datatype in _INTEGERS and re.fullmatch(r"[+-]?\d+", value):
        return int(value)
    if datatype in _NUMBERS and _NUMBER.fullmatch(value):
        return float(value) if "." in value or "e" in value.lower() else int(value)
    if datatype == f"{XSD}boolean" and value in {"true", "false", "1", "0"}:
        return value in {"true", "1"}
    return value


def safe_cell(term: Term | None) -> str:
    """A term's text for a spreadsheet: what would be taken for a formula gets an apostrophe in front; numbers stay numbers."""
    text = _NOT_XML.sub("\ufffd", term["value"]) if term else ""
    if term and text[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"}:
        is_number = term.get("datatype") in _NUMBERS and _SIGNED_NUMBER.fullmatch(text)
        return text if is_number else f"'{text}"
    return text


def _json(table: Table, extra: Mapping[str, Any]) -> bytes:
    document = {field.name: getattr(table, field.name) for field in fields(table)}
    document["rows"] = [{column.name: plain(row.get(column.name)) for column in table.columns} for row in table.rows]
    return json.dumps({**document, **extra}, ensure_ascii=False, indent=2, default=asdict).encode()


def _separated(table: Table, delimiter: str, line_end: str) -> bytes:
    """RFC 4180 for CSV; TSV has no quoting, so that tabs and line ends inside a cell become spaces."""
    out = io.StringIO()
    names = [column.name for column in table.columns]
    lines = (names, *([safe_cell(row.get(name)) for name in names] for row in table.rows))
    if delimiter == "\t":
        out.writelines("\t".join(re.sub(r"[\t\r\n]+", " ", cell) for cell in line) + line_end for line in lines)
    else:
        csv.writer(out, delimiter=delimiter, lineterminator=line_end).writerows(lines)
    return out.getvalue().encode()


def _sparql_json(table: Table) -> bytes:
    head = {"vars": [column.name for column in table.columns]}
    rows = [{name: dict(term) for name, term in row.items()} for row in table.rows]
    return json.dumps({"head": head, "results": {"bindings": rows}}, ensure_ascii=False, indent=1).encode()


def _sparql_xml(table: Table) -> Iterator[str]:
    """SPARQL Query Results XML Format; characters that XML cannot hold become U+FFFD."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<sparql xmlns="http://www.w3.org/2005/sparql-results#">\n<head>'
    yield from (f"<variable name={quoteattr(column.name)}/>" for column in table.columns)
    yield "</head>\n<results>\n"
    for row in table.rows:
        yield "<result>"
        yield from (f"<binding name={quoteattr(name)}>{_xml_term(term)}</binding>" for name, term in row.items())
        yield "</result>\n"
    yield "</results>\n</sparql>\n"


def _xml_term(term: Term) -> str:
    text = escape(_NOT_XML.sub("\ufffd", term["value"]), {"\r": "&#xD;"})
    if term["type"] != "literal":
        return f"<{term['type']}>{text}</{term['type']}>"
    language = f" xml:lang={quoteattr(term['xml:lang'])}" if term.get("xml:lang") else ""
    datatype = f" datatype={quoteattr(_NOT_XML.sub('', term['datatype']))}" if term.get("datatype") else ""
    return f"<literal{language}{datatype}>{text}</literal>"
