"""Writes a version again without what has to be forgotten: into files of its own, because RocksDB keeps deleted keys in old ones,
and versions share files by hard links."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.errors import BuildError
from dpa_kg.graph import merge, rules, search
from dpa_kg.graph.forgetting import Forgetting
from dpa_kg.graph.forgotten import GAP, Forgotten
from dpa_kg.graph.metadata import Metadata, Version
from dpa_kg.graph.oxigraph import OxigraphStore, engine
from dpa_kg.namespaces import DERIVED_GRAPH, ONTOLOGY_GRAPH

Stage = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Rewritten:
    """A next generation that is complete on the disk, but not yet in its version's place."""

    version: Version
    metadata: Metadata


def asserted(store: OxigraphStore, default_graph: str) -> Callable[[], Iterable[ox.Quad]]:
    """The quads that somebody has written: not the merge, and not what is derived."""
    if default_graph == "own":
        return lambda: store.engine
    derived = ox.NamedNode(DERIVED_GRAPH)
    default = ox.DefaultGraph()
    return lambda: (quad for quad in store.engine if quad.graph_name not in (default, derived))


def looked_through(version: Version, forgotten: Forgotten) -> Forgetting:
    """What has to go from a version."""
    store = OxigraphStore.open_read_only(version.store_path)
    return Forgetting(asserted(store, version.metadata.default_graph), forgotten)


def rewrite(version: Version, forgotten: Forgotten, when: str, progress: Stage) -> Rewritten:
    """Writes the next generation of a version. Raises BuildError where the disk does not take it."""
    source = OxigraphStore.open_read_only(version.store_path)
    merged = version.metadata.default_graph == "merged"
    going = Forgetting(asserted(source, version.metadata.default_graph), forgotten)
    struck = GAP if forgotten.stands_in(version.metadata.who) else version.metadata.who
    record = {"when": when, "statements": going.removed + len([text for text in going.texts if text.after is not None])}
    told = (*version.metadata.forgotten, record)
    metadata = replace(version.metadata, generation=version.generation + 1, engine=engine(), who=struck, forgotten=told)
    target = Version(version.number, version.path, metadata)
    scratch = version.path / "rewriting"
    _clear(target.store_path, target.search_path, scratch)
    with OxigraphStore.open(target.store_path) as store:
        with progress("write"):
            store.engine.bulk_extend(going.left())
            for graph in set(source.graphs()) - going.emptied - {DERIVED_GRAPH}:
                if not forgotten.is_person(graph):
                    store.engine.add_graph(ox.NamedNode(graph))
        if merged:
            _complete(store, progress, scratch)
        with progress("index"):
            search.write(store.engine, target.search_path)
        store.engine.flush()
        written = len(store.engine)
        metadata = replace(metadata, triples=store.triples(), graphs=len(store.graphs()))
    if (found := len(OxigraphStore.open_read_only(target.store_path).engine)) != written:
        raise BuildError(
            f"{written} quads were written, but {found} are on disk; version {version.number} stays.", hint="Is the disk full?"
        )
    return Rewritten(version, metadata)


def _complete(store: OxigraphStore, progress: Stage, folder: Path) -> None:
    """Makes the merge, and derives by the rules that the version itself holds, by way of files in a new folder, which goes again."""
    with progress("merge"):
        store.engine.bulk_extend(_merged(store))
    with progress("derive"):
        folder.mkdir()
        rules.derive(store, rules.read(store.quads(ONTOLOGY_GRAPH)), folder=folder)
        folder.rmdir()


def _merged(store: OxigraphStore) -> Iterator[ox.Quad]:
    for graph in store.graphs():
        if graph not in merge.UNMERGED:
            yield from (merge.in_merge(quad) for quad in store.quads(graph))


def _clear(*paths: Path) -> None:
    """Removes what a process that was ended has left."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
