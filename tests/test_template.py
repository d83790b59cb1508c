"""Optional parts and VALUES rows of a named query's text."""

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpa_kg.errors import BuildError
from dpa_kg.query.template import Template, misplaced

TEXT = """SELECT ?x WHERE {
  #? if name
  VALUES ?name { "example" }
  ?x <p:name> ?name .
  #? end
  #? if not name
  ?x <p:any> ?any .
  #? end
  #? if date
  VALUES (?dateFirst ?dateLast) { ("a" "b") }
  ?x <p:date> ?dateFirst , ?dateLast .
  #? end
}"""


def test_a_part_stays_only_when_its_parameter_is_given() -> None:
    template = Template.parse(TEXT, "x")
    without = template.render({}, frozenset())
    assert "p:any" in without
    assert "p:name" not in without
    with_name = template.render({("name",): [('"a"',), ('"b"',)]}, frozenset({"name"}))
    assert 'VALUES ?name { "a" "b" }' in with_name
    assert "p:any" not in with_name


def test_a_row_of_several_variables_keeps_its_parentheses() -> None:
    text = Template.parse(TEXT, "x").render({("dateFirst", "dateLast"): [('"1"', '"2"')]}, frozenset({"date"}))
    assert 'VALUES (?dateFirst ?dateLast) { ("1" "2") }' in text


def test_optional_parts_nest() -> None:
    template = Template.parse("#? if a\n1\n#? if b\n2\n#? end\n#? end\n3", "x")
    assert template.render({}, frozenset("b")).split() == ["3"]
    assert template.render({}, frozenset("ab")).split() == ["1", "2", "3"]


def test_a_part_can_be_asked_without_the_others() -> None:
    template = Template.parse("1\n#? part\n#? if a\n2\n#? end\n3\n#? end\n#? part\n4\n#? end\n5", "x")
    assert list(template.parts) == [1, 2]
    assert template.render({}, frozenset("a")).split() == ["1", "2", "3", "4", "5"]
    assert [template.render({}, frozenset(), part).split() for part in template.parts] == [["1", "3", "5"], ["1", "4", "5"]]
    assert list(Template.parse("1", "x").parts) == [1]


@pytest.mark.parametrize("text", ["#? if a\nx", "x\n#? end", "#? when a\n#? end", "#? part\nx", "#? part\n#? part\n#? end\n#? end"])
def test_unbalanced_or_unknown_directives_are_refused(text: str) -> None:
    with pytest.raises(BuildError):
        Template.parse(text, "broken.rq")


@given(st.text())
def test_whatever_a_caller_writes_comes_back_as_one_literal(value: str) -> None:
    row = (str(ox.Literal(value)),)
    text = Template.parse("SELECT ?name WHERE {\nVALUES ?name { 'x' }\n}", "x").render({("name",): [row]}, frozenset())
    solutions = ox.Store().query(text)
    assert isinstance(solutions, ox.QuerySolutions)
    assert [solution["name"] for solution in solutions] == [ox.Literal(value)]


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("SELECT * { VALUES ?a { 1 } ?x <p:> ?a FILTER(?a > 0) }", []),
        ("SELECT * { VALUES ?a { 1 } { ?x <p:> ?y FILTER(?y > ?a) } }", ["?a"]),
        ("SELECT * { VALUES ?a { 1 } OPTIONAL { ?x <p:> ?y FILTER(?y > ?a) } }", ["?a"]),
        ("SELECT * { VALUES ?a { 1 } { ?x <p:> ?y } UNION { ?x <q:> ?y BIND(?a AS ?b) } }", ["?a"]),
        ("SELECT * { VALUES ?a { 1 } ?x <p:> ?y FILTER NOT EXISTS { ?x <q:> ?z FILTER(?z > ?a) } }", []),
        ("SELECT * { VALUES ?a { 1 } GRAPH ?g { ?x <p:> ?y FILTER(?y > ?a) } }", []),
        ("SELECT * { VALUES ?a { 1 } { ?x <p:> ?a } UNION { ?x <q:> ?a } }", []),
        ("SELECT ?a { { SELECT ?a { VALUES ?a { 1 } ?x <p:> ?a } } FILTER(?a > 0) }", []),
        ("SELECT * { { VALUES ?a { 1 } ?x <p:> ?y FILTER(?y > ?a) } UNION { VALUES ?a { 1 } FILTER(?a > 0) } }", []),
    ],
)
def test_a_filter_that_a_row_does_not_reach_is_found(text: str, lost: list[str]) -> None:
    assert misplaced(text) == lost
