"""The few queries that the reader itself asks; their texts lie in `sparql/`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pyoxigraph as ox

from dpa_kg.graph.store import Answer, Store, triples
from dpa_kg.namespaces import DPA
from dpa_kg.query.answers import PassageRef
from dpa_kg.query.template import Template

RdfTerm = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


@dataclass(frozen=True)
class Statement:
    """One triple and the graph that states it."""

    graph: str
    subject: str
    property: str
    value: RdfTerm


@cache
def _template(name: str) -> Template:
    return Template.parse((files("dpa_kg.query") / "sparql" / f"{name}.rq").read_text("utf-8"), name)


def _ask(store: Store, name: str, iris: Collection[str] = ()) -> Answer:
    rows = [(str(ox.NamedNode(iri)),) for iri in iris]
    return store.query(_template(name).render({("entity",): rows} if iris else {}, frozenset()))


def rows(store: Store, name: str, iris: Collection[str] = ()) -> Iterator[ox.QuerySolution]:
    """The solutions of `sparql/NAME.rq`, about `iris` where it has a VALUES row for them."""
    result = _ask(store, name, iris)
    if not isinstance(result, ox.QuerySolutions):
        raise TypeError(f"{name}.rq is not a SELECT query")
    yield from result


def passages(store: Store) -> Iterator[PassageRef]:
    """Every passage of the store."""
    for row in rows(store, "passages"):
        yield PassageRef(
            iri=row["passage"].value,
            source=row["source"].value,
            source_label=row["label"].value if row["label"] else row["source"].value,
            lines=row["lines"].value,
            status=row["status"].value.removeprefix(DPA),
            note=row["note"].value if row["note"] else "",
        )


def evidence(store: Store, entities: Collection[str]) -> Iterator[tuple[str, str]]:
    """(entity, passage) for each passage that states something of the entity."""
    for row in rows(store, "evidence", entities):
        yield row["entity"].value, row["passage"].value


def facts(store: Store, iri: str) -> list[Statement]:
    """What is said of the entity, of the nodes that hang on it, and what links to it; each with the graph that says it."""
    return [Statement(row["graph"].value, row["subject"].value, row["property"].value, row["value"]) for row in rows(store, "facts", [iri])]


def describe(store: Store, iri: str) -> Iterator[ox.Triple]:
    """The triples about the entity, the nodes that hang on it and what links to it."""
    return triples(_ask(store, "describe", [iri]))


def exists(store: Store, iri: str) -> bool:
    """Whether any statement has the entity as its subject."""
    return any(True for _ in rows(store, "subject", [iri]))


def whole_graph(store: Store, iri: str) -> Iterator[ox.Triple]:
    """The triples of one named graph."""
    return triples(store.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }", default_graph=[iri], named_graphs=[]))


def entities_by_noun(store: Store) -> dict[str, int]:
    """How many entities each noun has."""
    return {row["noun"].value: int(row["count"].value) for row in rows(store, "statistics")}
