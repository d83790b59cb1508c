"""Removes a person's data from every version that is kept, and from what was made of them; and says what could not be removed.

Every version that names the person, or may have the name in its files, is written again into files of its own; then all of them take
their places at once, and the old files are deleted as soon as nobody reads them. HOME/forgotten.json is written first: whatever
interrupts us, the person does not come back with a build, and the same command ends what was begun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.errors import NotFound, UnknownName
from dpa_kg.graph import kept
from dpa_kg.graph.forgetting import NAMES, PERSON, Text
from dpa_kg.graph.forgotten import Forgotten
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.retention import end_former_generations
from dpa_kg.graph.rewriting import Rewritten, looked_through, rewrite
from dpa_kg.graph.search import Names
from dpa_kg.graph.traces import Traces, partly
from dpa_kg.graph.versions import Versions
from dpa_kg.namespaces import DPA, PREFIXES, RDF
from dpa_kg.query.binding import entity
from dpa_kg.query.spool import sweep
from dpa_kg.settings import Settings

Stage = Callable[[str], AbstractContextManager[None]]
WAIT = 30.0  # seconds for readers to let go of the old files
_POSSIBLY_SAME = f"{DPA}possiblySame"


@dataclass(frozen=True)
class Person:
    """Somebody to forget: the IRI, every name that any version has, who is perhaps the same, and others of the same name."""

    iri: str
    names: frozenset[str] = frozenset()
    possibly_same: frozenset[str] = frozenset()
    namesakes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Going:
    """What goes from one version: statements, and literals that a name stands in. `again`: whether the version is written again."""

    number: int
    statements: int
    texts: tuple[Text, ...]
    again: bool


@dataclass(frozen=True)
class Outcome:
    """What was done, and what was not: versions whose old files are `read`, files of the project and of the home that name the person,
    IRIs of other things that spell the name, texts of the current version that hold a part of it."""

    versions: tuple[Going, ...]
    read: tuple[int, ...] = ()
    project: tuple[str, ...] = ()
    home: tuple[str, ...] = ()
    spelled: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()


def person(settings: Settings, text: str) -> Person:
    """The person that an IRI, slug or name means, in the newest version that knows one.

    Raises UnknownName or AmbiguousName with candidates, NotFound where there is no version.
    """
    versions = Versions(settings.home)
    iri = _resolved(versions, text)
    names: set[str] = set()
    same: set[str] = set()
    namesakes: set[str] = set()
    for number in versions.numbers():
        with versions.reading(number) as version:
            store = OxigraphStore.open_read_only(version.store_path)
            names |= _names(store, iri)
            same |= _possibly_same(store, iri)
            namesakes |= _namesakes(version, names)
    return Person(iri, frozenset(names), frozenset(same), frozenset(namesakes - {iri}))


def plan(settings: Settings, who: Person, progress: Stage) -> tuple[Going, ...]:
    """What would go from each version, the oldest first. Nothing is changed."""
    versions = Versions(settings.home)
    forgotten = Forgotten.read(settings.home).adding(who.iri, _spelled_by(who))
    clean: set[int] = set()
    found = []
    for number in versions.numbers():
        with versions.reading(number) as version, progress(f"read version {number}"):
            found.append(_going(version, forgotten, forgotten.since(who.iri) or "", clean))
    return tuple(found)


def forget(settings: Settings, who: Person, progress: Stage, *, wait: float = WAIT, root: Path | None = None) -> Outcome:
    """Removes the person. Raises Overloaded where another process writes for long, BuildError where the disk does not take it."""
    versions = Versions(settings.home)
    with versions.writing():
        forgotten = Forgotten.read(settings.home).adding(who.iri, _spelled_by(who))
        forgotten.write(settings.home)
        going = plan(settings, who, progress)
        written = [_rewritten(versions.get(one.number), forgotten, progress) for one in going if one.again]
        with progress("publish"):
            for one in written:
                versions.replace(one.version, one.metadata)
        with progress("wait for readers"):
            read = end_former_generations(versions, wait=wait)
        for number in versions.numbers():  # not sooner: a job that reads old files may have been at work
            kept.forget(settings.home, number)
    with progress("look for traces"):
        traces = Traces.of(who.iri, who.names, forgotten)
        sweep(settings.home / "spool")
        _end_answers(settings.home / "spool", traces)
        project, home = tuple(traces.in_project(root)), tuple(traces.in_home(settings.home))
        return Outcome(going, read, project, home, tuple(_spelled(versions, forgotten)), tuple(_partly(versions, who)))


def _resolved(versions: Versions, text: str) -> str:
    unknown: UnknownName | None = None
    for number in reversed(versions.numbers()):
        with versions.reading(number) as version, closing(Names(version.search_path)) as names:
            try:
                return entity(text, "foaf:Person", names, what="person")
            except UnknownName as error:
                unknown = unknown or error
    if Forgotten.read(versions.home).since(text):  # to end what was begun
        return text
    raise unknown or NotFound("There is no version yet.", hint="`dpa-kg build` makes the first one.")


def _names(store: OxigraphStore, iri: str) -> set[str]:
    quads = store.engine.quads_for_pattern(ox.NamedNode(iri), None, None)
    return {quad.object.value for quad in quads if quad.predicate.value in NAMES and isinstance(quad.object, ox.Literal)}


def _possibly_same(store: OxigraphStore, iri: str) -> set[str]:
    node, same = ox.NamedNode(iri), ox.NamedNode(_POSSIBLY_SAME)
    found = {quad.object for quad in store.engine.quads_for_pattern(node, same, None)}
    found |= {quad.subject for quad in store.engine.quads_for_pattern(None, same, node)}
    return {term.value for term in found if isinstance(term, ox.NamedNode)}


def _namesakes(version: Version, names: Iterable[str]) -> set[str]:
    with closing(Names(version.search_path)) as index:
        return {row.iri for name in names for row in index.named(name, PERSON)}


def _spelled_by(who: Person) -> list[str]:
    """The names, and what the end of the IRI spells."""
    return [*who.names, who.iri.rstrip("/").rpartition("/")[2]]


def _going(version: Version, forgotten: Forgotten, since: str, clean: set[int]) -> Going:
    """What goes from a version. One that says nothing of the person is clean only if it cannot have old files either: its parent is
    clean or there is none, or it was written again since."""
    found = looked_through(version, forgotten)
    facts = version.metadata
    is_done = any(record["when"] >= since for record in facts.forgotten)
    if not found.is_needed and (is_done or facts.parent is None or facts.parent in clean):
        clean.add(version.number)
    return Going(version.number, found.removed, tuple(found.texts), version.number not in clean)


def _rewritten(version: Version, forgotten: Forgotten, progress: Stage) -> Rewritten:
    def stage(name: str) -> AbstractContextManager[None]:
        return progress(f"{name} version {version.number}")

    return rewrite(version, forgotten, datetime.now(UTC).isoformat(timespec="milliseconds"), stage)


def _end_answers(spool: Path, traces: Traces) -> None:
    """Removes answers on their way out that name the person; who reads one already reads it to its end."""
    for path in spool.rglob("*") if spool.is_dir() else ():
        if path.is_file() and traces.is_in(path):
            path.unlink(missing_ok=True)


def _spelled(versions: Versions, forgotten: Forgotten) -> Iterator[str]:
    """IRIs of other things in the versions that spell the name."""
    types = ox.NamedNode(f"{RDF}type")
    seen: set[str] = set()
    for number in versions.numbers():
        with versions.reading(number) as version:
            store = OxigraphStore.open_read_only(version.store_path)
            nodes = (quad.subject for quad in store.engine.quads_for_pattern(None, types, None))
            seen |= {node.value for node in nodes if isinstance(node, ox.NamedNode) and not _is_graph(node.value)}
    yield from sorted(iri for iri in seen if forgotten.stands_in(iri))


def _partly(versions: Versions, who: Person) -> list[str]:
    with versions.reading() as version:
        return sorted(partly(OxigraphStore.open_read_only(version.store_path), who.names))


def _is_graph(iri: str) -> bool:
    return iri.startswith(PREFIXES["graph"])
