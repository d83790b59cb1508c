"""The checks, by example: each finds what its invalid example says, and nothing in its valid one."""

import re
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from dpa_kg.graph import checks, merge, rules
from dpa_kg.graph.checks import Check
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.namespaces import ONTOLOGY_GRAPH, PREFIXES, RDF, RDFS, SKOS

ROOT = Path(__file__).parents[1]
EXAMPLES = Path(__file__).parent / "checks"
CHECKS = {check.name: check for check in checks.read(ROOT / "shapes" / "checks")}


# what the checks need of the ontology, in a tenth of the time that all its texts take
STRUCTURE = {f"{RDF}type", f"{RDFS}subClassOf", f"{RDFS}isDefinedBy", f"{SKOS}broader"}


@cache
def ontology() -> tuple[ox.Quad, ...]:
    graph = ox.NamedNode(ONTOLOGY_GRAPH)
    quads = [quad for path in sorted((ROOT / "ontology").glob("*.ttl")) for quad in ox.parse(path=str(path))]
    return tuple(ox.Quad(quad.subject, quad.predicate, quad.object, graph) for quad in quads)


@cache
def all_rules() -> tuple[rules.Rule, ...]:
    return rules.read(ontology())


def found(name: str, example: Path) -> set[str]:
    """The focus nodes of a check in an example, merged with the ontology and with the rules applied."""
    store = OxigraphStore.memory()
    quads = list(ox.parse(path=str(example)))
    in_graphs = [quad for quad in quads if isinstance(quad.graph_name, ox.NamedNode)]
    merge.change(store, [*in_graphs, *(quad for quad in ontology() if quad.predicate.value in STRUCTURE)])
    store.engine.extend(quad for quad in quads if quad not in in_graphs)
    rules.derive(store, all_rules())
    return {str(row["focus"]) for row in CHECKS[name].run(store)}


def expand(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"<{PREFIXES[prefix]}{local}>"


@pytest.mark.parametrize("name", CHECKS)
def test_check_finds_nothing_in_what_is_valid(name: str) -> None:
    assert found(name, EXAMPLES / name / "valid.trig") == set()


@pytest.mark.parametrize("name", CHECKS)
def test_check_finds_what_is_invalid_and_no_more(name: str) -> None:
    example = EXAMPLES / name / "invalid.trig"
    expected = {expand(word) for word in example.read_text().splitlines()[0].removeprefix("# Finds ").split()}
    assert found(name, example) == expected
    assert expected


def test_each_check_has_examples() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == set(CHECKS)
    assert len(CHECKS) >= 15


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_message_uses_variables_that_the_query_selects(check: Check) -> None:
    selected = set(re.findall(r"\?(\w+)", re.findall(r"^SELECT (.*)$", check.text, re.MULTILINE)[0]))
    for message in check.message.values():
        assert set(re.findall(r"\{(\w+)\}", message)) <= selected
        assert "{focus}" in message


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_order_of_rows_is_fixed(check: Check) -> None:
    assert re.search(r"^ORDER BY .*\?focus", check.text, re.MULTILINE)


def test_derived_properties_are_those_that_the_rules_make() -> None:
    listed = re.findall(r"VALUES \?property \{([^}]*)\}", CHECKS["derived-property-asserted-violation"].text)[0].split()
    templates = [rule.text[rule.text.index("CONSTRUCT") : rule.text.index("WHERE")] for rule in all_rules()]
    made = {property for template in templates for property in re.findall(r"\?\w+ ([\w-]+:\w+) \?", template)}
    assert set(listed) == made - {"rdfs:label"}
    assert len(listed) == len(set(listed)) >= 25
