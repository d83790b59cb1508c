"""`make bench`: generates, builds, starts the service and its peers, asks all of them in turns, and prints a table of ratios.

    python -m benchmarks.bench [--projects 50000,500000] [--no-labels] [--rounds 5] [--only tiny,heavy] [--work DIR]

Everything that takes long to make is kept in the work directory and made once for each state of the code. The results are
written to benchmarks/results/<date>.json. Numbers mean something only where nothing else runs on the machine; the load
before the run is written down with them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from benchmarks import engines, generate, measures, strain
from benchmarks.measures import Bench, Row
from dpa_kg import bulk
from dpa_kg.cli.show import stages
from dpa_kg.graph import search
from dpa_kg.graph.fingerprint import fingerprint
from dpa_kg.graph.metadata import Metadata, Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.versions import Versions
from dpa_kg.settings import Settings

_RESULTS: Final = Path(__file__).parent / "results"
_PARTS: Final = ("tiny", "heavy", "named", "cached", "search", "fire", "web", "memory", "start")
_RDFLIB_MOST: Final = 50_000  # projects
_LABELS_OF: Final = 770_000  # projects that have a million labels


def main() -> None:
    """The command line. Exit code 1 where a target is missed."""
    options = _options()
    load = os.getloadavg()[0]
    _say(f"Load of the machine before the run: {load:.1f} on {os.cpu_count()} cores.")
    options.work.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    measured = _measured_today() if options.keep else {}
    for row in _rows(options):
        rows.append(row)
        print(_line(row), flush=True)
        measured[row.projects, row.what] = {**asdict(row), "passes": row.passes, "when": datetime.now(UTC).isoformat(timespec="seconds")}
        _write(list(measured.values()), options, load)
    sys.exit(0 if all(row.passes for row in rows) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--projects", type=_numbers, default=[50_000, 500_000], help="sizes of the graph: 50,000 projects are a million triples"
    )
    parser.add_argument("--no-labels", dest="labels", action="store_false", help="leave out full-text search over a million labels")
    parser.add_argument(
        "--no-rebuild", dest="rebuild", action="store_false", help="measure what is built, though the code has changed since"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep today's rows that are not measured again; without it, the file begins anew"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="how many requests a round has, against the usual number")
    parser.add_argument("--only", type=lambda text: text.split(","), default=_PARTS, help=f"some of {','.join(_PARTS)}")
    parser.add_argument("--megabytes", type=int, default=500, help="size of the large result")
    parser.add_argument("--work", type=Path, default=Path(".dpa-kg/bench"), help="where generated graphs and stores are kept")
    parser.add_argument("--peers", type=Path, default=Path(".venv-peers"), help="the environment with the other engines")
    options = parser.parse_args()
    options.work, options.peers = options.work.resolve(), options.peers.resolve()
    return options


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    for projects in options.projects:
        yield from (replace(row, projects=projects) for row in _of_size(options, projects))
    if "start" in options.only:
        homes = {f"{projects:,} projects": _home(options, projects) for projects in options.projects}
        _say("Measuring: start …")
        yield from strain.starts({name: partial(engines.dpa_kg, place) for name, place in homes.items()}, options.rounds)
    if options.labels:
        yield from _search_large(options)


def _of_size(options: argparse.Namespace, projects: int) -> Iterator[Row]:
    """The rows over a graph of so many projects."""
    home = _home(options, projects)
    version = Versions(home).current()
    assert version is not None  # noqa: S101 - it was just made
    with ExitStack() as stack:
        ours = stack.enter_context(engines.dpa_kg(home, client_queries=64, query_timeout=300))
        store = ox.Store.read_only(str(version.store_path))
        needed = {"tiny", "heavy", "named"} & set(options.only)
        peers = list(_peers(options, projects, _dump(store, home), stack)) if needed else []
        bench = Bench(ours, peers, store, projects, options.rounds, options.scale)
        again = partial(engines.dpa_kg, home)
        parts: dict[str, Callable[[], list[Row]]] = {
            "tiny": lambda: [measures.tiny(bench)],
            "heavy": partial(measures.heavy, bench),
            "named": partial(measures.named, bench),
            "cached": partial(measures.cached, bench),
            "search": lambda: measures.full_text(bench, _labels(store)),
            "fire": lambda: [strain.under_fire(bench)],
            "web": lambda: [strain.web_workers(again, measures.pairs_of(store)[0], options.rounds, options.scale)],
            "memory": lambda: [strain.memory(ours, version.metadata.triples, options.megabytes)],
        }
        for name in options.only:
            if name in parts:
                _say(f"Measuring: {name} …")
                yield from parts[name]()


def _search_large(options: argparse.Namespace) -> Iterator[Row]:
    home = options.work / "labels"
    version = Versions(home).current()
    if version is None or (options.rebuild and version.metadata.fingerprint != fingerprint()):
        _say(f"Indexing the names of {_LABELS_OF:,} projects …")
        version = _names_only(home, _LABELS_OF)
    with engines.dpa_kg(home) as ours:
        store = ox.Store.read_only(str(version.store_path))
        yield from measures.full_text(Bench(ours, (), store, _LABELS_OF, options.rounds, options.scale), _labels(store))


def _names_only(home: Path, projects: int) -> Version:
    """Publishes a version that holds classes and labels and nothing else: the index of names is the same, the rest is not searched."""
    versions = Versions(home)
    with versions.writing(), versions.candidate() as candidate:
        file = candidate.store_path.with_suffix(".nt")
        with file.open("w", encoding="utf-8", newline="\n") as output:
            output.writelines(generate.names(projects))
        with OxigraphStore.open(candidate.store_path) as store:
            store.engine.bulk_load(path=str(file), format=ox.RdfFormat.N_TRIPLES)
            file.unlink()
            search.write(store.engine, candidate.search_path)
            store.engine.flush()
            return versions.publish(candidate, Metadata.of(candidate, store, fingerprint=fingerprint(), who="bench", changes={}))


def _home(options: argparse.Namespace, projects: int) -> Path:
    """A home with the version of so many projects; made anew where the code or the project's files have changed."""
    home: Path = options.work / f"{projects}"
    data = options.work / f"{projects}.nq"
    if not data.exists():
        _say(f"Generating {projects:,} projects …")
        with data.open("w", encoding="utf-8", newline="\n") as output:
            generate.write(projects, output)
    version = Versions(home).current()
    if version is None or (options.rebuild and version.metadata.fingerprint != fingerprint()):
        _say(f"Building a version of {projects:,} projects …")
        bulk.build(Settings(home=home), [data], stages())
    return home


def _dump(store: ox.Store, home: Path) -> Path:
    """The merge of the version as N-Triples: what the peers are loaded with."""
    path = home / "merge" / f"{len(store)}.nt"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        store.dump(str(path), format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    return path


def _peers(options: argparse.Namespace, projects: int, data: Path, stack: ExitStack) -> Iterator[engines.Engine]:
    """Those that are installed and start; what is left out is said."""
    oxigraph, rdflib = engines.tool("oxigraph", options.peers), engines.tool("rdflib-endpoint", options.peers)
    virtuoso, isql = engines.tool("virtuoso-t", options.peers), engines.tool("isql-vt", options.peers)
    starts = {
        "oxigraph serve": oxigraph and partial(engines.oxigraph, oxigraph, data, data.with_suffix(".oxigraph")),
        "Virtuoso": virtuoso and isql and partial(engines.virtuoso, virtuoso, isql, data, data.with_suffix(".virtuoso")),
        "rdflib-endpoint": rdflib and partial(engines.rdflib_endpoint, rdflib, data),
    }
    if projects > _RDFLIB_MOST:
        del starts["rdflib-endpoint"]
    for name, start in starts.items():
        if not start:
            _say(f"{name} is not installed, and is left out.")
            continue
        _say(f"Starting {name} …")
        try:
            yield stack.enter_context(start())
        except (RuntimeError, OSError) as error:
            _say(f"{name} is left out: {error}")


def _labels(store: ox.Store) -> int:
    label = ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
    return sum(1 for _ in store.quads_for_pattern(None, label, None, ox.DefaultGraph()))


def _line(row: Row) -> str:
    told = "pass" if row.passes else "MISS"
    size = f"{row.projects:,} projects" if row.projects else ""
    return f"{size:<16}  {row.what:<90}  {row.value:8.2f} {row.unit:<2}  {row.sense} {row.target:g} {row.unit:<2}  {told}"


def _today() -> Path:
    return _RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.json"


def _measured_today() -> dict[tuple[int, str], dict[str, Any]]:
    """The rows of the last run of today, by the size of the graph and what was measured."""
    rows = json.loads(_today().read_text(encoding="utf-8"))["rows"] if _today().exists() else []
    return {(row["projects"], row["what"]): row for row in rows}


def _write(rows: list[dict[str, Any]], options: argparse.Namespace, load: float) -> None:
    machine = {
        "cores": os.cpu_count(),
        "load before": load,
        "python": platform.python_version(),
        "system": f"{platform.system()} on {platform.machine()}",
    }
    settings = {name: value for name, value in vars(options).items() if not isinstance(value, Path)}  # where it lay is nobody's business
    content = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "settings": settings,
        "rows": rows,
    }
    _RESULTS.mkdir(exist_ok=True)
    _today().write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")


if __name__ == "__main__":
    main()
