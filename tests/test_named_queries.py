"""Every named query answers its own examples on the real graph."""

import itertools

import pytest

from dpa_kg import resources
from dpa_kg.query.catalogue import Catalogue, Example, NamedQuery
from dpa_kg.query.reader import Reader

CATALOGUE = Catalogue.load(resources.folder("queries"), check=False)
EXAMPLES = [
    pytest.param(query, example, id=f"{query.name}-{number}") for query in CATALOGUE for number, example in enumerate(query.examples, 1)
]


@pytest.mark.parametrize(("query", "example"), EXAMPLES)
def test_an_example_has_the_rows_that_it_promises(graph: Reader, query: NamedQuery, example: Example) -> None:
    if query.form == "CONSTRUCT":
        payload = graph.construct(query.name, example.parameters, accept="application/n-triples")
        count = len(payload.body.splitlines())
    else:
        answer = graph.answer(query.name, example.parameters, limit=1000)
        count = answer.total
        assert len(answer.rows) == min(count, 1000)
        assert len(answer.evidence) == len(answer.rows)
    assert example.rows, "an example promises some number of rows"
    assert example.rows.get("min", 0) <= count <= example.rows.get("max", count)
    assert count == example.rows.get("exactly", count)


@pytest.mark.parametrize("query", [pytest.param(query, id=query.name) for query in CATALOGUE if query.form == "SELECT"])
def test_rows_are_told_apart_and_come_in_the_same_order_each_time(graph: Reader, query: NamedQuery) -> None:
    example = query.examples[0]
    first = graph.answer(query.name, example.parameters, limit=1000)
    keys = [tuple(sorted((name, tuple(sorted(term.items()))) for name, term in row.items())) for row in first.rows]
    assert len(set(keys)) == len(keys)
    paged = [graph.answer(query.name, example.parameters, limit=7, offset=offset).rows for offset in range(0, min(first.total, 35), 7)]
    assert list(itertools.chain.from_iterable(paged)) == list(first.rows[:35])


@pytest.mark.parametrize("query", [pytest.param(query, id=query.name) for query in CATALOGUE if query.form == "SELECT" and query.evidence])
def test_rows_lead_to_passages(graph: Reader, query: NamedQuery) -> None:
    answer = graph.answer(query.name, query.examples[0].parameters, limit=1000)
    assert any(answer.evidence), "an evidence query that finds no passage proves nothing"


@pytest.mark.parametrize("language", ["es", "fr", "pt"])
def test_entities_are_named_in_the_readers_language(graph: Reader, language: str) -> None:
    answer = graph.answer("projects-by-funder-and-country", {"funder": ["IDB"], "country": ["DO"]}, language=language)
    (country,) = {row["countryName"]["value"] for row in answer.rows}
    assert country == {"es": "República Dominicana", "fr": "République dominicaine", "pt": "República Dominicana"}[language]
