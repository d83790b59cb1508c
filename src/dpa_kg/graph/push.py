"""Loads a version into a remote engine: each named graph under its name, the merge as a named graph, and a mark that says so.

The mark is written first (loading) and last (complete). A push that breaks off leaves the first one, so that nobody takes the half for
the whole; the next push knows from it which graphs may be there, and removes those that it does not write anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

import pyoxigraph as ox

from dpa_kg.errors import EngineFailed, InputError
from dpa_kg.graph.endpoint import Endpoint
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.pushed import MERGE_GRAPH, PUSHED_GRAPH, RESERVED, Pushed, own_query
from dpa_kg.graph.results import rows
from dpa_kg.namespaces import BASE

_GENID: Final = f"{BASE}.well-known/genid/"  # RDF 1.1 Concepts, section 3.5
_CHUNK: Final = 10_000  # triples of one Graph Store request, about 2 MB
_UPDATE_CHUNK: Final = 1000  # of one INSERT DATA, which engines parse as a text
_LOSS: Final = 0.001  # of the triples: an engine that keeps values (1.0 for 1.00) may take two for one

Progress = Callable[[int], None]


def push(version: Version, endpoint: Endpoint, progress: Progress) -> Pushed:
    """Loads the version; `progress` is told how many triples each request has added. Returns the mark, with the engine's own count.

    Blank nodes become IRIs (`…/.well-known/genid/…`), the same in the graph and in the merge, so that graphs can be sent in pieces.
    Raises InputError for a version that cannot be pushed, and EngineFailed, EngineUnavailable or QueryTimeout where the engine fails.
    """
    _check(version, endpoint)
    store = OxigraphStore.open_read_only(version.store_path)
    names = store.graphs()
    if taken := RESERVED & set(names):
        raise InputError(f"The version has a graph <{min(taken)}>, which is where a push keeps the merge.", hint="Rename that graph.")
    before = Pushed.read(endpoint)
    old = set(before.graphs) - set(names) if before else set()
    mark = Pushed(uuid.uuid4().hex, version.edition, version.metadata.created, 0, tuple(sorted({*names, *old})), is_complete=False)
    writer = _Writer(endpoint)
    writer.replace(PUSHED_GRAPH, mark.statements())
    for name in sorted(old):
        writer.remove(name)
    for name in names:
        writer.replace(name, (quad.triple for quad in store.quads(name)), progress)
    writer.replace(MERGE_GRAPH, (quad.triple for quad in store.quads()), progress)
    done = Pushed(mark.push, mark.edition, mark.created, _counted(endpoint, version), tuple(names), is_complete=True)
    still = Pushed.read(endpoint, with_graphs=False)
    if still is None or still.push != mark.push:
        raise EngineFailed("Another push to this engine has begun meanwhile.", hint="Wait for its end, and push again.")
    writer.replace(PUSHED_GRAPH, done.statements())
    return done


def _check(version: Version, endpoint: Endpoint) -> None:
    if version.metadata.default_graph == "own":
        hint = "Load its dump (`dpa-kg dump`) into the engine, and ask the engine itself."
        raise InputError("A plain data set (DPA_KG_DEFAULT_GRAPH=own) has no merge to push.", hint=hint)
    if endpoint.access.graphs is None and endpoint.access.update is None:
        raise InputError("There is no address to write to.", hint="Give --graphs (Graph Store Protocol) or --update (SPARQL Update).")


def _counted(endpoint: Endpoint, version: Version) -> int:
    """The triples of the merge as the engine counts them. Raises EngineFailed where they are not those of the version."""
    (row,) = rows(endpoint, own_query("merge-size"))
    count, expected = int(row["triples"].value), version.metadata.triples
    if not expected * (1 - _LOSS) <= count <= expected:
        detail = f"The SPARQL engine counts {count:,} triples in the merge; the version has {expected:,}."
        raise EngineFailed(detail, hint="Look at the engine's log, and push again.")
    return count


class _Writer:
    """Writes graphs over the Graph Store Protocol, or by updates where the engine has no address for that."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._by_update = endpoint.access.graphs is None

    def replace(self, graph: str, triples: Iterable[ox.Triple], progress: Progress = lambda _: None) -> None:
        """Makes the triples the content of the graph, in requests of a bounded size."""
        if self._by_update:
            self.remove(graph)
        is_first = True
        for chunk in _chunks(triples, _UPDATE_CHUNK if self._by_update else _CHUNK):
            body = ox.serialize((_skolemized(triple) for triple in chunk), format=ox.RdfFormat.N_TRIPLES) or b""
            if self._by_update:
                self._endpoint.update(f"INSERT DATA {{ GRAPH <{graph}> {{\n{body.decode()}}} }}")
            elif is_first:
                self._endpoint.put(graph, body)
            else:
                self._endpoint.post(graph, body)
            is_first = False
            progress(len(chunk))

    def remove(self, graph: str) -> None:
        """Removes the graph where it is there."""
        if self._by_update:
            self._endpoint.update(f"DROP SILENT GRAPH <{graph}>")
        else:
            self._endpoint.delete(graph)


def _chunks(triples: Iterable[ox.Triple], size: int) -> Iterator[list[ox.Triple]]:
    rest = iter(triples)
    while chunk := list(islice(rest, size)):
        yield chunk


def _skolemized(triple: ox.Triple) -> ox.Triple:
    subject, value = triple.subject, triple.object
    return ox.Triple(
        ox.NamedNode(_GENID + subject.value) if isinstance(subject, ox.BlankNode) else subject,
        triple.predicate,
        ox.NamedNode(_GENID + value.value) if isinstance(value, ox.BlankNode) else value,
    )
