"""The data set that a request asks for, where the engine cannot give it (SPARQL 1.1 Protocol, section 2.1.4).

Oxigraph takes several default graphs, but gives a triple once for each that holds it; the merge has it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import pyoxigraph as ox

from dpa_kg.errors import LimitExceeded
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.query.lexer import Token, decoded, tokens, unescape
from dpa_kg.query.operations import is_word, outermost

MOST = 1_000_000  # quads that are merged for one query
_FORMS = frozenset({"SELECT", "ASK", "CONSTRUCT", "DESCRIBE"})


def of_text(text: str, base: str | None = None) -> tuple[list[str] | None, list[str] | None]:
    """The default graphs and the named graphs that a query's own FROM clauses name, where the default graphs are several.

    Otherwise None and None: the engine reads the clauses itself. Raises QuerySyntaxError where a name cannot be read.
    """
    default, named = clauses(text, base)
    return (default, named) if default is not None and len(default) > 1 else (None, None)


def clauses(text: str, base: str | None = None) -> tuple[list[str] | None, list[str] | None]:
    """The default graphs and the named graphs that a query's own FROM clauses name; None and None where it has no such clause.

    Raises QuerySyntaxError where a name cannot be read.
    """
    if "FROM" not in unescape(text).upper():
        return None, None
    source = decoded(text)
    stream = [token for _, token in outermost([token for token in tokens(source) if token.kind != "comment"])]
    places = [place for place, token in enumerate(stream[:-1]) if is_word(token, "FROM")]
    if not places:
        return None, None
    named = [stream[place + 2] for place in places if is_word(stream[place + 1], "NAMED") and place + 2 < len(stream)]
    default = [stream[place + 1] for place in places if not is_word(stream[place + 1], "NAMED")]
    first = next(token.start for token in stream if token.kind == "word" and token.text.upper() in _FORMS)
    return _iris(default, source[:first], base), _iris(named, source[:first], base)


def _iris(names: Sequence[Token], prologue: str, base: str | None) -> list[str]:
    """The IRIs that tokens stand for, as the engine reads them after the prologue."""
    found = []
    for name in names:
        store = OxigraphStore.memory()
        store.update(f"{prologue} CREATE GRAPH {name.text}", base)
        found += store.graphs()
    return found


def merged(store: OxigraphStore, default_graphs: Sequence[str], named_graphs: Sequence[str]) -> OxigraphStore:
    """A store in memory: its default graph is the merge of some graphs, and it has the named graphs that are listed, no others.

    Raises LimitExceeded where they are too large to be merged for one query.
    """
    quads = list(islice(_quads(store, default_graphs, named_graphs), MOST + 1))
    if len(quads) > MOST:
        detail = f"The default graphs of the request have more than {MOST:,} triples to merge."
        raise LimitExceeded(detail, hint="Ask for fewer graphs, or name them in GRAPH patterns.")
    return OxigraphStore.memory(quads)


def _quads(store: OxigraphStore, default_graphs: Sequence[str], named_graphs: Sequence[str]) -> Iterator[ox.Quad]:
    for graph in sorted(set(default_graphs)):
        yield from (ox.Quad(quad.subject, quad.predicate, quad.object) for quad in store.quads(graph))
    for graph in sorted(set(named_graphs)):
        yield from store.quads(graph)
