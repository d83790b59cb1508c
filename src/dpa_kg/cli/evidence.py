"""`dpa-kg evidence`: checks passages, shows them, and stamps files of statements."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pyoxigraph as ox
import typer
from rich.markup import escape

from dpa_kg import publish
from dpa_kg.cli.show import console
from dpa_kg.errors import BuildError
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.search import Names
from dpa_kg.graph.versions import Versions
from dpa_kg.ingest import evidence, passages
from dpa_kg.ingest import stamp as stamping
from dpa_kg.namespaces import PREFIXES, PROVENANCE_GRAPH, compact
from dpa_kg.query.binding import entity as resolve
from dpa_kg.resources import folder
from dpa_kg.settings import Settings


def stamp_files(files: list[Path], documents: Path) -> None:
    """Writes the provenance block of each file. Raises BuildError where a file cannot be stamped; it is not touched then."""
    described = passages.sources(ox.parse(path=str(folder("data") / "sources.ttl"), format=ox.RdfFormat.TURTLE))
    texts = passages.read_documents(documents, described)
    for file in files:
        typer.echo(f"{file}: {stamping.stamp(file, texts)} passages")


def check(
    settings: Settings, documents: Path, entity: str | None, language: str, stages: Callable[[str], AbstractContextManager[None]]
) -> None:
    """Checks every passage of the current version; prints those behind an entity. Raises BuildError where something is wrong."""
    publish.build(settings, stages)
    with Versions(settings.home).reading() as version:
        store = OxigraphStore.open_read_only(version.store_path)
        texts = passages.read_documents(documents, passages.sources(store.quads(PROVENANCE_GRAPH)))
        if entity is not None:
            names = Names(version.search_path)
            iri = resolve(entity, "rdfs:Resource", names, "entity")
            label = names.labels([iri], language).get(iri, compact(iri))
            names.close()
            _print(iri, label, evidence.behind(store, iri, texts))
        checked = evidence.check(store, texts)
    if checked.faults:
        raise BuildError("\n".join(checked.faults))
    typer.echo(f"{checked.passages} passages of {len(texts)} documents: every line exists, every hash matches.")


def _print(iri: str, label: str, found: list[evidence.Evidence]) -> None:
    screen = console()
    screen.print(f"[bold]{escape(label)}[/bold]  {iri}\n{len(found)} passage{'' if len(found) == 1 else 's'}")
    for passage in found:
        screen.print(f"\n[bold]{escape(passage.source)}[/bold], lines {passage.lines} ({passage.status})  {passage.graph}")
        if passage.note:
            screen.print(f"  note: {escape(passage.note)}")
        for number, text in passage.texts:
            screen.print(f"  [dim]{number:>5}[/dim]  {escape(text)}")
        for triple in passage.statements:
            screen.print(f"    [cyan]{escape(' '.join(_term(term) for term in (triple.subject, triple.predicate, triple.object)))}[/cyan]")
    screen.print()


def _term(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> str:
    """A term as Turtle writes it, with the prefixes of the project."""
    if isinstance(term, ox.NamedNode):
        short = compact(term.value)
        return short if short != term.value else str(term)
    if isinstance(term, ox.Literal) and not term.language and term.datatype.value.startswith(PREFIXES["xsd"]):
        kind = compact(term.datatype.value)
        return f'"{term.value}"' if kind == "xsd:string" else f'"{term.value}"^^{kind}'
    return str(term)
