"""`dpa-kg query NAME --parameter VALUE`: one command per named query, made from the catalogue."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from dpa_kg import publish, resources
from dpa_kg.cli.show import console, stages
from dpa_kg.errors import InputError
from dpa_kg.graph.versions import Versions
from dpa_kg.query.answers import Answer
from dpa_kg.query.catalogue import Catalogue, NamedQuery, Parameter, localized
from dpa_kg.query.citation import citation
from dpa_kg.query.reader import Reader
from dpa_kg.query.rows import name_columns
from dpa_kg.representations import tables
from dpa_kg.representations.formats import GRAPH_FORMATS, HTML, JSON, TABLE_FORMATS, XLSX, Format
from dpa_kg.settings import Settings

_RESERVED: dict[str, Any] = {
    "lang": (Literal["en", "es", "fr", "pt"], typer.Option(help="Language of names and texts."), "en"),
    "format": (str, typer.Option(help="table, csv, tsv, json, xlsx, sparql-json, sparql-xml; turtle, jsonld … for graphs."), "table"),
    "limit": (int, typer.Option(min=1, help="Most rows to show."), 1000),
    "offset": (int, typer.Option(min=0, help="Rows to pass over."), 0),
    "output": (Path | None, typer.Option(help="File to write to."), None),
}


def _catalogue() -> Catalogue:
    return Catalogue.load(resources.folder("queries"), check=False)


class QueryGroup(TyperGroup):
    """The named queries as commands; a command is made when it is called for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(_catalogue().queries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        query = _catalogue().queries.get(cmd_name)
        return _command(query) if query else None


app = typer.Typer(cls=QueryGroup, no_args_is_help=True, help="Ask a named query; `dpa-kg query NAME --help` tells its parameters.")


@app.callback()
def _group() -> None:
    """Ask a named query; `dpa-kg query NAME --help` tells its parameters."""


def _command(query: NamedQuery) -> Any:
    one = typer.Typer(add_completion=False)
    summary = localized(query.title, "en")
    one.command(name=query.name, help=localized(query.description, "en"), short_help=summary)(_function(query))
    return typer.main.get_command(one)


def _function(query: NamedQuery) -> Callable[..., None]:
    """A function whose signature has an option per parameter of the query, as Typer reads it."""

    def ask(**options: Any) -> None:
        parameters = {parameter.name: list(options[parameter.name] or ()) for parameter in query.parameters}
        _run(query, parameters, **{name: options[name] for name in _RESERVED})

    options = {parameter.name: (list[str] | None, _option(parameter), None) for parameter in query.parameters} | _RESERVED
    annotations = {name: Annotated[kind, option] for name, (kind, option, _) in options.items()}
    keyword = inspect.Parameter.KEYWORD_ONLY
    ask.__annotations__ = annotations
    ask.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # how a callable tells its signature (PEP 362)
        [inspect.Parameter(name, keyword, default=options[name][2], annotation=annotation) for name, annotation in annotations.items()]
    )
    return ask


def _option(parameter: Parameter) -> Any:
    what = f"{localized(parameter.label, 'en')} ({parameter.type}"
    more = "; may be repeated" if parameter.multiple else ""
    need = "; required" if parameter.required else ""
    return typer.Option(f"--{parameter.name}", metavar="TEXT", help=f"{what}{more}{need}).")


def _run(
    query: NamedQuery, parameters: dict[str, list[str]], *, lang: str, format: str, limit: int, offset: int, output: Path | None
) -> None:
    settings = Settings()
    publish.build(settings, stages())
    with Versions(settings.home).reading() as version, Reader(version, settings.home / "spool") as reader:
        if query.form == "CONSTRUCT":
            wanted = _format(format if format != "table" else "turtle", GRAPH_FORMATS)
            payload = reader.construct(query.name, parameters, accept=wanted.media_type, language=lang)
            _write(Path(payload.path).read_bytes() if payload.path else payload.body, output)
            return
        answer = reader.answer(query.name, parameters, language=lang, limit=limit, offset=offset)
    address = _address(settings, query, parameters, version.number)
    cited = citation(query, parameters, answer, version=version.metadata, address=address, language=lang)
    if format == "table":
        _show(answer, cited)
        return
    form = _format(format, TABLE_FORMATS)
    _write(tables.render(answer, form, extra={"citation": cited} if form in (JSON, XLSX) else {}), output)
    if form not in (JSON, XLSX):
        typer.echo(cited, err=True)


def _address(settings: Settings, query: NamedQuery, parameters: dict[str, list[str]], number: int) -> str:
    """Where the same is answered again: in the service, where its address is known, else by this command."""
    given = [(name, value) for name, values in parameters.items() for value in values]
    if settings.public_url:
        return f"{str(settings.public_url).rstrip('/')}/queries/{query.name}?{urlencode([*given, ('version', number)])}"
    return shlex.join(["dpa-kg", "query", query.name, *(part for name, value in given for part in (f"--{name}", value))])


def _format(name: str, offered: tuple[Format, ...]) -> Format:
    known = [candidate for candidate in offered if candidate is not HTML]
    if found := next((candidate for candidate in known if candidate.answers_to(name)), None):
        return found
    raise InputError(f"There is no format '{name}' for this answer.", hint=f"Formats: {', '.join(candidate.name for candidate in known)}.")


def _write(content: bytes, output: Path | None) -> None:
    if output:
        output.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def _show(answer: Answer, cited: str) -> None:
    """Prints the rows with names instead of IRIs, without the columns that are empty throughout."""
    screen = console()
    pairs = name_columns([column.name for column in answer.columns])
    filled = {name for row in answer.rows for name in row}
    shown = [column for column in answer.columns if column.name not in pairs.values() and column.name in filled]
    table = Table(title=escape(answer.title), title_justify="left")
    for column in shown:
        table.add_column(escape(column.label), overflow="fold", justify="right" if column.kind == "number" else "left")
    for row in answer.rows:
        terms = (row.get(pairs.get(column.name, column.name)) or row.get(column.name) for column in shown)
        table.add_row(*(escape(term["value"]) if term else "" for term in terms))
    screen.print(table, soft_wrap=False)
    for sentence in answer.coverage:
        screen.print(escape(sentence))
    screen.print(f"{len(answer.rows)} of {answer.total} rows; version {answer.version}. `--format csv` adds the IRIs.")
    screen.print(escape(cited), soft_wrap=True)
