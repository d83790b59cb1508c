"""The one table of formats."""

from __future__ import annotations

import re
from pathlib import Path

import pyoxigraph as ox
import pytest

import dpa_kg
from dpa_kg.errors import ParameterError
from dpa_kg.representations import formats
from dpa_kg.representations.formats import Format

ALL = {value for value in vars(formats).values() if isinstance(value, Format)}


def test_names_and_media_types_are_unique() -> None:
    assert len(ALL) >= 14
    assert len({form.name for form in ALL}) == len(ALL)
    assert len({form.media_type for form in ALL}) == len(ALL)


@pytest.mark.parametrize("form", formats.GRAPH_FORMATS + formats.DATASET_FORMATS, ids=lambda form: form.name)
def test_the_engine_knows_each_graph_format_by_the_same_media_type(form: Format) -> None:
    assert isinstance(form.oxigraph, ox.RdfFormat)
    assert form.oxigraph.media_type == form.media_type


@pytest.mark.parametrize("form", formats.RESULT_FORMATS, ids=lambda form: form.name)
def test_the_engine_knows_each_result_format_by_the_same_media_type(form: Format) -> None:
    assert isinstance(form.oxigraph, ox.QueryResultsFormat)
    assert form.oxigraph.media_type.partition(";")[0] == form.media_type


@pytest.mark.parametrize("form", [formats.XLSX, formats.HTML, formats.JSON], ids=lambda form: form.name)
def test_a_format_that_the_engine_does_not_write_says_so(form: Format) -> None:
    with pytest.raises(ValueError, match="does not write"):
        _ = form.oxigraph


@pytest.mark.parametrize(
    ("name", "offered", "expected"),
    [
        ("json", formats.TABLE_FORMATS, formats.JSON),
        ("json", formats.RESULT_FORMATS, formats.SPARQL_JSON),
        ("json", formats.GRAPH_FORMATS, formats.JSON_LD),
        ("ttl", formats.GRAPH_FORMATS, formats.TURTLE),
        (".ttl", formats.GRAPH_FORMATS, formats.TURTLE),
        ("text/csv", formats.TABLE_FORMATS, formats.CSV),
        (" CSV ", formats.TABLE_FORMATS, formats.CSV),
        ("xml", formats.RESULT_FORMATS, formats.SPARQL_XML),
        ("xml", formats.GRAPH_FORMATS, formats.RDF_XML),
    ],
)
def test_a_format_is_found_by_name_extension_and_media_type(name: str, offered: tuple[Format, ...], expected: Format) -> None:
    assert formats.named(name, offered) is expected


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(ParameterError) as caught:
        formats.named("docx", formats.TABLE_FORMATS)
    assert "xlsx" in str(caught.value.hint)
    assert {"name": "csv", "iri": "text/csv"} in caught.value.candidates


def test_texts_are_served_as_utf_8() -> None:
    assert formats.CSV.content_type == "text/csv; charset=utf-8"
    assert formats.SPARQL_JSON.content_type == "application/sparql-results+json"


def test_no_other_module_spells_a_media_type_of_the_table() -> None:
    """Found by text: a media type in quotes. client.py may: it is also used where the service is not, and imports nothing of it."""
    spelt = re.compile("|".join(re.escape(f'"{form.media_type}"') for form in ALL))
    sources = [path for path in Path(dpa_kg.__file__).parent.rglob("*.py") if path.name != "formats.py"]
    assert len(sources) > 30
    found = {path.name for path in sources if spelt.search(path.read_text("utf-8"))}
    assert found <= {"client.py"}, found
