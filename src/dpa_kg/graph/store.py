"""What the rest of the package may ask of a store: one method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyoxigraph as ox

Answer = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples


class Store(Protocol):
    """A data set that SPARQL can be asked of."""

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
