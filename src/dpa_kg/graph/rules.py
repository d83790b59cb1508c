"""The rules (SHACL Advanced Features, section 8.2, `sh:SPARQLRule`), run on Oxigraph until nothing new comes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyoxigraph as ox

from dpa_kg.errors import BuildError, QuerySyntaxError
from dpa_kg.graph.merge import add_derived
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.reads import reads
from dpa_kg.namespaces import RDF, SH

ROUNDS = 20  # more than any chain of rules needs; a rule that makes new nodes would never end


@dataclass(frozen=True, order=True)
class Rule:
    """One CONSTRUCT query, with its prefixes. Rules are sorted by `sh:order`."""

    order: float
    iri: str
    text: str


def read(quads: Iterable[ox.Quad]) -> tuple[Rule, ...]:
    """The active rules in the quads of the ontology, in order. All of them know all prefixes that the quads declare.

    Raises BuildError where a rule has no `sh:construct`, or more than one.
    """
    facts: dict[str, dict[str, list[str]]] = {}
    for quad in quads:
        if not isinstance(quad.subject, ox.Triple) and not isinstance(quad.object, ox.Triple):
            facts.setdefault(quad.subject.value, {}).setdefault(quad.predicate.value, []).append(quad.object.value)
    declared = [(of[f"{SH}prefix"][0], of[f"{SH}namespace"][0]) for of in facts.values() if f"{SH}prefix" in of and f"{SH}namespace" in of]
    prefixes = [f"PREFIX {prefix}: <{namespace}>" for prefix, namespace in sorted(declared)]
    rules = []
    for iri, of in facts.items():
        if f"{SH}SPARQLRule" not in of.get(f"{RDF}type", ()) or "true" in of.get(f"{SH}deactivated", ()):
            continue
        texts = of.get(f"{SH}construct", [])
        if len(texts) != 1:
            raise BuildError(f"The rule {iri} must have exactly one sh:construct.")
        rules.append(Rule(float(of.get(f"{SH}order", ["0"])[0]), iri, "\n".join([*prefixes, texts[0]])))
    return tuple(sorted(rules))


def derive(store: OxigraphStore, rules: Iterable[Rule], rounds: int = ROUNDS) -> int:
    """Adds what follows from the default graph to it and to the derived graph. Returns how many triples.

    What is asserted already does not count as derived. After the first round, a rule is run again only if another one has made something
    that it reads. Raises BuildError where a rule does not parse, or where new
    triples still appear after `rounds` rounds.
    """
    known = tuple(rules)
    due, total = list(known), 0
    for _ in range(rounds):
        waiting: set[Rule] = set()
        for rule in due:
            waiting.discard(rule)
            if added := add_derived(store, _triples(store, rule)):
                total += added
                waiting |= _readers(rule, known)
        if not waiting:
            return total
        due = [rule for rule in known if rule in waiting]
    raise BuildError(f"The rules still make new statements after {rounds} rounds: {', '.join(sorted(rule.iri for rule in due))}.")


def _readers(writer: Rule, known: Iterable[Rule]) -> set[Rule]:
    """The rules that may find more in what a rule has made."""
    made = reads(writer.text).writes
    return {rule for rule in known if made & reads(rule.text).predicates or not reads(rule.text).is_bounded}


def _triples(store: OxigraphStore, rule: Rule) -> ox.QueryTriples:
    try:
        result = store.query(rule.text)
    except QuerySyntaxError as error:
        raise BuildError(f"The rule {rule.iri} does not parse: {error.detail}") from error
    if not isinstance(result, ox.QueryTriples):
        raise BuildError(f"The rule {rule.iri} is not a CONSTRUCT query.")
    return result
