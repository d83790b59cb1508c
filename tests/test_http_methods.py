"""HEAD, OPTIONS and the methods that an address does not have, at every address."""

from __future__ import annotations

import re

import httpx
import pytest

from dpa_kg.representations.formats import PAGE_FORMATS

PLACES = "https://w3id.org/dpa-kg/graph/reference/places"
READS = [
    "/", "/queries", "/queries/projects-by-funder-and-country?funder=IDB", "/queries/project-graph?project=ciudata-segura", "/sparql",
    "/sparql?query=ASK%7B%7D", "/id/place/colombia", "/doc/place/colombia", "/doc/place/colombia.ttl", "/search",
    "/search?q=data", "/ontology", "/shapes", "/context.jsonld", "/.well-known/void", "/catalog", "/catalog/dumps/1.nq.gz", "/versions",
    "/versions/1", "/versions/1/diff", "/validate", "/health", "/ready", "/metrics", "/robots.txt", "/docs", "/openapi.json",
    "/static/style.css", f"/graphs?graph={PLACES}", "/graph/reference/places", "/graphs?default", "/nowhere", "/doc/place/nowhere",
]  # fmt: skip
_DIFFERENT_EACH_TIME = {"date", "x-request-id"}


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
@pytest.mark.parametrize("address", READS)
def test_head_is_get_without_the_body(client: httpx.Client, address: str, accept: str) -> None:
    get, head = client.get(address, headers={"Accept": accept}), client.head(address, headers={"Accept": accept})
    assert (head.status_code, head.content) == (get.status_code, b"")
    same = {name: value for name, value in get.headers.items() if name not in _DIFFERENT_EACH_TIME}
    if address in {"/metrics", "/nowhere", "/doc/place/nowhere"}:
        same.pop("content-length", None)  # what stands in the body is another time, or another request
    assert same == {name: value for name, value in head.headers.items() if name in same}


@pytest.mark.parametrize("address", [*READS, "/update"])
def test_options_name_the_methods_and_let_other_sites_read_only(client: httpx.Client, address: str) -> None:
    answer = client.options(address, headers={"Origin": "https://example.org", "Access-Control-Request-Method": "GET"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "OPTIONS" in answer.headers["allow"]
    assert ("GET, HEAD" in answer.headers["allow"]) == (address != "/update")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert not re.search("PUT|DELETE|PATCH", answer.headers["access-control-allow-methods"])


MISSING = [
    (address, method)
    for address in READS
    for method in ("PATCH", "TRACE", *(() if address.startswith("/graph") else ("PUT", "DELETE")))
    if "nowhere" not in address and (address, method) != ("/versions/1", "DELETE")
]


@pytest.mark.parametrize(("address", "method"), MISSING)
def test_a_method_that_an_address_does_not_have_is_a_405_that_names_those_it_has(client: httpx.Client, address: str, method: str) -> None:
    answer = client.request(method, address, content="x")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    allowed = answer.headers["allow"].split(", ")
    assert method not in allowed
    assert {"GET", "HEAD", "OPTIONS"} <= set(allowed)


def test_every_form_of_a_document_names_its_home_its_data_and_every_other_form(client: httpx.Client, service_url: str) -> None:
    home = f"{service_url}/doc/place/colombia"
    for shown in PAGE_FORMATS:
        links = client.head(f"{home}.{shown.extension}").headers["link"]
        assert f'<{home}>; rel="canonical"' in links
        assert f'<{home}.ttl>; rel="describedby"; type="text/turtle"' in links
        others = {f'<{home}.{form.extension}>; rel="alternate"; type="{form.media_type}"' for form in PAGE_FORMATS if form is not shown}
        assert {link for link in links.split(", ") if "alternate" in link} == others


def test_a_dump_is_given_in_one_range_whole_where_several_are_asked_for_and_not_beyond_its_end(client: httpx.Client) -> None:
    address = "/catalog/dumps/1.nq.gz"
    whole = client.get(address)
    size, tag = len(whole.content), whole.headers["etag"]
    assert whole.headers["accept-ranges"] == "bytes"
    end = size - 1
    for span, first, last in (
        ("0-0", 0, 0),
        ("10-19", 10, 19),
        (f"{size - 5}-", size - 5, end),
        ("-7", size - 7, end),
        ("5-99999999999", 5, end),
    ):
        part = client.get(address, headers={"Range": f"bytes={span}"})
        assert (part.status_code, part.content) == (206, whole.content[first : last + 1]), span
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
    for header in ("bytes=0-1,3-4", "bytes=5-3", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=" + "9" * 30 + "-"):
        answer = client.get(address, headers={"Range": header})
        assert (answer.status_code, answer.content) == (200, whole.content), header
    beyond = client.get(address, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    assert beyond.headers["content-type"] == "application/problem+json"
    assert client.get(address, headers={"Range": "bytes=0-1", "If-Range": tag}).status_code == 206
    assert client.get(address, headers={"Range": "bytes=0-1", "If-Range": '"another"'}).status_code == 200
