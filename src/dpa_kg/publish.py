"""The write path, from top to bottom: load, merge, derive, validate, check, index, publish. There is no other way in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pyoxigraph as ox

from dpa_kg import __version__
from dpa_kg.errors import BuildError, InputError, Refused
from dpa_kg.graph import merge, rules, search
from dpa_kg.graph.fingerprint import fingerprint
from dpa_kg.graph.gate import Gate
from dpa_kg.graph.metadata import Candidate, Metadata, Version
from dpa_kg.graph.oxigraph import OxigraphStore, engine
from dpa_kg.graph.report import Report
from dpa_kg.graph.versions import Versions
from dpa_kg.ingest.files import read
from dpa_kg.ingest.statements import Loaded, Part, load
from dpa_kg.namespaces import ONTOLOGY_GRAPH, PROVENANCE_GRAPH, QUERIES_GRAPH
from dpa_kg.resources import folder
from dpa_kg.settings import Settings
from dpa_kg.terms import name_of

Stage = Callable[[str], AbstractContextManager[None]]  # told the name of each stage, it may show that and the time


def silent(_stage: str) -> AbstractContextManager[None]:
    """Shows nothing."""
    return nullcontext()


def up_to_date(settings: Settings, root: Path | None = None) -> Version | None:
    """The current version, if the files it was made from are still the same, or if a rollback holds it against them."""
    versions = Versions(settings.home)
    version = versions.current()
    if version is None:
        return None
    mark = fingerprint(root)
    return version if mark in (version.metadata.fingerprint, versions.held(version)) else None


def build(settings: Settings, progress: Stage = silent, *, root: Path | None = None, force: bool = False) -> Version:
    """Publishes a version of the files of the project (at `root`; of this package without one), unless it is there already.

    Graphs that come from files are replaced, graphs that came through the interface stay. Raises Refused, with the report,
    where the gate finds a violation, BuildError where a file is broken, Overloaded where another process writes for long.
    Whatever is raised, the current version is what it was.
    """
    versions = Versions(settings.home)
    if not force and (version := up_to_date(settings, root)):
        return version
    with versions.writing():
        if not force and (version := up_to_date(settings, root)):  # made while we waited
            return version
        mark = fingerprint(root)
        with versions.candidate() as candidate:
            with progress("load"):
                loaded = _loaded(root)
            with progress("merge"):
                store = _opened(candidate)
                changes = _replace_files(store, loaded, candidate.parent)
            report = _gate(store, loaded, progress, root)
            if not report.conforms:
                count = report.count("violation")
                raise Refused(f"The gate found {count} violation{'s' if count > 1 else ''}; nothing was published.", report=report)
            with progress("index"):
                search.write(store.engine, candidate.search_path)
            with progress("publish"):
                metadata = _metadata(candidate, store, loaded, report, mark, changes)
                count = len(store.engine)
                store.engine.flush()
                del store
                _compare(candidate, count)
                return versions.publish(candidate, metadata)


def validate(settings: Settings, files: Sequence[Path] = (), progress: Stage = silent, *, root: Path | None = None) -> Report:
    """Passes the project's own files, or other files merged with them, through the gate in memory. Nothing is changed.

    With files, the report is about what they say. Their triples without a graph count as a graph of the user's own; their
    named graphs replace those of the same name. Raises InputError or BuildError where a file cannot be read.
    """
    with progress("load"):
        loaded = _loaded(root)
        current = Versions(settings.home).current()
        own = {(folder("data", root).parent / part.file).resolve(): part for part in loaded.parts}
        parts = [own.get(path.resolve()) or _foreign(path) for path in files]
        loaded = loaded.replacing([part for part in parts if part.file not in {known.file for known in own.values()}])
    with progress("merge"):
        store = OxigraphStore.memory()
        kept = _users_quads(OxigraphStore.open_read_only(current.store_path), current.metadata) if current else []
        merge.change(store, [*(quad for quads in loaded.graphs.values() for quad in quads), *kept])
    return _gate(store, loaded, progress, root, _terms(parts) if files else None)


def rollback(settings: Settings, number: int, *, root: Path | None = None) -> Version:
    """Makes an older version the current one; it stays so until the files change or a build is forced. Raises NotFound."""
    return Versions(settings.home).rollback(number, instead_of=fingerprint(root))


def _loaded(root: Path | None) -> Loaded:
    loaded = load(root)
    descriptions = tuple(ox.Quad(t.subject, t.predicate, t.object, ox.NamedNode(QUERIES_GRAPH)) for t in _described_queries(root))
    return loaded.replacing([Part("queries", descriptions)]) if descriptions else loaded


def _described_queries(root: Path | None) -> Iterable[ox.Quad]:
    from dpa_kg.query import catalogue  # noqa: PLC0415

    describe = getattr(catalogue, "describe", None)
    return describe(catalogue.Catalogue.load(folder("queries", root))) if describe else ()


def _opened(candidate: Candidate) -> OxigraphStore:
    """The candidate's store: the parent's by hard links, without what was derived, or an empty one with the users' graphs."""
    parent = candidate.parent
    if parent is None:
        return OxigraphStore.open(candidate.store_path)
    old = OxigraphStore.open_read_only(parent.store_path)
    if parent.metadata.engine == engine():
        old.checkpoint(candidate.store_path)
        store = OxigraphStore.open(candidate.store_path)
        merge.strip_derived(store)
    else:
        store = OxigraphStore.open(candidate.store_path)
        merge.change(store, _users_quads(old, parent.metadata))
    return store


def _users_quads(store: OxigraphStore, metadata: Metadata) -> list[ox.Quad]:
    """The quads of the graphs that came through the interface."""
    graphs = [graph for graph in store.graphs() if graph not in merge.SYSTEM and graph not in metadata.file_graphs]
    return [quad for graph in graphs for quad in store.quads(graph)]


def _replace_files(store: OxigraphStore, loaded: Loaded, parent: Version | None) -> dict[str, int]:
    """Makes the graphs that come from files what the files say. Returns how many quads were added and removed."""
    added: list[ox.Quad] = []
    removed: list[ox.Quad] = []
    for graph in sorted({*loaded.graphs, *(parent.metadata.file_graphs if parent else ())}):
        old, new = set(store.quads(graph)), loaded.graphs.get(graph, set())
        added += sorted(new - old, key=str)
        removed += sorted(old - new, key=str)
    merge.change(store, added, removed)
    return {"added": len(added), "removed": len(removed)}


def _gate(store: OxigraphStore, loaded: Loaded, progress: Stage, root: Path | None, focus: set[str] | None = None) -> Report:
    with progress("derive"):
        rules.derive(store, rules.read(store.quads(ONTOLOGY_GRAPH)))
    shapes = [part for part in loaded.parts if part.file.startswith("shapes/")]
    gate = Gate.of(
        (quad for part in shapes if part.file != "shapes/vocabulary.ttl" for quad in part.quads),
        (quad for part in shapes if part.file == "shapes/vocabulary.ttl" for quad in part.quads),
        folder("shapes", root) / "checks",
    )
    with progress("validate"):
        findings = gate.validate(store, loaded.files, focus)
    with progress("check"):
        findings += gate.check(store, loaded.files, focus)
    return Report.of(findings)


def _metadata(
    candidate: Candidate, store: OxigraphStore, loaded: Loaded, report: Report, mark: str, changes: dict[str, int]
) -> Metadata:
    return Metadata(
        number=candidate.number,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=mark,
        engine=engine(),
        code=__version__,
        triples=store.triples(),
        graphs=len(store.graphs()),
        file_graphs=tuple(sorted(loaded.graphs)),
        validated=True,
        warnings=report.count("warning"),
        infos=report.count("info"),
        parent=candidate.parent.number if candidate.parent else None,
        who="dpa-kg build",
        changes=changes,
    )


def _compare(candidate: Candidate, count: int) -> None:
    """Raises BuildError where the store on disk, opened anew, does not hold as many quads as were written."""
    found = len(OxigraphStore.open_read_only(candidate.store_path).engine)
    if found != count:
        raise BuildError(f"{count} quads were written, but {found} are on disk; nothing was published.", hint="Is the disk full?")


def _foreign(path: Path) -> Part:
    """A file from elsewhere. Raises InputError where it writes to a graph that is the service's own."""
    file = read(path)
    own = ox.NamedNode(path.resolve().as_uri())
    quads = tuple(
        quad if isinstance(quad.graph_name, ox.NamedNode) else ox.Quad(quad.subject, quad.predicate, quad.object, own) for quad in file.quads
    )
    for graph in sorted({name_of(quad.graph_name) for quad in quads} & (merge.SYSTEM - {PROVENANCE_GRAPH})):
        raise InputError(f"{file.place(graph)}: nothing may be written to {graph}.")
    return Part(str(path), quads)


def _terms(parts: Iterable[Part]) -> set[str]:
    """What the files speak about: subjects, properties and graphs."""
    return {name_of(term) for part in parts for quad in part.quads for term in (quad.subject, quad.predicate, quad.graph_name)}
