"""A dossier: what the graph says about one entity, grouped for a reader, each fact with the passages that state it.

The nodes between two entities (participations, memberships, grants) are not shown as such: a fact names what is at their other end and
carries the role, title, amount and period as details.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyoxigraph as ox

from dpa_kg.graph.search import Names
from dpa_kg.namespaces import DERIVED_GRAPH, DPA, GRAPH, ONTOLOGY_GRAPH, PREFIXES, PROVENANCE_GRAPH, RDF, RDFS, REFERENCE_GRAPHS, SKOS
from dpa_kg.query.answers import Dossier, Fact, Group, Name, PassageRef, Suggestion
from dpa_kg.query.internal import RdfTerm, Statement
from dpa_kg.query.naming import Labels
from dpa_kg.terms import binding, noun_of

_ORG, _PROV = PREFIXES["org"], PREFIXES["prov"]
_NODES = frozenset({"participation", "membership", "grant"})
_TYPE = f"{RDF}type"
_NAMES = frozenset(
    {f"{RDFS}label", f"{SKOS}prefLabel", f"{SKOS}altLabel", f"{DPA}variantName", f"{DPA}acronym", f"{DPA}displayName", _TYPE}
)
_DESCRIPTIONS = (f"{PREFIXES['dcterms']}description", f"{SKOS}definition")
# A derived statement that only repeats what a node says is left out; these say something of their own.
_DERIVED_SHOWN = frozenset(f"{DPA}{name}" for name in ("country", "activeFrom", "activeUntil", "outputOf", "hasPart", "hasEdition")) | {
    f"{_ORG}hasSubOrganization"
}
_ENDS = (f"{_PROV}agent", f"{_ORG}member", f"{_ORG}organization", f"{DPA}grantor", f"{DPA}recipient", f"{DPA}funds")
_DETAILS = (
    f"{_PROV}hadRole", f"{DPA}title", f"{DPA}capacity", f"{DPA}statedAmount", f"{DPA}basedIn", f"{DPA}startDate", f"{DPA}endDate",
    f"{DPA}asOf", f"{DPA}awardDate", f"{DPA}duration", f"{DPA}note",
)  # fmt: skip

# What a reader looks for first; the other properties follow by name.
_FIRST = (
    f"{DPA}participation", f"{_PROV}agent", f"{_ORG}member", f"{_ORG}organization", f"{DPA}hasGrant", f"{DPA}grantor", f"{DPA}recipient",
    f"{DPA}funds", f"{DPA}statedAmount", f"{DPA}startDate", f"{DPA}endDate", f"{DPA}dateNote", f"{DPA}projectStatus", f"{DPA}place",
    f"{DPA}country", f"{DPA}theme", f"{DPA}output", f"{DPA}expectedOutput", f"{DPA}series", f"{DPA}partOf", f"{DPA}hasEdition",
    f"{DPA}hasPart",
)  # fmt: skip
_RANK = {prop: rank for rank, prop in enumerate(_FIRST)}


@dataclass
class _Node:
    """A participation, membership or grant: its values by property, and the passages that state any of them."""

    values: dict[str, list[RdfTerm]] = field(default_factory=lambda: defaultdict(list))
    graphs: set[str] = field(default_factory=set)
    holders: list[str] = field(default_factory=list)  # what it hangs on by dpa:participation or dpa:hasGrant


def compose(
    iri: str, facts: Sequence[Statement], *, names: Names, labels: Labels, passages: Mapping[str, PassageRef], version: int
) -> Dossier:
    """The dossier of the entity from its facts (see internal.facts)."""
    own = [fact for fact in facts if fact.subject == iri]
    groups = _groups(iri, facts, labels, passages)
    types = sorted({fact.value.value for fact in own if fact.property == _TYPE and isinstance(fact.value, ox.NamedNode)})
    graphs = {fact.graph for fact in own}
    return Dossier(
        iri=iri,
        noun=noun_of(iri),
        types=[Suggestion(labels.of(kind), kind) for kind in types],
        label=labels.of(iri),
        description=_description(own, labels.language),
        names=[Name(row.text, row.language, row.kind) for row in names.names_of(iri)],
        groups=groups,
        passages=_passages(graphs, passages),
        version=version,
    )


def _description(own: Iterable[Statement], language: str) -> str:
    texts = [fact.value for fact in own if fact.property in _DESCRIPTIONS and isinstance(fact.value, ox.Literal)]
    texts.sort(key=lambda text: (text.language != language, text.language != "en", text.value))
    return " ".join(dict.fromkeys(text.value for text in texts if text.language == texts[0].language))


def _groups(iri: str, facts: Sequence[Statement], labels: Labels, passages: Mapping[str, PassageRef]) -> list[Group]:
    nodes = _nodes(facts)
    stated: dict[tuple[str, str], dict[RdfTerm, set[str]]] = defaultdict(lambda: defaultdict(set))
    through: dict[str, list[str]] = defaultdict(list)
    for fact in facts:
        if fact.graph == DERIVED_GRAPH and fact.property not in _DERIVED_SHOWN:
            continue
        if fact.subject == iri:
            if fact.property in _NAMES or fact.property in _DESCRIPTIONS:
                continue
            if isinstance(fact.value, ox.NamedNode) and fact.value.value in nodes:
                through[fact.property].append(fact.value.value)
            else:
                stated[fact.property, "out"][fact.value].add(fact.graph)
        elif noun_of(fact.subject) in _NODES and fact.property in _ENDS and _is(fact.value, iri):
            through[fact.property].append(fact.subject)
        elif _is(fact.value, iri) and fact.graph != DERIVED_GRAPH and noun_of(fact.subject) not in _NODES - {"grant"}:
            stated[fact.property, "in"][ox.NamedNode(fact.subject)].add(fact.graph)
    groups = [
        Group(prop, labels.of(prop), "out", [fact for node in sorted(set(subjects)) for fact in _ends(iri, nodes[node], labels, passages)])
        for prop, subjects in through.items()
    ]
    groups += [
        Group(prop, labels.of(prop), direction, [_fact(value, labels, _passages(graphs, passages)) for value, graphs in values.items()])
        for (prop, direction), values in stated.items()
    ]
    ordered = sorted(groups, key=_group_order)
    return [Group(group.property, group.label[:1].upper() + group.label[1:], group.direction, _sorted(group.facts)) for group in ordered]


def _group_order(group: Group) -> tuple[bool, int, str]:
    return group.direction == "in", _RANK.get(group.property, len(_RANK)), group.label.casefold()


def _sorted(facts: Iterable[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda fact: (fact.details[:1], fact.label.casefold(), fact.details))


def _is(value: RdfTerm, iri: str) -> bool:
    return isinstance(value, ox.NamedNode) and value.value == iri


def _nodes(facts: Iterable[Statement]) -> dict[str, _Node]:
    nodes: dict[str, _Node] = defaultdict(_Node)
    for fact in facts:
        if noun_of(fact.subject) not in _NODES:
            continue
        node = nodes[fact.subject]
        if fact.graph == DERIVED_GRAPH:
            if fact.property == f"{DPA}participationIn" and isinstance(fact.value, ox.NamedNode):
                node.holders.append(fact.value.value)
            continue
        if fact.value not in node.values[fact.property]:
            node.values[fact.property].append(fact.value)
        node.graphs.add(fact.graph)
    return nodes


def _ends(iri: str, node: _Node, labels: Labels, passages: Mapping[str, PassageRef]) -> list[Fact]:
    """One fact for each entity at another end of the node, with its details."""
    ends = [value.value for prop in _ENDS for value in node.values.get(prop, ()) if isinstance(value, ox.NamedNode)]
    others = [end for end in dict.fromkeys([*node.holders, *ends]) if end != iri] or [iri]
    details = [labels.text(value) for prop in _DETAILS for value in sorted(node.values.get(prop, ()), key=str)]
    refs = _passages(node.graphs, passages)
    return [_fact(ox.NamedNode(other), labels, refs, details) for other in others]


def _fact(value: RdfTerm, labels: Labels, refs: Sequence[PassageRef], details: Sequence[str] = ()) -> Fact:
    iri = value.value if isinstance(value, ox.NamedNode) else ""
    return Fact(binding(value), labels.text(value), iri, noun_of(iri), tuple(details), refs)


def _passages(graphs: Iterable[str], passages: Mapping[str, PassageRef]) -> list[PassageRef]:
    """The passages among the graphs; a reference graph or a user's graph is named as a source of its own."""
    refs = [passages.get(graph) or _other(graph) for graph in graphs if graph not in {DERIVED_GRAPH, ONTOLOGY_GRAPH, PROVENANCE_GRAPH}]
    return sorted(refs, key=lambda ref: (ref.source, _first_line(ref.lines), ref.lines))


def _other(graph: str) -> PassageRef:
    name = graph.removeprefix(REFERENCE_GRAPHS if graph.startswith(REFERENCE_GRAPHS) else GRAPH)
    status = "reference" if graph.startswith(REFERENCE_GRAPHS) else "submitted"
    return PassageRef(graph, graph, name, "", status)


def _first_line(lines: str) -> int:
    return int(lines.split(",", maxsplit=1)[0].split("-", maxsplit=1)[0]) if lines else 0
