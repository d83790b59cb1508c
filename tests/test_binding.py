"""What a caller writes becomes a term, or an error that says what to write instead."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpa_kg.errors import AmbiguousName, InputError, ParameterError, UnknownName
from dpa_kg.graph.search import Names
from dpa_kg.namespaces import expand
from dpa_kg.query.binding import Bound, bind, entity
from dpa_kg.query.catalogue import Catalogue, NamedQuery
from tests.tiny import make_version

LABELS = "subjects: {projects: {en: P}}\nparameters: {%s}\ncolumns: {}\n"
TYPES = {
    "funder": "{type: 'org:Organization', multiple: true}",
    "since": "{type: 'xsd:date', expand: first}",
    "until": "{type: 'xsd:date', expand: last}",
    "date": "{type: 'dpa:Period'}",
    "year": "{type: 'xsd:gYear'}",
    "amount": "{type: 'xsd:decimal'}",
    "count": "{type: 'xsd:integer'}",
    "text": "{type: 'xsd:string', default: hello}",
}


def variables(name: str) -> str:
    return "(?dateFirst ?dateLast)" if name == "date" else f"?{name}"


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> NamedQuery:
    folder = tmp_path_factory.mktemp("queries")
    (folder / "labels.yaml").write_text(LABELS % ", ".join(f"{name}: {{en: X}}" for name in TYPES), encoding="utf-8")
    header = [
        "title: {en: T}",
        "description: {en: D}",
        "subject: projects",
        "parameters:",
        *(f"  {name}: {kind}" for name, kind in TYPES.items()),
    ]
    body = "\n".join(f"#? if {name}\nVALUES {variables(name)} {{ }}\n#? end" for name in TYPES)
    text = "\n".join(f"#+ {line}" for line in header) + f"\nSELECT * WHERE {{\n{body}\n}}"
    (folder / "projects.rq").write_text(text, encoding="utf-8")
    return Catalogue.load(folder, check=False).get("projects")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Names]:
    opened = Names(make_version(tmp_path_factory.mktemp("home")).search_path)
    yield opened
    opened.close()


def row(bound: Bound, *variable: str) -> list[str]:
    (only,) = bound.rows[variable]
    return list(only)


@pytest.mark.parametrize(
    "text",
    [
        "IDB",
        "BID",
        "bank",
        "organization:bank",
        "organization/bank",
        "https://w3id.org/dpa-kg/id/organization/bank",
        "inter-american development bank",
    ],
)
def test_an_entity_is_taken_by_iri_slug_name_or_acronym(query: NamedQuery, names: Names, text: str) -> None:
    bound = bind(query, {"funder": [text]}, names, "es")
    assert row(bound, "funder") == ["<https://w3id.org/dpa-kg/id/organization/bank>"]
    assert bound.resolved["funder"][0].label == "Banco Interamericano de Desarrollo"


def test_several_values_are_several_rows(query: NamedQuery, names: Names) -> None:
    assert len(bind(query, {"funder": ["IDB", "Media Lab"]}, names, "en").rows["funder",]) == 2


def test_an_unknown_name_comes_with_the_nearest_ones(query: NamedQuery, names: Names) -> None:
    with pytest.raises(UnknownName, match="Unknown funder 'IADB'") as caught:
        bind(query, {"funder": ["IADB"]}, names, "en")
    assert caught.value.candidates[0]["iri"] == expand("organization:bank")
    assert "IDB" in (caught.value.hint or "")


def test_an_ambiguous_name_comes_with_its_candidates(names: Names) -> None:
    with pytest.raises(AmbiguousName) as caught:
        entity("Georgia", "dpa:Place", names, "place")
    assert {candidate["iri"] for candidate in caught.value.candidates} == {expand("place:georgia"), expand("place:georgia-usa")}


def test_a_name_of_something_else_is_told_so(query: NamedQuery, names: Names) -> None:
    with pytest.raises(UnknownName) as caught:
        bind(query, {"funder": ["Norway"]}, names, "es")
    assert "something else (place)" in (caught.value.hint or "")
    assert [candidate["name"] for candidate in caught.value.candidates] == ["Noruega (Norway)"]


def test_an_interval_that_ends_before_it_begins_is_refused(query: NamedQuery, names: Names) -> None:
    with pytest.raises(ParameterError, match="'since' is after 'until'"):
        bind(query, {"since": ["2021"], "until": ["2019-05"]}, names, "en")
    bind(query, {"since": ["2019"], "until": ["2019"]}, names, "en")


def test_an_entity_of_another_class_is_not_taken(query: NamedQuery, names: Names) -> None:
    with pytest.raises(UnknownName):
        bind(query, {"funder": ["https://w3id.org/dpa-kg/id/place/norway"]}, names, "en")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("since", "2020", ['"2020-01-01"^^<http://www.w3.org/2001/XMLSchema#date>']),
        ("until", "2020", ['"2020-12-31"^^<http://www.w3.org/2001/XMLSchema#date>']),
        ("until", "2020-02", ['"2020-02-29"^^<http://www.w3.org/2001/XMLSchema#date>']),
        ("until", "2019-02-03", ['"2019-02-03"^^<http://www.w3.org/2001/XMLSchema#date>']),
        ("year", "2019", ['"2019"^^<http://www.w3.org/2001/XMLSchema#gYear>']),
        ("count", "-7", ['"-7"^^<http://www.w3.org/2001/XMLSchema#integer>']),
        ("amount", "300000.50", ['"300000.50"^^<http://www.w3.org/2001/XMLSchema#decimal>']),
    ],
)
def test_literals_get_their_type(query: NamedQuery, names: Names, name: str, text: str, expected: list[str]) -> None:
    assert row(bind(query, {name: [text]}, names, "en"), name) == expected


def test_a_period_binds_its_first_and_its_last_day(query: NamedQuery, names: Names) -> None:
    first, last = row(bind(query, {"date": ["2018-05"]}, names, "en"), "dateFirst", "dateLast")
    assert first.startswith('"2018-05-01"')
    assert last.startswith('"2018-05-31"')


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("since", "2020-13"), ("since", "2020-02-30"), ("since", "0000"), ("since", "yesterday"), ("since", "2020-1-1"),
        ("year", "20"), ("year", "٢٠٢٠x"), ("count", "1e5"), ("amount", "1,000"), ("date", "2018-00-01"),
    ],
)  # fmt: skip
def test_what_is_no_such_literal_is_refused(query: NamedQuery, names: Names, name: str, text: str) -> None:
    with pytest.raises(ParameterError, match=f"'{name}' takes"):
        bind(query, {name: [text]}, names, "en")


def test_an_unknown_parameter_comes_with_the_nearest(query: NamedQuery, names: Names) -> None:
    with pytest.raises(ParameterError) as caught:
        bind(query, {"founder": ["IDB"]}, names, "en")
    assert caught.value.hint == "Did you mean 'funder'?"


def test_a_single_parameter_takes_one_value(query: NamedQuery, names: Names) -> None:
    with pytest.raises(ParameterError, match="one value"):
        bind(query, {"year": ["2018", "2019"]}, names, "en")


def test_empty_values_count_as_not_given_and_defaults_step_in(query: NamedQuery, names: Names) -> None:
    bound = bind(query, {"funder": ["", "  "]}, names, "en")
    assert bound.given == {"text"}
    assert row(bound, "text") == ['"hello"']


@given(text=st.text(max_size=50))
def test_no_text_breaks_the_resolution_of_an_entity(names: Names, text: str) -> None:
    try:
        assert entity(text, "org:Organization", names, "funder").startswith("https://")
    except InputError as error:
        assert error.status == 422
