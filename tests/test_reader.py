"""The reader of one version: answers with names in the reader's language, evidence behind rows, dossiers."""

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyoxigraph as ox
import pytest

from dpa_kg.errors import InputError, NotAcceptable, NotFound, QuerySyntaxError
from dpa_kg.namespaces import PREFIXES, expand
from dpa_kg.query.answers import Dossier, Wire
from dpa_kg.query.catalogue import Catalogue
from dpa_kg.query.frames import encode, receive
from dpa_kg.query.reader import Reader
from tests.tiny import make_version

LABELS = """
subjects: {projects: {en: Projects}}
parameters: {country: {en: Country}}
values: {phase: {begun: {en: begun, es: empezado}}}
columns: {project: {en: Project, es: Proyecto}, country: {en: Country, es: País}, start: {en: Start}}
"""
QUERY = """#+ title: {en: Projects, es: Proyectos}
#+ description: {en: Projects by country.}
#+ subject: projects
#+ parameters:
#+   country: {type: "dpa:Country", multiple: true}
PREFIX dpa: <https://w3id.org/dpa-kg/ontology#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT ?project (MIN(?label) AS ?projectName) ?start (IF(BOUND(?start), "begun", "") AS ?phase) WHERE {
  #? if country
  VALUES ?country { <https://w3id.org/dpa-kg/id/place/norway> }
  ?project dpa:country ?country .
  #? end
  ?project a dpa:Project ; rdfs:label ?label .
  OPTIONAL { ?project dpa:startDate ?start }
}
GROUP BY ?project ?start
ORDER BY ?project
"""
COVERAGE = """#+ text: {en: "{count} projects state no start."}
PREFIX dpa: <https://w3id.org/dpa-kg/ontology#>
SELECT (COUNT(?project) AS ?count) WHERE { ?project a dpa:Project . FILTER NOT EXISTS { ?project dpa:startDate ?start } }
"""
EVIDENCE = """PREFIX dpa: <https://w3id.org/dpa-kg/ontology#>
SELECT ?project ?passage WHERE { GRAPH ?passage { ?project dpa:place ?place } }
"""
COVERAGE_IN_PARTS = """#+ text: {en: "{count} projects state no start or no country."}
PREFIX dpa: <https://w3id.org/dpa-kg/ontology#>
SELECT (COALESCE(?noStart, 0) + COALESCE(?noCountry, 0) AS ?count) WHERE {
  #? part
  { SELECT (COUNT(?project) AS ?noStart) WHERE { ?project a dpa:Project . FILTER NOT EXISTS { ?project dpa:startDate ?start } } }
  #? end
  #? part
  { SELECT (COUNT(?project) AS ?noCountry) WHERE { ?project a dpa:Project . FILTER NOT EXISTS { ?project dpa:country ?country } } }
  #? end
}
"""
EVIDENCE_OF_A_PAGE = """PREFIX dpa: <https://w3id.org/dpa-kg/ontology#>
SELECT ?project ?passage WHERE {
  #? if project
  VALUES ?project { <https://w3id.org/dpa-kg/id/project/beta> }
  #? end
  GRAPH ?passage { ?project ?property ?value }
}
"""
GRAPH_QUERY = """#+ title: {en: Graph}
#+ description: {en: A graph.}
#+ subject: projects
CONSTRUCT { ?project a ?type } WHERE { ?project a ?type }
"""


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("queries")
    files = {"labels.yaml": LABELS, "projects.rq": QUERY, "projects.coverage.rq": COVERAGE, "projects.evidence.rq": EVIDENCE}
    files |= {"projects-parts.rq": QUERY, "projects-parts.coverage.rq": COVERAGE_IN_PARTS, "projects-parts.evidence.rq": EVIDENCE_OF_A_PAGE}
    files |= {"projects-plain.rq": QUERY, "projects-graph.rq": GRAPH_QUERY}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, queries: Path) -> Iterator[Reader]:
    home = tmp_path_factory.mktemp("home")
    with Reader(make_version(home), home / "spool", queries=partial(Catalogue.load, queries, check=False)) as opened:
        yield opened


def test_rows_have_names_in_the_readers_language(reader: Reader) -> None:
    answer = reader.answer("projects", {}, language="es")
    assert [row["projectName"]["value"] for row in answer.rows] == ["Alfa", "Beta"]
    assert [column.label for column in answer.columns] == ["Proyecto", "Proyecto", "Start", "phase"]
    assert [column.kind for column in answer.columns] == ["entity", "name", "date", "text"]
    assert [row.get("phase", {}).get("value") for row in answer.rows] == ["empezado", None]
    assert answer.title == "Proyectos"


def test_a_parameter_restricts_the_rows_and_is_shown_by_its_name(reader: Reader) -> None:
    answer = reader.answer("projects", {"country": ["NO"]}, language="es")
    assert [row["project"]["value"] for row in answer.rows] == [expand("project:alpha")]
    assert answer.parameters["country"][0].label == "Noruega"


def test_an_answer_says_what_it_leaves_out(reader: Reader) -> None:
    assert list(reader.answer("projects", {}).coverage) == ["1 projects state no start."]
    assert list(reader.answer("projects-plain", {}).coverage) == []


def test_what_is_left_out_for_several_reasons_is_added_up(reader: Reader) -> None:
    for _ in range(2):  # counted, and remembered
        assert list(reader.answer("projects-parts", {}).coverage) == ["2 projects state no start or no country."]


def test_an_evidence_sibling_may_be_about_the_rows_of_the_page(reader: Reader) -> None:
    alpha, beta = reader.answer("projects-parts", {}).evidence
    assert [ref.lines for ref in alpha] == ["1", "2"]
    assert [ref.lines for ref in beta] == ["2"]
    (second,) = reader.answer("projects-parts", {}, offset=1).evidence
    assert [ref.lines for ref in second] == ["2"]


def test_rows_carry_the_passages_of_the_evidence_sibling(reader: Reader) -> None:
    alpha, beta = reader.answer("projects", {}).evidence
    assert [(ref.source_label, ref.lines, ref.status, ref.note) for ref in alpha] == [("The Report", "2", "implied", "by its heading")]
    assert list(beta) == []


def test_without_a_sibling_the_passages_of_the_first_entity_are_given(reader: Reader) -> None:
    alpha, beta = reader.answer("projects-plain", {}).evidence
    assert [ref.lines for ref in alpha] == ["1", "2"]
    assert [ref.lines for ref in beta] == ["2"]


def test_pages_say_how_many_rows_there_are(reader: Reader) -> None:
    answer = reader.answer("projects", {}, limit=1, offset=1)
    assert (answer.total, answer.offset, answer.limit, len(answer.rows)) == (2, 1, 1, 1)
    assert reader.answer("projects", {}, offset=5).total == 2


def test_a_graph_question_has_no_rows(reader: Reader) -> None:
    with pytest.raises(InputError):
        reader.answer("projects-graph", {})
    payload = reader.construct("projects-graph", {}, accept="application/n-triples")
    assert len(list(ox.parse(payload.body, format=ox.RdfFormat.N_TRIPLES))) == len(set(payload.body.splitlines())) > 2


def test_sparql_is_written_in_the_negotiated_format(reader: Reader) -> None:
    assert reader.sparql("SELECT ?s { ?s a <x:none> }", accept="text/csv").body == b"s\r\n"
    assert reader.sparql("ASK {}", accept="application/sparql-results+xml").media_type == "application/sparql-results+xml"
    with pytest.raises(NotAcceptable):
        reader.sparql("ASK {}", accept="image/png")


def test_sparql_sees_the_merge_as_default_graph_and_each_triple_once(reader: Reader) -> None:
    count = f"SELECT (COUNT(*) AS ?n) {{ <{expand('organization:bank')}> a ?type }}"
    assert reader.sparql(count, accept="text/csv").body == b"n\r\n1\r\n"
    only = reader.sparql("SELECT ?s { ?s ?p ?o } LIMIT 1", accept="text/csv", default_graphs=["https://example.org/none"])
    assert only.body == b"s\r\n"


def facts(dossier: Dossier) -> dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]]:
    return {(group.property, group.direction): [(fact.label, tuple(fact.details)) for fact in group.facts] for group in dossier.groups}


def test_a_dossier_names_who_takes_part_in_which_role(reader: Reader) -> None:
    dossier = reader.dossier(expand("project:alpha"), "es")
    found = facts(dossier)
    assert found[expand("dpa:participation"), "out"] == [
        ("Banco Interamericano de Desarrollo", ("financiador",)),
        ("Media Lab", ("socio",)),
    ]
    assert found[expand("dpa:country"), "out"] == [("Noruega", ())]
    assert (expand("dpa:funder"), "out") not in found
    assert dossier.label == "Alfa"
    assert {(name.text, name.language) for name in dossier.names} == {("Alpha", "en"), ("Alfa", "es")}


def test_a_dossier_tells_what_an_agent_takes_part_in(reader: Reader) -> None:
    found = facts(reader.dossier(expand("organization:bank"), "en"))
    assert found[PREFIXES["prov"] + "agent", "out"] == [("Alpha", ("funder",))]


def test_every_fact_of_a_dossier_leads_to_its_passage(reader: Reader) -> None:
    dossier = reader.dossier(expand("project:alpha"))
    place = next(fact for group in dossier.groups if group.property == expand("dpa:place") for fact in group.facts)
    assert [(ref.lines, ref.status) for ref in place.passages] == [("2", "implied")]


def test_nothing_known_is_not_found(reader: Reader) -> None:
    for ask in (reader.dossier, lambda iri: reader.describe(iri, format_name="turtle")):
        with pytest.raises(NotFound):
            ask(expand("project:unknown"))


def test_values_survive_the_wire_between_processes(reader: Reader) -> None:
    found = [reader.answer("projects", {}), reader.dossier(expand("project:alpha")), reader.search("alpha"), reader.statistics()]
    for value in (*found, reader.suggestions("dpa:Country")):
        frame = receive(io.BytesIO(encode(Wire.dump(value))).read)
        assert frame
        assert encode(Wire.dump(Wire.load(frame[0]))) == encode(Wire.dump(value))


@pytest.mark.parametrize(
    ("text", "detail", "hint"),
    [
        (
            "ASK {\n ?s a dpa:Project }",
            "line 2, column 18: the prefix 'dpa:' is not declared",
            "PREFIX dpa: <https://w3id.org/dpa-kg/ontology#>",
        ),
        ("ASK { ?s nope:x ?o }", "the prefix 'nope:' is not declared", "PREFIX nope: <…>"),
        ("ASK { ?s ?p }", "line 1, column 14: expected", None),
    ],
)
def test_a_query_that_does_not_parse_is_told_where_and_why(reader: Reader, text: str, detail: str, hint: str | None) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        reader.sparql(text)
    assert detail in caught.value.detail
    assert caught.value.hint == hint
    assert len(caught.value.detail) < 400
