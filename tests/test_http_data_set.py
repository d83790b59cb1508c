"""`/.well-known/void`, `/catalog` and the dumps, `/versions`: the data set described, and its versions."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from dpa_kg.namespaces import RDF
from dpa_kg.representations import formats
from dpa_kg.representations.formats import Format
from tests.serving import serving
from tests.test_negotiation import BROWSER
from tests.tiny import QUADS, make_version

VOID = "http://rdfs.org/ns/void#"
DCAT = "http://www.w3.org/ns/dcat#"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service over two versions: in the second one the lab has another name."""
    home = tmp_path_factory.mktemp("versions")
    make_version(home)
    make_version(home, QUADS.replace('"Media Lab"', '"Renamed Lab"'))
    with serving(home, query_workers=1, question_workers=1) as url, httpx.Client(base_url=url, timeout=60) as session:
        yield session


def described(client: httpx.Client, address: str, form: Format = formats.TURTLE) -> ox.Store:
    answer = client.get(address, headers={"Accept": form.media_type})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == form.content_type
    store = ox.Store()
    store.extend(ox.parse(answer.content, format=form.rdf))
    return store


def objects(store: ox.Store, predicate: str, subject: str | None = None) -> list[str]:
    node = ox.NamedNode(subject) if subject else None
    return sorted(quad.object.value for quad in store.quads_for_pattern(node, ox.NamedNode(predicate), None))  # type: ignore[union-attr]


# ---- VoID


def test_the_counts_of_the_description_are_those_of_queries(client: httpx.Client, service_url: str) -> None:
    store = described(client, "/.well-known/void")
    (data_set,) = objects(store, "http://xmlns.com/foaf/0.1/primaryTopic")
    for name, query in (
        ("triples", "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"),
        ("properties", "SELECT (COUNT(DISTINCT ?p) AS ?n) { ?s ?p ?o }"),
        ("distinctSubjects", "SELECT (COUNT(DISTINCT ?s) AS ?n) { ?s ?p ?o }"),
        ("distinctObjects", "SELECT (COUNT(DISTINCT ?o) AS ?n) { ?s ?p ?o }"),
    ):
        asked = client.get("/sparql", params={"query": query}).json()["results"]["bindings"][0]["n"]["value"]
        assert objects(store, VOID + name, data_set) == [asked], name
    assert objects(store, f"{VOID}sparqlEndpoint", data_set) == [f"{service_url}/sparql"]
    assert len(objects(store, f"{VOID}exampleResource", data_set)) > 5


def test_the_partitions_hold_every_property_and_every_triple(client: httpx.Client) -> None:
    store = described(client, "/.well-known/void")
    parts = [quad.object for quad in store.quads_for_pattern(None, ox.NamedNode(f"{VOID}propertyPartition"), None)]
    found = [quad.object for part in parts for quad in store.quads_for_pattern(part, ox.NamedNode(f"{VOID}triples"), None)]  # type: ignore[arg-type]
    counts = [int(term.value) for term in found if isinstance(term, ox.Literal)]
    (data_set,) = objects(store, "http://xmlns.com/foaf/0.1/primaryTopic")
    assert sum(counts) == int(objects(store, f"{VOID}triples", data_set)[0])
    assert "https://w3id.org/dpa-kg/ontology#Project" in objects(store, f"{VOID}class")
    assert "https://w3id.org/dpa-kg/ontology#" in objects(store, f"{VOID}vocabulary")
    assert ox.NamedNode(f"{VOID}Linkset") in {quad.object for quad in store.quads_for_pattern(None, ox.NamedNode(f"{RDF}type"), None)}


@pytest.mark.parametrize("address", ["/.well-known/void", "/catalog"])
def test_descriptions_come_in_every_format_and_are_kept_by_their_tag(tiny: httpx.Client, address: str) -> None:
    tags = set()
    for form in formats.GRAPH_FORMATS:
        first = tiny.get(address, headers={"Accept": form.media_type})
        assert (first.status_code, first.headers["content-type"]) == (200, form.content_type)
        again = tiny.get(address, headers={"Accept": form.media_type, "If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        tags.add(first.headers["etag"])
    assert len(tags) == 4
    assert tiny.get(address, headers={"Accept": "image/png"}).status_code == 406
    assert tiny.get(address, headers={"Accept": BROWSER}).headers["content-type"] == "text/turtle; charset=utf-8"


def test_each_version_has_a_description_of_its_own(tiny: httpx.Client) -> None:
    data_sets = [objects(described(tiny, f"/.well-known/void?version={n}"), f"{VOID}dataDump") for n in (1, 2)]
    assert data_sets[0] == [f"{tiny.base_url}/catalog/dumps/1.{end}.gz".replace("//catalog", "/catalog") for end in ("nq", "trig")]
    assert data_sets[0] != data_sets[1]


# ---- DCAT and dumps


def test_the_catalogue_lists_every_version_with_a_distribution_per_format(tiny: httpx.Client) -> None:
    store = described(tiny, "/catalog")
    base = str(tiny.base_url).rstrip("/")
    assert objects(store, f"{DCAT}hasVersion") == [f"{base}/versions/1", f"{base}/versions/2"]
    assert objects(store, f"{DCAT}hasCurrentVersion") == [f"{base}/versions/2"]
    downloads = objects(store, f"{DCAT}downloadURL")
    assert len(downloads) == 4
    for address in downloads:
        answer = tiny.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/gzip")


def test_a_dump_is_the_same_each_time_and_has_the_size_that_the_catalogue_says(tiny: httpx.Client) -> None:
    first, again = tiny.get("/catalog/dumps/2.nq.gz"), tiny.get("/catalog/dumps/2.nq.gz")
    assert first.content == again.content
    assert b"Renamed Lab" in gzip.decompress(first.content)
    assert str(len(first.content)) in objects(described(tiny, "/catalog"), f"{DCAT}byteSize")
    known = tiny.get("/catalog/dumps/2.nq.gz", headers={"If-None-Match": first.headers["etag"]})
    assert known.status_code == 304


def test_a_part_of_a_dump_can_be_had(tiny: httpx.Client) -> None:
    whole = tiny.get("/catalog/dumps/1.nq.gz").content
    part = tiny.get("/catalog/dumps/1.nq.gz", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])


@pytest.mark.parametrize("name", ["9.nq.gz", "1.nq", "x.nq.gz", "1.nt.gz", "..%2f1.nq.gz", "0000000001.nq.gz"])
def test_there_is_no_other_dump(tiny: httpx.Client, name: str) -> None:
    answer = tiny.get(f"/catalog/dumps/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


# ---- versions


def test_the_versions_are_listed_the_newest_first(tiny: httpx.Client) -> None:
    listed = tiny.get("/versions").json()
    assert listed["current"] == 2
    assert [(one["number"], one["current"], one["who"]) for one in listed["versions"]] == [(2, True, "tests"), (1, False, "tests")]
    assert tiny.get("/versions/1").json() == listed["versions"][1]


def test_the_versions_are_a_page_for_people(tiny: httpx.Client) -> None:
    for address in ("/versions", "/versions/1"):
        answer = tiny.get(address, headers={"Accept": BROWSER, "Accept-Language": "es"})
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "/versions/1/diff" in answer.text


def test_a_difference_is_sent_as_lines_of_text(tiny: httpx.Client) -> None:
    answer = tiny.get("/versions/2/diff")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert {line[:2] for line in answer.text.splitlines()} <= {"+ ", "- "}
    assert tiny.get("/versions/2/diff", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("address", ["/versions/9", "/versions/9/diff", "/versions/x", "/versions/-1", "/versions/1e3", "/versions/٣"])
def test_what_is_no_version_is_not_found(tiny: httpx.Client, address: str) -> None:
    assert tiny.get(address).status_code == 404


READS = [
    "/", "/queries", "/queries/projects-by-funder-and-country", "/ontology", "/shapes", "/search?q=lab", "/health", "/ready",
    "/doc/organization/lab", "/doc/organization/lab.ttl", "/sparql?query=ASK%20%7B%7D", "/catalog", "/.well-known/void",
]  # fmt: skip


@pytest.mark.parametrize("address", READS)
def test_every_read_answers_from_the_version_that_is_asked_for(tiny: httpx.Client, address: str) -> None:
    sign = "&" if "?" in address else "?"
    for accept in ("*/*", BROWSER):
        old = tiny.get(f"{address}{sign}version=1", headers={"Accept": accept})
        assert old.status_code == 200, old.text
        assert tiny.get(f"{address}{sign}version=9", headers={"Accept": accept}).status_code == 404
        assert tiny.get(f"{address}{sign}version=x", headers={"Accept": accept}).status_code == 422
        home = re.search(r'<([^>]*)>; rel="canonical"', old.headers["link"])
        assert home
        assert "version=" not in home[1]


def test_the_answers_of_an_older_version_are_those_it_gave(tiny: httpx.Client) -> None:
    for address in ("/doc/organization/lab.ttl", "/search?q=lab", "/sparql?query=SELECT%20%2A%20%7B%3Fs%20%3Fp%20%3Fo%7D"):
        sign = "&" if "?" in address else "?"
        assert '"Media Lab"' in tiny.get(f"{address}{sign}version=1").text
        assert '"Media Lab"' not in tiny.get(address).text


def test_the_links_of_a_page_stay_in_the_version_that_it_shows(tiny: httpx.Client) -> None:
    text = tiny.get("/doc/organization/lab?version=1", headers={"Accept": BROWSER}).text
    assert 'href="/queries?version=1"' in text
    assert '<link rel="canonical" href="/doc/organization/lab">' in text
    assert 'content="noindex, nofollow"' in text


def test_crawlers_are_asked_not_to_walk_through_versions(tiny: httpx.Client) -> None:
    robots = tiny.get("/robots.txt").text.splitlines()
    assert "Disallow: /*?version=" in robots
    assert "Disallow: /*&version=" in robots


def test_the_files_that_are_kept_lie_beside_the_versions(tmp_path: Path) -> None:
    make_version(tmp_path)
    before = sorted(path.name for path in (tmp_path / "versions" / "000001").rglob("*"))
    with serving(tmp_path, query_workers=1, question_workers=1) as url, httpx.Client(base_url=url, timeout=60) as session:
        for address in ("/catalog/dumps/1.trig.gz", "/versions/1/diff", "/.well-known/void"):
            assert session.get(address).status_code == 200
    assert sorted(path.name for path in (tmp_path / "dumps" / "000001").iterdir()) == ["diff.nq", "dump.trig.gz", "lock", "void.json"]
    assert sorted(path.name for path in (tmp_path / "versions" / "000001").rglob("*")) == before
