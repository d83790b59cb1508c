"""The write path, from top to bottom: load or change, merge, derive, validate, check, index, publish. There is no other way in."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.errors import BuildError, Conflict, Overloaded, Refused
from dpa_kg.graph import candidates, kept, merge, rules, search
from dpa_kg.graph.draft import Change, Draft
from dpa_kg.graph.dump import write_changes
from dpa_kg.graph.effect import Effect
from dpa_kg.graph.fingerprint import fingerprint
from dpa_kg.graph.forgotten import Forgotten
from dpa_kg.graph.gate import FilesOf, Gate, spoken_of
from dpa_kg.graph.metadata import Candidate, Metadata, Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.report import Report
from dpa_kg.graph.retention import prune_after
from dpa_kg.graph.versions import Versions
from dpa_kg.ingest.omission import omit
from dpa_kg.ingest.statements import Loaded, Part, foreign, load
from dpa_kg.ingest.statements import shapes as shapes_of
from dpa_kg.namespaces import ONTOLOGY_GRAPH
from dpa_kg.query.catalogue import Catalogue
from dpa_kg.query.counts import Counts
from dpa_kg.query.description import describe
from dpa_kg.query.recount import recount
from dpa_kg.resources import folder
from dpa_kg.settings import Settings

Stage = Callable[[str], AbstractContextManager[None]]  # told the name of each stage, it may show that and the time


def silent(_stage: str) -> AbstractContextManager[None]:
    """Shows nothing."""
    return nullcontext()


def up_to_date(settings: Settings, root: Path | None = None) -> Version | None:
    """The current version, if the files it was made from are still the same, or if a rollback holds it against them."""
    versions = Versions(settings.home)
    version = versions.current()
    _agree(settings, version)
    if version is not None and settings.default_graph == "own":
        return version
    if version is None or fingerprint(root) not in (version.metadata.fingerprint, versions.held(version)):
        return None
    return version


def build(settings: Settings, progress: Stage = silent, *, root: Path | None = None, force: bool = False) -> Version:
    """Publishes a version of the files of the project (at `root`; of this package without one), unless it is there already.

    Graphs that come from files are replaced, graphs that came through the interface stay. Raises Refused, with the report,
    where the gate finds a violation, BuildError where a file is broken, Overloaded where another process writes for long.
    Whatever is raised, the current version is what it was.
    """
    versions = Versions(settings.home)
    force = force and settings.default_graph == "merged"  # a plain data set is what requests made it: there is nothing to build
    if not force and (version := up_to_date(settings, root)):
        return version
    with _writing(versions, settings):
        if not force and (version := up_to_date(settings, root)):  # made while we waited
            return version
        with _candidate(versions) as candidate:
            metadata = _fill(candidate, progress, root, settings.home) if settings.default_graph == "merged" else _empty(candidate)
            with progress("publish"):
                return versions.publish(candidate, metadata)


@dataclass(frozen=True)
class Changed:
    """What a change made: the version that holds it, what it added and removed, and which graphs are new."""

    version: Version
    added: int
    removed: int
    graphs: frozenset[str] = frozenset()


def change(settings: Settings, wanted: Change, who: str, progress: Stage = silent, *, root: Path | None = None) -> Changed:
    """Publishes a version with a change that a request asks for; where nothing is different, the current version stays.

    Raises Refused, with the report, where the gate finds a violation; Forbidden where the change touches what is read-only;
    InputError where it cannot be understood; Overloaded where another process writes for long, or where there is no version yet.
    Whatever is raised, the current version is what it was.
    """
    versions = Versions(settings.home)
    with _writing(versions, settings), _candidate(versions) as candidate:
        parent = candidate.parent
        if parent is None:
            raise Overloaded("No version of the graph is published yet.", hint="Run `dpa-kg build`, then try again.")
        _agree(settings, parent)
        mark = versions.held(parent) or parent.metadata.fingerprint  # a rollback stays what it is
        with candidates.copy(parent, candidate.store_path) as store:
            draft = Draft(store, merged=settings.default_graph == "merged", protected=parent.metadata.file_graphs)
            with progress("change"):
                wanted.apply(draft)
                Forgotten.read(settings.home).refuse(draft.added if draft.merged else store.engine)
            if draft.merged and not draft.is_changed:  # nothing follows from it, and there is nothing to judge
                return Changed(parent, 0, 0)
            effect = _effect(draft, parent, progress, root) if draft.merged else None
            changes = draft.counts if effect else candidates.difference(store, parent)
            if not draft.is_changed and not any(changes.values()):
                return Changed(parent, 0, 0)
            graphs = frozenset(graph for graph in store.graphs() if not draft.existed(graph))
            _index(candidate, store, progress, effect)
            triples = parent.metadata.triples + len(effect.merged.added) - len(effect.merged.removed) if effect else None
            metadata = Metadata.of(candidate, store, fingerprint=mark, who=who, changes=changes, triples=triples)
        if effect:
            candidates.confirm(candidate, effect.added, effect.removed)
            warnings, infos = metadata.warnings + effect.more("warning"), metadata.infos + effect.more("info")
            metadata = replace(metadata, warnings=warnings, infos=infos)
        with progress("publish"):
            version = versions.publish(candidate, metadata)
            if effect:
                with suppress(OSError):  # the version is published; what a full disk does not take is made when it is asked for
                    _keep(versions.home, version, parent, effect)
        return Changed(version, changes["added"], changes["removed"], graphs)


def validate(settings: Settings, files: Sequence[Path] = (), progress: Stage = silent, *, root: Path | None = None) -> Report:
    """Passes the project's own files, or other files merged with them, through the gate in memory. Nothing is changed.

    With files, the report is about what they say. Their triples without a graph count as a graph of the user's own; their
    named graphs replace those of the same name. Raises InputError or BuildError where a file cannot be read.
    """
    with progress("load"):
        loaded = _load(root, settings.home)
        own = {(folder("data", root).parent / part.file).resolve(): part for part in loaded.parts}
        given = [own.get(path.resolve()) or foreign(path) for path in files]
        loaded = loaded.replacing([part for part in given if part not in loaded.parts])
    with progress("merge"):
        store = OxigraphStore.memory()
        users = candidates.users_quads(Versions(settings.home).current())
        merge.change(store, [*(quad for quads in loaded.graphs.values() for quad in quads), *users])
    return _inspect(store, loaded, progress, root, about=given if files else None)


def rollback(settings: Settings, number: int, *, who: str = "dpa-kg versions", root: Path | None = None) -> Version:
    """Makes an older version the current one; it stays so until the files change or a build is forced.

    Raises NotFound, or Conflict where it is not validated and the service would not serve it.
    """
    versions = Versions(settings.home)
    if not (versions.get(number).metadata.may_be_served or settings.serve_unvalidated):
        raise Conflict(f"Version {number} has not been validated.", hint="DPA_KG_SERVE_UNVALIDATED=1 lets the service serve it.")
    return versions.rollback(number, instead_of=fingerprint(root), who=who)


@contextmanager
def _writing(versions: Versions, settings: Settings) -> Iterator[None]:
    """The right to write; then the versions that need not be kept any longer go."""
    with versions.writing():
        yield
        prune_after(versions, settings.keep_versions, settings.keep_days)


@contextmanager
def _candidate(versions: Versions) -> Iterator[Candidate]:
    """A candidate under the write lock. Raises BuildError where the disk does not take it."""
    try:
        with versions.candidate() as candidate:
            yield candidate
    except (OSError, sqlite3.Error) as error:
        raise BuildError(f"The version cannot be written: {error}. The current one stays.", hint="Is the disk full?") from error


def _agree(settings: Settings, version: Version | None) -> None:
    """A home holds merged versions or plain data sets, never both. Raises BuildError."""
    if version is not None and version.metadata.default_graph != settings.default_graph:
        detail = f"{settings.home} holds versions with the default graph “{version.metadata.default_graph}”."
        raise BuildError(detail, hint="Set DPA_KG_DEFAULT_GRAPH to that, or DPA_KG_HOME to another folder.")


def _fill(candidate: Candidate, progress: Stage, root: Path | None, home: Path) -> Metadata:
    """Everything between an empty candidate and one that may be published. Raises Refused."""
    mark = fingerprint(root)  # before the files are read: a change while we work makes the next start build again
    with progress("load"):
        loaded = _load(root, home)
    parent = candidate.parent
    with candidates.opened(candidate) as store:
        with progress("merge"):
            changes = candidates.replace_files(store, loaded.graphs, parent.metadata if parent else None)
        report = _inspect(store, loaded, progress, root)
        _accept(report)
        _index(candidate, store, progress)
        written = len(store.engine)
        metadata = Metadata.of(candidate, store, fingerprint=mark, who="dpa-kg build", changes=changes)
    candidates.compare(candidate, written)
    warnings, infos = report.count("warning"), report.count("info")
    return replace(metadata, file_graphs=tuple(sorted(loaded.graphs)), validated=True, warnings=warnings, infos=infos)


def _empty(candidate: Candidate) -> Metadata:
    """Makes the candidate an empty data set, with a default graph of its own."""
    with OxigraphStore.open(candidate.store_path) as store:
        _index(candidate, store, silent)
        metadata = Metadata.of(candidate, store, fingerprint="", who="dpa-kg build", changes={"added": 0, "removed": 0})
    return replace(metadata, default_graph="own")


def _accept(report: Report) -> None:
    """Raises Refused where the gate found a violation."""
    if not report.conforms:
        count = report.count("violation")
        raise Refused(f"The gate found {count} violation{'s' if count > 1 else ''}; nothing was published.", report=report)


def _index(candidate: Candidate, store: OxigraphStore, progress: Stage, effect: Effect | None = None) -> None:
    """Writes the index, of the effect of a change only where there is one, and all of the store to the disk."""
    with progress("index"):
        if effect and candidate.parent:
            search.patch(store.engine, candidate.parent.search_path, candidate.search_path, effect.entities)
        else:
            search.write(store.engine, candidate.search_path)
    store.engine.flush()


def _keep(home: Path, version: Version, parent: Version, effect: Effect) -> None:
    """What would be asked of the version later, and is known now: its difference, and its counts if the parent's are known."""
    with kept.making(kept.folder(home, version.number) / kept.DIFFERENCE) as output:
        write_changes(effect.removed, effect.added, output)
    counted = kept.folder(home, parent.number, parent.generation) / kept.COUNTS
    if counted.is_file():
        counts = recount(Counts.from_json(json.loads(counted.read_bytes())), version, effect.merged)
        with kept.making(kept.folder(home, version.number) / kept.COUNTS) as output:
            output.write(json.dumps(counts.to_json()).encode())


def _load(root: Path | None, home: Path) -> Loaded:
    descriptions = tuple(describe(Catalogue.load(folder("queries", root))))
    return omit(load(root).replacing([Part("queries/", descriptions)]), home)


def _inspect(store: OxigraphStore, loaded: Loaded, progress: Stage, root: Path | None, *, about: Iterable[Part] | None = None) -> Report:
    """Applies the rules, then shapes and checks; with parts, only to what these speak about."""
    _derive(store, progress)
    focus = spoken_of((quad for part in about for quad in part.quads), store) if about is not None else None
    shapes = {part.file.removeprefix("shapes/"): part.quads for part in loaded.parts if part.file.startswith("shapes/")}
    return _validate(store, _gate(shapes, root), loaded.files, progress, focus)


def _effect(draft: Draft, parent: Version, progress: Stage, root: Path | None) -> Effect:
    """The same for a change that a request asks for, but only around what it touches. Raises Refused.

    It cannot touch the ontology, and no file is to be named.
    """
    with progress("derive"):
        effect = Effect.of(draft)
    with progress("validate"):
        effect = effect.judged(draft, _gate(shapes_of(root), root), parent)
    _accept(effect.report)
    return effect


def _derive(store: OxigraphStore, progress: Stage) -> None:
    with progress("derive"):
        rules.derive(store, rules.read(store.quads(ONTOLOGY_GRAPH)))


def _gate(shapes: dict[str, tuple[ox.Quad, ...]], root: Path | None) -> Gate:
    return Gate.of_files(shapes, folder("shapes", root) / "checks")


def _validate(store: OxigraphStore, gate: Gate, files_of: FilesOf, progress: Stage, focus: set[str] | None = None) -> Report:
    with progress("validate"):
        findings = gate.validate(store, files_of, focus)
    with progress("check"):
        findings += gate.check(store, files_of, focus)
    return Report.of(findings)
