"""The data set in a text: where its clauses stand, what they list, and what of the text's own clauses stays."""

from __future__ import annotations

import re

import pytest

from dpa_kg.errors import Forbidden, NotSupported, QuerySyntaxError
from dpa_kg.graph.oxigraph import check_syntax
from dpa_kg.graph.remote import DataSet
from dpa_kg.query.scope import Scope

G = "https://w3id.org/dpa-kg/graph/"
SCOPE = Scope.of(["urn:one", "urn:two", f"{G}provenance"])
ALL = ["urn:one", "urn:two", f"{G}provenance"]


def scoped(text: str, **asked: object) -> tuple[list[str], list[str], str]:
    """The default graphs and the named graphs of the text that is sent, which parses, and the text."""
    sent = SCOPE(text, DataSet(**asked)).text  # type: ignore[arg-type]
    check_syntax(sent)
    return re.findall(r"FROM <([^>]*)>", sent), sorted(re.findall(r"FROM NAMED <([^>]*)>", sent)), sent


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { ?s ?p ?o }",
        "SELECT*WHERE{?s ?p ?o}",
        "SELECT (EXISTS { ?s ?p ?o } AS ?e) { ?s ?p ?o }",
        "SELECT ?FROM { ?FROM ?p 'FROM <urn:x> {' } # FROM <urn:two> {",
        "PREFIX from: <urn:from:> SELECT ?s { ?s from:select from:x }",
        "ASK { ?s ?p ?o }",
        "ASK{?s ?p ?o}",
        "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }",
        "CONSTRUCT { ?s ?p [ ?q ?o ] } WHERE { ?s ?p ?o ; ?q ?o }",
        "CONSTRUCT WHERE { ?s ?p ?o }",
        "DESCRIBE <urn:a>",
        "DESCRIBE ?s { ?s ?p ?o }",
        "DESCRIBE <urn:a> LIMIT 1",
        "DESCRIBE * WHERE { ?s ?p ?o } ORDER BY ?s",
        "SELECT ?s { { SELECT ?s { ?s ?p ?o } } } LIMIT 3",
    ],
)
def test_a_text_without_a_data_set_sees_the_merge_and_no_list(text: str) -> None:
    default, named, sent = scoped(text)
    assert default[0] == f"{G}merge" or f"FROM <{G}merge>" in sent
    assert sent.count(f"FROM <{G}merge>") == 1
    assert named == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("GRAPH ?g { ?s ?p ?o }", ALL),
        ("graph $g { ?s ?p ?o }", ALL),
        ("GRAPH <urn:one> { ?s ?p ?o }", ["urn:one"]),
        ("GRAPH<urn:one>{ ?s ?p ?o }", ["urn:one"]),
        ("GRAPH # <urn:two>\n <urn:one> { ?s ?p ?o }", ["urn:one"]),
        ("GRAPH g:provenance { ?s ?p ?o }", [f"{G}provenance"]),
        ("GRAPH <urn:one> { ?s ?p ?o } GRAPH g:provenance { ?s ?p ?o }", ["urn:one", f"{G}provenance"]),
        ("GRAPH <urn:elsewhere> { ?s ?p ?o }", [f"{G}none"]),
        (f"GRAPH <{G}merge> {{ ?s ?p ?o }}", [f"{G}none"]),
        ("GRAPH <relative> { ?s ?p ?o }", ALL),
        (r"\u0047RAPH ?g { ?s ?p ?o }", ALL),
        ("?s ?p 'GRAPH ?g {'", []),
        ("?s g:graph ?o", ALL),
    ],
)
def test_named_graphs_are_listed_as_far_as_the_text_can_see_them(pattern: str, expected: list[str]) -> None:
    default, named, _ = scoped(f"BASE <http://e.org/> PREFIX g: <{G}> SELECT * {{ {pattern} }}")
    assert default == [f"{G}merge"]
    assert named == sorted(expected)


def test_clauses_of_the_text_are_read_and_written_anew() -> None:
    clauses = f"FROM <urn:one> FROM NAMED g:provenance FROM NAMED <{G}merge>"
    text = f"BASE <urn:> PREFIX g: <{G}> SELECT * {clauses} {{ GRAPH ?g {{ ?s ?p ?o }} }}"
    assert scoped(text)[:2] == (["urn:one"], [f"{G}provenance"])
    assert scoped(text, default_graph=["urn:two"], named_graphs=[])[:2] == (["urn:two"], [f"{G}none"])
    assert scoped("ASK FROM <urn:elsewhere> { ?s ?p ?o }")[0] == [f"{G}none"]


def test_only_one_default_graph_can_be_asked_for() -> None:
    with pytest.raises(NotSupported):
        scoped("ASK FROM <urn:one> FROM <urn:two> { ?s ?p ?o }")
    assert scoped("ASK FROM <urn:one> FROM <urn:elsewhere> FROM <urn:one> { ?s ?p ?o }")[0] == ["urn:one"]


def test_there_is_one_base() -> None:
    assert scoped("ASK { <x> ?p ?o }", base="http://e.org/sparql")[2].startswith("BASE <http://e.org/sparql> ASK")
    assert scoped("BASE <a/> ASK { <x> ?p ?o }", base="http://e.org/sparql")[2].startswith("BASE <http://e.org/a/> ASK")


@pytest.mark.parametrize("call", ["<bif:exec>('x')", "<SQL:rnd>(1)", r"<b\u0069f:exec>('x')"])
def test_functions_of_a_database_are_refused(call: str) -> None:
    with pytest.raises(Forbidden):
        scoped(f"SELECT ({call} AS ?x) {{}}")


def test_what_is_no_query_is_refused() -> None:
    with pytest.raises(QuerySyntaxError):
        scoped("INSERT DATA {}")
