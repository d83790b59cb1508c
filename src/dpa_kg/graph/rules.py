"""The rules (SHACL Advanced Features, section 8.2, `sh:SPARQLRule`), run on Oxigraph until nothing new comes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import pyoxigraph as ox

from dpa_kg.errors import BuildError, QuerySyntaxError
from dpa_kg.graph.merge import add_derived, is_stated, load_derived, triples_of
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.reads import reads
from dpa_kg.namespaces import RDF, SH

_TOGETHER = 2  # rules that are asked at the same time: the engine scans for both, and lets Python go meanwhile
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


def derive(store: OxigraphStore, rules: Iterable[Rule], rounds: int = ROUNDS, folder: Path | None = None) -> None:
    """Adds what follows from the default graph to it and to the derived graph; what is asserted already does not count as derived.

    Rules of one order are asked before anything that they make is written. After the first round, a rule is run again only if another
    one has made something that it reads. With a `folder`, results may be large: they lie there while they are loaded, and two rules are
    asked at the same time. Rules that ask what is not there come last, when the others make nothing new. Raises BuildError where a rule
    does not parse, or where new triples still appear after `rounds` rounds.
    """
    for stratum in strata(tuple(rules)):
        _to_rest(store, stratum, rounds, folder)


@lru_cache(maxsize=8)
def strata(rules: tuple[Rule, ...]) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The rules that can only ever add, and those that ask what is not there.

    Raises BuildError where a rule does not parse, or reads or makes what one of the latter makes: then the order would change the result.
    """
    nothing = OxigraphStore.memory()
    for rule in rules:
        _triples(nothing, rule)  # says what is wrong with a text
    negating = tuple(rule for rule in rules if reads(rule.text).negates)
    adding = tuple(rule for rule in rules if rule not in negating)
    for last in negating:
        for rule in rules:
            used = reads(rule.text).predicates | (reads(rule.text).writes if rule in adding else frozenset())
            if common := used & reads(last.text).writes:
                raise BuildError(f"The rule {rule.iri} uses {min(common)}, which {last.iri} makes from what is not there.")
    return adding, negating


def _to_rest(store: OxigraphStore, known: Sequence[Rule], rounds: int, folder: Path | None) -> None:
    """Runs rules until they make nothing new."""
    due = list(known)
    for _ in range(rounds):
        waiting: set[Rule] = set()
        for _, group in groupby(due, key=lambda rule: rule.order):
            together = list(group)
            waiting.difference_update(together)
            for writer in _write_large(store, together, folder) if folder else _write(store, together):
                waiting |= _readers(writer, known)
        if not waiting:
            return
        due = [rule for rule in known if rule in waiting]
    raise BuildError(f"The rules still make new statements after {rounds} rounds: {', '.join(sorted(rule.iri for rule in due))}.")


def _write(store: OxigraphStore, rules: Sequence[Rule]) -> list[Rule]:
    """Writes what the rules make. Returns those that have made something new."""
    made = [(rule, _triples(store, rule)) for rule in rules]  # each sees the store as it is now
    return [rule for rule, triples in made if add_derived(store, triples)]


def _write_large(store: OxigraphStore, rules: Sequence[Rule], folder: Path) -> list[Rule]:
    """The same, by way of files. Where nothing stated has a predicate of the rule yet, its file is loaded as it is."""
    with TemporaryDirectory(dir=folder) as place, ThreadPoolExecutor(_TOGETHER) as threads:
        files = {rule: Path(place) / f"{number}.nt" for number, rule in enumerate(rules)}
        list(threads.map(partial(_ask_into, store), rules, files.values()))  # to the end: what a rule raised is raised here
        fresh = [rule for rule in rules if not any(is_stated(store, predicate) for predicate in reads(rule.text).writes)]
        load_derived(store, [files[rule] for rule in fresh], Path(place) / "whole.nt")
        changed = [rule for rule in fresh if files[rule].stat().st_size]
        return changed + [rule for rule in rules if rule not in fresh and add_derived(store, triples_of(files[rule]))]


def _ask_into(store: OxigraphStore, rule: Rule, file: Path) -> None:
    """Writes what a rule makes, as N-Triples."""
    _triples(store, rule).serialize(file, format=ox.RdfFormat.N_TRIPLES)


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
