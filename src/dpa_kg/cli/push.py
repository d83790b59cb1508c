"""`dpa-kg push`: loads a version into another SPARQL engine, so that the service can answer from there."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dpa_kg.cli.show import console
from dpa_kg.graph.endpoint import Access, Endpoint
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.push import push as load
from dpa_kg.graph.pushed import Pushed
from dpa_kg.graph.versions import Versions
from dpa_kg.settings import Settings

_TIMEOUT = 600.0  # seconds that the engine may take for one request; some write their indexes in it

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(short_help="Load a version into another SPARQL engine.")
def push(
    version: Annotated[int | None, typer.Option(help="Number of the version; the current one without it.", min=1)] = None,
    store: Annotated[str | None, typer.Option(help="Query endpoint of the engine (DPA_KG_STORE).")] = None,
    graphs: Annotated[str | None, typer.Option(help="Its Graph Store address (DPA_KG_STORE_GRAPHS).")] = None,
    update: Annotated[str | None, typer.Option(help="Its update endpoint (DPA_KG_STORE_UPDATE); used where there is no --graphs.")] = None,
) -> None:
    """Load a version into another SPARQL engine: Virtuoso, GraphDB, Stardog, a remote Oxigraph.

    \b
    dpa-kg push --store http://db:7878/query --graphs http://db:7878/store          (oxigraph serve)
    dpa-kg push --store http://db:8890/sparql --graphs http://db:8890/sparql-graph-crud-auth   (Virtuoso)
    DPA_KG_STORE=http://db:7878/query dpa-kg serve                                   (answers from there)

    Each named graph is loaded under its name, and the merge of all as one more. Use a repository that holds nothing else. What an
    earlier push has left there is replaced. A push that breaks off is known by its mark, and nothing is served until it is done
    again. User name, password and token are settings only (DPA_KG_STORE_USER, DPA_KG_STORE_PASSWORD, DPA_KG_STORE_TOKEN), so that
    they stand in no list of processes. docs/engines.md tells more.
    """
    given = {"store": store, "store_graphs": graphs, "store_update": update}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    endpoint = Endpoint(Access.of(settings), _TIMEOUT)
    try:
        with Versions(settings.home).reading(version) as found:
            done = _load(found, endpoint)
    finally:
        endpoint.close()
    _tell(found, done, endpoint.access.query)


def _load(version: Version, endpoint: Endpoint) -> Pushed:
    """Shows a bar while it loads."""
    columns = (TextColumn("Pushing version {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    total = len(OxigraphStore.open_read_only(version.store_path).engine)
    with Progress(*columns, console=console(stderr=True)) as bar:
        task = bar.add_task(str(version.number), total=total)
        return load(version, endpoint, lambda triples: bar.advance(task, triples))


def _tell(version: Version, done: Pushed, address: str) -> None:
    screen = console()
    screen.print(f"Version {done.version} is at {address}: {done.triples:,} triples merged from {len(done.graphs):,} graphs.")
    if lost := version.metadata.triples - done.triples:
        screen.print(f"The engine takes {lost:,} of the triples for others: it keeps values, not how they are written (1.0 for 1.00).")
    screen.print(f"DPA_KG_STORE={address} dpa-kg serve   answers from there.")
