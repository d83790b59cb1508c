"""The gate: shapes and checks over one store, and a report that speaks to the person who wrote the data."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.graph import nearest
from dpa_kg.graph.affected import Affected, Sight
from dpa_kg.graph.checks import Check, Row
from dpa_kg.graph.checks import read as read_checks
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.report import Finding, Mention
from dpa_kg.graph.shapes import Result, Term, validate
from dpa_kg.graph.wording import Wording, fill
from dpa_kg.namespaces import DERIVED_GRAPH, DPA, ID, ONTOLOGY_GRAPH, PROVENANCE_GRAPH
from dpa_kg.terms import binding, name_of

_VOCABULARY = "vocabulary.ttl"
_BATCH = 2000  # nodes that pySHACL sees at a time
_PLACEHOLDER = re.compile(r"\{[?$](\w+)\}")  # SHACL section 5.3.2

Pattern = tuple[ox.NamedNode | ox.BlankNode | None, ox.NamedNode | None, Term | None]
FilesOf = Callable[[str, str], Sequence[str]]  # graph and node -> the files that write this graph and mention the node


@dataclass(frozen=True)
class Gate:
    """What the data must meet: shapes for the data, shapes for the ontology itself, and checks."""

    shapes: tuple[ox.Quad, ...]
    vocabulary: tuple[ox.Quad, ...]
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, shapes: Iterable[ox.Quad], vocabulary: Iterable[ox.Quad], checks: Path) -> Gate:
        """A gate from quads of shapes and a folder of checks. Raises BuildError where a check is broken."""
        return cls(tuple(shapes), tuple(vocabulary), read_checks(checks))

    @classmethod
    def of_files(cls, shapes: Mapping[str, Iterable[ox.Quad]], checks: Path) -> Gate:
        """A gate from the quads of each file of shapes, by its name; those of `vocabulary.ttl` are for the ontology."""
        own = (quad for name, quads in shapes.items() if name != _VOCABULARY for quad in quads)
        return cls.of(own, shapes.get(_VOCABULARY, ()), checks)

    def validate(self, store: OxigraphStore, files_of: FilesOf, focus: Collection[str] | None = None) -> list[Finding]:
        """What the shapes find in a merged and derived store; with `focus`, about these nodes only.

        Raises BuildError where pySHACL cannot use the shapes.
        """
        writer = _Writer(store, Wording(store), files_of)
        results = validate(_data(store), _triples(self.shapes), focus)
        if focus is None and self.vocabulary:
            results += validate(_triples(store.quads(ONTOLOGY_GRAPH)), _triples(self.vocabulary))
        return [writer.result(result) for result in results]

    def check(self, store: OxigraphStore, files_of: FilesOf, focus: Collection[str] | None = None) -> list[Finding]:
        """What the checks find; with `focus`, the rows that have one of these nodes or graphs.

        Raises BuildError where a check is no SELECT query with `?focus`.
        """
        writer = _Writer(store, Wording(store), files_of)
        rows = ((check, row) for check in self.checks for row in check.run(store))
        return [writer.row(check, row) for check, row in rows if focus is None or _concerns(row, focus)]

    @cached_property
    def sight(self) -> Sight:
        """How far the shapes look from a node."""
        return Sight.of(self.shapes)

    def around(self, store: OxigraphStore, affected: Affected) -> list[Finding]:
        """What shapes and checks find about the nodes that a change affects; the rest of the store is not looked at.

        Checks begin with IRIs. Where blank nodes are affected, they look at everything. Raises BuildError, as `validate` and `check`.
        """
        writer = _Writer(store, Wording(store), lambda _graph, _node: ())
        findings = []
        nodes = sorted(affected.nodes, key=str)
        for batch in (nodes[first : first + _BATCH] for first in range(0, len(nodes), _BATCH)):
            seen = self.sight.view(store, batch, (ox.DefaultGraph(), ox.NamedNode(PROVENANCE_GRAPH)))
            findings += [writer.result(result) for result in validate(seen, _triples(self.shapes), {node.value for node in batch})]
        everywhere = any(isinstance(node, ox.BlankNode) for node in affected.nodes)
        for check in self.checks:
            rows = check.run(store) if everywhere else check.run_around(store, affected.names)
            findings += [writer.row(check, row) for row in rows if _concerns(row, affected.all)]
        return findings


def spoken_of(quads: Iterable[ox.Quad], store: OxigraphStore) -> set[str]:
    """What quads speak about: subjects, properties, graphs, and objects that nothing in the store describes."""
    found: set[str] = set()
    for quad in quads:
        found |= {name_of(term) for term in (quad.subject, quad.predicate, quad.graph_name)}
        if (target := name_of(quad.object)) and not nearest.has_type(store, target):
            found.add(target)
    return found


def _triples(quads: Iterable[ox.Quad]) -> Iterator[ox.Triple]:
    return (quad.triple for quad in quads)


def _data(store: OxigraphStore) -> Iterator[ox.Triple]:
    """What the shapes speak about: the merge, and what is said of the passages."""
    yield from _triples(store.quads())
    yield from _triples(store.quads(PROVENANCE_GRAPH))


def _concerns(row: Row, focus: Collection[str]) -> bool:
    return any(name_of(term) in focus for term in row.values())


@dataclass(frozen=True)
class _Writer:
    """Writes findings about one store."""

    store: OxigraphStore
    wording: Wording
    files_of: FilesOf

    def result(self, result: Result) -> Finding:
        """A result of SHACL as a finding."""
        messages = self._own_words(result) or self.wording.message(result, self._meant(result))
        focus = name_of(result.focus) or str(result.focus)
        value = binding(result.value) if result.value is not None and result.value != result.focus else None
        mentions = self.mentions(focus, result.path, result.value)
        return Finding(result.severity, focus, result.shape, messages, result.path, value, mentions, result.component)

    def row(self, check: Check, row: Row) -> Finding:
        """A row of a check as a finding. A column `passage` says which graph is meant."""
        passage, focus = row.get("passage"), row["focus"]
        name = name_of(focus) or str(focus)
        mentions = (self._mention(passage.value, name),) if isinstance(passage, ox.NamedNode) else self.mentions(name)
        messages = {
            language: fill(text, {variable: self.wording.show(term, language) for variable, term in row.items()})
            + self.wording.suggestion(self._misspelt(focus), language)
            for language, text in check.message.items()
        }
        value = row.get("value")
        return Finding(check.severity, name, check.name, messages, None, binding(value) if value else None, mentions)

    def _own_words(self, result: Result) -> dict[str, str]:
        """The messages that the shape brings, with `{$this}`, `{?value}` and `{?path}` filled in; the node goes before them."""
        messages = {}
        for language, text in result.texts:
            this = self.wording.show(result.focus, language)
            path = self.wording.show_path(result.path or "", language)
            shown = {"this": this, "value": self.wording.show(result.value, language), "path": path, "PATH": path}
            filled = _PLACEHOLDER.sub(lambda match, shown=shown: shown.get(match[1], match[0]), text)  # type: ignore[misc]
            if _PLACEHOLDER.search(filled):  # a variable of the query, which only pySHACL has seen
                filled = next((plain for plain in result.plain if _fits(plain, text)), filled)
            messages[language] = filled if _names_node(text) else f"{this}: {filled}"
        return messages

    def _meant(self, result: Result) -> list[str]:
        """The nearest of what is allowed, where the value is not."""
        wanted = result.value
        if result.component == "In" and wanted is not None:
            return nearest.nearest(_text(wanted), [_text(term) for term in result.allowed])
        if result.component == "Class" and isinstance(wanted, ox.NamedNode) and not nearest.has_type(self.store, wanted.value):
            instances = [iri for term in result.allowed for iri in nearest.of_class(self.store, name_of(term))]
            return nearest.nearest(wanted.value, instances)
        return self._misspelt(wanted) if result.component in ("Node", "HasValue") else []

    def _misspelt(self, term: Term | None) -> list[str]:
        """Names in the same namespace like that of a node which nothing describes."""
        if not isinstance(term, ox.NamedNode) or not term.value.startswith((ID, DPA)) or nearest.has_type(self.store, term.value):
            return []
        return nearest.nearest(term.value, nearest.siblings(self.store, term.value))

    def mentions(self, node: str, path: str | None = None, value: Term | None = None) -> tuple[Mention, ...]:
        """The graphs to look at: those that state the value, or else describe the node, or else point at it."""
        engine = self.store.engine
        subject = ox.NamedNode(node) if ":" in node else ox.BlankNode(node)
        if isinstance(subject, ox.NamedNode) and engine.contains_named_graph(subject):
            return (self._mention(node, node),)
        predicate = ox.NamedNode(path[1:-1]) if path and re.fullmatch(r"<[^>]*>", path) else None
        patterns: list[Pattern] = [(subject, None, None), (None, None, subject)]
        if predicate is not None:
            patterns = [(subject, predicate, value), (subject, predicate, None), *patterns]
        for pattern in patterns:
            if graphs := {name_of(quad.graph_name) for quad in engine.quads_for_pattern(*pattern)} - {"", DERIVED_GRAPH}:
                return tuple(self._mention(graph, node) for graph in sorted(graphs))
        return ()

    def _mention(self, graph: str, node: str) -> Mention:
        return Mention(graph, tuple(self.files_of(graph, node)))


def _text(term: Term) -> str:
    return term.value if isinstance(term, (ox.NamedNode, ox.Literal)) else str(term)


def _names_node(template: str) -> bool:
    return any(match[1] == "this" for match in _PLACEHOLDER.finditer(template))


def _fits(plain: str, template: str) -> bool:
    """Whether pySHACL may have made the text from the template (it drops the language tags when it fills one in)."""
    pieces = (re.escape(piece) for piece in _PLACEHOLDER.sub("\0", template).split("\0"))
    return re.fullmatch(".*".join(pieces), plain, re.DOTALL) is not None
