"""The rules, by example: for each a small input and everything that it derives from that, and nothing else."""

import calendar
import re
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from dpa_kg.errors import BuildError
from dpa_kg.graph import merge, rules
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.rules import Rule
from dpa_kg.namespaces import DERIVED_GRAPH, DPA, RDFS, XSD

ROOT = Path(__file__).parents[1]
EXAMPLES = Path(__file__).parent / "rules"
NAMES = sorted(path.name for path in EXAMPLES.iterdir())
LANGUAGES = {"en", "es", "fr", "pt"}


@cache
def ontology() -> tuple[ox.Quad, ...]:
    return tuple(quad for path in sorted((ROOT / "ontology").glob("*.ttl")) for quad in ox.parse(path=str(path)))


@cache
def all_rules() -> dict[str, Rule]:
    return {rule.iri.rsplit("/", 1)[1]: rule for rule in rules.read(ontology())}


def merged(quads: list[ox.Quad]) -> OxigraphStore:
    store = OxigraphStore.memory()
    merge.change(store, quads)
    return store


def derived(store: OxigraphStore) -> set[str]:
    return {str(quad.triple) for quad in store.quads(DERIVED_GRAPH)}


def constructed(rule: Rule) -> set[str]:
    """The properties in the template of a rule, as prefixed names."""
    template = rule.text[rule.text.index("CONSTRUCT") : rule.text.index("WHERE")]
    return set(re.findall(r"\?\w+ ([\w-]+:\w+|a) \?", template))


@pytest.mark.parametrize("name", NAMES)
def test_rule_derives_what_is_expected_and_nothing_else(name: str) -> None:
    store = merged(list(ox.parse(path=str(EXAMPLES / name / "input.trig"))))
    rules.derive(store, [all_rules()[name]])
    expected = {str(quad.triple) for quad in ox.parse(path=str(EXAMPLES / name / "expected.ttl"))}
    assert derived(store) == expected
    assert expected


def test_each_rule_has_an_example() -> None:
    assert set(all_rules()) == set(NAMES)
    assert len(NAMES) >= 28


def test_rules_reach_the_same_end_in_any_order() -> None:
    """What a rule counts or takes the least of is asserted only, so order and rounds do not matter."""
    quads = [quad for name in NAMES for quad in ox.parse(path=str(EXAMPLES / name / "input.trig"))]
    forwards, backwards = merged(quads), merged(quads)
    rules.derive(forwards, all_rules().values())
    rules.derive(backwards, reversed(all_rules().values()))
    assert derived(forwards) == derived(backwards)
    before = len(forwards.engine)
    rules.derive(forwards, all_rules().values())
    assert len(forwards.engine) == before


def test_rules_that_ask_what_is_not_there_come_last_whatever_their_order() -> None:
    store = merged(list(ox.parse("<urn:a> <urn:given> <urn:b> ; a <urn:Thing> . <urn:c> a <urn:Thing> .", ox.RdfFormat.TURTLE)))
    missing = "CONSTRUCT { ?x <urn:lacks> <urn:made> } WHERE { ?x a <urn:Thing> FILTER NOT EXISTS { ?x <urn:made> ?y } }"
    absent = Rule(1, "urn:absent", missing)
    made = Rule(2, "urn:made", "CONSTRUCT { ?x <urn:made> ?y } WHERE { ?x <urn:given> ?y }")
    rules.derive(store, [absent, made])
    assert derived(store) == {"<urn:a> <urn:made> <urn:b>", "<urn:c> <urn:lacks> <urn:made>"}
    loop = Rule(3, "urn:loop", "CONSTRUCT { ?x <urn:made> <urn:d> } WHERE { ?x <urn:lacks> ?y }")
    with pytest.raises(BuildError, match="urn:loop uses urn:lacks"):
        rules.derive(store, [absent, made, loop])


def test_everything_named_has_one_display_name() -> None:
    quads = [quad for name in NAMES for quad in ox.parse(path=str(EXAMPLES / name / "input.trig"))]
    store = merged(quads)
    rules.derive(store, all_rules().values())
    named = {quad.subject for quad in store.engine.quads_for_pattern(None, ox.NamedNode(f"{RDFS}label"), None, ox.DefaultGraph())}
    names = [quad.subject for quad in store.engine.quads_for_pattern(None, ox.NamedNode(f"{DPA}displayName"), None, ox.DefaultGraph())]
    assert len(names) == len(set(names)) == len(named) > 0


def test_a_month_ends_on_its_last_day() -> None:
    """Every month of two centuries, leap years and 1900 too, against the calendar of Python."""
    months = [(year, month) for year in range(1900, 2101) for month in range(1, 13)]
    end, month_type, graph = ox.NamedNode(f"{DPA}endDate"), ox.NamedNode(f"{XSD}gYearMonth"), ox.NamedNode("urn:g")
    stated = {f"urn:m:{y}-{m:02}": ox.Literal(f"{y}-{m:02}", datatype=month_type) for y, m in months}
    store = merged([ox.Quad(ox.NamedNode(iri), end, month, graph) for iri, month in stated.items()])
    rules.derive(store, [all_rules()["activeUntil"]])
    found = {quad.subject.value: quad.object.value for quad in store.quads(DERIVED_GRAPH)}  # type: ignore[union-attr]
    assert found == {f"urn:m:{y}-{m:02}": f"{y}-{m:02}-{calendar.monthrange(y, m)[1]}" for y, m in months}


@pytest.mark.parametrize("name", NAMES)
def test_rule_is_a_standalone_query_with_a_label_and_a_comment(name: str) -> None:
    rule = all_rules()[name]
    assert "$this" not in rule.text
    about = [quad for quad in ontology() if quad.subject == ox.NamedNode(rule.iri)]
    labels = [quad.object.language for quad in about if quad.predicate.value == f"{RDFS}label" and isinstance(quad.object, ox.Literal)]
    assert sorted(filter(None, labels)) == sorted(LANGUAGES)
    assert any(quad.predicate.value == f"{RDFS}comment" for quad in about)


@pytest.mark.parametrize("name", NAMES)
def test_rule_derives_terms_of_the_ontology(name: str) -> None:
    defined = {quad.subject.value for quad in ontology() if quad.predicate.value == f"{RDFS}isDefinedBy"}  # type: ignore[union-attr]
    terms = {f"{DPA}{property.removeprefix('dpa:')}" for property in constructed(all_rules()[name]) if property.startswith("dpa:")}
    assert terms <= defined
    assert constructed(all_rules()[name])


def test_rules_that_aggregate_read_nothing_that_another_rule_writes() -> None:
    """But for rdfs:label, which repeats the skos:prefLabel that is read beside it."""
    written = {property for rule in all_rules().values() for property in constructed(rule)} - {"a", "rdfs:label"}
    aggregating = [rule for rule in all_rules().values() if "GROUP BY" in rule.text]
    for rule in aggregating:
        assert not written & set(re.findall(r"[\w-]+:\w+", rule.text[rule.text.index("WHERE") :])), rule.iri
    assert len(aggregating) >= 5


def test_superclasses_that_count_stand_in_the_ontology() -> None:
    """The rule for types would do nothing without them."""
    broader = {(quad.subject, quad.object) for quad in ontology() if quad.predicate.value == f"{RDFS}subClassOf"}
    assert (ox.NamedNode(f"{DPA}Project"), ox.NamedNode(f"{DPA}Undertaking")) in broader


def test_large_results_go_by_way_of_files_and_come_to_the_same(tmp_path: Path) -> None:
    """What is asserted already, by a predicate that a rule makes too, is not derived either way."""
    quads = [quad for name in NAMES for quad in ox.parse(path=str(EXAMPLES / name / "input.trig"))]
    known = ox.parse(
        "<https://e.org/a> a <https://w3id.org/dpa-kg/ontology#Project>, <http://www.w3.org/ns/prov#Activity> .", ox.RdfFormat.TURTLE
    )
    quads += [ox.Quad(quad.subject, quad.predicate, quad.object, ox.NamedNode("https://e.org/graph")) for quad in known]
    small, large = merged(quads), merged(quads)
    rules.derive(small, all_rules().values())
    rules.derive(large, all_rules().values(), folder=tmp_path)
    assert set(large.engine) == set(small.engine)
    assert derived(large)
    assert not list(tmp_path.iterdir())
