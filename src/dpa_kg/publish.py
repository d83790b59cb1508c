"""The write path, from top to bottom: load, merge, derive, validate, check, index, publish. There is no other way in."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from dpa_kg import __version__
from dpa_kg.errors import BuildError, Refused
from dpa_kg.graph import candidates, merge, nearest, rules, search
from dpa_kg.graph.fingerprint import fingerprint
from dpa_kg.graph.gate import Gate
from dpa_kg.graph.metadata import Candidate, Metadata, Version
from dpa_kg.graph.oxigraph import OxigraphStore, engine
from dpa_kg.graph.report import Report
from dpa_kg.graph.versions import Versions
from dpa_kg.ingest.statements import Loaded, Part, foreign, load
from dpa_kg.namespaces import ONTOLOGY_GRAPH
from dpa_kg.query.catalogue import Catalogue
from dpa_kg.query.description import describe
from dpa_kg.resources import folder
from dpa_kg.settings import Settings
from dpa_kg.terms import name_of

Stage = Callable[[str], AbstractContextManager[None]]  # told the name of each stage, it may show that and the time


def silent(_stage: str) -> AbstractContextManager[None]:
    """Shows nothing."""
    return nullcontext()


@contextmanager
def announced(stage: str) -> Iterator[None]:
    """Writes the stage and its time to standard error."""
    start = time.perf_counter()
    yield
    sys.stderr.write(f"{stage:<9} {time.perf_counter() - start:6.2f} s\n")


def up_to_date(settings: Settings, root: Path | None = None) -> Version | None:
    """The current version, if the files it was made from are still the same, or if a rollback holds it against them."""
    versions = Versions(settings.home)
    version = versions.current()
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
    if not force and (version := up_to_date(settings, root)):
        return version
    with versions.writing():
        if not force and (version := up_to_date(settings, root)):  # made while we waited
            return version
        try:
            with versions.candidate() as candidate:
                metadata = _fill(candidate, progress, root)
                with progress("publish"):
                    return versions.publish(candidate, metadata)
        except (OSError, sqlite3.Error) as error:
            raise BuildError(f"The version cannot be written: {error}. The current one stays.", hint="Is the disk full?") from error


def ensure(settings: Settings, progress: Stage = announced, *, root: Path | None = None) -> Version:
    """The version that the files make: the current one, or a new one where there is none or it is stale. Raises as `build`."""
    return build(settings, progress, root=root)


def validate(settings: Settings, files: Sequence[Path] = (), progress: Stage = silent, *, root: Path | None = None) -> Report:
    """Passes the project's own files, or other files merged with them, through the gate in memory. Nothing is changed.

    With files, the report is about what they say. Their triples without a graph count as a graph of the user's own; their
    named graphs replace those of the same name. Raises InputError or BuildError where a file cannot be read.
    """
    with progress("load"):
        loaded = _load(root)
        own = {(folder("data", root).parent / part.file).resolve(): part for part in loaded.parts}
        given = [own.get(path.resolve()) or foreign(path) for path in files]
        loaded = loaded.replacing([part for part in given if part not in loaded.parts])
    with progress("merge"):
        store = OxigraphStore.memory()
        users = candidates.users_quads(Versions(settings.home).current())
        merge.change(store, [*(quad for quads in loaded.graphs.values() for quad in quads), *users])
    return _inspect(store, loaded, progress, root, about=given if files else None)


def rollback(settings: Settings, number: int, *, root: Path | None = None) -> Version:
    """Makes an older version the current one; it stays so until the files change or a build is forced. Raises NotFound."""
    return Versions(settings.home).rollback(number, instead_of=fingerprint(root))


def _fill(candidate: Candidate, progress: Stage, root: Path | None) -> Metadata:
    """Everything between an empty candidate and one that may be published. Raises Refused."""
    mark = fingerprint(root)  # before the files are read: a change while we work makes the next start build again
    with progress("load"):
        loaded = _load(root)
    parent = candidate.parent
    with candidates.opened(candidate) as store:
        with progress("merge"):
            changes = candidates.replace_files(store, loaded.graphs, parent.metadata if parent else None)
        report = _inspect(store, loaded, progress, root)
        if not report.conforms:
            count = report.count("violation")
            raise Refused(f"The gate found {count} violation{'s' if count > 1 else ''}; nothing was published.", report=report)
        with progress("index"):
            search.write(store.engine, candidate.search_path)
        metadata = _metadata(candidate, store, loaded, report, (mark, changes))
        written = len(store.engine)
        store.engine.flush()
    candidates.compare(candidate, written)
    return metadata


def _metadata(candidate: Candidate, store: OxigraphStore, loaded: Loaded, report: Report, made: tuple[str, dict[str, int]]) -> Metadata:
    return Metadata(
        number=candidate.number,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=made[0],
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
        changes=made[1],
    )


def _load(root: Path | None) -> Loaded:
    descriptions = tuple(describe(Catalogue.load(folder("queries", root))))
    return load(root).replacing([Part("queries/", descriptions)])


def _inspect(store: OxigraphStore, loaded: Loaded, progress: Stage, root: Path | None, *, about: Iterable[Part] | None = None) -> Report:
    """Applies the rules, then shapes and checks; with parts, only to what these speak about."""
    with progress("derive"):
        rules.derive(store, rules.read(store.quads(ONTOLOGY_GRAPH)))
    focus = {term for part in about for term in _terms(part, store)} if about is not None else None
    shapes = {part.file.removeprefix("shapes/"): part.quads for part in loaded.parts if part.file.startswith("shapes/")}
    vocabulary = shapes.pop("vocabulary.ttl", ())
    gate = Gate.of((quad for quads in shapes.values() for quad in quads), vocabulary, folder("shapes", root) / "checks")
    with progress("validate"):
        findings = gate.validate(store, loaded.files, focus)
    with progress("check"):
        findings += gate.check(store, loaded.files, focus)
    return Report.of(findings)


def _terms(part: Part, store: OxigraphStore) -> Iterator[str]:
    """What a file speaks about: subjects, properties, graphs, and objects that nothing describes."""
    for quad in part.quads:
        yield from (name_of(term) for term in (quad.subject, quad.predicate, quad.graph_name))
        if (target := name_of(quad.object)) and not nearest.has_type(store, target):
            yield target
