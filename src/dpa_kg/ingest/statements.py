"""Loads the files of the project into named graphs, and sees to it that each file writes only where it may.

    data/sources.ttl          …/graph/provenance
    data/statements/*.trig    passage graphs of known sources, and …/graph/provenance on those passages
    data/reference/*.ttl      …/graph/reference/<file>
    ontology/*.ttl            …/graph/ontology
    shapes/*.ttl              …/graph/shapes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.errors import BuildError, InputError
from dpa_kg.ingest.files import RdfFile, read
from dpa_kg.ingest.passages import Source, passage_of, sources
from dpa_kg.namespaces import ID, ONTOLOGY_GRAPH, PROVENANCE_GRAPH, REFERENCE_GRAPHS, SHAPES_GRAPH
from dpa_kg.resources import folder
from dpa_kg.terms import name_of

_FOLDERS = (("statements", ".trig"), ("reference", ".ttl"))
_PROVENANCE = ox.NamedNode(PROVENANCE_GRAPH)


@dataclass(frozen=True)
class Part:
    """What one file puts into the graph; every quad has a named graph."""

    file: str
    quads: tuple[ox.Quad, ...]


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
        kept = (Part(part.file, tuple(quad for quad in part.quads if name_of(quad.graph_name) not in taken)) for part in self.parts)
        return Loaded((*kept, *parts))

    def files(self, graph: str, node: str | None = None) -> list[str]:
        """The files that write into `graph`; with a node, those that mention the node there, if any does."""
        writing = [(part.file, [quad for quad in part.quads if name_of(quad.graph_name) == graph]) for part in self.parts]
        writing = [(file, quads) for file, quads in writing if quads]
        mentioning = [file for file, quads in writing if node and any(node in (name_of(q.subject), name_of(q.object)) for q in quads)]
        return mentioning or [file for file, _ in writing]


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
        else:
            parts += [_into(f"{REFERENCE_GRAPHS}{Path(file.name).stem}")(file, faults) for file in files]
    for name, graph in (("ontology", ONTOLOGY_GRAPH), ("shapes", SHAPES_GRAPH)):
        place = folder(name, root)
        files = _read_all(sorted(place.glob("*.ttl")), place.parent, faults)
        parts += [_into(graph, blank_nodes=True)(file, faults) for file in files]
    if faults:
        raise BuildError("\n".join(faults), hint="Correct the files; nothing was changed.")
    return Loaded(tuple(parts))


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
        return Part(file.name, tuple(ox.Quad(quad.subject, quad.predicate, quad.object, name) for quad in file.quads))

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
    return [Part(file.name, file.quads) for file in files]


def _misplaced(graph: str, known: dict[str, Source]) -> str | None:
    try:
        passage = passage_of(graph)
    except InputError as error:
        return f"{graph}: {error.detail}"
    if passage is None:
        return f"statements may not be written to {graph}; a passage is named …/graph/<source>/L<first>-<last>."
    if passage[0] not in known:
        return f"{graph} is a passage of '{passage[0]}', which data/sources.ttl does not describe."
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
