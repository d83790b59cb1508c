"""What the commands show, with rich: tables for people on standard output, progress and errors on standard error."""

from __future__ import annotations

import json as _json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dpa_kg.errors import DpaKgError, Refused
from dpa_kg.namespaces import GRAPH, SHAPE
from dpa_kg.settings import Settings

if TYPE_CHECKING:
    from dpa_kg.graph.metadata import Version
    from dpa_kg.graph.report import Finding, Report
    from dpa_kg.query.answers import SearchResult

_COLOURS = {"violation": "red", "warning": "yellow", "info": "cyan"}
_SHOWN = 4  # passages of one finding
_WORDS = {"load": "Reading the files", "merge": "Merging the graphs", "derive": "Applying the rules", "validate": "Validating with SHACL",
          "check": "Running the checks", "index": "Indexing the names", "publish": "Publishing"}  # fmt: skip


def stages() -> Callable[[str], AbstractContextManager[None]]:
    """Progress: the stage at work, then its name and time."""
    console = Console(stderr=True)

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        start = time.perf_counter()
        with console.status(f"{_WORDS.get(name, name)} …"):
            yield
        console.print(f"{_WORDS.get(name, name):<22} {time.perf_counter() - start:6.2f} s", style="dim", highlight=False)

    return stage


def error(what: DpaKgError) -> None:
    """One sentence, a hint, and what was perhaps meant."""
    console = Console(stderr=True, soft_wrap=True)
    console.print(f"[red]{escape(what.detail)}[/red]", highlight=False)
    if what.hint:
        console.print(escape(what.hint), highlight=False)
    for candidate in what.candidates:
        console.print(escape(f"  {candidate.get('name', '')}  {candidate.get('iri', '')}"), highlight=False)


def refused(what: Refused, *, language: str) -> None:
    """The report of the gate on standard output, and the sentence on standard error."""
    from dpa_kg.graph.report import Report  # noqa: PLC0415 (only where there is one)

    if isinstance(what.report, Report):
        report(what.report, language=language)
    error(what)


def json(value: Any) -> None:
    """A value as JSON."""
    print(_json.dumps(value, ensure_ascii=False, indent=2))


def version(built: Version) -> None:
    """What a build has made."""
    facts = built.metadata
    Console(soft_wrap=True).print(
        f"Version {built.number}: {facts.triples:,} triples in {facts.graphs:,} graphs, "
        f"{facts.warnings} warnings and {facts.infos} notes (`dpa-kg validate` shows them).",
        highlight=False,
    )


def report(found: Report, *, language: str = "en", notes: bool = False) -> None:
    """The findings: violations and warnings in full, notes as counts unless `notes`."""
    console = Console(soft_wrap=True)
    shown = [finding for finding in found.findings if notes or finding.severity != "info"]
    for finding in shown:
        _finding(console, finding, language)
    if not notes:
        for rule, count in Counter(_rule(finding) for finding in found.findings if finding.severity == "info").most_common():
            console.print(f"[cyan]{count} × note[/cyan] {escape(rule)}", highlight=False)
    verdict = "The data conform." if found.conforms else "The data do not conform."
    counts = f"{found.count('violation')} violations, {found.count('warning')} warnings, {found.count('info')} notes"
    console.print(f"{counts}. {verdict}", highlight=False)


def _finding(console: Console, finding: Finding, language: str) -> None:
    colour = _COLOURS[finding.severity]
    console.print(f"[{colour}]{finding.severity}[/{colour}] {escape(finding.message(language))}", highlight=False)
    files = sorted({file for mention in finding.mentions for file in mention.files})
    passages = [mention.graph.removeprefix(GRAPH) for mention in finding.mentions]
    for word, values in (("file", files), ("passage", passages)):
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        if values:
            console.print(escape(f"    {word:<8} {', '.join(values[:_SHOWN])}{more}"), style="dim", highlight=False)
    console.print(escape(f"    {'rule':<8} {_rule(finding)}"), style="dim", highlight=False)


def _rule(finding: Finding) -> str:
    return finding.rule.replace(SHAPE, "shape:")


def versions(known: Sequence[Version], current: Version | None) -> None:
    """A table of versions."""
    table = Table("", "version", "created (UTC)", "triples", "graphs", "added", "removed", "warnings", "notes", "made from", box=None)
    for one in known:
        facts = one.metadata
        arrow = "→" if current and one.number == current.number else ""
        table.add_row(
            arrow, str(one.number), facts.created.replace("+00:00", ""), f"{facts.triples:,}", str(facts.graphs),
            f"{facts.changes['added']:,}", f"{facts.changes['removed']:,}", str(facts.warnings), str(facts.infos), str(facts.parent or "—"),
        )  # fmt: skip
    if known:
        Console().print(table)
    else:
        Console().print("There is no version yet; `dpa-kg build` makes the first one.", highlight=False)


def settings(values: Settings) -> None:
    """A table of settings."""
    table = Table("variable", "value", "what it is", box=None)
    for name, field in type(values).model_fields.items():
        value = getattr(values, name)
        table.add_row(f"DPA_KG_{name.upper()}", "—" if value is None else str(value), field.description or "")
    Console(soft_wrap=True).print(table)


def hits(found: SearchResult) -> None:
    """A table of entities that a search has found."""
    table = Table("name", "kind", "found by", "entity", box=None)
    for hit in found.hits:
        table.add_row(escape(hit.label), hit.kind_label or hit.noun, escape(hit.matched), hit.iri)
    console = Console(soft_wrap=True)
    if found.hits:
        console.print(table)
    console.print(f"{len(found.hits)} of {found.total} found.", highlight=False)
