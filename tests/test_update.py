"""SPARQL Update: the quads that an operation adds and removes are those that the engine adds and removes."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpa_kg.errors import Forbidden, InputError, QuerySyntaxError
from dpa_kg.graph.draft import Draft
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.query.lexer import decoded
from dpa_kg.query.operations import operations, with_data_set
from dpa_kg.query.update import Update

BASE = "http://127.0.0.1/update"
START = """PREFIX : <urn:x:>
INSERT DATA {
  GRAPH :g { :a :p 1 , 2 ; :q "x"@en . :b :p :a }
  GRAPH :h { :a :p 2 . :c :p "l" }
}"""
TEXTS = [
    "PREFIX : <urn:x:> INSERT DATA { GRAPH :k { :s :p 'a;}' , \"#\" , 1.50 } }",
    "PREFIX : <urn:x:> DELETE DATA { GRAPH :g { :a :p 1 ; :none 2 } }",
    "PREFIX : <urn:x:> DELETE WHERE { GRAPH :g { :a :p ?o } }",
    "PREFIX : <urn:x:> DELETE WHERE { GRAPH ?g { :a ?p 2 } }",
    "PREFIX : <urn:x:> WITH :g DELETE { ?s :p ?o } INSERT { ?s :r ?o } WHERE { ?s :p ?o FILTER(isLiteral(?o) && ?o<2) }",
    "PREFIX : <urn:x:> WITH :g INSERT { ?s :seen ?g } WHERE { ?s :p 1 . GRAPH ?g { ?s :p 2 } }",
    "PREFIX : <urn:x:> INSERT { GRAPH ?g { ?o :back ?s } } WHERE { GRAPH ?g { ?s :p ?o } }",
    "PREFIX : <urn:x:> INSERT { GRAPH :new { ?s :p ?missing , ?o } } USING :h WHERE { ?s :p ?o OPTIONAL { ?s :none ?missing } }",
    "PREFIX : <urn:x:> INSERT { GRAPH :new { ?s :p ?o } } USING :h USING NAMED :g WHERE { ?s :p ?x . GRAPH ?g { ?s :p ?o } }",
    "PREFIX : <urn:x:> WITH :h INSERT { GRAPH :new { $s :p $o } } USING :g WHERE { $s :p $o }",
    "PREFIX : <urn:x:> INSERT { GRAPH :n { ?s :list ( 1 ?o ) ; :node [ :v ?o ] } } WHERE { GRAPH :g { ?s :p ?o } }",
    "PREFIX : <urn:x:> INSERT { GRAPH :n { :x :count ?n } } WHERE { { SELECT (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } } } }",
    "PREFIX : <urn:x:> DELETE { GRAPH :g { :a :p 1 } } INSERT { GRAPH :g { :a :p 1 } } WHERE {}",
    "PREFIX : <urn:x:> INSERT DATA { GRAPH :n { :a :p 1 } } ; PREFIX : <urn:y:> INSERT DATA { GRAPH :n { :a :p 1 } } ;",
    "PREFIX : <urn:x:> INSERT DATA { GRAPH :n { :a :p 5 } } ; WITH :n DELETE { ?s ?p 5 } INSERT { ?s ?p 6 } WHERE { ?s ?p 5 }",
    "PREFIX : <urn:x:> CLEAR GRAPH :g",
    "PREFIX : <urn:x:> DROP GRAPH :g ; CREATE GRAPH :g ; DROP SILENT GRAPH :none",
    "PREFIX : <urn:x:> COPY :g TO :h",
    "PREFIX : <urn:x:> MOVE GRAPH :g TO GRAPH :h",
    "PREFIX : <urn:x:> ADD SILENT :none TO :h ; ADD :g TO :h",
    "PREFIX : <urn:x:> copy :g to :g",
    "BASE <urn:b:> PREFIX : <urn:x:> INSERT DATA { GRAPH <g> { <s> :p <o> } } # INSERT DATA { <a> <b> <c> }",
    'PREFIX : <urn:x:> INSERT DATA { GRAPH :u { <urn:x:\\u00E9#\\u0041> :p "a\\u0022b" } }',
    "PREFIX : <urn:x:> \\u0049NSERT DATA { GRAPH :u { :a :p 1 } }",
    "INSERT DATA { GRAPH <relative> { <s> <p> <o> } }",
]


def before(merged: bool) -> Draft:
    store = OxigraphStore.memory()
    draft = Draft(store, merged=merged)
    Update(START, BASE).apply(draft)
    return Draft(store, merged=merged)


def named(store: OxigraphStore) -> ox.Dataset:
    data = ox.Dataset(quad for quad in store.engine if isinstance(quad.graph_name, ox.NamedNode))
    data.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return data


@pytest.mark.parametrize("text", TEXTS)
def test_an_operation_does_what_the_engine_does(text: str) -> None:
    ours, engines = before(merged=True), before(merged=False)
    start = set(ours.store.engine)
    Update(text, BASE).apply(ours)
    Update(text, BASE).apply(engines)
    assert named(ours.store) == named(engines.store)
    assert {quad.triple for quad in ours.store.quads()} == {
        quad.triple for quad in ours.store.engine if isinstance(quad.graph_name, ox.NamedNode)
    }
    stated = {quad for quad in start if isinstance(quad.graph_name, ox.NamedNode)}
    assert (stated - ours.removed) | ours.added == {quad for quad in ours.store.engine if isinstance(quad.graph_name, ox.NamedNode)}


def test_the_engine_is_compared_on_updates_that_change_something() -> None:
    unchanged = []
    for text in TEXTS:
        draft = before(merged=True)
        Update(text, BASE).apply(draft)
        if not draft.added and not draft.removed:
            unchanged.append(text)
    assert len(unchanged) == 2, unchanged  # a copy onto itself, and what is deleted and inserted at once


def test_a_data_set_of_the_request_is_put_before_each_where() -> None:
    text = "INSERT { ?s ?p 'WHERE' } WHERE { ?s ?p ?o } ; DELETE WHERE { ?s ?p ?o } ; INSERT DATA { <urn:a> <urn:p> 1 }"
    assert with_data_set(text, ["<urn:g>"], ["<urn:h>"]) == (
        "INSERT { ?s ?p 'WHERE' } USING <urn:g> USING NAMED <urn:h> WHERE { ?s ?p ?o } ;"
        " DELETE { ?s ?p ?o } USING <urn:g> USING NAMED <urn:h> WHERE { ?s ?p ?o } ; INSERT DATA { <urn:a> <urn:p> 1 }"
    )


@pytest.mark.parametrize(
    "text", ["WITH <urn:g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }", "INSERT { ?s ?p 1 } USING <urn:g> WHERE { ?s ?p ?o }"]
)
def test_a_data_set_in_the_text_and_in_the_request_is_a_conflict(text: str) -> None:
    with pytest.raises(QuerySyntaxError, match="data set"):
        with_data_set(text, ["<urn:g>"], [])


def test_a_graph_that_is_no_iri_cannot_be_smuggled_into_the_text() -> None:
    with pytest.raises(InputError):
        Update("DELETE WHERE { ?s ?p ?o }", using=("urn:g> WHERE {} ; DROP ALL #",)).apply(before(merged=False))


@pytest.mark.parametrize("text", ["LOAD <http://127.0.0.1/>", "\\u004cOAD <http://127.0.0.1/>", "# \\u000ALOAD <http://127.0.0.1/>"])
def test_nothing_is_fetched(text: str) -> None:
    for merged in (True, False):
        with pytest.raises((Forbidden, QuerySyntaxError)):
            Update(text).apply(before(merged))


@pytest.mark.parametrize(
    "text",
    [
        "LOAD ;",
        "LOAD <urn:a> INTO <urn:g>",
        "CREATE GRAPH <urn:g> LOAD <urn:a> INTO GRAPH <urn:g>",
        "CREATE GRAPH <urn:g> ;; LOAD <urn:a>",
        "LOAD x:y",
    ],
)
def test_an_update_that_is_wrong_is_said_to_be_wrong_before_it_is_said_to_be_forbidden(text: str) -> None:
    for merged in (True, False):
        with pytest.raises(QuerySyntaxError):
            Update(text).apply(before(merged))


def test_a_silent_load_fails_silently_in_a_plain_data_set_and_the_rest_is_done() -> None:
    draft = before(merged=False)
    graphs = draft.store.graphs()
    Update("LOAD SILENT <http://127.0.0.1/> INTO GRAPH <urn:g> ; INSERT DATA { <urn:a> <urn:b> <urn:c> }").apply(draft)
    assert draft.store.graphs() == graphs
    assert bool(draft.store.query("ASK { <urn:a> <urn:b> <urn:c> }"))
    with pytest.raises(Forbidden):
        Update("LOAD SILENT <http://127.0.0.1/> ; LOAD <http://127.0.0.1/>").apply(draft)
    with pytest.raises(Forbidden):
        Update("LOAD SILENT <http://127.0.0.1/>").apply(before(merged=True))


@given(st.text(max_size=60))
def test_taking_an_update_apart_never_fails_otherwise_than_by_saying_so(text: str) -> None:
    try:
        found = operations(text)
    except QuerySyntaxError:
        return
    assert all(operation.text for operation in found)


@given(st.lists(st.sampled_from(["'", '"', "\\", "u0027", "<", ">", "#", "\n", "a", '"""', "\\u0022"]), max_size=12).map("".join))
def test_decoding_leaves_nothing_to_decode_outside_of_strings(text: str) -> None:
    once = decoded(text)
    assert (
        decoded("'" + text.replace("'", "").replace("\n", "").replace("\\", "") + "'")
        == "'" + text.replace("'", "").replace("\n", "").replace("\\", "") + "'"
    )
    assert len(once) <= len(text)
