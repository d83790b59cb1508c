"""The SHACL part of the gate: pySHACL, the referee, on graphs in memory.

An Oxigraph-backed rdflib graph must never be handed to pySHACL (`sh:in` on plain strings gives false violations), so the
quads travel as N-Triples. rdflib and pySHACL take half a second to import; only a build pays for that.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyoxigraph as ox

from dpa_kg.errors import BuildError
from dpa_kg.graph.report import Severity
from dpa_kg.namespaces import RDF, SH
from dpa_kg.terms import name_of

if TYPE_CHECKING:
    import rdflib
    from rdflib.term import Node

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple

_SEVERITIES: dict[str, Severity] = {"Violation": "violation", "Warning": "warning", "Info": "info"}
_ALTERNATIVES = ("class", "datatype", "nodeKind", "node", "hasValue", "in", "languageIn")
_PATHS = {"inversePath": "^{}", "zeroOrMorePath": "({})*", "oneOrMorePath": "({})+", "zeroOrOnePath": "({})?"}


@dataclass(frozen=True)
class Result:
    """One validation result (SHACL section 3.6.2), as plain values.

    `component` is the local name without `ConstraintComponent`; `allowed` holds the values of the component's parameter;
    `texts` are the shape's own messages by language, and `plain` what pySHACL made of them.
    """

    severity: Severity
    focus: Term
    path: str | None
    value: Term | None
    component: str
    shape: str
    allowed: tuple[Term, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    plain: tuple[str, ...] = field(default=(), compare=False)


def validate(data: Iterable[ox.Triple], shapes: Iterable[ox.Triple], focus: Collection[str] | None = None) -> list[Result]:
    """Validates `data` against `shapes`; gives only the results about nodes in `focus` when it is given.

    All nodes are validated in any case: pySHACL 0.40 passes its option `focus_nodes` on to nested shapes, and then misses literals below
    `sh:or`, `sh:and` and `sh:not`. Raises BuildError where pySHACL cannot work with the shapes.
    """
    if focus is not None and not focus:
        return []
    import pyshacl  # noqa: PLC0415 (see above)
    from pyshacl.errors import ReportableRuntimeError, ShapeLoadError  # noqa: PLC0415

    logging.getLogger("rdflib.term").setLevel(logging.ERROR)
    shape_graph = _rdflib(shapes)
    try:
        _, report, _ = pyshacl.validate(
            _rdflib(data, _Same()), shacl_graph=shape_graph, ont_graph=None, inference="none", advanced=True, inplace=True,
            do_owl_imports=False,
        )  # fmt: skip
    except (ReportableRuntimeError, ShapeLoadError) as error:
        raise BuildError(f"The shapes cannot be used: {error.args[0] if error.args else error}") from error
    results = _Reader(report, shape_graph).results()
    return [result for result in results if focus is None or name_of(result.focus) in focus]


class _Same(dict[str, str]):
    """Blank nodes keep their labels while rdflib reads, so that a result can be told to be about one of them."""

    def get(self, label: str, default: object = None) -> str:
        return label


def _rdflib(triples: Iterable[ox.Triple], blank_nodes: dict[str, str] | None = None) -> rdflib.Graph:
    import rdflib  # noqa: PLC0415 (see above)

    lines = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    return rdflib.Graph().parse(data=lines, format="nt", bnode_context={} if blank_nodes is None else blank_nodes)


class _Reader:
    """Reads a validation report. It copies the blank nodes of the shapes, so parameters are looked up in both graphs."""

    def __init__(self, report: rdflib.Graph, shapes: rdflib.Graph) -> None:
        from rdflib import SH as sh  # noqa: PLC0415, N811 (see above; a namespace is no constant here)

        self.report, self.shapes, self.sh = report, shapes, sh

    def results(self) -> Iterator[Result]:
        for report in self.report.subjects(self.sh.conforms):
            for result in self.report.objects(report, self.sh.result):
                yield from self._of(result, _SEVERITIES["Violation"])

    def _of(self, node: Node, severity: Severity, *, nested: bool = False) -> Iterator[Result]:
        get = self.report.value
        component = str(get(node, self.sh.sourceConstraintComponent)).removeprefix(SH).removesuffix("ConstraintComponent")
        own = str(get(node, self.sh.resultSeverity)).removeprefix(SH)
        severity = severity if nested else _SEVERITIES.get(own, severity)
        details = list(self.report.objects(node, self.sh.detail))
        texts = self._texts(node)
        if component == "Node" and details and not texts:  # what is wrong inside says more than that something is
            for detail in details:
                yield from self._of(detail, severity, nested=True)
            return
        shape = get(node, self.sh.sourceShape)
        path = get(node, self.sh.resultPath)
        focus = _term(get(node, self.sh.focusNode))
        if focus is None:
            return
        yield Result(
            severity, focus, self._path(path) if path is not None else None, _term(get(node, self.sh.value)), component,
            str(shape), tuple(self._allowed(shape, component)), texts,
            tuple(sorted(str(text) for text in self.report.objects(node, self.sh.resultMessage))),
        )  # fmt: skip

    def _texts(self, node: Node) -> tuple[tuple[str, str], ...]:
        """The messages of the SPARQL constraint, or else of the shape, by language."""
        for owner in (self.sh.sourceConstraint, self.sh.sourceShape):
            texts = self._objects(self.report.value(node, owner), "message")
            if found := sorted((getattr(text, "language", None) or "en", str(text)) for text in texts):
                return tuple(found)
        return ()

    def _objects(self, node: Node | None, name: str) -> list[Node]:
        """The values of a SHACL property of a shape, lists flattened."""
        found: list[Node] = []
        for graph in (self.shapes, self.report):
            for value in graph.objects(node, _iri(name)) if node is not None else ():
                items = list(graph.items(value))
                found += [item for item in items or [value] if item not in found]
            if found:
                break
        return found

    def _allowed(self, shape: Node | None, component: str) -> Iterator[Term]:
        parameter = f"{component[:1].lower()}{component[1:]}"
        for value in self._objects(shape, parameter):
            logical = component in ("Or", "Xone", "And", "Not")
            inner = [term for name in _ALTERNATIVES for term in self._objects(value, name)] if logical else []
            for term in inner or [value]:
                if (converted := _term(term)) is not None:
                    yield converted

    def _path(self, node: Node) -> str:
        """A SHACL path (section 2.3.1) as a SPARQL property path with full IRIs."""
        from rdflib import BNode  # noqa: PLC0415 (see above)

        if not isinstance(node, BNode):
            return f"<{node}>"
        if self.report.value(node, _iri("first", RDF)) is not None:
            return "/".join(self._path(item) for item in self.report.items(node))
        for name, form in _PATHS.items():
            if (inner := self.report.value(node, _iri(name))) is not None:
                return form.format(self._path(inner))
        alternatives = self.report.value(node, self.sh.alternativePath)
        return "|".join(self._path(item) for item in self.report.items(alternatives)) if alternatives is not None else "?"


def _iri(name: str, namespace: str = SH) -> Node:
    from rdflib import URIRef  # noqa: PLC0415 (see above)

    return URIRef(namespace + name)


def _term(node: Node | None) -> Term | None:
    from rdflib import BNode, Literal, URIRef  # noqa: PLC0415 (see above)

    if isinstance(node, URIRef):
        return ox.NamedNode(str(node))
    if isinstance(node, BNode):
        return ox.BlankNode(re.sub(r"\W", "", str(node)) or None)
    if isinstance(node, Literal):
        if node.language:
            return ox.Literal(str(node), language=node.language)
        return ox.Literal(str(node), datatype=ox.NamedNode(str(node.datatype))) if node.datatype else ox.Literal(str(node))
    return None
