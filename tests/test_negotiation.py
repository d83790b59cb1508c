"""Content negotiation by RFC 9110, sections 12.4.2 and 12.5.1."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpa_kg.errors import NotAcceptable, ParameterError
from dpa_kg.namespaces import LANGUAGES
from dpa_kg.representations.formats import (
    CSV,
    GRAPH_FORMATS,
    HTML,
    JSON,
    JSON_LD,
    N_TRIPLES,
    PAGE_FORMATS,
    RDF_XML,
    RESULT_FORMATS,
    SPARQL_JSON,
    SPARQL_XML,
    TABLE_FORMATS,
    TSV,
    TURTLE,
    Format,
)
from dpa_kg.representations.negotiation import media_ranges, negotiate, negotiate_language

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
OWLAPI = "application/rdf+xml, application/xml; q=0.7, text/xml; q=0.6, text/plain; q=0.1, */*; q=0.09"
Offer = tuple[Format, ...]


@pytest.mark.parametrize(
    ("accept", "offered", "expected"),
    [
        # nothing is said, or nothing that can be read: what is offered first
        (None, RESULT_FORMATS, SPARQL_JSON),
        ("", RESULT_FORMATS, SPARQL_JSON),
        ("nonsense", RESULT_FORMATS, SPARQL_JSON),
        ("*/*", RESULT_FORMATS, SPARQL_JSON),
        ("*", GRAPH_FORMATS, TURTLE),
        # what is named
        ("text/csv", RESULT_FORMATS, CSV),
        ("TEXT/CSV", RESULT_FORMATS, CSV),
        ("application/sparql-results+xml", RESULT_FORMATS, SPARQL_XML),
        ("text/*", RESULT_FORMATS, CSV),
        ("image/png, text/tab-separated-values", RESULT_FORMATS, TSV),
        # quality, then closeness, then the order of the offer
        ("text/csv;q=0.5, text/tab-separated-values;q=0.8", RESULT_FORMATS, TSV),
        ("text/csv;q=0.5,text/*;q=0.8", RESULT_FORMATS, TSV),
        ("text/csv, */*", RESULT_FORMATS, CSV),
        ("text/csv, application/sparql-results+json", RESULT_FORMATS, SPARQL_JSON),
        ("*/*;q=0.1, text/turtle;q=0.5", GRAPH_FORMATS, TURTLE),
        # the closest range decides, not the best one
        ("*/*, application/sparql-results+json;q=0.1", RESULT_FORMATS, SPARQL_XML),
        ("*/*, application/sparql-results+json;q=0", RESULT_FORMATS, SPARQL_XML),
        ("*/*, text/*;q=0", (CSV, SPARQL_XML), SPARQL_XML),
        # aliases
        ("application/json", RESULT_FORMATS, SPARQL_JSON),
        ("application/json", GRAPH_FORMATS, JSON_LD),
        ("application/json", TABLE_FORMATS, JSON),
        ("application/xml", RESULT_FORMATS, SPARQL_XML),
        ("text/xml", GRAPH_FORMATS, RDF_XML),
        ("text/plain", GRAPH_FORMATS, N_TRIPLES),
        ("application/json;q=0.2, text/csv;q=0.1", RESULT_FORMATS, SPARQL_JSON),
        # parameters
        ("text/csv;charset=utf-8", RESULT_FORMATS, CSV),
        ("text/csv; header=present; q=0.9, text/tab-separated-values;q=0.3", RESULT_FORMATS, CSV),
        ('application/ld+json;profile="http://www.w3.org/ns/json-ld#compacted, x;q=0"', GRAPH_FORMATS, JSON_LD),
        ("text/csv;q=0.7, text/csv;header=absent;q=0.1, text/tab-separated-values;q=0.5", RESULT_FORMATS, CSV),
        # clients of the field
        (BROWSER, TABLE_FORMATS, HTML),
        (BROWSER, PAGE_FORMATS, HTML),
        (BROWSER, GRAPH_FORMATS, RDF_XML),
        (OWLAPI, PAGE_FORMATS, RDF_XML),
        ("application/sparql-results+json,application/json,text/javascript,application/javascript", RESULT_FORMATS, SPARQL_JSON),
    ],
)
def test_the_format_is_what_the_header_asks_for(accept: str | None, offered: Offer, expected: Format) -> None:
    assert negotiate(accept, offered) is expected


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "*/*;q=0", "text/*;q=0, application/sparql-results+json;q=0, image/png"])
def test_nothing_acceptable_is_an_error_that_names_what_there_is(accept: str) -> None:
    with pytest.raises(NotAcceptable) as caught:
        negotiate(accept, (CSV, TSV))
    assert "text/csv" in str(caught.value.hint)


@pytest.mark.parametrize("quality", ["1.5", "-1", "x", "", ".", "0.5.5", "1e0"])
def test_a_range_with_a_malformed_quality_is_left_out(quality: str) -> None:
    assert negotiate(f"text/tab-separated-values;q={quality}, text/csv;q=0.1", RESULT_FORMATS) is CSV


def test_white_space_and_quoted_commas_are_read_as_the_grammar_says() -> None:
    ranges = media_ranges('text/html ; level="a,b;q=0" ; Q=0.5 ,\ttext/csv')
    assert [(found.subtype, found.quality) for found in ranges] == [("html", 0.5), ("csv", 1.0)]


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200) | st.from_regex(r"([a-z*]+/[a-z*]+(;q=[0-9.]{0,4})?,? ?){0,8}", fullmatch=True))
def test_any_header_gives_an_offered_format_or_not_acceptable(accept: str) -> None:
    try:
        assert negotiate(accept, TABLE_FORMATS) in TABLE_FORMATS
    except NotAcceptable:
        assert media_ranges(accept)


@settings(deadline=None)
@given(st.permutations(["text/csv;q=0.9", "text/*;q=0.4", "*/*;q=0.2", "application/sparql-results+json;q=0.8"]))
def test_the_order_of_a_header_means_nothing(ranges: list[str]) -> None:
    assert negotiate(", ".join(ranges), RESULT_FORMATS) is CSV


@pytest.mark.parametrize("text", ["," * 60_000, '"\\' * 30_000, "a/b;" * 15_000, '"' * 60_000, "a/b," * 15_000])
def test_no_header_keeps_the_service_busy(text: str) -> None:
    start = time.perf_counter()
    media_ranges(text)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("lang", "accept_language", "expected"),
    [
        (None, None, "en"),
        (None, "de", "en"),
        (None, "es-MX,es;q=0.9,en;q=0.8", "es"),
        (None, "de, fr;q=0.1, pt-BR;q=0.5", "pt"),
        (None, "*", "en"),
        (None, "es;q=0, en;q=0.1", "en"),
        ("pt", "es", "pt"),
        ("pt-BR", "es", "pt"),
        ("FR", None, "fr"),
        ("", "es", "es"),
    ],
)
def test_the_language_is_what_the_reader_asks_for(lang: str | None, accept_language: str | None, expected: str) -> None:
    assert negotiate_language(lang, accept_language) == expected


def test_a_language_that_nothing_is_written_in_is_refused() -> None:
    with pytest.raises(ParameterError) as caught:
        negotiate_language("de", "es")
    assert [candidate["name"] for candidate in caught.value.candidates] == list(LANGUAGES)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_language_header_gives_one_of_the_four(header: str) -> None:
    assert negotiate_language(None, header) in LANGUAGES
