"""A way to report an error in every statement on a page: filled in, escaped, and only where it is wanted."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import ValidationError

from dpa_kg.http.pages.reporting import filled
from dpa_kg.namespaces import GRAPH, ID
from dpa_kg.settings import Settings
from tests.markup import parse
from tests.serving import serving
from tests.test_negotiation import BROWSER
from tests.tiny import QUADS, make_version

DOCUMENT = "/doc/project/alpha"
QUESTION = "/queries/projects-by-funder-and-country?funder=IDB&country=CO"
EVIL = """graph:report/L3 {
  organization:lab rdfs:label "\\"><xss> & 'x'\\n\\rBcc: a@b.example"@en ; dpa:note "<xss>&body=x\\n\\rBcc: a@b.example?cc=a"@en .
}"""


def reports(home: Path, address: str, path: str, language: str = "en") -> list[str]:
    with serving(home, query_workers=1, question_workers=1, report_url=address) as url:
        answer = httpx.get(url + path, headers={"Accept": BROWSER, "Accept-Language": language}, timeout=60)
    assert "<xss" not in answer.text
    return [link.attributes["href"] or "" for link in parse(answer.text).all("a") if link.attributes.get("class") == "report"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reporting")
    make_version(folder, QUADS + EVIL)
    return folder


def test_every_fact_on_a_page_has_a_link_that_names_it(home: Path) -> None:
    with serving(home, query_workers=1, question_workers=1, report_url="mailto:errors@example.org") as url:
        page = parse(httpx.get(url + DOCUMENT, headers={"Accept": BROWSER}, timeout=60).text)
    facts = [item for section in page.all("section") if section.attributes.get("class") == "facts" for item in section.all("li")]
    links = [link.attributes["href"] or "" for link in page.all("a") if link.attributes.get("class") == "report"]
    assert len(links) >= 3
    assert len(links) == sum(any(span.attributes.get("class") == "fact" for span in item.all("span")) for item in facts)
    for link in links:
        address = urlsplit(link)
        fields = parse_qs(address.query, strict_parsing=True)
        assert (address.scheme, address.path, set(fields)) == ("mailto", "errors@example.org", {"subject", "body"})
        assert f"{ID}project/alpha" in fields["subject"][0]
        lines = fields["body"][0].split("\r\n")
        assert lines[0] == f"About: {ID}project/alpha"
        assert "Version: 1" in lines
    bodies = [parse_qs(urlsplit(link).query)["body"][0] for link in links]
    assert any(f"Passage: <{GRAPH}report/L1>" in body and "startDate>" in body and "Value: 2018" in body for body in bodies)


def test_every_row_of_an_answer_has_a_link_that_names_its_values(built_home: Path) -> None:
    links = reports(built_home, "https://issues.example.org/new?project=7", QUESTION, "fr")
    assert len(links) >= 2
    for link in links:
        fields = parse_qs(urlsplit(link).query, strict_parsing=True)
        assert link.startswith("https://issues.example.org/new?project=7&title=")
        assert fields["project"] == ["7"]
        assert "Erreur dans le graphe" in fields["title"][0]
        assert QUESTION in fields["body"][0]
    bodies = [parse_qs(urlsplit(link).query)["body"][0] for link in links]
    assert any(f"<{ID}project/ciudata-segura>" in body and f": <{GRAPH}overview" in body for body in bodies)


def test_without_an_address_no_page_has_a_link(home: Path) -> None:
    assert reports(home, "", DOCUMENT) == []


def test_what_stands_in_the_graph_cannot_add_a_field_or_a_recipient(home: Path) -> None:
    links = reports(home, "mailto:errors@example.org", "/doc/organization/lab")
    assert any("Bcc" in link for link in links)
    for link in links:
        assert re.fullmatch(r"mailto:errors@example\.org\?subject=[\w%.~-]+&body=[\w%.~-]+", link), link


def test_an_address_is_filled_in_so_that_it_can_be_read_again() -> None:
    title, body = "a&b=c?d#e <f> é", "line one\nline two & three"
    mail = parse_qs(urlsplit(filled("mailto:a@b.example?cc=c@b.example", title, body)).query)
    assert mail == {"cc": ["c@b.example"], "subject": [title], "body": [body.replace("\n", "\r\n")]}
    assert parse_qs(urlsplit(filled("https://e.org/new", title, body)).query) == {"title": [title], "body": [body]}


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//e.org", "e.org", "https://e.org/ x", 'https://e.org/"x', "mailto:"]
)
def test_only_http_and_mail_addresses_are_taken(address: str) -> None:
    with pytest.raises(ValidationError):
        Settings(report_url=address)
