"""`/validate`: a report on anyone's data; nothing is changed, nothing is fetched, and a bad text harms nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from dpa_kg.errors import Forbidden, Overloaded
from dpa_kg.graph.report import Finding, Report
from dpa_kg.http import reports
from dpa_kg.http.jobs import Jobs
from dpa_kg.http.paths import path_node
from dpa_kg.namespaces import DPA, ID, PREFIXES, SH
from dpa_kg.query.spool import forget
from dpa_kg.representations import formats
from dpa_kg.representations.contexts import with_bundled_context
from dpa_kg.representations.formats import Format
from dpa_kg.settings import Settings
from tests.serving import serving
from tests.test_negotiation import BROWSER

TURTLE = "\n".join(f"@prefix {prefix}: <{iri}> ." for prefix, iri in PREFIXES.items())
BAD = f'{TURTLE}\nproject:x a dpa:Project ; rdfs:label "X"@en ; dpa:place place:bogota , place:nowhere ; dpa:startDate "2018-13" .'
GOOD = f'{TURTLE}\norganization:x a org:Organization ; rdfs:label "X"@en ; dpa:homeCountry place:colombia .'
QUADS = [ox.Quad(q.subject, q.predicate, q.object, q.graph_name) for q in ox.parse(BAD, format=ox.RdfFormat.TURTLE)]


def post(client: httpx.Client, text: str | bytes, kind: str = "text/turtle", **headers: str) -> httpx.Response:
    return client.post("/validate", content=text, headers={"Content-Type": kind, **headers})


def shapes(answer: httpx.Response) -> set[str]:
    return {result["shape"].rpartition("/")[2] for result in answer.json()["results"]}


def test_data_that_break_a_shape_get_one_entry_for_each_result(client: httpx.Client) -> None:
    report = post(client, BAD).json()
    assert report["conforms"] is False
    assert report["violation"] == sum(result["severity"] == "violation" for result in report["results"]) >= 2
    (date,) = (result for result in report["results"] if result["path"] == f"<{DPA}startDate>")
    assert date["focusNode"] == f"{ID}project/x"
    assert date["value"] == {"type": "literal", "value": "2018-13"}
    assert date["shape"] == "https://w3id.org/dpa-kg/shape/Undertaking-startDate"
    assert "2018-13" in date["message"]


def test_what_the_graph_knows_already_counts(client: httpx.Client) -> None:
    """The city and the country are in the graph, not in the data."""
    assert not any("bogota" in json.dumps(result) for result in post(client, BAD).json()["results"])
    good = post(client, GOOD).json()
    assert good["conforms"] is True, good


@pytest.mark.parametrize("language", ["en", "es", "fr", "pt"])
def test_messages_come_in_the_language_of_the_reader(client: httpx.Client, language: str) -> None:
    answer = post(client, BAD, **{"Accept-Language": language})
    word = {"en": "given as", "es": "indicado como", "fr": "donné comme", "pt": "indicado como"}[language]
    assert word in " ".join(result["message"] for result in answer.json()["results"])
    assert answer.headers["content-language"] == language


@pytest.mark.parametrize("form", (*formats.GRAPH_FORMATS, *formats.DATASET_FORMATS), ids=lambda form: form.name)
def test_every_format_is_read(client: httpx.Client, form: Format) -> None:
    text = ox.serialize(QUADS, format=form.rdf) or b""
    assert "Undertaking-startDate" in shapes(post(client, text, form.media_type))


@pytest.mark.parametrize("form", formats.GRAPH_FORMATS, ids=lambda form: form.name)
def test_the_report_is_a_validation_report_in_every_graph_format(client: httpx.Client, form: Format) -> None:
    answer = post(client, BAD, Accept=form.media_type)
    assert answer.headers["content-type"] == form.content_type
    if form is formats.JSON_LD:
        assert "Undertaking-startDate" in answer.text
        return
    store = ox.Store()
    store.extend(ox.parse(answer.content, format=form.rdf))
    (conforms,) = store.quads_for_pattern(None, ox.NamedNode(f"{SH}conforms"), None)
    assert str(conforms.object).startswith('"false"')
    results = [quad.object for quad in store.quads_for_pattern(None, ox.NamedNode(f"{SH}result"), None)]
    assert len(results) == len(post(client, BAD).json()["results"])
    for result in results:
        for name in ("focusNode", "resultSeverity", "sourceShape", "sourceConstraintComponent", "resultMessage"):
            assert any(True for _ in store.quads_for_pattern(result, ox.NamedNode(SH + name), None)), name  # type: ignore[arg-type]


def test_named_graphs_are_read_too(client: httpx.Client) -> None:
    statements = BAD.removeprefix(TURTLE)
    text = f"{TURTLE}\n<http://e.org/mine> {{ {statements} }}"
    assert "Undertaking-startDate" in shapes(post(client, text, "application/trig"))


def test_nothing_is_changed(client: httpx.Client) -> None:
    before = client.get("/versions").json()
    post(client, BAD)
    post(client, GOOD)
    assert client.get("/versions").json() == before
    assert client.get("/doc/organization/x.ttl").status_code == 404


@pytest.mark.parametrize(
    ("text", "kind", "status"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><rdf/>', "application/rdf+xml", 400),
        ("[" * 5000 + "]" * 5000, "application/ld+json", 400),
        ('{"@context": "http://127.0.0.1:9/context", "@id": "http://e.org/a"}', "application/ld+json", 403),
        ("<a> <b", "text/turtle", 400),
        (b"\xff", "text/turtle", 400),
        ("<a> <b> <<( <c> <d> <e> )>> .", "text/turtle", 400),
        ("a,b", "text/csv", 415),
        ("", "", 415),
        ("<a> <b> <c> .", "text/turtle; charset=latin-1", 415),
        ("type=turtle", "application/x-www-form-urlencoded", 422),
        ("data=x&type=docx", "application/x-www-form-urlencoded", 422),
    ],
)
def test_what_cannot_be_read_has_its_own_status(client: httpx.Client, text: str | bytes, kind: str, status: int) -> None:
    answer = post(client, text, kind)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.fixture(scope="module")
def strict(built_home: Path) -> Iterator[httpx.Client]:
    """A service that reads two kilobytes, and gives a validation no time."""
    changes = {"validate_bytes": 2048, "validate_timeout": 0.01, "query_workers": 1, "question_workers": 1}
    with serving(built_home, **changes) as url, httpx.Client(base_url=url, timeout=60) as session:
        yield session


def test_data_that_are_too_large_are_refused(strict: httpx.Client) -> None:
    assert post(strict, "#" * 3000).status_code == 413


def test_a_validation_that_takes_too_long_is_ended(strict: httpx.Client) -> None:
    answer = post(strict, "<http://e.org/a> a <http://e.org/b> .")
    assert answer.status_code == 504
    assert "validation" in answer.json()["detail"]
    assert 'dpa_kg_worker_kills_total{pool="validating",cause="time"} 1' in strict.get("/metrics").text
    assert strict.get("/sparql?query=ASK%7B%7D").json()["boolean"] is True


def test_what_a_killed_validation_leaves_is_removed(tmp_path: Path) -> None:
    place = str(tmp_path)
    program = f"""if True:
        from pathlib import Path
        from dpa_kg.query.spool import scratch
        with scratch(Path({place!r})):
            print("there", flush=True)
            input()
    """
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "there\n"
        running.kill()
    assert [path.is_dir() for path in tmp_path.iterdir()] == [True]
    forget(tmp_path, running.pid)
    assert not list(tmp_path.iterdir())


def test_only_so_many_validations_wait(tmp_path: Path) -> None:
    jobs = Jobs(Settings(home=tmp_path, validations=2), lambda: 1)
    with jobs.place(), jobs.place(), pytest.raises(Overloaded), jobs.place():
        pass
    with jobs.place():
        pass


def test_people_have_a_form_and_see_the_report_below_it(client: httpx.Client) -> None:
    empty = client.get("/validate", headers={"Accept": BROWSER})
    assert "<textarea" in empty.text
    filled = client.post("/validate", data={"data": BAD, "type": "turtle"}, headers={"Accept": BROWSER, "Accept-Language": "pt"})
    assert filled.status_code == 200
    assert "Os dados não estão conformes" in filled.text
    hostile = client.post("/validate", data={"data": "</textarea><script>alert(1)</script>", "type": "turtle"}, headers={"Accept": BROWSER})
    assert hostile.status_code == 400
    assert "<script>" not in hostile.text


def test_a_program_is_told_that_the_form_is_a_page(client: httpx.Client) -> None:
    assert client.get("/validate", headers={"Accept": "application/json"}).status_code == 406


# ---- parts


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("<http://e.org/p>", "sh:path <http://e.org/p>"),
        ("^<http://e.org/p>", "sh:path [ sh:inversePath <http://e.org/p> ]"),
        ("<http://e.org/p>/(<http://e.org/q>)*", "sh:path ( <http://e.org/p> [ sh:zeroOrMorePath <http://e.org/q> ] )"),
        ("<http://e.org/p>|^<http://e.org/q>", "sh:path [ sh:alternativePath ( <http://e.org/p> [ sh:inversePath <http://e.org/q> ] ) ]"),
        ("(<http://e.org/p>/<http://e.org/q>)+", "sh:path [ sh:oneOrMorePath ( <http://e.org/p> <http://e.org/q> ) ]"),
        ("(<http://e.org/p>)?", "sh:path [ sh:zeroOrOnePath <http://e.org/p> ]"),
    ],
)
def test_a_property_path_becomes_a_shacl_path(path: str, expected: str) -> None:
    triples: list[ox.Triple] = []
    node = path_node(path, triples)
    triples.append(ox.Triple(ox.NamedNode("http://e.org/s"), ox.NamedNode(f"{SH}path"), node))
    wanted = ox.parse(f"@prefix sh: <{SH}> . <http://e.org/s> {expected} .", format=ox.RdfFormat.TURTLE)
    ours, theirs = ox.Dataset(ox.Quad(t.subject, t.predicate, t.object) for t in triples), ox.Dataset(wanted)
    for data_set in (ours, theirs):
        data_set.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    assert ours == theirs


def test_a_report_without_violations_conforms_but_shacl_knows_no_notes_that_do() -> None:
    report = Report((Finding("info", "http://e.org/a", "a-check-info", {"en": "A note."}),))
    assert reports.as_json(report, "en")["conforms"] is True
    assert '"false"' in " ".join(str(triple.object) for triple in reports.as_graph(report))
    assert reports.as_json(report, "en")["results"][0]["shape"] == "https://w3id.org/dpa-kg/shape/check/a-check-info"


def test_our_own_context_is_known_and_no_other(client: httpx.Client) -> None:
    document = {"@context": "https://w3id.org/dpa-kg/context.jsonld", "id": f"{ID}project/x"}
    assert isinstance(json.loads(with_bundled_context(json.dumps(document)))["@context"], dict)
    with pytest.raises(Forbidden):
        with_bundled_context(json.dumps({"a": [{"@context": ["http://e.org/"]}]}))
    assert with_bundled_context("no JSON") == "no JSON"
    ours = client.get("/doc/project/ciudata-segura.jsonld").text
    assert shapes(post(client, ours, "application/ld+json")) == {"derived-property-asserted-violation"}  # a page shows what follows, too
