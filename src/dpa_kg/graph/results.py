"""Reads the answer of a SPARQL engine as values of the embedded one, as it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyoxigraph as ox

from dpa_kg.errors import EngineFailed, LimitExceeded
from dpa_kg.graph.endpoint import Endpoint, Reply
from dpa_kg.graph.store import Answer
from dpa_kg.representations.formats import JSON, N_TRIPLES, SPARQL_JSON

# what engines call N-Triples
_TRIPLES: Final = frozenset({N_TRIPLES.media_type, *N_TRIPLES.aliases, "text/ntriples", "application/rdf-triples"})
_BOOLEAN: Final = '{{"head": {{}}, "boolean": {}}}'
_CUT: Final = ("x-sparql-maxrows", "x-sparql-anytime")  # how Virtuoso says that an answer with status 200 is not whole
_ASKED: Final = "__ASK_RETVAL"


def evaluate(endpoint: Endpoint, text: str, *, is_graph: bool) -> Answer:
    """Sends a query whose data set stands in its text; `is_graph` for CONSTRUCT and DESCRIBE.

    Rows and triples are read from the network while they are taken; what breaks then is an EngineFailed, or a SyntaxError of
    the parser, which `whole` translates.
    """
    reply = endpoint.ask(text, N_TRIPLES.media_type if is_graph else f"{SPARQL_JSON.media_type}, {JSON.media_type};q=0.5")
    if is_graph:
        _expect(reply, _TRIPLES)
        return _triples(reply)
    _expect(reply, {SPARQL_JSON.media_type, JSON.media_type})
    try:
        found = ox.parse_query_results(reply.body, format=ox.QueryResultsFormat.JSON)  # type: ignore[arg-type]  # a raw file is enough
    except (SyntaxError, ValueError) as error:
        raise unreadable(error) from error
    if isinstance(found, ox.QuerySolutions) and [variable.value for variable in found.variables] == [_ASKED]:
        return _boolean(any(True for _ in found))  # Virtuoso answers ASK with a row, or none
    return found


def unreadable(error: Exception) -> EngineFailed:
    """The error of an answer that ends too early, or is none."""
    return EngineFailed(f"The answer of the SPARQL engine cannot be read: {error}.", hint="Look at the engine's log.")


def rows(endpoint: Endpoint, text: str) -> list[ox.QuerySolution]:
    """All solutions of a SELECT query of our own. Raises as `evaluate`, and EngineFailed where they cannot be read."""
    found = evaluate(endpoint, text, is_graph=False)
    if not isinstance(found, ox.QuerySolutions):
        raise EngineFailed("The SPARQL engine answered a SELECT query with something else.")
    try:
        return list(found)
    except SyntaxError as error:
        raise unreadable(error) from error


def _expect(reply: Reply, media_types: frozenset[str] | set[str]) -> None:
    if reply.media_type not in media_types:
        kind = reply.media_type or "no media type"
        raise EngineFailed(f"The SPARQL engine answered with {kind}.", hint="Is DPA_KG_STORE the address of a query endpoint?")
    if cut := next((reply.headers[name] for name in _CUT if name in reply.headers), None):
        raise LimitExceeded(
            f"The SPARQL engine gives no more than part of the answer ({cut}).", hint="Add LIMIT, or raise the engine's own limits."
        )


def _triples(reply: Reply) -> Iterator[ox.Triple]:
    for quad in ox.parse(reply.body, format=ox.RdfFormat.N_TRIPLES):  # type: ignore[arg-type]  # a raw file is enough
        yield quad.triple


def _boolean(value: bool) -> ox.QueryBoolean:
    made = ox.parse_query_results(_BOOLEAN.format(str(value).lower()), format=ox.QueryResultsFormat.JSON)
    assert isinstance(made, ox.QueryBoolean)  # noqa: S101 - told to the type checker
    return made
