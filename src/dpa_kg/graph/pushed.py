"""The mark that `push` leaves on a remote engine: which version is there, and whether all of it is. It is written first and last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from dpa_kg.errors import DpaKgError, EngineFailed, EngineUnavailable, NotFound
from dpa_kg.graph.endpoint import Endpoint
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.results import rows
from dpa_kg.graph.versions import Versions
from dpa_kg.namespaces import GRAPH, XSD, expand

MERGE_GRAPH: Final = f"{GRAPH}merge"
PUSHED_GRAPH: Final = f"{GRAPH}pushed"
NO_GRAPH: Final = f"{GRAPH}none"  # holds nothing: what stands for an empty list of graphs, which engines take for all of them
RESERVED: Final = frozenset({MERGE_GRAPH, PUSHED_GRAPH, NO_GRAPH})
_COMPLETE, _LOADING = "complete", "loading"
_MISSES: Final = 3  # times that the engine is not reached before it counts as gone


def own_query(name: str) -> str:
    """A query of our own about what was pushed, from `sparql/`."""
    return (files("dpa_kg.graph") / "sparql" / f"{name}.rq").read_text("utf-8")


@dataclass(frozen=True)
class Pushed:
    """One mark.

    `push` is another name for each push; `edition` is that of the version; `graphs` are the named graphs that are or may be there;
    `triples` are the merge's.
    """

    push: str
    edition: str
    created: str
    triples: int
    graphs: tuple[str, ...]
    is_complete: bool

    @classmethod
    def read(cls, endpoint: Endpoint, *, with_graphs: bool = True) -> Pushed | None:
        """The mark on an engine; None where there is none. Raises EngineFailed, EngineUnavailable or QueryTimeout."""
        found = rows(endpoint, own_query("pushed"))
        if not found:
            return None
        push, version, created, triples, status = (found[0][name].value for name in ("push", "version", "created", "triples", "status"))
        graphs = sorted(row["graph"].value for row in rows(endpoint, own_query("pushed-graphs"))) if with_graphs else []
        if not (version.partition(".")[0].isdecimal() and triples.isdecimal()):
            raise EngineFailed(f"The mark in <{PUSHED_GRAPH}> on the SPARQL engine is not one of ours.", hint="Push the version again.")
        return cls(push, version, created, int(triples), tuple(graphs), status == _COMPLETE and len(found) == 1)

    @property
    def version(self) -> int:
        """The number of the version."""
        return int(self.edition.partition(".")[0])

    def is_of(self, version: Version) -> bool:
        """Whether it is this very version: not one of the same number from another home, and none from before somebody was forgotten."""
        return (self.edition, self.created) == (version.edition, version.metadata.created)

    def statements(self) -> Iterator[ox.Triple]:
        """The mark as triples of the graph `pushed`."""
        subject = ox.NamedNode(PUSHED_GRAPH)
        facts = (
            ("dcterms:identifier", ox.Literal(self.push)),
            ("owl:versionInfo", ox.Literal(self.edition)),
            ("dcterms:created", ox.Literal(self.created)),
            ("void:triples", ox.Literal(str(self.triples), datatype=ox.NamedNode(f"{XSD}integer"))),
            ("schema:creativeWorkStatus", ox.Literal(_COMPLETE if self.is_complete else _LOADING)),
        )
        for name, value in facts:
            yield ox.Triple(subject, ox.NamedNode(expand(name)), value)
        for graph in self.graphs:
            yield ox.Triple(subject, ox.NamedNode(expand("dcterms:hasPart")), ox.NamedNode(graph))


class PushedVersions(Versions):
    """The versions of a home, of which a remote engine serves the one that was pushed to it. `refresh` looks which one that is."""

    def __init__(self, home: Path, endpoint: Endpoint) -> None:
        super().__init__(home)
        self._endpoint = endpoint
        self._served: Version | DpaKgError = EngineUnavailable("The SPARQL engine has not been asked yet.", hint="Ask again in a second.")
        self._misses = 0

    def refresh(self) -> None:
        """Reads the mark. An engine that is not reached counts as gone only after some times: answers say themselves when they fail."""
        try:
            self._served = self._find(Pushed.read(self._endpoint, with_graphs=False))
            self._misses = 0
        except DpaKgError as error:
            self._misses += 1
            if self._misses >= _MISSES or isinstance(self._served, DpaKgError):
                self._served = error

    def _find(self, pushed: Pushed | None) -> Version | DpaKgError:
        if pushed is None:
            return EngineUnavailable("No version has been pushed to the SPARQL engine.", hint="`dpa-kg push` loads one.")
        if not pushed.is_complete:
            detail = f"Version {pushed.version} is being pushed to the SPARQL engine, or its push has broken off."
            return EngineUnavailable(detail, hint="Wait for its end, or push it again.")
        try:
            version = self.get(pushed.version)
        except NotFound:
            version = None
        if version is None or not pushed.is_of(version):
            detail = f"The SPARQL engine holds version {pushed.edition} of {pushed.created}, which is not in {self.home}."
            return EngineUnavailable(detail, hint="Copy the home that it was pushed from, or push a version of this one.")
        return version

    def current(self) -> Version | None:
        """The version that the engine serves; None where it serves none."""
        return None if isinstance(self._served, DpaKgError) else self._served

    def served(self, number: int | None = None) -> Version:
        """See `Versions.served`. There is one version on the engine, and no other can be asked."""
        if isinstance(self._served, DpaKgError):
            raise type(self._served)(self._served.detail, hint=self._served.hint)
        if number not in (None, self._served.number):
            self.get(number or 0)
            detail = f"Version {number} cannot be asked here: the SPARQL engine holds version {self._served.number}."
            raise NotFound(detail, hint="Leave ?version= out; /catalog/dumps has the other versions as files.")
        return self._served
