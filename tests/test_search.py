"""Names: resolving, labelling, searching."""

from collections.abc import Iterator

import pytest

from dpa_kg.graph.search import Names
from dpa_kg.namespaces import expand
from dpa_kg.terms import fold
from tests.tiny import make_version

ORGANIZATION = expand("org:Organization")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Names]:
    opened = Names(make_version(tmp_path_factory.mktemp("home")).search_path)
    yield opened
    opened.close()


@pytest.mark.parametrize("text", ["IDB", "bid", "Banco interamericano de desarrollo", "  INTER-AMERICAN  development bank "])
def test_a_name_is_met_whatever_its_case_and_spaces(names: Names, text: str) -> None:
    assert {row.iri for row in names.named(text, ORGANIZATION)} == {expand("organization:bank")}


def test_a_name_is_met_only_in_its_class(names: Names) -> None:
    assert names.named("IDB", expand("dpa:Project")) == []
    assert len({row.iri for row in names.named("Georgia", expand("dpa:Place"))}) == 2
    assert {row.iri for row in names.named("Georgia", expand("dpa:Country"))} == {expand("place:georgia")}


def test_the_nearest_names_come_best_first(names: Names) -> None:
    nearest = names.nearest("Inter American Developmnt Bnk", ORGANIZATION)
    assert nearest[0].iri == expand("organization:bank")


def test_labels_come_in_the_readers_language_or_the_next_best(names: Names) -> None:
    iris = [expand("place:norway"), expand("organization:lab")]
    assert names.labels(iris, "es") == {iris[0]: "Noruega", iris[1]: "Media Lab"}
    assert names.labels(["https://example.org/unknown"], "en") == {}


def test_search_takes_all_words_and_the_last_as_a_prefix(names: Names) -> None:
    met = names.search("banco desarr", None, 10, 0)
    assert [hit.iri for hit in met.found] == [expand("organization:bank")]
    assert (met.total, met.complete) == (1, True)
    assert met.facets == {"organization": 1}
    assert names.search("banco norway", None, 10, 0).total == 0


@pytest.mark.parametrize("text", ['"', "* OR *", "NEAR(a b)", "text: x", "'; DROP TABLE name; --", "", "   ", "AND"])
def test_the_search_language_of_sqlite_is_not_the_callers(names: Names, text: str) -> None:
    assert list(names.search(text, None, 10, 0).found) == []


def test_search_pages_and_filters_by_noun(names: Names) -> None:
    first, second = names.search("georgia", "place", 1, 0), names.search("georgia", "place", 1, 1)
    assert first.total == 2
    assert first.found[0].iri != second.found[0].iri
    assert names.search("georgia", "person", 10, 0).total == 0


def test_suggestions_are_what_something_is_said_with(names: Names) -> None:
    assert names.suggestions(expand("dpa:Country"), "es", 10) == [("Noruega", expand("place:norway"))]


def test_folding_drops_case_accents_and_punctuation() -> None:
    assert fold("  São-Paulo, (SP)! ") == "sao paulo sp"
