"""Evaluates SPARQL 1.1 Update on a draft.

On a plain data set the engine does it. On a merged one each operation is turned into the quads that it adds and removes, so that
the merge can follow, the cost follows the change, and nothing read-only is written: the engine itself cannot tell what it changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyoxigraph as ox

from dpa_kg.errors import Forbidden, InputError, QuerySyntaxError
from dpa_kg.graph.draft import NAME_A_GRAPH, Draft
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.query.lexer import Token, decoded, guard
from dpa_kg.query.operations import Operation, Tokens, end, is_word, only_silent_loads, operations, with_data_set, without_loads
from dpa_kg.terms import into, name_of

_VARIABLE = "urn:x-dpa-kg:variable:"  # stands for a variable while the engine reads a template
_BRACKETS = 64  # deepest nesting
Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Bindings = Mapping[str, Term | None]


@dataclass(frozen=True)
class Update:
    """An update text, the address that its relative IRIs are resolved against, and the data set that the request asks for."""

    text: str
    base: str | None = None
    using: tuple[str, ...] = ()
    using_named: tuple[str, ...] = ()
    length: int = 1 << 25

    def apply(self, draft: Draft) -> None:
        """See `Change`. Raises QuerySyntaxError too."""
        refusal, given = self._guarded()
        text = with_data_set(given, _iris(self.using), _iris(self.using_named))
        pieces = _pieces(text)
        for piece in pieces:
            _parse(piece, self.base)  # all of it, before anything is done
        if refusal and (draft.merged or not only_silent_loads(decoded(self.text))):
            raise refusal
        if not draft.merged:
            for piece in pieces:
                draft.store.update(piece, self.base)
            return
        for operation in operations(text):
            _Evaluation(draft, operation, self.base).run()

    def _guarded(self) -> tuple[Forbidden | None, str]:
        """The text without what it would load, and the refusal to load it; where it is wrong as well, that it is wrong comes first."""
        limits = {"length": self.length, "nesting": _BRACKETS}
        try:
            guard(self.text, **limits)
        except Forbidden as error:
            text = without_loads(decoded(self.text))
            if text == decoded(self.text):
                raise
            guard(text, **limits)
            return error, text
        return None, decoded(self.text)


def _iris(texts: Sequence[str]) -> list[str]:
    try:
        return [str(ox.NamedNode(text)) for text in texts]
    except ValueError as error:
        raise InputError(f"A graph of the data set has no absolute IRI: {error}.") from error


def _pieces(text: str) -> list[str]:
    """The text as the engine takes it: pyoxigraph 0.5.13 reads no PREFIX after the first operation (Query, section 19.8, rule 29)."""
    parts = operations(text)
    if len({part.prologue for part in parts}) < 2:
        return [text]
    return [f"{part.prologue} {part.text}" for part in parts]


def _parse(text: str, base: str | None) -> None:
    """Raises QuerySyntaxError where the text does not parse."""
    try:
        OxigraphStore.memory().update(text, base)
    except QuerySyntaxError:
        raise
    except InputError:
        return  # a graph that the empty store does not have


@dataclass(frozen=True)
class _Evaluation:
    """One operation of an update on a merged draft."""

    draft: Draft
    operation: Operation
    base: str | None

    def run(self) -> None:
        operation = self.operation
        if operation.keyword in {"INSERT", "DELETE", "WITH"}:
            if operation.is_data:
                quads = self._read(operation.span(operation.group("DATA") or ()))
                self.draft.change(**{"added" if operation.keyword == "INSERT" else "removed": quads})
            else:
                self._modify()
        elif operation.keyword in {"ADD", "MOVE", "COPY"}:
            self._transfer()
        elif operation.keyword == "CREATE":
            self._create()
        else:
            self._clear()

    def _modify(self) -> None:
        """DELETE and INSERT with templates (SPARQL 1.1 Update, section 3.1.3)."""
        operation = self.operation
        pattern = operation.group("WHERE") or ()
        is_short = operation.keyword == "DELETE" and is_word(operation.tokens[1], "WHERE")
        graph = self._graph(operation.tokens[1]) if operation.keyword == "WITH" else None
        unwanted = self._template(pattern if is_short else operation.group("DELETE"), graph)
        wanted = self._template(operation.group("INSERT"), graph)
        for quad in (*unwanted, *wanted):
            if not name_of(quad.graph_name).startswith(_VARIABLE):
                self.draft.allow([name_of(quad.graph_name)])
        added: set[ox.Quad] = set()
        removed: set[ox.Quad] = set()
        for bindings in self._solutions(pattern, graph, _variables((*unwanted, *wanted))):
            removed.update(_filled(unwanted, bindings))
            added.update(_filled(wanted, bindings))
        self.draft.change(added, removed)

    def _template(self, group: Tokens | None, graph: str | None) -> list[ox.Quad]:
        """The quads of a template, with IRIs in place of variables; those without a graph are in `graph` where it is given."""
        if not group:
            return []
        source, pieces, done = self.operation.source, [], group[0].start
        for token in group:
            if token.kind == "variable":
                pieces += [source[done : token.start], f" <{_VARIABLE}{token.text[1:]}> "]
                done = end(token)
        quads = self._read("".join([*pieces, source[done : end(group[-1])]]))
        if graph is None:
            return quads
        return [quad if name_of(quad.graph_name) else into(quad, ox.NamedNode(graph)) for quad in quads]

    def _read(self, group: str) -> list[ox.Quad]:
        """The quads between braces, as the engine reads them."""
        store = OxigraphStore.memory()
        store.update(f"{self.operation.prologue} INSERT DATA {group}", self.base)
        return list(store.engine)

    def _solutions(self, pattern: Tokens, graph: str | None, variables: Sequence[str]) -> Iterator[Bindings]:
        clauses = [self.operation.span(clause[1:]) for clause in self.operation.using()]
        data_set = " ".join(f"FROM {clause}" for clause in clauses)
        names = " ".join(f"?{name}" for name in variables) or "(1 AS ?one)"
        text = f"{self.operation.prologue} SELECT {names} {data_set} WHERE {self.operation.span(pattern)}"
        store = self.draft.store
        found = store.query_with(text, graph, self.base) if graph and not clauses else store.query(text, base=self.base)
        if isinstance(found, ox.QuerySolutions):
            yield from ({name: solution[name] for name in variables} for solution in found)

    def _graph(self, token: Token) -> str:
        """The IRI that a token names."""
        store = OxigraphStore.memory()
        store.update(f"{self.operation.prologue} CREATE GRAPH {token.text}", self.base)
        return store.graphs()[0]

    def _target(self, token: Token) -> str | None:
        return None if is_word(token, "DEFAULT") else self._graph(token)

    def _clear(self) -> None:
        """CLEAR and DROP (sections 3.1.5 and 3.2.2). ALL, NAMED and DEFAULT would touch what is read-only."""
        operation, last = self.operation, self.operation.tokens[-1]
        if last.kind == "word" and last.text.upper() in {"ALL", "NAMED", "DEFAULT"}:
            what = f"{operation.keyword} {last.text.upper()}"
            raise Forbidden(f"{what} would touch the default graph, or graphs that are read-only.", hint=NAME_A_GRAPH)
        graph = self._graph(last)
        if not self._missing(graph):
            self.draft.drop(graph)

    def _create(self) -> None:
        """CREATE (section 3.2.1). A graph without triples is not kept."""
        graph = self._graph(self.operation.tokens[-1])
        self.draft.allow([graph])
        if self.draft.has(graph) and not self._is_silent:
            raise InputError(f"The graph <{graph}> is there already.", hint="CREATE SILENT goes on.")

    def _transfer(self) -> None:
        """ADD, MOVE and COPY (sections 3.2.3 to 3.2.5)."""
        named = [token for token in self.operation.tokens[1:] if not _is_filler(token)]
        source, target = (self._target(token) for token in named)
        if source == target or self._missing(source):
            return
        keyword = self.operation.keyword
        self.draft.allow([target, source] if keyword == "MOVE" else [target])
        name = ox.NamedNode(target or "")
        copied = [into(quad, name) for quad in self.draft.store.quads(source)]
        self.draft.change(copied, [] if keyword == "ADD" else list(self.draft.store.quads(target)))
        if keyword == "MOVE":
            self.draft.drop(source)

    def _missing(self, graph: str | None) -> bool:
        """Whether there is no such graph, which SILENT overlooks. Raises InputError otherwise."""
        if self.draft.has(graph):
            return False
        if not self._is_silent:
            raise InputError(f"There is no graph <{graph}>.", hint="SILENT goes on where there is nothing to do.")
        return True

    @property
    def _is_silent(self) -> bool:
        return is_word(self.operation.tokens[1], "SILENT")


def _is_filler(token: Token) -> bool:
    return token.kind == "word" and token.text.upper() in {"SILENT", "GRAPH", "TO"}


def _variables(template: Sequence[ox.Quad]) -> list[str]:
    names = {name_of(term) for quad in template for term in quad}
    return sorted(name.removeprefix(_VARIABLE) for name in names if name.startswith(_VARIABLE))


def _filled(template: Sequence[ox.Quad], bindings: Bindings) -> Iterator[ox.Quad]:
    """The quads of a template for one solution: new blank nodes each time; what would be no RDF is left out."""
    blank: dict[ox.BlankNode, ox.BlankNode] = {}

    def value(term: Term | ox.DefaultGraph) -> Term | ox.DefaultGraph | None:
        if isinstance(term, ox.BlankNode):
            return blank.setdefault(term, ox.BlankNode())
        name = name_of(term)
        return bindings[name.removeprefix(_VARIABLE)] if name.startswith(_VARIABLE) else term

    for quad in template:
        subject, predicate, target, graph = (value(term) for term in quad)
        if (
            isinstance(subject, (ox.NamedNode, ox.BlankNode))
            and isinstance(predicate, ox.NamedNode)
            and target is not None
            and not isinstance(target, ox.DefaultGraph)
            and isinstance(graph, (ox.NamedNode, ox.DefaultGraph))
        ):
            yield ox.Quad(subject, predicate, target, graph)
