"""The checks, by example: each finds what its invalid example says, and nothing in its valid one."""

import re
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from dpa_kg.graph import checks, merge, rules
from dpa_kg.graph.checks import Check
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.namespaces import ONTOLOGY_GRAPH, PREFIXES

ROOT = Path(__file__).parents[1]
EXAMPLES = Path(__file__).parent / "checks"
CHECKS = {check.name: check for check in checks.read(ROOT / "shapes" / "checks")}


@cache
def ontology() -> tuple[ox.Quad, ...]:
    graph = ox.NamedNode(ONTOLOGY_GRAPH)
    quads = [quad for path in sorted((ROOT / "ontology").glob("*.ttl")) for quad in ox.parse(path=str(path))]
    return tuple(ox.Quad(quad.subject, quad.predicate, quad.object, graph) for quad in quads)


@cache
def all_rules() -> tuple[rules.Rule, ...]:
    return rules.read(ontology())


@cache
def found_by_all(example: Path) -> dict[str, set[str]]:
    """What every check finds in an example that is merged with the ontology, with the rules applied: focus nodes by check."""
    store = OxigraphStore.memory()
    quads = list(ox.parse(path=str(example)))
    in_graphs = [quad for quad in quads if isinstance(quad.graph_name, ox.NamedNode)]
    merge.change(store, [*in_graphs, *ontology()])
    store.engine.extend(quad for quad in quads if quad not in in_graphs)
    rules.derive(store, all_rules())
    return {name: {str(row["focus"]) for row in check.run(store)} for name, check in CHECKS.items()}


def expand(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"<{PREFIXES[prefix]}{local}>"


@pytest.mark.parametrize("name", CHECKS)
def test_check_finds_nothing_in_what_is_valid(name: str) -> None:
    assert found_by_all(EXAMPLES / name / "valid.trig")[name] == set()


@pytest.mark.parametrize("name", CHECKS)
def test_check_finds_what_is_invalid_and_no_more(name: str) -> None:
    example = EXAMPLES / name / "invalid.trig"
    expected = {expand(word) for word in example.read_text().splitlines()[0].removeprefix("# Finds ").split()}
    assert found_by_all(example)[name] == expected
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
