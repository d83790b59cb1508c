"""What the commands show, with rich: tables for people on standard output, progress and errors on standard error."""

from __future__ import annotations

import json as _json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dpa_kg.errors import DpaKgError, Refused
from dpa_kg.graph.report import Finding, Report, Severity
from dpa_kg.namespaces import GRAPH, SHAPE, compact
from dpa_kg.settings import Settings

if TYPE_CHECKING:
    from dpa_kg.access import Token
    from dpa_kg.graph.metadata import Version
    from dpa_kg.query.answers import SearchResult

_COLOURS = {"violation": "red", "warning": "yellow", "info": "cyan"}
_NOUNS: tuple[tuple[Severity, str], ...] = (("violation", "violation"), ("warning", "warning"), ("info", "note"))
_WIDTH = 240  # characters of a line that goes to no terminal
_SHOWN = 4  # passages of one finding
_WORDS = {"load": "Reading the files", "merge": "Merging the graphs", "derive": "Applying the rules", "validate": "Validating with SHACL",
          "check": "Running the checks", "index": "Indexing the names", "compact": "Compacting the store",
          "publish": "Publishing"}  # fmt: skip


def console(*, stderr: bool = False) -> Console:
    """Lines are not broken, `rdfs:label:` is no emoji, and a table that goes to a file or a pipe has room."""
    screen = Console(stderr=stderr, soft_wrap=True, highlight=False, emoji=False)
    if not screen.is_terminal:
        screen.width = _WIDTH
    return screen


def stages() -> Callable[[str], AbstractContextManager[None]]:
    """Progress: the stage at work, then its name and time."""
    screen = console(stderr=True)

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        start = time.perf_counter()
        with screen.status(f"{_WORDS.get(name, name)} …"):
            yield
        screen.print(f"{_WORDS.get(name, name):<22} {time.perf_counter() - start:6.2f} s", style="dim")

    return stage


def error(what: DpaKgError) -> None:
    """One sentence, a hint, and what was perhaps meant."""
    screen = console(stderr=True)
    screen.print(f"[red]{escape(what.detail)}[/red]")
    if what.hint:
        screen.print(escape(what.hint))
    for candidate in what.candidates:
        screen.print(escape(f"  {candidate.get('name', '')}  {candidate.get('iri', '')}"))


def refused(what: Refused, *, language: str) -> None:
    """The report of the gate on standard output, and the sentence on standard error."""
    if isinstance(what.report, Report):
        report(what.report, language=language)
    error(what)


def json(value: Any) -> None:
    """A value as JSON."""
    print(_json.dumps(value, ensure_ascii=False, indent=2))


def version(built: Version) -> None:
    """What a build has made."""
    facts = built.metadata
    notes = f"{_count(facts.warnings, 'warning')} and {_count(facts.infos, 'note')} (`dpa-kg validate` shows them)"
    said = notes if facts.validated else "not validated"
    console().print(f"Version {built.number}: {facts.triples:,} triples in {_count(facts.graphs, 'graph')}, {said}.")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def report(found: Report, *, language: str = "en", notes: bool = False) -> None:
    """The findings: violations and warnings in full, notes as counts unless `notes`."""
    screen = console()
    shown = [finding for finding in found.findings if notes or finding.severity != "info"]
    for finding in shown:
        _finding(screen, finding, language)
    if not notes:
        for rule, count in Counter(_rule(finding) for finding in found.findings if finding.severity == "info").most_common():
            screen.print(f"[cyan]{count} × note[/cyan] {escape(rule)}")
    verdict = "The data conform." if found.conforms else "The data do not conform."
    counts = (_count(found.count(severity), noun) for severity, noun in _NOUNS)
    screen.print(f"{', '.join(counts)}. {verdict}")


def _finding(screen: Console, finding: Finding, language: str) -> None:
    colour = _COLOURS[finding.severity]
    screen.print(f"[{colour}]{finding.severity}[/{colour}] {escape(finding.message(language))}")
    files = sorted({file for mention in finding.mentions for file in mention.files})
    passages = [mention.graph.removeprefix(GRAPH) for mention in finding.mentions]
    for word, values in (("file", files), ("passage", passages)):
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        if values:
            screen.print(escape(f"    {word:<8} {', '.join(values[:_SHOWN])}{more}"), style="dim")
    screen.print(escape(f"    {'rule':<8} {_rule(finding)}"), style="dim")


def _rule(finding: Finding) -> str:
    return finding.rule.replace(SHAPE, "shape:")


def _table(*headings: str) -> Table:
    table = Table(box=None)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def versions(known: Sequence[Version], current: Version | None) -> None:
    """A table of versions."""
    table = _table("", "version", "created (UTC)", "by", "triples", "graphs", "added", "removed", "warnings", "notes")
    for one in known:
        facts = one.metadata
        numbers = (facts.triples, facts.graphs, facts.changes["added"], facts.changes["removed"], facts.warnings, facts.infos)
        arrow = "→" if current and one.number == current.number else ""
        made = (facts.created.removesuffix("+00:00"), escape(facts.who))
        table.add_row(arrow, str(one.number), *made, *(f"{number:,}" for number in numbers))
    if known:
        console().print(table)
    else:
        console().print("There is no version yet; `dpa-kg build` makes the first one.")


def numbers(what: str, found: Sequence[int]) -> None:
    """Numbers of versions in one line."""
    console().print(f"{what}: {', '.join(map(str, found)) or 'none'}.")


def lines(heading: str, found: Sequence[str]) -> None:
    """A heading and what stands under it; nothing where there is nothing."""
    if found:
        console().print("\n".join([f"{escape(heading)}:", *(f"  {escape(line)}" for line in found)]))


def tokens(known: Sequence[Token]) -> None:
    """A table of tokens."""
    table = _table("token", "scopes", "created (UTC)", "ends (UTC)")
    for token in known:
        ends = "never" if token.expires is None else token.expires.removesuffix("+00:00")
        ends += " (it has ended)" if token.is_expired(datetime.now(UTC)) else ""
        table.add_row(escape(token.name), ", ".join(token.scopes), token.created.removesuffix("+00:00"), ends)
    if known:
        console().print(table)
    else:
        console().print("There is no token; `dpa-kg token create NAME` makes one.")


def settings(values: Settings) -> None:
    """A table of settings."""
    table = _table("variable", "value", "what it is")
    for name, field in type(values).model_fields.items():
        value = getattr(values, name)
        table.add_row(f"DPA_KG_{name.upper()}", "—" if value is None else escape(str(value)), field.description or "")
    console().print(table)


def hits(found: SearchResult) -> None:
    """A table of entities that a search has found."""
    table = _table("name", "kind", "found by", "entity")
    for hit in found.hits:
        table.add_row(escape(hit.label), escape(hit.kind_label or hit.noun), escape(hit.matched), compact(hit.iri))
    screen = console()
    if found.hits:
        screen.print(table)
    screen.print(f"{len(found.hits)} of {'' if found.complete else 'at least '}{found.total} found.")
    if found.nearest:
        screen.print(f"Did you mean {' or '.join(escape(hit.label) for hit in found.nearest[:3])}?")
