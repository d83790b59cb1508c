"""One contract for every store: embedded Oxigraph, `oxigraph serve` and a real Virtuoso. Terms are compared by value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import yaml

from dpa_kg import publish, resources
from dpa_kg.errors import DpaKgError, Forbidden, NotSupported, QuerySyntaxError
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.push import push
from dpa_kg.graph.store import Store, triples
from dpa_kg.graph.versions import Versions
from dpa_kg.query.catalogue import Catalogue, Example, NamedQuery
from dpa_kg.query.engine import Engine
from dpa_kg.query.reader import Reader
from dpa_kg.settings import Settings
from dpa_kg.terms import binding
from tests.engines import Running, oxigraph, virtuoso
from tests.tiny import make_version

GRAPH = "https://w3id.org/dpa-kg/graph/"
E = "PREFIX e: <urn:e:> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> "
DATA = r"""
graph:one {
  <urn:e:s> <urn:e:plain> "text" ; <urn:e:language> "texte"@fr , "text"@en ; <urn:e:integer> 7 ; <urn:e:decimal> 300000.50 ;
    <urn:e:double> 1.5e3 ; <urn:e:boolean> true ; <urn:e:date> "2018-05-01"^^xsd:date ; <urn:e:year> "2018"^^xsd:gYear ;
    <urn:e:month> "2018-05"^^xsd:gYearMonth ;
    <urn:e:unicode> "Bogotá – 数据 😀" ; <urn:e:escapes> "tab\tquote\"back\\slash" ; <urn:e:lines> "first\nsecond" ; <urn:e:none> "" ;
    <urn:e:iri> <urn:e:o> ; <urn:e:own> "x"^^<urn:e:type> .
  <urn:e:a> <urn:e:next> <urn:e:b> . <urn:e:b> <urn:e:next> <urn:e:c> . <urn:e:c> <urn:e:next> <urn:e:d> .
}
graph:two {
  <urn:e:a> <urn:e:next> <urn:e:b> ; <urn:e:label> "a" .
  <urn:e:list> <urn:e:first> [ <urn:e:value> 1 ; <urn:e:rest> [ <urn:e:value> 2 ] ] .
}
graph:provenance { <urn:e:s> <urn:e:note> "not merged" . }
"""
ENGINES = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("embedded", "oxigraph", "virtuoso")]
KNOWN = Path(__file__).parent / "fixtures" / "engines"
CATALOGUE = Catalogue.load(resources.folder("queries"), check=False)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running | None]:
    """A running engine; None where the embedded store answers."""
    with ExitStack() as stack:
        if request.param == "embedded":
            yield None
        elif request.param == "oxigraph":
            yield stack.enter_context(oxigraph())
        else:
            yield stack.enter_context(virtuoso(tmp_path_factory.mktemp("virtuoso")))


def loaded(engine: Running | None, version: Version) -> Store:
    """A store that holds the version: its own one, or the engine after a push."""
    if engine is None:
        return OxigraphStore.open_read_only(version.store_path)
    endpoint = engine.endpoint()
    push(version, endpoint, lambda _: None)
    return Engine(endpoint).store(version)


@pytest.fixture(scope="module")
def store(engine: Running | None, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return loaded(engine, make_version(tmp_path_factory.mktemp("home"), DATA))


def value(term: Any) -> Any:
    """A term by what it means: 1, 01 and 1.0 are one number, and so is `true` to Virtuoso; other literals as they are written."""
    found = binding(term)
    datatype = found.get("datatype", "").rpartition("#")[2]
    if datatype in {"integer", "decimal", "double", "float", "boolean"}:
        return Decimal({"true": "1", "false": "0"}.get(found["value"], found["value"])).normalize()
    return found["value"], found.get("xml:lang", ""), datatype, found["type"] == "uri"


def select(store: Store, text: str, **data_set: Any) -> list[tuple[Any, ...]]:
    found = store.query(E + text, **data_set)
    assert isinstance(found, ox.QuerySolutions)
    return [tuple(None if term is None else value(term) for term in row) for row in found]


def names(store: Store, text: str, **data_set: Any) -> list[str]:
    """The values of a query with one column, sorted."""
    return sorted(row[0][0] for row in select(store, text, **data_set))


def count(store: Store, pattern: str, **data_set: Any) -> int:
    ((number,),) = select(store, f"SELECT (COUNT(*) AS ?n) {{ {pattern} }}", **data_set)
    return int(number)


# ---- terms


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ("plain", ("text", "", "", False)),
        ("integer", Decimal(7)),
        ("decimal", Decimal("300000.5").normalize()),
        ("double", Decimal(1500).normalize()),
        ("boolean", Decimal(1)),
        ("date", ("2018-05-01", "", "date", False)),
        ("year", ("2018", "", "gYear", False)),
        ("month", ("2018-05", "", "gYearMonth", False)),
        ("unicode", ("Bogotá – 数据 😀", "", "", False)),
        ("escapes", ('tab\tquote"back\\slash', "", "", False)),
        ("lines", ("first\nsecond", "", "", False)),
        ("none", ("", "", "", False)),
        ("iri", ("urn:e:o", "", "", True)),
    ],
)
def test_a_term_comes_back_with_its_value(store: Store, predicate: str, expected: Any) -> None:
    assert select(store, f"SELECT ?o {{ e:s e:{predicate} ?o }}") == [(expected,)]
    (triple,) = triples(store.query(f"{E} CONSTRUCT WHERE {{ e:s e:{predicate} ?o }}"))
    assert value(triple.object) == expected


def test_languages_and_own_datatypes_are_kept(store: Store) -> None:
    assert sorted(select(store, "SELECT ?o { e:s e:language ?o }")) == [(("text", "en", "", False),), (("texte", "fr", "", False),)]
    assert select(store, 'SELECT ?o { e:s e:language ?o FILTER(LANG(?o) = "fr") }') == [(("texte", "fr", "", False),)]
    (solution,) = store.query(f"{E} SELECT ?o {{ e:s e:own ?o }}")  # type: ignore[misc]
    assert solution["o"] == ox.Literal("x", datatype=ox.NamedNode("urn:e:type"))


def test_a_term_of_a_query_finds_the_term_of_the_data(store: Store) -> None:
    for pattern in ('e:s e:unicode "Bogotá – 数据 😀"', 'e:s e:language "texte"@fr', 'e:s e:year "2018"^^xsd:gYear', "e:s e:integer 7"):
        assert count(store, pattern) == 1, pattern


# ---- forms


def test_ask_answers_yes_and_no(store: Store) -> None:
    yes, no = store.query(f"{E} ASK {{ e:a e:next e:b }}"), store.query(f"{E} ASK {{ e:b e:next e:a }}")
    assert isinstance(yes, ox.QueryBoolean)
    assert isinstance(no, ox.QueryBoolean)
    assert (bool(yes), bool(no)) == (True, False)


def test_no_rows_are_an_answer_with_its_columns(store: Store) -> None:
    found = store.query(f"{E} SELECT ?first ?second {{ e:nobody e:knows ?first . OPTIONAL {{ ?first e:knows ?second }} }}")
    assert isinstance(found, ox.QuerySolutions)
    assert [variable.value for variable in found.variables] == ["first", "second"]
    assert list(found) == []


def test_construct_makes_triples(store: Store) -> None:
    found = triples(store.query(f"{E} CONSTRUCT {{ ?y e:before ?x }} WHERE {{ ?x e:next ?y }}"))
    assert sorted(triple.subject.value for triple in set(found) if isinstance(triple.subject, ox.NamedNode)) == [
        "urn:e:b",
        "urn:e:c",
        "urn:e:d",
    ]
    assert list(triples(store.query(f"{E} CONSTRUCT {{ ?x e:is ?x }} WHERE {{ ?x e:nothing ?y }}"))) == []


def test_describe_tells_what_is_said_of_a_node(store: Store) -> None:
    found = {str(triple) for triple in triples(store.query("DESCRIBE <urn:e:a>"))}
    assert {'<urn:e:a> <urn:e:label> "a"', "<urn:e:a> <urn:e:next> <urn:e:b>"} <= found


# ---- patterns


def test_the_merge_has_a_triple_once_though_two_graphs_hold_it(store: Store) -> None:
    assert count(store, "?x e:next ?y") == 3
    assert count(store, "GRAPH ?g { ?x e:next ?y }") == 4


def test_graph_patterns_see_the_graphs_of_the_version_and_not_the_merge(store: Store) -> None:
    assert names(store, "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }") == [f"{GRAPH}{name}" for name in ("one", "provenance", "two")]
    assert names(store, f"SELECT ?o {{ GRAPH <{GRAPH}provenance> {{ e:s e:note ?o }} }}") == ["not merged"]
    assert count(store, "e:s e:note ?o") == 0
    for hidden in ("merge", "pushed", "none"):
        assert names(store, f"SELECT ?s {{ GRAPH <{GRAPH}{hidden}> {{ ?s ?p ?o }} }}") == [], hidden
    assert names(store, "SELECT ?g { e:a e:label ?l . GRAPH ?g { e:a e:next ?y } }") == [f"{GRAPH}one", f"{GRAPH}two"]


def test_what_is_optional_may_be_missing(store: Store) -> None:
    rows = select(store, "SELECT ?x ?label { ?x e:next ?y OPTIONAL { ?x e:label ?label } } ORDER BY ?x")
    assert [(row[0][0], row[1] and row[1][0]) for row in rows] == [("urn:e:a", "a"), ("urn:e:b", None), ("urn:e:c", None)]


def test_unions_minus_and_exists(store: Store) -> None:
    assert names(store, "SELECT ?x { { ?x e:label ?l } UNION { ?x e:next e:c } }") == ["urn:e:a", "urn:e:b"]
    assert names(store, "SELECT ?x { ?x e:next ?y MINUS { ?x e:label ?l } }") == ["urn:e:b", "urn:e:c"]
    assert names(store, "SELECT ?x { ?x e:next ?y FILTER NOT EXISTS { ?x e:label ?l } }") == ["urn:e:b", "urn:e:c"]


def test_property_paths(store: Store) -> None:
    assert names(store, "SELECT ?y { e:a e:next+ ?y }") == ["urn:e:b", "urn:e:c", "urn:e:d"]
    assert names(store, "SELECT ?y { e:a e:next* ?y }") == ["urn:e:a", "urn:e:b", "urn:e:c", "urn:e:d"]
    assert names(store, "SELECT ?y { e:a e:next/e:next ?y }") == ["urn:e:c"]
    assert names(store, "SELECT ?x { ?x ^e:next e:b }") == ["urn:e:c"]
    assert names(store, "SELECT ?o { e:a e:label|e:next ?o }") == ["a", "urn:e:b"]


def test_values_aggregates_and_order(store: Store) -> None:
    assert select(store, "SELECT (COUNT(?y) AS ?n) (MAX(?x) AS ?m) { VALUES ?x { 1 3 2 } ?s e:next ?y }") == [(Decimal(9), Decimal(3))]
    assert [row[0][0] for row in select(store, "SELECT ?x { ?x e:next ?y } ORDER BY DESC(?x) LIMIT 2 OFFSET 1")] == ["urn:e:b", "urn:e:a"]


def test_nodes_without_a_name_hold_together(store: Store) -> None:
    pattern = "e:list e:first ?n . ?n e:rest ?m . ?m e:value ?value"
    assert select(store, f"SELECT ?value {{ {pattern} }}") == [(Decimal(2),)]
    assert count(store, f"e:list e:first ?n . GRAPH <{GRAPH}two> {{ ?n e:rest ?m }} ?m e:value 2") == 1


# ---- data sets


def test_the_data_set_of_a_request_is_what_the_query_sees(store: Store) -> None:
    one, two = f"{GRAPH}one", f"{GRAPH}two"
    assert count(store, "?x e:next ?y", default_graph=[two]) == 1
    assert count(store, "GRAPH ?g { ?x e:next ?y }", default_graph=[two]) == 0
    assert names(store, "SELECT ?g { GRAPH ?g { e:a e:next ?y } }", named_graphs=[one]) == [one]
    assert count(store, "?x ?p ?y", named_graphs=[one]) == 0
    assert names(store, "SELECT ?g { e:a e:label ?l . GRAPH ?g { e:a e:next ?y } }", default_graph=[two], named_graphs=[one]) == [one]
    assert count(store, "?x ?p ?y", default_graph=["urn:e:no-graph"]) == 0


def test_the_data_set_of_a_text_is_what_the_query_sees(store: Store) -> None:
    two = f"FROM <{GRAPH}two>"
    named = f"{two} FROM NAMED <{GRAPH}one>"
    assert select(store, f"SELECT (COUNT(*) AS ?n) {two} {{ ?x e:next ?y }}") == [(Decimal(1),)]
    assert names(store, f"SELECT ?g {named} {{ e:a e:label ?l . GRAPH ?g {{ e:a e:next ?y }} }}") == [f"{GRAPH}one"]
    found = store.query(f"{E} ASK {two} {{ e:b e:next e:c }}", default_graph=[f"{GRAPH}one"])  # the request is stronger
    assert bool(found)


def test_what_else_is_in_the_engine_is_not_seen(engine: Running | None, store: Store) -> None:
    if engine is not None:
        engine.endpoint().put("urn:e:another", b"<urn:e:secret> <urn:e:is> <urn:e:here> .")
    assert count(store, "GRAPH ?g { e:secret ?p ?o }") == 0
    assert names(store, "SELECT ?o { GRAPH <urn:e:another> { e:secret ?p ?o } }") == []
    assert count(store, "e:secret ?p ?o", default_graph=["urn:e:another"]) == 0


def test_several_default_graphs_are_refused_where_they_would_be_counted_twice(engine: Running | None, store: Store) -> None:
    if engine is None:
        return  # the reader merges them in memory: test_http_data_set.py
    with pytest.raises(NotSupported, match="Several default graphs"):
        count(store, "?x e:next ?y", default_graph=[f"{GRAPH}one", f"{GRAPH}two"])


def test_one_graph_can_be_had_as_it_stands(store: Store) -> None:
    assert {str(quad.subject) for quad in store.quads(f"{GRAPH}provenance")} == {"<urn:e:s>"}
    assert len({quad.triple for quad in store.quads(f"{GRAPH}one")}) == 19
    assert store.has_graph(f"{GRAPH}one")
    assert not store.has_graph(f"{GRAPH}merge")


# ---- texts


def test_relative_iris_are_resolved_against_the_base(store: Store) -> None:
    assert select(store, "SELECT ?s { VALUES ?s { <x> } }", base="http://example.org/a/") == [(("http://example.org/a/x", "", "", True),)]
    found = store.query("BASE <b/> SELECT ?s { VALUES ?s { <x> } }", base="http://example.org/a/")
    assert [row["s"].value for row in found] == ["http://example.org/a/b/x"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", ["SELECT ?s {", "SELECT nonsense", "SELECT ?s { ?s nowhere:p ?o }", "DEFINE get:soft 'replace' SELECT * {}", ""]
)
def test_a_text_that_does_not_parse_is_a_syntax_error(store: Store, text: str) -> None:
    with pytest.raises(QuerySyntaxError):
        store.query(text)


@pytest.mark.parametrize("text", ["SELECT (<bif:pi>() AS ?x) {}", "PREFIX sql: <sql:> SELECT (sql:rnd(3) AS ?x) {}"])
def test_functions_of_the_database_behind_an_engine_are_not_called(engine: Running | None, store: Store, text: str) -> None:
    if engine is None:
        return  # there is no database
    with pytest.raises(Forbidden):
        store.query(text)


# ---- named queries


def answer_of(reader: Reader, query: NamedQuery, example: Example) -> dict[str, Any]:
    """What an example answers: rows with their passages, coverage and kinds of columns; or triples."""
    if query.form == "CONSTRUCT":
        written = reader.construct(query.name, example.parameters, accept="application/n-triples").body.decode()
        return {"triples": sorted(set(written.splitlines()))}
    answer = reader.answer(query.name, example.parameters, limit=2000)
    cells = [{name: _cell(term) for name, term in row.items()} for row in answer.rows]
    passages = [[ref.iri for ref in refs] for refs in answer.evidence]
    return {
        "rows": sorted(map(repr, cells)),
        "passages": sorted(map(repr, zip(cells, passages, strict=True))),
        "coverage": list(answer.coverage),
        "kinds": [column.kind for column in answer.columns],
        "order": cells,
    }


def _cell(term: Any) -> Any:
    """By value; the parts of a GROUP_CONCAT in any order, as the standard leaves them."""
    if term.get("datatype", "").rpartition("#")[2] in {"integer", "decimal", "double", "boolean"}:
        return Decimal({"true": "1", "false": "0"}.get(term["value"], term["value"])).normalize()
    return sorted(part for line in term["value"].splitlines() for part in line.split(" | "))


def differences(local: Reader, other: Reader, ignored: set[str]) -> dict[str, str]:
    """The examples, as query/number, to which the two do not give the same answer, each with what is different."""
    found: dict[str, str] = {}
    for query in CATALOGUE:
        for number, example in enumerate(query.examples, 1):
            expected = answer_of(local, query, example)
            try:
                given = answer_of(other, query, example)
            except DpaKgError as error:
                found[f"{query.name}/{number}"] = error.detail
                continue
            if wrong := [part for part in expected if part not in ignored and expected[part] != given[part]]:
                found[f"{query.name}/{number}"] = ", ".join(wrong)
    return found


def test_named_queries_give_the_same_rows(engine: Running | None, built_home: Path, tmp_path: Path) -> None:
    """On Oxigraph in the same order too; how texts are sorted is each engine's own affair."""
    if engine is None:
        pytest.skip("the embedded store is what the others are compared with")
    publish.build(Settings(home=built_home))
    with ExitStack() as stack:
        version = stack.enter_context(Versions(built_home).reading())
        local = stack.enter_context(Reader(version, tmp_path))
        other = stack.enter_context(Reader(version, tmp_path, store=loaded(engine, version)))
        found = differences(local, other, set() if engine.name == "oxigraph" else {"order"})
    known = yaml.safe_load((KNOWN / f"{engine.name}.yaml").read_text("utf-8"))
    assert sum(len(query.examples) for query in CATALOGUE) > 150
    always, sometimes = known["always"], known["sometimes"]
    assert {name: what for name, what in found.items() if name not in {**always, **sometimes}} == {}
    assert [name for name in always if name not in found] == [], "it passes now"
    assert all({**always, **sometimes}.values()), "a known difference has its reason"
