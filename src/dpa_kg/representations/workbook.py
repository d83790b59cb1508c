"""An answer as an Excel workbook: the rows, the passages that prove them, and what was asked."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from dpa_kg.namespaces import XSD

if TYPE_CHECKING:
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

    from dpa_kg.representations.tables import Table

_NOT_IN_CELLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONGEST_CELL: Final = 32_767  # characters, a limit of the file format
_WIDTHS: Final = {"entity": 40, "name": 36, "text": 50, "number": 12, "amount": 14, "date": 12, "passage": 40, "link": 40}
_NUMBERS: Final = frozenset({f"{XSD}integer", f"{XSD}decimal", f"{XSD}double", f"{XSD}float"})


def write_workbook(table: Table, extra: Mapping[str, Any]) -> bytes:
    """Three sheets: the rows under their labels, the passages behind each row (where there are any), and a description."""
    book = Workbook(write_only=True)
    _rows(book, table)
    if any(table.evidence):
        _evidence(book, table)
    _about(book, table, extra)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _rows(book: Any, table: Table) -> None:
    sheet = book.create_sheet("Data")
    sheet.freeze_panes = "A2"
    for number, column in enumerate(table.columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = _WIDTHS.get(column.kind, 24)
    _heading(sheet, (column.label for column in table.columns))
    for row in table.rows:
        sheet.append([_cell(sheet, row.get(column.name)) for column in table.columns])
    if table.columns:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.columns))}{len(table.rows) + 1}"


def _evidence(book: Any, table: Table) -> None:
    sheet = book.create_sheet("Evidence")
    for letter, width in zip("ABCDEF", (8, 40, 14, 12, 40, 60), strict=True):
        sheet.column_dimensions[letter].width = width
    _heading(sheet, ("row", "source", "lines", "status", "note", "passage"))
    for number, passages in enumerate(table.evidence, 2):
        for passage in passages:
            texts = (passage.source_label, passage.lines, passage.status, passage.note, passage.iri)
            sheet.append([number, *(_text(sheet, text) for text in texts)])


def _about(book: Any, table: Table, extra: Mapping[str, Any]) -> None:
    sheet = book.create_sheet("About")
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 24, 100
    lines = [("title", table.title), ("description", table.description), *(("leaves out", text) for text in table.coverage)]
    for key, value in [*lines, *((key, value) for key, value in extra.items() if isinstance(value, str))]:
        sheet.append([_text(sheet, key, bold=True), _text(sheet, value)])


def _heading(sheet: WriteOnlyWorksheet, labels: Iterable[str]) -> None:
    sheet.append([_text(sheet, label, bold=True) for label in labels])


def _text(sheet: WriteOnlyWorksheet, text: str, *, bold: bool = False) -> Cell:
    """A cell that is text whatever it begins with: an `=` makes no formula."""
    cell = WriteOnlyCell(sheet, None)
    cell.value = _NOT_IN_CELLS.sub("\ufffd", text)[:_LONGEST_CELL]
    cell.data_type = "s"
    cell.alignment = Alignment(vertical="top", wrap_text=len(text) > 40)
    if bold:
        cell.font = Font(bold=True)
    if text[:1] in {"=", "+", "-", "@"}:
        cell._style.quotePrefix = 1  # type: ignore[attr-defined]  # openpyxl has no public setter
    return cell


def _cell(sheet: WriteOnlyWorksheet, term: Mapping[str, str] | None) -> Cell | int | float | None:
    """Numbers as numbers, whole days as dates, everything else as text."""
    if term is None:
        return None
    value, datatype = term["value"], term.get("datatype", "")
    try:
        if datatype in _NUMBERS:
            return float(value) if datatype != f"{XSD}integer" else int(value)
        if datatype == f"{XSD}date" and "1900-03-01" <= value <= "9999-12-31":
            cell = WriteOnlyCell(sheet, datetime.datetime.fromisoformat(value))
            cell.number_format = "yyyy-mm-dd"
            return cell
    except ValueError:
        pass
    return _text(sheet, value)
