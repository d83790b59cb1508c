"""The way in without the gate: `dpa-kg build --unvalidated`, for graphs too large for it, and for measuring.

Files are loaded as they are, each into one graph of the user's own beside the project's files; rules and index follow. The
version says that it is not validated, and the service does not serve it unless it is told to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.errors import BuildError, InputError
from dpa_kg.graph import candidates, merge, rules, search
from dpa_kg.graph.fingerprint import fingerprint
from dpa_kg.graph.forgetting import Forgetting
from dpa_kg.graph.forgotten import Forgotten
from dpa_kg.graph.metadata import Candidate, Metadata, Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.retention import prune_after
from dpa_kg.graph.versions import Versions
from dpa_kg.ingest.omission import omit
from dpa_kg.ingest.statements import Loaded, Part, load
from dpa_kg.namespaces import ONTOLOGY_GRAPH
from dpa_kg.query.catalogue import Catalogue
from dpa_kg.query.description import describe
from dpa_kg.resources import folder
from dpa_kg.settings import Settings
from dpa_kg.terms import into, name_of

Stage = Callable[[str], AbstractContextManager[None]]
_FORMATS = ("nq", "nt", "trig", "ttl")


def build(settings: Settings, files: Sequence[Path], progress: Stage, *, root: Path | None = None) -> Version:
    """Publishes the project's files and `files`, derived and indexed but not validated.

    Graphs that came through the interface stay. Raises InputError where a file cannot be read or writes to more than one graph,
    BuildError where the version cannot be written. Whatever is raised, the current version is what it was.
    """
    if settings.default_graph != "merged":
        raise InputError("A plain data set has no gate to pass by.", hint="Load the files through /graphs.")
    formats = [_format(path) for path in files]  # before anything is written
    versions = Versions(settings.home)
    try:
        with versions.writing(), versions.candidate() as candidate:
            metadata = _fill(candidate, list(zip(files, formats, strict=True)), progress, root, settings.home)
            with progress("publish"):
                published = versions.publish(candidate, metadata)
            prune_after(versions, settings.keep_versions, settings.keep_days)
            return published
    except (OSError, sqlite3.Error) as error:
        raise BuildError(f"The version cannot be written: {error}. The current one stays.", hint="Is the disk full?") from error


def _fill(candidate: Candidate, files: Sequence[tuple[Path, ox.RdfFormat]], progress: Stage, root: Path | None, home: Path) -> Metadata:
    mark = fingerprint(root)
    before = candidate.parent.metadata if candidate.parent else None
    replaced = {_graph(path, form) for path, form in files}
    with candidates.reloaded(candidate, replaced) as store:
        with progress("load"):
            loaded = load(root).replacing([Part("queries/", tuple(describe(Catalogue.load(folder("queries", root)))))])
            loaded = omit(loaded, home)
            changes = candidates.replace_files(store, loaded.graphs, before)
        with progress("merge"):
            changes["added"] += sum(_load(store, path, form, loaded, Forgotten.read(home)) for path, form in files)
        with progress("derive"):
            rules.derive(store, rules.read(store.quads(ONTOLOGY_GRAPH)), folder=candidate.path)
        with progress("index"):
            search.write(store.engine, candidate.search_path)
        with progress("compact"):
            store.engine.optimize()  # what bulk loads left in many files: queries take a quarter to a third less
        store.engine.flush()
        written = len(store.engine)
        metadata = Metadata.of(candidate, store, fingerprint=mark, who="dpa-kg build --unvalidated", changes=changes)
    candidates.compare(candidate, written)
    return replace(metadata, file_graphs=tuple(sorted(loaded.graphs)), validated=False, warnings=0, infos=0)


def _load(store: OxigraphStore, path: Path, form: ox.RdfFormat, loaded: Loaded, forgotten: Forgotten) -> int:
    """Adds what a file says, but of those who are forgotten, to its graph and to the merge. Returns how many quads its graph has got."""
    graph = _graph(path, form)
    if graph in merge.SYSTEM or graph in loaded.graphs:
        raise InputError(f"{path}: nothing may be written to {graph}.")
    forgetting = Forgetting(lambda: _quads(path, form, ox.NamedNode(graph)), forgotten)
    return merge.load(store, forgetting.left() if forgotten else _quads(path, form, ox.NamedNode(graph)))


def _quads(path: Path, form: ox.RdfFormat, graph: ox.NamedNode) -> Iterator[ox.Quad]:
    """The statements of a file as quads of one graph. Raises InputError where they name another one, or do not parse."""
    try:
        for quad in ox.parse(path=str(path), format=form, rename_blank_nodes=True):
            if quad.graph_name == graph:
                yield quad
            elif isinstance(quad.graph_name, ox.DefaultGraph):
                yield into(quad, graph)
            else:
                raise InputError(
                    f"{path}: there are statements of {quad.graph_name}, and not only of {graph}.", hint="One file is one graph."
                )
    except SyntaxError as error:
        raise InputError(f"{path}: {error.msg}") from error


def _graph(path: Path, form: ox.RdfFormat) -> str:
    """The graph of the first statement of a file; for triples, the address of the file."""
    try:
        first = next(iter(ox.parse(path=str(path), format=form)), None)
    except SyntaxError as error:
        raise InputError(f"{path}: {error.msg}") from error
    return (name_of(first.graph_name) if first else "") or path.resolve().as_uri()


def _format(path: Path) -> ox.RdfFormat:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file.")
    form = ox.RdfFormat.from_extension(path.suffix.lstrip("."))
    if form is None or form.file_extension not in _FORMATS:
        raise InputError(f"{path}: '{path.suffix}' is not loaded in bulk.", hint=f"Use {', '.join(_FORMATS)}.")
    return form
