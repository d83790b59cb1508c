"""`/queries` over HTTP: the catalogue, and answers in every format, with names in any language."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any

import httpx
import openpyxl
import pyoxigraph as ox
import pytest

from dpa_kg import resources
from dpa_kg.query.catalogue import Catalogue, NamedQuery
from dpa_kg.representations import formats
from dpa_kg.representations.formats import Format
from tests.test_negotiation import BROWSER

ADDRESS = "/queries/projects-by-funder-and-country"
IDB = "https://w3id.org/dpa-kg/id/organization/idb"
COLOMBIA = "https://w3id.org/dpa-kg/id/place/colombia"
CIUDATA = "https://w3id.org/dpa-kg/id/project/ciudata-segura"
QUERIES = list(Catalogue.load(resources.folder("queries"), check=False))


def projects(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {row["project"] for row in answer.json()["rows"]}


@pytest.mark.parametrize("funder", ["IDB", "BID", "idb", "Inter-American Development Bank", "Banco Interamericano de Desarrollo", IDB])
@pytest.mark.parametrize("country", ["Colombia", "CO", "COL", "Colombie", "place:colombia", COLOMBIA])
def test_an_entity_is_understood_by_any_of_its_names(client: httpx.Client, funder: str, country: str) -> None:
    answer = client.get(ADDRESS, params={"funder": funder, "country": country})
    assert CIUDATA in projects(answer)
    assert [value["value"] for value in answer.json()["parameters"]["funder"]] == [IDB]


def test_an_answer_tells_its_version_its_address_and_how_to_cite_it(client: httpx.Client, service_url: str) -> None:
    answer = client.get(ADDRESS, params={"funder": "IDB", "country": "CO"}).json()
    assert answer["total"] == len(answer["rows"]) >= 1
    assert answer["url"].startswith(f"{service_url}{ADDRESS}?funder=IDB&country=CO")
    assert f"version={answer['version']}" in answer["url"]
    assert answer["url"].partition("&lang")[0] in answer["citation"]
    assert projects(client.get(answer["url"])) == {row["project"] for row in answer["rows"]}


CITATIONS = [
    (
        "en",
        r"graph \(dpa-kg\), version \d+ of \d{4}-\d\d-\d\d: .* \(.*: Inter-American.*; Country: Colombia\)\. http",
    ),
    ("es", r"versión \d+ del \d{4}-\d\d-\d\d: .* \(.*: Banco Interamericano de Desarrollo.*; País: Colombia\)\. http"),
    ("fr", r"version \d+ du \d{4}-\d\d-\d\d\s: .* \(.*\s: .*; Pays\s: Colombie\)\. http"),
    ("pt", r"versão \d+ de \d{4}-\d\d-\d\d: .* \(.*: .*; País: Colômbia\)\. http"),
]


@pytest.mark.parametrize(("language", "expected"), CITATIONS)
def test_an_answer_is_cited_by_question_parameters_version_and_date_in_the_language_of_the_reader(
    client: httpx.Client, language: str, expected: str
) -> None:
    asked = {"funder": "IDB", "country": "CO", "lang": language}
    answer = client.get(ADDRESS, params=asked).json()
    assert re.search(expected, answer["citation"]), answer["citation"]
    created = client.get(f"/versions/{answer['version']}").json()["created"]
    assert created[:10] in answer["citation"]
    assert html.escape(answer["citation"], quote=False) in client.get(ADDRESS, params=asked, headers={"Accept": BROWSER}).text
    book = openpyxl.load_workbook(io.BytesIO(client.get(ADDRESS, params={**asked, "format": "xlsx"}).content))
    assert answer["citation"] in [row[1].value for row in book["About"].iter_rows()]


@pytest.mark.parametrize("form", [*formats.TABLE_FORMATS], ids=lambda form: form.name)
def test_every_format_has_a_link_to_cite_that_gives_the_same_answer(client: httpx.Client, form: Format) -> None:
    answer = client.get(ADDRESS, params={"funder": "IDB", "country": "CO", "limit": "1"}, headers={"Accept": form.media_type})
    cited = re.search(r'<([^>]+)>; rel="cite-as"', answer.headers["link"])
    assert cited
    assert "version=" in cited[1]
    assert CIUDATA in projects(client.get(cited[1]))


def test_a_graph_that_a_question_makes_can_be_cited_too(client: httpx.Client) -> None:
    address = "/queries/project-graph?project=ciudata-segura"
    for accept in ("text/turtle", BROWSER):
        assert 'version=1>; rel="cite-as"' in client.get(address, headers={"Accept": accept}).headers["link"]
    assert "ciudata-segura). http" in client.get(address, headers={"Accept": BROWSER}).text


def test_every_row_has_its_evidence(client: httpx.Client) -> None:
    answer = client.get(ADDRESS, params={"funder": "IDB", "country": "CO"}).json()
    assert len(answer["evidence"]) == len(answer["rows"])
    for passages in answer["evidence"]:
        assert passages
        assert {"iri", "source", "source_label", "lines", "status", "note"} <= set(passages[0])


def test_the_text_that_was_asked_holds_the_caller_s_values_and_runs_as_it_stands(client: httpx.Client) -> None:
    answer = client.get(ADDRESS, params={"funder": "AFD"}).json()
    assert "organization/afd" in answer["sparql"]
    assert "place:colombia" not in answer["sparql"]
    rerun = client.get("/sparql", params={"query": answer["sparql"]}).json()
    assert len(rerun["results"]["bindings"]) == answer["total"]


@pytest.mark.parametrize("form", [form for form in formats.TABLE_FORMATS if form is not formats.HTML], ids=lambda form: form.name)
@pytest.mark.parametrize("way", ["header", "parameter"])
def test_the_same_rows_come_in_every_format(client: httpx.Client, form: Format, way: str) -> None:
    asked = {"funder": "IDB", "country": "CO"}
    expected = [row["project"] for row in client.get(ADDRESS, params=asked).json()["rows"]]
    if way == "header":
        answer = client.get(ADDRESS, params=asked, headers={"Accept": form.media_type})
    else:
        answer = client.get(ADDRESS, params={**asked, "format": form.name}, headers={"Accept": BROWSER})
    assert answer.headers["content-type"] == form.content_type
    assert rows_of(answer, form) == expected


def rows_of(answer: httpx.Response, form: Format) -> list[Any]:
    """The column `project` of an answer in any format."""
    if form is formats.JSON:
        return [row["project"] for row in answer.json()["rows"]]
    if form is formats.CSV:
        return [row["project"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))]
    if form is formats.TSV:
        head, *lines = (line.split("\t") for line in answer.text.splitlines())
        return [line[head.index("project")] for line in lines]
    if form is formats.XLSX:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content))["Data"]
        return [row[0].value for row in sheet.iter_rows(min_row=2)]
    solutions = ox.parse_query_results(answer.content, format=form.oxigraph)  # type: ignore[arg-type]
    assert isinstance(solutions, ox.QuerySolutions)
    return [solution["project"].value for solution in solutions]


def test_a_download_has_a_file_name(client: httpx.Client) -> None:
    answer = client.get(ADDRESS, params={"funder": "IDB", "format": "xlsx"})
    assert answer.headers["content-disposition"] == 'attachment; filename="projects-by-funder-and-country.xlsx"'


def test_json_is_what_a_caller_without_wishes_gets(client: httpx.Client) -> None:
    assert client.get(ADDRESS, headers={"Accept": "*/*"}).headers["content-type"] == "application/json"


def test_several_values_mean_any_of_them(client: httpx.Client) -> None:
    one = projects(client.get(ADDRESS, params={"funder": "IDB"}))
    other = projects(client.get(ADDRESS, params={"funder": "AFD"}))
    assert one
    assert other - one
    assert projects(client.get(ADDRESS, params={"funder": ["IDB", "AFD"]})) == one | other


def test_an_empty_value_is_no_value(client: httpx.Client) -> None:
    assert projects(client.get(f"{ADDRESS}?funder=IDB&country=&since=")) == projects(client.get(f"{ADDRESS}?funder=IDB"))


def test_names_come_in_the_reader_s_language(client: httpx.Client) -> None:
    row = client.get(ADDRESS, params={"funder": "IDB", "country": "CO", "lang": "es"}).json()["rows"][0]
    assert row["funderName"] == "Banco Interamericano de Desarrollo"
    by_header = client.get(ADDRESS, params={"funder": "IDB", "country": "CO"}, headers={"Accept-Language": "es-MX, en;q=0.5"})
    assert by_header.json()["rows"][0] == row
    assert by_header.headers["content-language"] == "es"


def test_pages_of_an_answer_add_up_to_the_whole(client: httpx.Client) -> None:
    whole = client.get(ADDRESS, params={"limit": 1000}).json()
    assert whole["total"] > 5
    rows, address = [], f"{ADDRESS}?limit=2"
    while address:
        page = client.get(address)
        rows += page.json()["rows"]
        address = page.json().get("next", "")
        assert page.links.get("next", {}).get("url", "").partition("?")[2] == address.partition("?")[2] or "lang" in address
    assert rows == whole["rows"]


def test_a_table_file_holds_all_rows_unless_a_limit_is_asked_for(client: httpx.Client) -> None:
    """The longest answer there is, which is longer than a page."""
    address = "/queries/statistics-by-period" if any(query.name == "statistics-by-period" for query in QUERIES) else ADDRESS
    total = client.get(address, params={"limit": 1}).json()["total"]
    assert len(client.get(address, params={"format": "tsv"}).text.splitlines()) == total + 1
    assert len(client.get(address, params={"format": "tsv", "limit": 1}).text.splitlines()) == 2


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"fundr": "IDB"}, "funder"),
        ({"funder": "Interamerican Developement Bank"}, "Inter-American Development Bank"),
        ({"since": "yesterday"}, ""),
        ({"limit": "-1"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"offset": "1.5"}, "offset"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"version": "latest"}, ""),
        ({"lang": "de"}, "en, es, fr, pt"),
        ({"format": "docx"}, "xlsx"),
    ],
)
def test_what_is_not_understood_is_a_422_that_says_what_would_be(client: httpx.Client, fields: dict[str, Any], hint: str) -> None:
    answer = client.get(ADDRESS, params=fields)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert hint in problem["detail"] + problem.get("hint", "") + str(problem.get("candidates", ""))


def test_an_unknown_query_is_a_404_with_the_nearest_names(client: httpx.Client) -> None:
    answer = client.get("/queries/projects-by-founder-and-country")
    assert answer.status_code == 404
    assert answer.json()["candidates"][0]["name"] == "projects-by-funder-and-country"


def test_a_version_that_there_is_not_is_a_404(client: httpx.Client) -> None:
    assert client.get(ADDRESS, params={"version": "999999"}).status_code == 404


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_every_example_of_every_query_is_answered_as_data_and_as_a_page(client: httpx.Client, query: NamedQuery) -> None:
    asked = [example.parameters for example in query.examples] or [{}]
    for parameters in asked:
        for accept in ("*/*", BROWSER):
            answer = client.get(
                f"/queries/{query.name}", params={name: list(values) for name, values in parameters.items()}, headers={"Accept": accept}
            )
            assert answer.status_code == 200, answer.text
        assert 'id="answer"' in answer.text


def test_the_catalogue_lists_every_query_with_what_a_program_needs(client: httpx.Client, service_url: str) -> None:
    entries = client.get("/queries").json()["queries"]
    assert [entry["name"] for entry in entries] == [query.name for query in QUERIES]
    entry = next(entry for entry in entries if entry["url"] == f"{service_url}{ADDRESS}")
    assert entry["parameters"][0]["name"] == "funder"
    assert entry["parameters"][0]["multiple"] is True
    assert client.get(entry["examples"][0]["url"]).status_code == 200
    assert client.get("/queries", params={"lang": "fr"}).json()["queries"][0]["title"] == QUERIES[0].title["fr"]


def test_queries_that_make_graphs_come_in_graph_formats(client: httpx.Client) -> None:
    makers = [query for query in QUERIES if query.form != "SELECT" and not any(parameter.required for parameter in query.parameters)]
    if not makers:
        pytest.skip("the catalogue has no query that makes a graph without parameters; one would un-skip this")
    answer = client.get(f"/queries/{makers[0].name}", headers={"Accept": "application/n-triples"})
    assert list(ox.parse(answer.content, format=ox.RdfFormat.N_TRIPLES))
