"""`dpa-kg export`: what came through the interface, as a file of the project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dpa_kg.graph.export import export as written
from dpa_kg.graph.export import users_graphs
from dpa_kg.graph.versions import Versions
from dpa_kg.settings import Settings

app = typer.Typer()


@app.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="TriG file to write: data/graphs/NAME.trig.")],
    graph: Annotated[list[str] | None, typer.Option(help="Only this graph; may be given several times.")] = None,
    version: Annotated[int | None, typer.Option(help="Number of the version; the current one without it.")] = None,
) -> None:
    """Write the graphs that came through the interface as TriG, sorted, for data/graphs/ of the project.

    A build reads them from there like every other file, and gives the same merge; from then on they are changed in the file.
    """
    with Versions(Settings().home).reading(version) as found:
        graphs = users_graphs(found, graph or ())
        with output.open("wb") as file:
            count = written(found, graphs, file)
    typer.echo(f"{count:,} statements of {len(graphs)} graphs of version {found.number} are in {output}.")
