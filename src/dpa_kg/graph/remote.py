"""A remote SPARQL engine as a store: one version that `push` has loaded there.

The engine holds each named graph of the version under its name, and the merge as a named graph too. So every text is sent with a
data set: the merge as its default graph, and as named graphs those of the version that it can see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyoxigraph as ox

from dpa_kg.errors import EngineUnavailable
from dpa_kg.graph.endpoint import Endpoint
from dpa_kg.graph.oxigraph import check_syntax
from dpa_kg.graph.pushed import Pushed
from dpa_kg.graph.results import evaluate, unreadable
from dpa_kg.graph.store import Answer, triples


@dataclass(frozen=True)
class DataSet:
    """What a query is asked over: lists of graph IRIs as in `Store.query`, and the IRI that relative ones are resolved against."""

    default_graph: Sequence[str] | None = None
    named_graphs: Sequence[str] | None = None
    base: str | None = None


@dataclass(frozen=True)
class Scoped:
    """A text with FROM clauses for a data set, complete as it is sent; `is_graph` for CONSTRUCT and DESCRIBE."""

    text: str
    is_graph: bool


Scope = Callable[[str, DataSet], Scoped]


class RemoteStore:
    """A `Store`. `scope` puts the data set into a text; it comes from the layer above, which knows how to read one."""

    def __init__(self, endpoint: Endpoint, pushed: Pushed, scope: Scope) -> None:
        self._endpoint = endpoint
        self._graphs = frozenset(pushed.graphs)
        self._scope = scope
        self.pushed = pushed

    def query(
        self,
        text: str,
        *,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        base: str | None = None,
    ) -> Answer:
        """See `Store.query`. Only what parses as standard SPARQL is sent.

        The answer is read while it is taken, and ends where the next question begins. Raises NotSupported for several default graphs,
        EngineFailed, EngineUnavailable and QueryTimeout.
        """
        check_syntax(text, base)
        scoped = self._scope(text, DataSet(default_graph, named_graphs, base))
        return evaluate(self._endpoint, scoped.text, is_graph=scoped.is_graph)

    def quads(self, graph: str | None = None) -> Iterator[ox.Quad]:
        """See `Store.quads`."""
        found = self.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }", default_graph=None if graph is None else [graph])
        name = ox.DefaultGraph() if graph is None else ox.NamedNode(graph)
        for triple in triples(found):
            yield ox.Quad(triple.subject, triple.predicate, triple.object, name)

    def has_graph(self, graph: str) -> bool:
        """Whether the version has a named graph of that IRI."""
        return graph in self._graphs

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While one question is answered: afterwards it is sure that all of the answer came from the version that was pushed.

        A push takes the mark away before it changes anything, and gives it a new name. So the mark that was there before and is
        there after the answer was there in between. Raises EngineUnavailable where it is not.
        """
        try:
            yield
        except SyntaxError as error:  # of the engine's answer: our own texts and callers' are a QuerySyntaxError
            raise unreadable(error) from error
        finally:
            self._endpoint.release()
        now = Pushed.read(self._endpoint, with_graphs=False)
        if now is None or now.push != self.pushed.push or not now.is_complete:
            raise EngineUnavailable("The SPARQL engine was loaded anew while it answered.", hint="Ask again in a few seconds.")
