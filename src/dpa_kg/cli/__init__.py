"""The command line. Every command says what it does in its help; every error is one sentence and a hint, and exit code 1."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from dpa_kg import __version__
from dpa_kg.cli import show
from dpa_kg.errors import DpaKgError, InputError, Refused
from dpa_kg.settings import Settings

if TYPE_CHECKING:
    from dpa_kg.graph.metadata import Version

_LATER = {name: f"dpa_kg.cli.{name}" for name in ("query", "versions", "export", "forget", "token", "push")}  # what is slow to import

Language = Annotated[Literal["en", "es", "fr", "pt"], typer.Option(help="Language of messages and names.")]


class Group(TyperGroup):
    """Commands that end with one plain sentence when something is wrong."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *_LATER]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in _LATER:
            return typer.main.get_command(importlib.import_module(_LATER[cmd_name]).app)
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Refused as error:
            show.refused(error, language=ctx.obj or "en")
        except DpaKgError as error:
            show.error(error)
        except ValidationError as error:
            wrong = "; ".join(f"DPA_KG_{str(fault['loc'][0]).upper()} is “{fault['input']}”: {fault['msg']}" for fault in error.errors())
            show.error(InputError(f"A setting is not right. {wrong}.", hint="`dpa-kg settings` shows what there is to set."))
        raise typer.Exit(1)


app = typer.Typer(cls=Group, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"dpa-kg {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[bool, typer.Option("--version", help="Show the version of the program.", callback=_version, is_eager=True)] = False,
) -> None:
    """A knowledge graph of the organizations, people and projects around Data-Pop Alliance.

    Start with `dpa-kg serve`, or ask on the command line: `dpa-kg search IDB`, `dpa-kg query --help`.
    """


@app.command()
def build(
    ctx: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Build even if nothing has changed.")] = False,
    unvalidated: Annotated[
        bool, typer.Option("--unvalidated", help="Pass by the gate; the service will not serve it unless told to.")
    ] = False,
    data: Annotated[list[Path] | None, typer.Option(help="With --unvalidated: a file (nq, nt, trig, ttl) to load as one graph.")] = None,
    language: Language = "en",
) -> None:
    """Make a new version of the graph from ontology/, shapes/, queries/ and data/, and publish it.

    Graphs that come from files are replaced; graphs that came through the interface stay. Where the gate finds a violation
    nothing is published, the report is printed, and the exit code is 1. Without a change in the files there is nothing to do.
    """
    from dpa_kg import publish  # noqa: PLC0415 (commands import what they need, so that each one starts fast)

    ctx.find_root().obj = language
    settings = Settings()
    if unvalidated:
        from dpa_kg import bulk  # noqa: PLC0415

        show.version(bulk.build(settings, data or (), show.stages()))
        return
    if data:
        raise InputError("--data is loaded without the gate.", hint="Say --unvalidated too, or send it to /graphs.")
    if not force and (version := publish.up_to_date(settings)):
        typer.echo(f"Nothing has changed: version {version.number} of {version.metadata.created} stays.")
        return
    show.version(_built(settings, force=force))


@app.command()
def validate(
    files: Annotated[list[Path] | None, typer.Argument(help="RDF files: ttl, trig, nt, nq, jsonld, rdf.")] = None,
    language: Language = "en",
    notes: Annotated[bool, typer.Option("--notes", help="Show every note, not only how many there are.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Pass the files of the project through the gate, or FILES merged with them. Nothing is changed.

    With FILES, the report is about what these files say. Exit code 1 if there is a violation.
    """
    from dpa_kg import publish  # noqa: PLC0415

    report = publish.validate(Settings(), files or (), show.stages() if not as_json else publish.silent)
    if as_json:
        show.json(report.to_json())
    else:
        show.report(report, language=language, notes=notes)
    raise typer.Exit(0 if report.conforms else 1)


@app.command()
def dump(
    format: Annotated[Literal["nquads", "trig"], typer.Option(help="N-Quads (sorted) or TriG.")] = "nquads",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write to, instead of standard output.")] = None,
    version: Annotated[int | None, typer.Option(help="Number of the version; the current one without it.")] = None,
) -> None:
    """Write all named graphs of a version: statements, reference, ontology, shapes, queries, provenance and what was derived.

    The default graph is not written, because it is the merge of these. The same version always gives the same bytes.
    """
    from dpa_kg.graph.dump import dump as dumped  # noqa: PLC0415
    from dpa_kg.graph.versions import Versions  # noqa: PLC0415

    with Versions(Settings().home).reading(version) as found:
        if output is None:
            dumped(found, format, sys.stdout.buffer)
        else:
            with output.open("wb") as file:
                dumped(found, format, file)
            typer.echo(f"Version {found.number} is in {output}.", err=True)


@app.command()
def evidence(
    documents: Annotated[Path, typer.Option(help="Folder with the text files of the documents.", exists=True, file_okay=False)],
    entity: Annotated[str | None, typer.Argument(metavar="[IRI]", help="IRI, prefix:slug or name of an entity.")] = None,
    stamp: Annotated[list[Path] | None, typer.Option(help="Write the provenance block at the end of this file of statements.")] = None,
    language: Language = "en",
) -> None:
    """Check every passage against the documents; with an entity, show the passages behind what is known of it.

    Each passage is shown with its graph, its lines of the document, its status, and the statements it makes about the entity.
    Exit code 1 if a document, a line or a hash is not what it was. `--stamp FILE` is for curators: it computes the hashes of
    the passages in FILE (data/statements/SOURCE.trig) and writes the provenance block at its end; what stands above is not touched.
    """
    from dpa_kg.cli.evidence import check, stamp_files  # noqa: PLC0415

    if stamp:
        stamp_files(stamp, documents)
    else:
        check(Settings(), documents, entity, language, show.stages())


@app.command()
def search(
    text: Annotated[list[str], typer.Argument(help="Words of a name, in any language.")],
    noun: Annotated[str | None, typer.Option(help="Only this kind: organization, person, project, event, place …")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most entities to show.")] = 20,
    language: Language = "en",
) -> None:
    """Find entities by any of their names, acronyms and spellings."""
    from dpa_kg.graph.versions import Versions  # noqa: PLC0415
    from dpa_kg.query.reader import Reader  # noqa: PLC0415

    settings = Settings()
    _built(settings)
    with Versions(settings.home).reading() as version, Reader(version, settings.home / "spool") as reader:
        show.hits(reader.search(" ".join(text), noun=noun, language=language, limit=limit))


@app.command()
def settings() -> None:
    """Show every setting: what it is for, its value, and the environment variable (or line of .env) that sets it."""
    show.settings(Settings())


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (DPA_KG_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (DPA_KG_PORT).", min=0, max=65535)] = None,
    rebuild: Annotated[bool, typer.Option("--build/--no-build", help="Build first if the files have changed.")] = True,
    unvalidated: Annotated[
        bool, typer.Option("--unvalidated", help="Serve what has not passed the gate (DPA_KG_SERVE_UNVALIDATED).")
    ] = False,
) -> None:
    """Serve the graph over HTTP. Builds it first where there is no version yet, or where the files have changed."""
    chosen = (("host", host), ("port", port), ("serve_unvalidated", unvalidated or None))
    configured = Settings().model_copy(update={name: value for name, value in chosen if value is not None})
    version = _to_serve(configured, rebuild=rebuild)
    from dpa_kg.http import server  # noqa: PLC0415

    typer.echo(f"Version {version.number} with {version.metadata.triples:,} triples is served at {_address(configured)} (Ctrl+C ends it).")
    server.serve(configured)


def _to_serve(configured: Settings, *, rebuild: bool) -> Version:
    """The version to begin with. One that is not validated is never built over: it was made so on purpose.

    Where a remote engine answers nothing is built: the home stays what was pushed to it.
    """
    from dpa_kg.graph.versions import Versions  # noqa: PLC0415

    current = Versions(configured.home).current()
    if rebuild and configured.store is None and (current is None or current.metadata.may_be_served):
        return _built(configured)
    with Versions(configured.home).reading() as version:
        if not (version.metadata.may_be_served or configured.serve_unvalidated):
            hint = "Start with --unvalidated (DPA_KG_SERVE_UNVALIDATED=1), or pass the gate with `dpa-kg build --force`."
            raise InputError(f"Version {version.number} has not been validated.", hint=hint)
        return version


def _built(configured: Settings, *, force: bool = False) -> Version:
    """The version to read; shows the stages where one has to be built."""
    from dpa_kg import publish  # noqa: PLC0415

    return publish.build(configured, show.stages(), force=force)


def _address(configured: Settings) -> str:
    host = f"[{configured.host}]" if ":" in configured.host else configured.host
    return configured.public_url or f"http://{host}:{configured.port}/"
