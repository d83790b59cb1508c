"""Loads the files of the project into named graphs, and sees to it that each file writes only where it may.

data/sources.ttl          …/graph/provenance
data/statements/*.trig    passage graphs of known sources, and …/graph/provenance on those passages
data/reference/*.ttl      …/graph/reference/<file>
data/graphs/*.trig        graphs that came through the interface (`dpa-kg export`), under their own names
ontology/*.ttl            …/graph/ontology
shapes/*.ttl              …/graph/shapes
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.errors import BuildError, InputError
from dpa_kg.ingest.files import RdfFile, read
from dpa_kg.ingest.passages import Source, passage_of, sources
from dpa_kg.namespaces import DERIVED_GRAPH, ID, ONTOLOGY_GRAPH, PROVENANCE_GRAPH, QUERIES_GRAPH, REFERENCE_GRAPHS, SHAPES_GRAPH
from dpa_kg.resources import folder
from dpa_kg.terms import name_of

LONGEST = 15  # lines of a passage
_FOLDERS = (("statements", ".trig"), ("reference", ".ttl"), ("graphs", ".trig"))
_OWN = frozenset({DERIVED_GRAPH, ONTOLOGY_GRAPH, SHAPES_GRAPH, QUERIES_GRAPH})
_PROVENANCE = ox.NamedNode(PROVENANCE_GRAPH)


@dataclass(frozen=True)
class Part:
    """What one file puts into the graph; every quad has a named graph. `source` is the file as it was read."""

    file: str
    quads: tuple[ox.Quad, ...]
    source: RdfFile | None = None

    def writes(self, graph: str) -> bool:
        """Whether the file puts anything into the graph."""
        return any(name_of(quad.graph_name) == graph for quad in self.quads)

    def mentions(self, node: str, graph: str) -> bool:
        """Whether the file mentions the node in the graph."""
        return any(node in (name_of(quad.subject), name_of(quad.object)) and name_of(quad.graph_name) == graph for quad in self.quads)

    def place(self, graph: str, node: str) -> str:
        """The file, and the line where the graph begins, or else where the node is first written."""
        line = (self.source.line_of(graph) or self.source.line_of(node)) if self.source else None
        return f"{self.file}, line {line}" if line else self.file


@dataclass(frozen=True)
class Loaded:
    """The quads that come from files, by graph, and the files."""

    parts: tuple[Part, ...]
    graphs: dict[str, set[ox.Quad]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for part in self.parts:
            for quad in part.quads:
                self.graphs.setdefault(name_of(quad.graph_name), set()).add(quad)

    def replacing(self, parts: Sequence[Part]) -> Loaded:
        """The same, with more parts: their graphs replace those of the same name, but for the provenance, which grows."""
        taken = {name_of(quad.graph_name) for part in parts for quad in part.quads} - {PROVENANCE_GRAPH}
        kept = (replace(part, quads=tuple(q for q in part.quads if name_of(q.graph_name) not in taken)) for part in self.parts)
        return Loaded((*kept, *parts))

    def files(self, graph: str, node: str) -> list[str]:
        """The places in files that write into `graph`: those that mention the node there, if any does."""
        writing = [part for part in self.parts if part.writes(graph)]
        return [part.place(graph, node) for part in [part for part in writing if part.mentions(node, graph)] or writing]


def load(root: Path | None = None) -> Loaded:
    """Reads every file of the project at `root` (of this package without one).

    Raises BuildError with one line for each fault: file, line and what is wrong.
    """
    faults: list[str] = []
    data = folder("data", root)
    described = _read_all([data / "sources.ttl"] if (data / "sources.ttl").is_file() else [], data.parent, faults)
    known = sources(quad for file in described for quad in file.quads)
    parts = [_into(PROVENANCE_GRAPH)(file, faults) for file in described]
    for name, extension in _FOLDERS:
        files = _read_all(_listed(data / name, extension, faults), data.parent, faults)
        if name == "statements":
            parts += _statements(files, known, faults)
        elif name == "graphs":
            parts += _graphs(files, {graph for part in parts for graph in _named(part.quads)}, faults)
        else:
            parts += [_into(f"{REFERENCE_GRAPHS}{Path(file.name).stem}")(file, faults) for file in files]
    for name, graph in (("ontology", ONTOLOGY_GRAPH), ("shapes", SHAPES_GRAPH)):
        place = folder(name, root)
        files = _read_all(sorted(place.glob("*.ttl")), place.parent, faults)
        parts += [_into(graph, blank_nodes=True)(file, faults) for file in files]
    if faults:
        raise BuildError("\n".join(faults), hint="Correct the files; nothing was changed.")
    return Loaded(tuple(parts))


def shapes(root: Path | None = None) -> dict[str, tuple[ox.Quad, ...]]:
    """The quads of each file of shapes, by its name, without the rest of the project. Raises BuildError where one is broken."""
    faults: list[str] = []
    place = folder("shapes", root)
    parts = [_into(SHAPES_GRAPH, blank_nodes=True)(file, faults) for file in _read_all(sorted(place.glob("*.ttl")), place.parent, faults)]
    if faults:
        raise BuildError("\n".join(faults))
    return {part.file.removeprefix("shapes/"): part.quads for part in parts}


def foreign(path: Path) -> Part:
    """A file from elsewhere; its triples without a graph go to one named after the file.

    Raises InputError where it cannot be read, or writes to a graph that is the service's own.
    """
    file = read(path)
    own = ox.NamedNode(path.resolve().as_uri())
    quads = [q if isinstance(q.graph_name, ox.NamedNode) else ox.Quad(q.subject, q.predicate, q.object, own) for q in file.quads]
    for graph in sorted({name_of(quad.graph_name) for quad in quads} & _OWN):
        raise InputError(f"{file.place(graph)}: nothing may be written to {graph}.")
    return Part(str(path), tuple(quads), file)


def _listed(place: Path, extension: str, faults: list[str]) -> list[Path]:
    found = sorted(path for path in place.glob("*") if path.is_file() and path.suffix != ".md" and not path.name.startswith("."))
    faults += [f"data/{place.name}/{path.name}: files in this folder end in {extension}." for path in found if path.suffix != extension]
    return [path for path in found if path.suffix == extension]


def _read_all(paths: list[Path], root: Path, faults: list[str]) -> list[RdfFile]:
    files = []
    for path in paths:
        try:
            files.append(read(path, path.relative_to(root).as_posix()))
        except InputError as error:
            faults.append(error.detail)
    return files


def _into(graph: str, *, blank_nodes: bool = False) -> Callable[[RdfFile, list[str]], Part]:
    """Puts the triples of a file into one graph."""

    def part(file: RdfFile, faults: list[str]) -> Part:
        if not blank_nodes:
            faults += _blank(file)
        name = ox.NamedNode(graph)
        return Part(file.name, tuple(ox.Quad(quad.subject, quad.predicate, quad.object, name) for quad in file.quads), file)

    return part


def _blank(file: RdfFile) -> Iterator[str]:
    """Blank nodes cannot be cited, compared or linked to, so facts have none."""
    for quad in file.quads:
        if isinstance(quad.subject, ox.BlankNode) or isinstance(quad.object, ox.BlankNode):
            line = next((n for n, text in enumerate(file.text.split("\n"), 1) if "[" in text or "_:" in text), None)
            yield f"{file.name}{f', line {line}' if line else ''}: blank nodes may not be used here; give the node an IRI."
            return


def _statements(files: list[RdfFile], known: dict[str, Source], faults: list[str]) -> list[Part]:
    owners: dict[str, RdfFile] = {}
    for file in files:
        faults += _blank(file)
        graphs = sorted({quad.graph_name.value for quad in file.quads if isinstance(quad.graph_name, ox.NamedNode)} - {PROVENANCE_GRAPH})
        for graph in graphs:
            if reason := _misplaced(graph, known):
                faults.append(f"{file.place(graph)}: {reason}")
            elif graph in owners:
                faults.append(f"{file.place(graph)}: {graph} stands in {owners[graph].place(graph)} already; a passage is in one file.")
            owners.setdefault(graph, file)
        faults += _loose(file, set(graphs))
    return [Part(file.name, file.quads, file) for file in files]


def _graphs(files: list[RdfFile], taken: set[str], faults: list[str]) -> list[Part]:
    """Files of users' graphs: each graph is in one file, and none of the project's or the service's own."""
    for file in files:
        if any(isinstance(quad.graph_name, ox.DefaultGraph) for quad in file.quads):
            faults.append(f"{file.name}: a statement stands outside any graph; put it into a graph of your own.")
        graphs = _named(file.quads)
        faults += [
            f"{file.place(graph)}: {graph} is written by another file, or by the service."
            for graph in sorted(graphs & (taken | _OWN | {PROVENANCE_GRAPH}))
        ]
        taken = taken | graphs
    return [Part(file.name, file.quads, file) for file in files]


def _named(quads: Iterable[ox.Quad]) -> set[str]:
    return {name_of(quad.graph_name) for quad in quads} - {""}


def _misplaced(graph: str, known: dict[str, Source]) -> str | None:
    try:
        passage = passage_of(graph)
    except InputError as error:
        return f"{graph}: {error.detail}"
    if passage is None:
        return f"statements may not be written to {graph}; a passage is named …/graph/<source>/L<first>-<last>."
    if passage[0] not in known:
        return f"{graph} is a passage of '{passage[0]}', which data/sources.ttl does not describe."
    if len(passage[1]) > LONGEST:
        return f"{graph} has {len(passage[1])} lines; a passage is as small as states the thing, and has at most {LONGEST}."
    return None


def _loose(file: RdfFile, graphs: set[str]) -> Iterator[str]:
    """Statements outside any graph, and notes in the provenance graph on something that is not a passage of the file."""
    loose = {name_of(quad.subject) for quad in file.quads if isinstance(quad.graph_name, ox.DefaultGraph)}
    for subject in sorted(loose)[:1]:
        yield f"{file.place(subject)}: a statement on {subject} stands outside any graph; put it into the graph of its passage."
    noted = {name_of(quad.subject) for quad in file.quads if quad.graph_name == _PROVENANCE}
    for subject in sorted(noted - graphs):
        is_source = subject.startswith(f"{ID}source/")
        reason = "sources are described in data/sources.ttl" if is_source else "no graph of that name is in this file"
        yield f"{file.place(subject)}: {subject} is described in {PROVENANCE_GRAPH}, but {reason}."
