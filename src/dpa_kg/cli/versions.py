"""`dpa-kg versions`: list them, return to one, delete one or those that need not be kept any longer."""

from __future__ import annotations

from typing import Annotated

import typer

from dpa_kg.cli import show
from dpa_kg.graph import retention
from dpa_kg.graph.versions import Versions
from dpa_kg.settings import Settings

app = typer.Typer(no_args_is_help=True, help="List the versions of the graph, return to one, delete one or the old ones.")
_WAIT = 5.0  # seconds: a process of the service lets go of a version sooner than that when nobody asks


@app.command("list")
def list_() -> None:
    """List the versions, the newest first; an arrow marks the one that is read."""
    versions = Versions(Settings().home)
    show.versions(versions.all(), versions.current())


@app.command()
def rollback(number: Annotated[int, typer.Argument(help="Number of the version to return to.")]) -> None:
    """Make an older version the current one.

    It stays so until the files change, or until `dpa-kg build --force`.
    """
    from dpa_kg import publish  # noqa: PLC0415 (it is slow to import, and the others do without)

    version = publish.rollback(Settings(), number)
    typer.echo(f"Version {version.number} of {version.metadata.created} is the current one.")


@app.command()
def delete(number: Annotated[int, typer.Argument(help="Number of the version to delete.")]) -> None:
    """Delete a version that is not the current one and that nobody is reading."""
    Versions(Settings().home).delete(number, wait=_WAIT)
    typer.echo(f"Version {number} is deleted.")


@app.command()
def prune(
    keep: Annotated[int | None, typer.Option(min=1, help="Newest versions to keep (DPA_KG_KEEP_VERSIONS).")] = None,
    days: Annotated[float | None, typer.Option(min=0, help="Days to keep older ones (DPA_KG_KEEP_DAYS).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which versions would go.")] = False,
) -> None:
    """Delete the versions that are neither among the newest nor young, as every write does.

    The current version always stays. Those that somebody is reading stay too, and go the next time.
    """
    settings = Settings()
    versions = Versions(settings.home)
    most, age = keep or settings.keep_versions, settings.keep_days if days is None else days
    if dry_run:
        show.numbers("Would be deleted", [version.number for version in retention.expired(versions, most, age)])
        return
    with versions.writing():
        pruned = retention.prune(versions, most, age)
    show.numbers("Deleted", pruned.deleted)
    if pruned.read:
        show.numbers("Being read, to be deleted later", pruned.read)
