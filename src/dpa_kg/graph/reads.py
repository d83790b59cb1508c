"""What a SPARQL query reads and writes: its triple patterns and its template, from the algebra that rdflib makes of the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyoxigraph as ox

from dpa_kg.errors import BuildError
from dpa_kg.terms import name_of


@dataclass(frozen=True)
class Pattern:
    """One triple pattern: the predicates that it matches (none: any), and the IRI that it wants as object, if it wants one."""

    predicates: frozenset[str]
    object: str = ""

    def meets(self, triple: ox.Triple) -> bool:
        """Whether the triple may be matched by the pattern."""
        if self.predicates and triple.predicate.value not in self.predicates:
            return False
        return not self.object or name_of(triple.object) == self.object


@dataclass(frozen=True)
class Reads:
    """What a CONSTRUCT query depends on, and the predicates that it makes. One that negates asks what is not there."""

    patterns: tuple[Pattern, ...]
    writes: frozenset[str]
    negates: bool = False

    @property
    def predicates(self) -> frozenset[str]:
        """Every predicate that a pattern matches."""
        return frozenset(predicate for pattern in self.patterns for predicate in pattern.predicates)

    @property
    def is_bounded(self) -> bool:
        """Whether each pattern says which predicates it matches, so that what a change reaches can be followed."""
        return all(pattern.predicates for pattern in self.patterns)

    def meets(self, triple: ox.Triple) -> bool:
        """Whether the query may answer otherwise when this triple comes or goes."""
        return any(pattern.meets(triple) for pattern in self.patterns)


@lru_cache(maxsize=256)
def reads(text: str) -> Reads:
    """What a CONSTRUCT query reads. Raises BuildError where rdflib cannot parse it, or where its template has a free predicate.

    A predicate that is a variable is looked up in the VALUES of the query; an inverse or negated path counts as any predicate,
    because a change cannot be followed along it. A query that negates must speak of one thing: BuildError, if its patterns have several
    subjects.
    """
    from rdflib import URIRef  # noqa: PLC0415 (as below)
    from rdflib.plugins.sparql.algebra import translateQuery  # noqa: PLC0415 (half a second, and only writes pay for it)
    from rdflib.plugins.sparql.parser import parseQuery  # noqa: PLC0415

    try:
        algebra = translateQuery(parseQuery(text)).algebra
    except Exception as error:  # rdflib raises what pyparsing raises, and plain Exception
        raise BuildError(f"A rule cannot be analysed: {error}") from error
    made = {predicate for _, predicate, _ in algebra["template"] or ()}
    if free := sorted(str(predicate) for predicate in made if not isinstance(predicate, URIRef)):
        raise BuildError(f"A rule makes statements with any predicate (?{free[0]}).", hint="Write an IRI in its template.")
    values = dict(_values(algebra))
    triples = list(_triples(algebra))
    negates = any(any(_parts(algebra, name)) for name in ("Builtin_NOTEXISTS", "Builtin_EXISTS", "Minus"))
    if negates and len({subject for subject, _, _ in (*triples, *algebra["template"])}) > 1:
        raise BuildError("A rule with EXISTS or MINUS must speak of one thing only.", hint="Have another rule derive what it asks for.")
    patterns = dict.fromkeys(_pattern(triple, values) for triple in triples)
    return Reads(tuple(patterns), frozenset(map(str, made)), negates)


def _parts(node: Any, name: str) -> Iterator[Any]:
    """Every part of an algebra expression with this name."""
    if getattr(node, "name", None) == name:
        yield node
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, (list, tuple)) else ()
    for part in inside:
        yield from _parts(part, name)


def _triples(algebra: Any) -> Iterator[tuple[Any, Any, Any]]:
    """The triple patterns, those within EXISTS too, which rdflib leaves as they were parsed: in rows of three terms each."""
    for part in _parts(algebra, "BGP"):
        yield from part["triples"]
    for part in _parts(algebra, "TriplesBlock"):
        for terms in part["triples"]:
            yield from zip(terms[::3], terms[1::3], terms[2::3], strict=True)


def _values(algebra: Any) -> Iterator[tuple[Any, frozenset[str]]]:
    """The variables of each VALUES, with their values."""
    for part in _parts(algebra, "values"):
        for variable in {name for row in part["res"] for name in row}:
            yield variable, frozenset(str(row[variable]) for row in part["res"] if variable in row)


def _pattern(triple: tuple[Any, Any, Any], values: dict[Any, frozenset[str]]) -> Pattern:
    from rdflib import URIRef  # noqa: PLC0415 (see above)

    _, predicate, target = triple
    if isinstance(predicate, URIRef):
        return Pattern(frozenset({str(predicate)}), str(target) if isinstance(target, URIRef) else "")
    return Pattern(values.get(predicate) or _path(predicate) or frozenset())


def _path(path: Any) -> frozenset[str] | None:
    """The predicates of a property path that goes forwards only; None for others."""
    from rdflib import URIRef  # noqa: PLC0415 (see above)
    from rdflib.paths import AlternativePath, MulPath, SequencePath  # noqa: PLC0415

    if isinstance(path, URIRef):
        return frozenset({str(path)})
    if isinstance(path, MulPath):
        return _path(path.path)
    if not isinstance(path, (AlternativePath, SequencePath)):
        return None
    parts = [_path(part) for part in path.args]
    return frozenset().union(*(part for part in parts if part)) if all(parts) else None
