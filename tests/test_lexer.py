"""The lexer finds what matters outside strings, IRIs and comments, and nothing inside them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpa_kg.errors import DpaKgError, Forbidden, QuerySyntaxError, TextTooLong
from dpa_kg.query.lexer import guard, query_form, tokens, unescape


def check(text: str) -> None:
    guard(text, length=65536, nesting=64)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { SERVICE <http://example.org/> { ?s ?p ?o } }",
        "SELECT * { service silent ?s { ?s ?p ?o } }",
        "SELECT * { \\u0053ERVICE <http://example.org/> { ?s ?p ?o } }",
        "SELECT * { \\U00000053ERVICE <http://example.org/> { ?s ?p ?o } }",
        "SELECT * { ?s ?p 'a' # comment\nSERVICE <http://example.org/> {} }",
        "LOAD <http://example.org/>",
        "SELECT * { ?s ?p '''a ' quote''' . SERVICE<http://example.org/>{} }",
        "PREFIX : <http://example.org/> SELECT * { SERVICE:x { ?s ?p ?o } }",
        "PREFIX SERVICE: <a:> PREFIX : <http://example.org/> SELECT * { SERVICE:x { ?s ?p ?o } }",
        "PREFIX e: <http://example.org/> SELECT * { servicee:x { ?s ?p ?o } }",
        "SELECT * { SERVICESILENT<http://example.org/> { ?s ?p ?o } }",
        "SELECT * { ?s ?p trueSERVICE <http://example.org/> { ?x ?y ?z } }",
        "PREFIX : <http://example.org/> SELECT * { ?s ?p :.SERVICE <http://example.org/> { ?x ?y ?z } }",
        "PREFIX : <http://example.org/> LOAD:x",
        "PREFIX e: <http://example.org/> CLEAR ALL ; LOADSILENTe:x",
    ],
)
def test_a_text_that_asks_another_server_is_forbidden(text: str) -> None:
    with pytest.raises(Forbidden):
        check(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { ?s ?p 'SERVICE' }",
        'SELECT * { ?s ?p """LOAD "quoted" SERVICE""" }',
        "SELECT * { ?s ?p <http://example.org/SERVICE> } # SERVICE",
        "SELECT ?service ?load { ?service ?p ?load }",
        "PREFIX service: <http://example.org/> SELECT * { service:load ?p ?o }",
        "PREFIX ex: <http://example.org/> SELECT * { ex:SERVICE ?p ?o }",
        "PREFIX ex: <http://example.org/> SELECT * { ?s a ex:Service . OPTIONAL { ?s ex:load ?o } }",
        "PREFIX load: <http://example.org/> SELECT * { ?s load:x load:y }",
        "SELECT * { ?s ?p 'it\\u0027s' }",
    ],
)
def test_the_words_are_harmless_in_strings_iris_comments_and_names(text: str) -> None:
    check(text)


def test_nesting_counts_open_brackets_only() -> None:
    check("SELECT * " + "{" * 64 + "}" * 64)
    with pytest.raises(QuerySyntaxError):
        check("SELECT * " + "{" * 65 + "}" * 65)
    check("SELECT * { ?s ?p '" + "{" * 500 + "' }")
    check("SELECT * {" + "{ ?s ?p ?o } " * 500 + "}")


def test_length_is_counted_in_bytes() -> None:
    guard("ASK {}" + " " * 94, length=100, nesting=4)
    with pytest.raises(TextTooLong):
        guard("ASK {}" + "é" * 48, length=100, nesting=4)


def test_the_form_is_the_first_keyword_and_not_one_in_a_comment() -> None:
    assert query_form("# SELECT\nPREFIX select: <http://ask/> CONSTRUCT WHERE { ?s ?p 'SELECT' }") == "CONSTRUCT"
    assert query_form("ask {}") == "ASK"
    with pytest.raises(QuerySyntaxError):
        query_form("INSERT DATA { <a:> <b:> <c:> }")


@pytest.mark.parametrize(
    "text", ["a-" * 200_000, '"\\' * 200_000, "<" * 400_000, "a:\\" * 100_000], ids=["runs", "quotes", "iris", "names"]
)
def test_every_sign_of_a_text_is_in_one_token_however_the_text_is_made(text: str) -> None:
    """A lexer that looks at a sign again and again would take minutes here, and the web process with it."""
    assert sum(len(token.text) for token in tokens(text)) == len(text)


def test_a_string_that_never_ends_is_a_syntax_error() -> None:
    for text in ('ASK { FILTER("', "ASK { FILTER('x\n' != 1) }"):
        with pytest.raises(QuerySyntaxError):
            check(text)


def test_escapes_beyond_unicode_stay_as_they_are() -> None:
    assert unescape("\\U00110000 \\u00e9") == "\\U00110000 é"


@given(st.text(max_size=200))
def test_no_text_makes_the_lexer_fail(text: str) -> None:
    assert [token.start for token in tokens(text)] == sorted(token.start for token in tokens(text))
    try:
        check(text)
    except DpaKgError:
        return


@given(st.text(alphabet="\"'\\\n{}SERVICE <>#?", max_size=60))
def test_a_string_literal_hides_everything_in_it(inside: str) -> None:
    written = inside.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    found = list(tokens(f'"{written}"'))
    assert [token.kind for token in found] == ["string"]
