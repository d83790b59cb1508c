"""`dpa-kg token`: who may write through the HTTP interface."""

from __future__ import annotations

from typing import Annotated

import typer

from dpa_kg.access import Tokens
from dpa_kg.cli import show
from dpa_kg.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke the tokens that may write through the HTTP interface.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose token it is; every version that it makes says so.")],
    scope: Annotated[list[str] | None, typer.Option(help="What it allows: write (the default), admin; may be given twice.")] = None,
    days: Annotated[int | None, typer.Option(help="Days after which it ends; without it, it does not end.", min=0)] = None,
) -> None:
    """Make a token, and show it. It is shown this once: only its hash is kept."""
    text = Tokens(Settings().home).create(name, scope or ("write",), days)
    typer.echo("This token is shown once. Send it as “Authorization: Bearer …”.", err=True)
    typer.echo(text)


@app.command("list")
def list_() -> None:
    """List the tokens by name, with what they allow and when they end."""
    show.tokens(Tokens(Settings().home).all())


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="Name of the token.")]) -> None:
    """Revoke a token. It counts for the next request."""
    Tokens(Settings().home).revoke(name)
    typer.echo(f"The token {name} is revoked.")
