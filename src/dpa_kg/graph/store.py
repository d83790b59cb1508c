"""What the rest of the package may ask of a store: SPARQL, and one graph as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import pyoxigraph as ox

Answer = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples | Iterator[ox.Triple]


class Store(Protocol):
    """A data set that SPARQL can be asked of: Oxigraph's (`oxigraph.py`), or another engine's over HTTP (`remote.py`)."""

    def query(
        self,
        text: str,
        *,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        base: str | None = None,
    ) -> Answer:
        """Evaluates a SPARQL 1.1 query.

        The two lists of graph IRIs restrict the data set (SPARQL 1.1 Protocol, section 2.1.4); when one of them is
        given, the other counts as empty. Relative IRIs are resolved against `base`. Raises QuerySyntaxError where the text does not parse.
        """
        ...

    def quads(self, graph: str | None = None) -> Iterator[ox.Quad]:
        """The quads of one named graph, or of the default graph."""
        ...

    def has_graph(self, graph: str) -> bool:
        """Whether there is a named graph of that IRI."""
        ...


def triples(answer: Answer) -> Iterator[ox.Triple]:
    """The triples of a CONSTRUCT or DESCRIBE query's answer. Raises TypeError where it was another one."""
    if isinstance(answer, ox.QuerySolutions | ox.QueryBoolean):
        raise TypeError("the query gives no triples")
    return answer
