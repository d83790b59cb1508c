"""SPARQL property paths, as the gate's reports have them, as SHACL paths (SHACL, section 2.3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import pyoxigraph as ox

from dpa_kg.namespaces import RDF, SH

Term = ox.NamedNode | ox.BlankNode | ox.Literal
Triples = list[ox.Triple]
_TOKENS: Final = re.compile(r"<[^>]*>|[()^|/*+?]")
_SUFFIXES: Final = {"*": "zeroOrMorePath", "+": "oneOrMorePath", "?": "zeroOrOnePath"}
_NIL: Final = ox.NamedNode(f"{RDF}nil")


def path_node(path: str, triples: Triples) -> ox.NamedNode | ox.BlankNode:
    """The node of a path; what a path that is no property needs is added to `triples`."""
    return _Parser(_TOKENS.findall(path), triples).alternatives()


class _Parser:
    """Recursive descent over the four levels of precedence (SPARQL 1.1, section 9.1)."""

    def __init__(self, tokens: list[str], triples: Triples) -> None:
        self._tokens = tokens
        self._triples = triples

    def alternatives(self) -> ox.NamedNode | ox.BlankNode:
        members = self._members("|", self._sequence)
        return members[0] if len(members) == 1 else self._new("alternativePath", self._list(members))

    def _sequence(self) -> ox.NamedNode | ox.BlankNode:
        members = self._members("/", self._step)
        return members[0] if len(members) == 1 else self._list(members)

    def _members(self, sign: str, read: Callable[[], ox.NamedNode | ox.BlankNode]) -> list[ox.NamedNode | ox.BlankNode]:
        members = [read()]
        while self._next() == sign:
            self._tokens.pop(0)
            members.append(read())
        return members

    def _step(self) -> ox.NamedNode | ox.BlankNode:
        if self._next() == "^":
            self._tokens.pop(0)
            return self._new("inversePath", self._step())
        node = self._primary()
        while (sign := self._next()) in _SUFFIXES:
            self._tokens.pop(0)
            node = self._new(_SUFFIXES[sign], node)
        return node

    def _primary(self) -> ox.NamedNode | ox.BlankNode:
        first = self._tokens.pop(0)
        if first != "(":
            return ox.NamedNode(first[1:-1])
        node = self.alternatives()
        self._tokens.pop(0)  # the bracket that closes
        return node

    def _next(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _new(self, name: str, value: ox.NamedNode | ox.BlankNode) -> ox.BlankNode:
        node = ox.BlankNode()
        self._triples.append(ox.Triple(node, ox.NamedNode(SH + name), value))
        return node

    def _list(self, members: list[ox.NamedNode | ox.BlankNode]) -> ox.NamedNode | ox.BlankNode:
        head: ox.NamedNode | ox.BlankNode = _NIL
        for member in reversed(members):
            node = ox.BlankNode()
            self._triples.append(ox.Triple(node, ox.NamedNode(f"{RDF}first"), member))
            self._triples.append(ox.Triple(node, ox.NamedNode(f"{RDF}rest"), head))
            head = node
        return head
