"""The pages: well formed, usable by keyboard and screen reader, in four languages, and safe whatever the graph holds."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
import yaml

import dpa_kg.http.pages
from dpa_kg.http.pages.links import link_to, short_name
from dpa_kg.http.pages.rendering import LANGUAGE_NAMES, Pages, is_complete
from dpa_kg.namespaces import DPA, LANGUAGES
from tests.markup import Element, parse
from tests.serving import serving
from tests.test_negotiation import BROWSER
from tests.tiny import QUADS, make_version

FOLDER = Path(dpa_kg.http.pages.__file__).parent
QUESTION = "/queries/projects-by-funder-and-country"
ADDRESSES = [
    "/",
    "/queries",
    f"{QUESTION}?funder=IDB&country=Colombia",
    f"{QUESTION}?funder=IDB&funder=AFD&limit=2&offset=2",
    f"{QUESTION}?funder=nobody",
    f"{QUESTION}?funder=IDB&country=Iceland",
    "/queries/project-dossier",
    "/sparql",
    "/sparql?query=SELECT%20%2A%20%7B%3Fs%20%3Fp%20%3Fo%7D%20LIMIT%2020",
    "/sparql?query=CONSTRUCT%20WHERE%20%7B%3Fs%20%3Fp%20%3Fo%7D%20LIMIT%2020",
    "/sparql?query=SELEC",
    "/doc/project/ciudata-segura",
    "/doc/organization/data-pop-alliance",
    "/doc/place/colombia",
    "/doc/source/lac-page",
    "/search",
    "/search?q=data",
    "/search?q=zzzzqqq",
    "/ontology",
    "/docs",
    "/versions",
    "/versions/1",
    "/validate",
    "/doc/place/colombia?version=1",
    "/nowhere",
]


def page(client: httpx.Client, address: str, **headers: str) -> Element:
    return parse(client.get(address, headers={"Accept": BROWSER, **headers}).text)


@pytest.fixture(params=ADDRESSES)
def document(client: httpx.Client, request: pytest.FixtureRequest) -> Element:
    return page(client, request.param)


# ---- structure


def test_a_page_has_a_language_a_title_a_heading_and_a_main_part(document: Element) -> None:
    assert document.get("lang") == "en"
    assert document.one("title").text
    assert document.one("h1").text
    assert document.one("main").get("id") == "main"
    first = next(element for element in document.one("body").walk() if element.tag == "a")
    assert (first.get("href"), first.get("class")) == ("#main", "skip")


def test_headings_go_down_one_level_at_a_time(document: Element) -> None:
    levels = [int(element.tag[1]) for element in document.one("main").walk() if re.fullmatch(r"h[1-6]", element.tag)]
    assert levels[0] == 1
    assert all(lower - upper <= 1 for upper, lower in itertools.pairwise(levels)), levels


def test_ids_are_unique_and_what_refers_to_one_finds_it(document: Element) -> None:
    ids = [element.get("id") for element in document.walk() if element.get("id")]
    assert len(set(ids)) == len(ids)
    for element in document.walk():
        for name in ("for", "list", "aria-labelledby", "aria-describedby"):
            for target in element.get(name).split():
                assert target in ids, f"{element.tag} {name}={target}"
        if element.tag == "a" and element.get("href").startswith("#"):
            assert element.get("href")[1:] in ids, element.get("href")


def test_every_field_has_a_label(document: Element) -> None:
    labelled = {label.get("for") for label in document.all("label")}
    for element in document.all("input", "select", "textarea"):
        if element.get("type") != "hidden":
            assert element.get("id") in labelled or element.get("aria-label"), element.attributes


def test_every_link_button_and_group_has_a_name(document: Element) -> None:
    for element in document.all("a", "button", "summary", "legend", "caption", "th", "option"):
        assert element.text or element.get("aria-label") or element.get("value") or element.get("label"), element.attributes
    for element in document.all("nav", "fieldset"):
        assert element.get("aria-label") or element.all("legend")


def test_tables_have_a_caption_scopes_and_a_region_that_scrolls(document: Element) -> None:
    for table in document.all("table"):
        assert table.all("caption")
        assert all(cell.get("scope") in {"col", "row"} for cell in table.all("th"))
        head, *rows = [len(row.all("td", "th")) for row in table.all("tr")]
        assert all(length == head for length in rows)
        region = table.parent
        assert region is not None
        assert (region.get("role"), region.get("tabindex"), region.get("class")) == ("region", "0", "scroll")


def test_nothing_runs_and_nothing_is_loaded_from_elsewhere(document: Element) -> None:
    for script in document.all("script"):
        assert script.get("type") == "application/ld+json"
    assert not document.all("style", "iframe", "object", "embed", "base")
    for element in document.walk():
        assert "style" not in element.attributes
        assert not [name for name in element.attributes if name.startswith("on")]
        if element.tag in {"img", "source", "track"} or (element.tag == "link" and element.get("rel") in {"stylesheet", "icon"}):
            address = element.get("src") or element.get("href")
            assert address.startswith(("/static/", "data:"))
    for form in document.all("form"):
        assert form.get("action").startswith("/")
        assert form.get("method") == ("post" if form.get("action") == "/validate" else "get")


def test_links_lead_to_this_service_or_to_the_web(document: Element) -> None:
    for element in document.all("a", "link"):
        address = element.get("href")
        if address.startswith("data:image/"):
            continue
        assert address.startswith(("/", "#", "http://", "https://")), address
        assert not address.startswith("//")


def test_no_page_of_this_service_is_missing(client: httpx.Client) -> None:
    """Follows a good part of the links of every kind of page."""
    seen: set[str] = set()
    for address in ADDRESSES:
        if client.get(address, headers={"Accept": BROWSER}).is_error:
            continue
        for element in page(client, address).all("a"):
            target = urljoin(address, element.get("href")).partition("#")[0]
            if target.startswith("/"):
                seen.add(target)
    assert len(seen) > 150
    for target in sorted(seen)[:: max(len(seen) // 120, 1)]:
        answer = client.get(target, headers={"Accept": BROWSER})
        assert answer.status_code == 200, (target, answer.status_code)


# ---- languages


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "address", ["/", "/queries", f"{QUESTION}?funder=IDB", "/doc/place/colombia", "/search?q=data", "/ontology", "/docs"]
)
def test_a_page_comes_in_the_language_of_the_header(client: httpx.Client, address: str, language: str) -> None:
    document = page(client, address, **{"Accept-Language": f"{language},de;q=0.5"})
    assert document.get("lang") == language
    assert document.one("h1").text
    current = [link.get("hreflang") for link in document.all("a") if link.get("hreflang") and link.get("aria-current")]
    assert current == [language]


def test_a_language_that_was_chosen_is_kept_in_every_link_and_form(client: httpx.Client) -> None:
    for address in (
        "/?lang=pt",
        f"{QUESTION}?funder=IDB&lang=pt",
        "/doc/project/ciudata-segura?lang=pt",
        "/search?q=data&lang=pt",
        "/queries?lang=pt",
    ):
        document = page(client, address)
        for link in document.all("a"):
            target = link.get("href")
            if target.startswith("/") and not link.get("hreflang") and "." not in urlsplit(target).path and "/shapes" not in target:
                assert "lang=pt" in target, target
        for form in document.all("form"):
            assert [field.get("value") for field in form.all("input") if field.get("name") == "lang"] == ["pt"]


def test_changing_the_language_keeps_the_question(client: httpx.Client) -> None:
    document = page(client, f"{QUESTION}?funder=IDB&country=Colombia&lang=en")
    (link,) = [link for link in document.one("header").all("a") if link.get("hreflang") == "fr"]
    assert link.get("href") == f"{QUESTION}?funder=IDB&country=Colombia&lang=fr"
    assert "Banque interaméricaine de développement" in page(client, link.get("href")).text


def texts() -> Iterator[tuple[str, dict[str, object]]]:
    for group, entries in Pages().texts.items():
        for name, entry in entries.items():
            yield f"{group}.{name}", dict(entry)


def test_every_string_has_four_languages() -> None:
    known = dict(texts())
    assert len(known) > 100
    assert [name for name, entry in known.items() if not is_complete(entry)] == []


def test_every_string_names_the_same_values_in_each_language() -> None:
    for name, entry in texts():
        for forms in [entry] if "en" in entry else entry.values():
            assert isinstance(forms, dict)
            assert len({frozenset(re.findall(r"\{(\w+)\}", str(text))) for text in forms.values()}) == 1, name


def test_every_string_is_used_and_every_used_string_is_there() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in [*FOLDER.rglob("*.html"), *FOLDER.parent.rglob("*.py")])
    used = set(re.findall(r"""["']([a-z]+\.[a-z-]+)["']""", sources))
    built = {"noun", "ontology", "evidence", "doc", "field", "severity"}  # groups whose names are put together from data
    known = dict(texts())
    assert {name for name in known if name.split(".")[0] not in built} <= used
    groups = {name.split(".")[0] for name in known}
    files = {name for name in used if name.endswith((".html", ".yaml"))}
    assert {name for name in used - files if name.split(".")[0] in groups} <= set(known)


def test_translations_are_read_without_yaml_s_own_ideas_of_yes_and_no() -> None:
    assert yaml.load((FOLDER / "translations.yaml").read_text("utf-8"), Loader=yaml.BaseLoader) == Pages().texts  # noqa: S506 - as the service does
    assert set(LANGUAGE_NAMES) == set(LANGUAGES)


# ---- the question page


def test_an_answer_shows_rows_links_evidence_downloads_and_what_it_leaves_out(client: httpx.Client) -> None:
    document = page(client, f"{QUESTION}?funder=IDB&country=Colombia")
    answer = document.by_id("answer")
    links = {link.text: link.get("href") for link in answer.all("a")}
    assert links["Ciudata Segura"] == "/doc/project/ciudata-segura"
    assert links["Inter-American Development Bank"] == "/doc/organization/idb"
    row = next(row for row in answer.all("tr") if "Ciudata Segura" in row.text)
    (proof,) = row.all("details")
    assert next(link.get("href") for link in proof.all("a")).startswith("/doc/source/")
    assert re.search(r"lines? \d+", proof.text)
    downloads = {link.text for link in answer.all("a") if "format=" in link.get("href")}
    assert {"CSV", "Excel", "JSON"} <= downloads
    assert "leaves out" in answer.one("aside").text
    assert "version" in answer.text


def test_the_form_keeps_what_was_written_and_offers_one_field_more(client: httpx.Client) -> None:
    document = page(client, f"{QUESTION}?funder=IDB&funder=AFD&since=2018")
    values = [field.get("value") for field in document.all("input") if field.get("name") == "funder"]
    assert values == ["IDB", "AFD", ""]
    assert [field.get("value") for field in document.all("input") if field.get("name") == "since"] == ["2018"]


def test_the_fields_suggest_names_in_the_reader_s_language(client: httpx.Client) -> None:
    document = page(client, f"{QUESTION}?lang=es")
    field = next(field for field in document.all("input") if field.get("name") == "funder")
    options = [option.get("value") for option in document.by_id(field.get("list")).all("option")]
    assert "Banco Interamericano de Desarrollo" in options
    assert len(options) > 50


def test_a_name_that_is_not_understood_is_answered_with_links_that_ask_with_the_nearest_ones(client: httpx.Client) -> None:
    document = page(client, f"{QUESTION}?funder=IADBX&country=Colombia")
    (problem,) = [element for element in document.walk() if element.get("role") == "alert"]
    first = problem.all("a")[0]
    assert "country=Colombia" in first.get("href")
    assert "IADBX" not in first.get("href")
    assert client.get(first.get("href").partition("#")[0], headers={"Accept": BROWSER}).status_code == 200


def test_the_question_in_sparql_opens_in_the_editor_and_gives_the_same_rows(client: httpx.Client) -> None:
    document = page(client, f"{QUESTION}?funder=IDB&country=Colombia")
    total = len(document.by_id("answer").one("tbody").all("tr"))
    (link,) = [link for link in document.all("a") if link.get("href").startswith("/sparql?query=")]
    editor = page(client, link.get("href"))
    assert "organization/idb" in editor.one("textarea").text
    assert len(editor.one("tbody").all("tr")) == total


def test_pages_of_a_long_answer_are_linked_and_keep_the_question(client: httpx.Client) -> None:
    first = page(client, f"{QUESTION}?limit=2")
    (following,) = [link for link in first.all("a") if link.get("rel") == "next"]
    second = page(client, following.get("href"))
    assert first.one("tbody").text != second.one("tbody").text
    (previous,) = [link for link in second.all("a") if link.get("rel") == "prev"]
    assert page(client, previous.get("href")).one("tbody").text == first.one("tbody").text


# ---- the page of an entity


def test_an_entity_s_page_has_names_facts_links_and_evidence(client: httpx.Client) -> None:
    document = page(client, "/doc/organization/idb")
    assert document.one("h1").text == "Inter-American Development Bank"
    main = document.one("main")
    assert "Banco Interamericano de Desarrollo" in main.text
    assert "Funder" in main.text
    link = next(link for link in main.all("a") if link.text == "Ciudata Segura")
    assert link.get("href") == "/doc/project/ciudata-segura"
    assert any(re.search(r"lines? \d+", proof.text) for proof in main.all("details"))
    assert {"/doc/organization/idb.jsonld", "/doc/organization/idb.ttl"} <= {link.get("href") for link in main.all("a")}


def test_a_source_has_a_page_where_the_evidence_leads(client: httpx.Client) -> None:
    assert page(client, "/doc/source/lac-page").one("h1").text == "Latin America and the Caribbean (LAC)"


# ---- links


@pytest.mark.parametrize(
    ("iri", "href"),
    [
        ("https://w3id.org/dpa-kg/id/project/ciudata-segura", "/doc/project/ciudata-segura"),
        ("https://w3id.org/dpa-kg/id/organization-kind/university", "/doc/organization-kind/university"),
        (f"{DPA}Project", "/ontology#Project"),
        ("https://w3id.org/dpa-kg/graph/lac-page/L425-427,431", "/doc/source/lac-page"),
        ("http://metadata.un.org/sdg/5", "http://metadata.un.org/sdg/5"),
        ("javascript:alert(1)", None),
        ("JaVaScRiPt:alert(1)", None),
        ("data:text/html,<script>alert(1)</script>", None),
        ("vbscript:x", None),
        ("file:///etc/passwd", None),
        ("urn:uuid:1", None),
        ("//evil.example", None),
        ("http:evil", None),
        ("https://user:password@evil.example/", None),
        ("http://[::1", None),
        ("https://e.org/\u0000", None),
        ("https://e.org/a b", None),
        ("mailto:a@b.c", None),
    ],
)
def test_only_what_is_ours_and_the_web_becomes_a_link(iri: str, href: str | None) -> None:
    link = link_to(iri)
    assert (link.href if link else None) == href


def test_what_has_no_name_is_called_by_the_end_of_its_iri() -> None:
    assert short_name("https://w3id.org/dpa-kg/id/project/opal") == "opal"
    assert short_name("https://w3id.org/dpa-kg/graph/lac-page/L44-46") == "lac-page 44-46"
    assert short_name(f"{DPA}Project") == "dpa:Project"


EVIL = """
graph:report/L3 {
  project:evil a dpa:Project ; rdfs:label "<script>alert(1)</script>"@en , "\\"><img src=x onerror=alert(1)>"@es ;
    dpa:acronym "=HYPERLINK(1)" ; dcterms:description "</script><script>alert(2)</script>"@en ;
    foaf:homepage <javascript:alert(3)> , <https://e.org/x> ; dpa:relatedTo <data:text/html,x> .
}
"""


def test_a_hostile_graph_does_no_harm_on_any_page(tmp_path: Path) -> None:
    make_version(tmp_path, QUADS + EVIL)
    query = "SELECT ?s ?p ?o { VALUES ?s { <https://w3id.org/dpa-kg/id/project/evil> } ?s ?p ?o }"
    with serving(tmp_path, query_workers=1, question_workers=1) as url, httpx.Client(base_url=url, timeout=30) as client:
        found = [
            client.get(address, params=fields, headers={"Accept": BROWSER, "Accept-Language": language})
            for language in ("en", "es")
            for address, fields in (
                ("/doc/project/evil", {}),
                ("/search", {"q": "script"}),
                ("/search", {"q": "img"}),
                ("/sparql", {"query": query}),
            )
        ]
    for answer in found:
        assert answer.status_code == 200
        document = parse(answer.text)
        assert "alert" in answer.text
        assert not document.all("img")
        assert all(script.get("type") == "application/ld+json" and "</" not in script.text for script in document.all("script"))
        assert not [link for link in document.all("a") if not link.get("href").startswith(("/", "#", "https://", "http://"))]


# ---- the style sheet


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_have_enough_contrast(scheme: int) -> None:
    sheet = (FOLDER / "static" / "style.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[:2]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[scheme]))
    for ground in ("ground", "raised"):
        for text in ("text", "muted", "link", "visited"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for line in ("field", "accent"):
            assert contrast(colours[line], colours[ground]) >= 3, (line, ground)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    for box in ("note", "bad"):
        assert contrast(colours["text"], colours[box]) >= 4.5
        assert contrast(colours["link"], colours[box]) >= 4.5
