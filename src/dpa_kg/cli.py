"""The command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="A knowledge graph of the organizations, people and projects around Data-Pop Alliance.")


@app.callback()
def main() -> None:
    """A knowledge graph of the organizations, people and projects around Data-Pop Alliance."""


@app.command()
def evidence(
    documents: Annotated[Path, typer.Option(help="folder with the text files of the documents")],
    stamp: Annotated[list[Path] | None, typer.Option(help="write the provenance block at the end of this file of statements")] = None,
) -> None:
    """Check the passages, show the passages behind an entity, or stamp a file."""
    from dpa_kg.errors import DpaKgError
    from dpa_kg.ingest import passages
    from dpa_kg.ingest import stamp as stamping
    from dpa_kg.resources import folder
    import pyoxigraph as ox

    try:
        known = passages.sources(ox.parse(path=folder("data") / "sources.ttl"))
        texts = passages.read_documents(documents, known)
        for file in stamp or []:
            typer.echo(f"{file}: {stamping.stamp(file, texts)} passages stamped")
    except DpaKgError as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()
