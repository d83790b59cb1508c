"""Puts the data set of a query into its text, for an engine that is asked over HTTP (SPARQL 1.1 Query, section 13.2).

In the text, and not as protocol parameters: Virtuoso joins those with the FROM clauses of a text, and repeats them in a header that
becomes too long (measured with 7.2.5); FROM clauses mean the same to every engine.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from dpa_kg.errors import Forbidden, NotSupported, QuerySyntaxError
from dpa_kg.graph.pushed import MERGE_GRAPH, NO_GRAPH
from dpa_kg.graph.remote import DataSet, Scoped
from dpa_kg.query import data_set
from dpa_kg.query.lexer import Token, decoded, tokens
from dpa_kg.query.operations import closing, end, is_word, outermost

_FORMS: Final = frozenset({"SELECT", "ASK", "CONSTRUCT", "DESCRIBE"})
_AFTER: Final = frozenset({"WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "VALUES"})  # what follows a data set
_CALLS: Final = re.compile(r"<(bif|sql):", re.I)


@dataclass(frozen=True)
class Scope:
    """The graphs of the version that the engine holds; nothing else that is there can be seen."""

    graphs: frozenset[str]

    @classmethod
    def of(cls, graphs: Collection[str]) -> Scope:
        """For a version with these named graphs."""
        return cls(frozenset(graphs))

    def __call__(self, text: str, asked: DataSet) -> Scoped:
        """The text as it is sent: with FROM clauses for the data set that was asked for, or that of its own FROM clauses, or the merge.

        Raises NotSupported where several default graphs would have to be merged, Forbidden for an engine's own functions.
        """
        source = decoded(text)
        found = [token for token in tokens(source) if token.kind != "comment"]
        _refuse_calls(found)
        stream = [token for _, token in outermost(found)]
        form = next((place for place, token in enumerate(stream) if token.kind == "word" and token.text.upper() in _FORMS), None)
        if form is None:
            raise QuerySyntaxError("The text is not a SPARQL query.")
        default, named = asked.default_graph, asked.named_graphs
        if default is None and named is None:
            default, named = data_set.clauses(text, asked.base)
        clauses = " ".join([*self._default(default, named), *self._named(default, named, source)])
        spans = list(_spans(stream))
        place = spans[0][0] if spans else _place(stream, form, found, len(source))
        pieces, done = [source[:place], f" {clauses} "], place
        for start, stop in spans:
            pieces.append(source[done:start])
            done = stop
        scoped = "".join([*pieces, source[done:]])
        return Scoped(
            _with_base(scoped, found, asked.base) if asked.base else scoped, stream[form].text.upper() in {"CONSTRUCT", "DESCRIBE"}
        )

    def _default(self, default: Sequence[str] | None, named: Sequence[str] | None) -> Iterator[str]:
        if default is None and named is None:
            yield f"FROM <{MERGE_GRAPH}>"
            return
        known = sorted(set(default or ()) & self.graphs)
        if len(known) > 1:
            detail = "Several default graphs cannot be merged here: a remote engine would count a triple once for each."
            raise NotSupported(detail, hint="Ask for one of them, or name them in GRAPH patterns.")
        yield f"FROM <{known[0] if known else NO_GRAPH}>"

    def _named(self, default: Sequence[str] | None, named: Sequence[str] | None, source: str) -> Iterator[str]:
        """The named graphs that the text can see; none where it has no GRAPH pattern."""
        visible = self.graphs if default is None and named is None else self.graphs & set(named or ())
        wanted = _graphs_in(source)
        if wanted is not None:
            visible = visible & wanted
        if wanted is None or wanted:
            yield from (f"FROM NAMED <{graph}>" for graph in sorted(visible) or [NO_GRAPH])


def _with_base(text: str, found: Sequence[Token], base: str) -> str:
    """The text with one BASE: Virtuoso takes no second one. That of the text comes before any data set clause, so its place is known."""
    if len(found) > 1 and is_word(found[0], "BASE"):
        own = found[1]
        return f"{text[: own.start]}<{urljoin(base, own.text[1:-1])}>{text[end(own) :]}"
    return f"BASE <{base}> {text}"


def _refuse_calls(found: Sequence[Token]) -> None:
    """Virtuoso takes IRIs of these schemes for functions of its database."""
    for token in found:
        if token.kind == "iri" and _CALLS.match(token.text):
            raise Forbidden(f"{token.text} is not allowed here: it calls a function of the database.", hint="Use functions of SPARQL 1.1.")


def _graphs_in(source: str) -> set[str] | None:
    """The IRIs that stand after GRAPH; None where a variable or anything else does, so that every graph may be meant."""
    found = [token for token in tokens(source) if token.kind != "comment"]
    prefixes = _prefixes(found)
    wanted: set[str] = set()
    for place, token in enumerate(found):
        following = found[place + 1] if place + 1 < len(found) else None
        if is_word(token, "GRAPH"):
            iri = _absolute(following, prefixes)
            if iri is None:
                return None
            wanted.add(iri)
        elif _may_be_glued(token, following) and not is_word(found[place - 1], "GRAPH"):
            return None
    return wanted


def _may_be_glued(token: Token, following: Token | None) -> bool:
    """`trueGRAPH<a:>` and `GRAPH:x {`, which some engines read as a GRAPH pattern."""
    text = token.text.upper()
    is_pattern = text.startswith("GRAPH") and following is not None and following.text == "{"
    return (token.kind in {"word", "name"} and text.endswith("GRAPH")) or (token.kind == "name" and is_pattern)


def _prefixes(found: Sequence[Token]) -> dict[str, str]:
    """The prefixes that are declared once, with an absolute IRI."""
    declared: dict[str, set[str]] = {}
    for place, token in enumerate(found[:-2]):
        if is_word(token, "PREFIX") and found[place + 2].kind == "iri":
            declared.setdefault(found[place + 1].text, set()).add(found[place + 2].text[1:-1])
    return {name: next(iter(iris)) for name, iris in declared.items() if len(iris) == 1}


def _absolute(token: Token | None, prefixes: dict[str, str]) -> str | None:
    """The absolute IRI that a token is, if that is plain to see."""
    if token is None:
        return None
    iri = token.text[1:-1] if token.kind == "iri" else ""
    if token.kind == "name" and not set(token.text) & set("\\%"):
        prefix, _, local = token.text.partition(":")
        iri = prefixes[f"{prefix}:"] + local if f"{prefix}:" in prefixes else ""
    return iri if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", iri) else None


def _spans(stream: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Where the FROM clauses of a text begin and end."""
    for place, token in enumerate(stream[:-1]):
        if is_word(token, "FROM"):
            yield token.start, end(stream[place + (2 if is_word(stream[place + 1], "NAMED") else 1)])


def _place(stream: Sequence[Token], form: int, found: Sequence[Token], length: int) -> int:
    """Where a data set clause can stand in a text that has none."""
    following = stream[form + 1] if form + 1 < len(stream) else None
    if is_word(stream[form], "CONSTRUCT") and following is not None and following.text == "{":
        return end(found[closing(found, found.index(following))])  # after the template
    if is_word(stream[form], "ASK") or is_word(stream[form], "CONSTRUCT"):
        return end(stream[form])
    for token in stream[form + 1 :]:
        if token.text == "{" or (token.kind == "word" and token.text.upper() in _AFTER):
            return token.start
    return length
