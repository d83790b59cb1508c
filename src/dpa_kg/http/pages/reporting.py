"""Where a reader can say that a statement is wrong: an address of `DPA_KG_REPORT_URL`, with the statement filled in.

`mailto:` addresses take `subject` and `body` (RFC 6068), the forms of issue trackers `title` and `body`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from dpa_kg.query.answers import Fact, Group, PassageRef
from dpa_kg.settings import Settings

if TYPE_CHECKING:
    from dpa_kg.http.pages.rendering import Page
    from dpa_kg.http.pages.table import HtmlTable

_LONGEST: Final = 300  # characters of one line
_PASSAGES: Final = 5  # of one statement that are named


@dataclass(frozen=True)
class Reporting:
    """Makes the links of one page, whose `subject` and `version` they name; None where no address for reports is set."""

    page: Page
    subject: str
    version: int

    @property
    def address(self) -> str:
        """`DPA_KG_REPORT_URL`; empty where reports are not wanted."""
        settings: Settings = self.page.request.app.state.settings
        return settings.report_url

    def of_fact(self, group: Group, fact: Fact) -> str | None:
        """The link for a fact of the dossier of `subject`."""
        said = " · ".join([fact.label, *([f"<{fact.iri}>"] if fact.iri else []), *fact.details])
        name = f"{group.label} <{group.property}>{'' if group.direction == 'out' else ' ←'}"
        return self._link([self._line("report.property", name), self._line("report.value", said)], fact.passages)

    def of_row(self, table: HtmlTable, number: int) -> str | None:
        """The link for a row of the answer to the question `subject`."""
        cells = [(heading.label, cell) for heading, cell in zip(table.headings, table.rows[number], strict=True) if cell.texts]
        said = [f"{label}: {' | '.join(cell.texts)}{f' <{cell.iri}>' if cell.iri else ''}" for label, cell in cells]
        return self._link(said, table.evidence[number] if table.evidence else ())

    def _line(self, name: str, value: object) -> str:
        return f"{self.page.text(name)}{self.page.text('site.colon')} {value}"

    def _link(self, said: Sequence[str], passages: Sequence[PassageRef]) -> str | None:
        if not self.address:
            return None
        named = [self._line("report.passage", f"<{passage.iri}>") for passage in passages[:_PASSAGES]]
        lines = [self._line("report.subject", self.subject), *said, *named, self._line("report.version", self.version)]
        body = "\n".join([*(line[:_LONGEST] for line in lines), "", self.page.text("report.wrong")])
        return filled(self.address, self.page.text("report.title", subject=self.subject[:_LONGEST]), body)


def filled(address: str, title: str, body: str) -> str:
    """The address with a title and a body; whatever stands in them is percent-encoded."""
    is_mail = address.lower().startswith("mailto:")
    fields = {"subject" if is_mail else "title": title, "body": body.replace("\n", "\r\n") if is_mail else body}
    separator = "&" if "?" in address else "?"
    return address + separator + "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
