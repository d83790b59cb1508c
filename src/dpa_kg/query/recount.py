"""The counts of a version, made of its parent's and of what its merge has got and lost: the cost follows the change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import pyoxigraph as ox

from dpa_kg.graph.merge import Difference
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.namespaces import BASE, ID, RDF, expand
from dpa_kg.query.counts import Counts
from dpa_kg.query.internal import rows
from dpa_kg.terms import name_of, noun_of

Key = TypeVar("Key", bound=tuple[str, ...])
Node = ox.NamedNode | ox.BlankNode
Pattern = tuple[Node | ox.Triple | None, ox.NamedNode | None, Node | ox.Literal | ox.Triple | None]
_TYPE = f"{RDF}type"
_SITE = re.compile(r"^([a-z]+://[^/]+/).*$", re.DOTALL)
_LINKS = frozenset(
    expand(name)
    for name in (
        "owl:sameAs", "owl:equivalentClass", "owl:equivalentProperty", "schema:sameAs", "rdfs:seeAlso", "rdfs:subClassOf",
        "rdfs:subPropertyOf", "skos:exactMatch", "skos:closeMatch", "skos:broadMatch", "skos:narrowMatch", "skos:relatedMatch",
    )
)  # fmt: skip


def recount(counts: Counts, version: Version, merged: Difference) -> Counts:
    """The counts of `version`, whose parent has `counts` and differs by `merged` in its default graph."""
    store = OxigraphStore.open_read_only(version.store_path)
    change = _Change(store.engine, merged)
    subjects = change.steps(lambda triple: (triple.subject, None, None))
    return replace(
        counts,
        triples=counts.triples + len(merged.added) - len(merged.removed),
        entities=counts.entities + sum(step for (subject, _, _), step in subjects.items() if name_of(subject).startswith(ID)),
        subjects=counts.subjects + sum(subjects.values()),
        objects=counts.objects + sum(change.steps(lambda triple: (None, None, triple.object)).values()),
        classes=tuple((name, number) for (name,), number in _sums((((name,), n) for name, n in counts.classes), change.tally(_class))),
        properties=_properties(counts, change),
        linksets=tuple((p, t, n) for (p, t), n in _sums((((p, t), n) for p, t, n in counts.linksets), change.tally(_link))),
        examples=_examples(counts, store, merged),
    )


class _Change:
    """A difference of the default graph, and the store as it is after it."""

    def __init__(self, engine: ox.Store, merged: Difference) -> None:
        self._engine = engine
        self._merged = merged

    def steps(self, pattern: Callable[[ox.Triple], Pattern]) -> Counter[Pattern]:
        """For each pattern of a changed triple: 1 where something matches now and nothing did, -1 the other way round, else 0."""
        lost = {pattern(triple) for triple in self._merged.removed}
        found: Counter[Pattern] = Counter()
        for wanted in lost | {pattern(triple) for triple in self._merged.added}:
            is_there = any(True for _ in self._matching(wanted))
            found[wanted] = is_there - (wanted in lost or self._was_there(wanted))
        return found

    def _matching(self, wanted: Pattern) -> Iterator[ox.Quad]:
        subject, predicate, target = wanted
        return self._engine.quads_for_pattern(subject, predicate, target, ox.DefaultGraph())

    def _was_there(self, wanted: Pattern) -> bool:
        return any(quad.triple not in self._merged.added for quad in self._matching(wanted))

    def tally(self, key: Callable[[ox.Triple], Key | None]) -> Counter[Key]:
        """How many triples more, or fewer, have each key; those with none are passed over."""
        found: Counter[Key] = Counter()
        for triples, step in ((self._merged.added, 1), (self._merged.removed, -1)):
            for triple in triples:
                if (counted := key(triple)) is not None:
                    found[counted] += step
        return found


def _sums(before: Iterable[tuple[Key, int]], steps: Counter[Key]) -> list[tuple[Key, int]]:
    """Counts after some steps, sorted by key; what is none any more is left out."""
    found = Counter(dict(before))
    for key, step in steps.items():
        found[key] += step
    return sorted((key, number) for key, number in found.items() if number)


def _class(triple: ox.Triple) -> tuple[str] | None:
    return (triple.object.value,) if triple.predicate.value == _TYPE and isinstance(triple.object, ox.NamedNode) else None


def _link(triple: ox.Triple) -> tuple[str, str] | None:
    """The property and the site of a link to somewhere else, as void-linksets.rq counts them."""
    target = triple.object
    if triple.predicate.value not in _LINKS or not isinstance(target, ox.NamedNode) or target.value.startswith(BASE):
        return None
    is_ours = isinstance(triple.subject, ox.NamedNode) and triple.subject.value.startswith(BASE)
    return (triple.predicate.value, _SITE.sub(r"\1", target.value)) if is_ours else None


def _properties(counts: Counts, change: _Change) -> tuple[tuple[str, int, int, int], ...]:
    found = {name: Counter(triples=triples, subjects=subjects, objects=objects) for name, triples, subjects, objects in counts.properties}
    for (name,), step in change.tally(lambda triple: (triple.predicate.value,)).items():
        found.setdefault(name, Counter())["triples"] += step
    for (_, predicate, _), step in change.steps(lambda triple: (triple.subject, triple.predicate, None)).items():
        found[name_of(predicate)]["subjects"] += step
    for (_, predicate, _), step in change.steps(lambda triple: (None, triple.predicate, triple.object)).items():
        found[name_of(predicate)]["objects"] += step
    return tuple((name, of["triples"], of["subjects"], of["objects"]) for name, of in sorted(found.items()) if of["triples"])


def _examples(counts: Counts, store: OxigraphStore, merged: Difference) -> tuple[str, ...]:
    """The first entity of each noun. Where one of them has lost its types, all are looked up again."""
    typed = {quad.subject.value for quad in merged.removed if quad.predicate.value == _TYPE and isinstance(quad.subject, ox.NamedNode)}
    if typed & set(counts.examples):
        return tuple(row["example"].value for row in rows(store, "void-examples"))
    first = {noun_of(example): example for example in counts.examples}
    for triple in merged.added:
        address = name_of(triple.subject)
        if triple.predicate.value == _TYPE and address.startswith(ID):
            first[noun_of(address)] = min(address, first.get(noun_of(address), address))
    return tuple(example for _, example in sorted(first.items()))
