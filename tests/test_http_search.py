"""`/search` over HTTP."""

from __future__ import annotations

import httpx

from tests.test_negotiation import BROWSER


def test_an_entity_is_found_by_its_acronym_in_another_language(client: httpx.Client, service_url: str) -> None:
    found = client.get("/search", params={"q": "BID"}).json()
    first = found["hits"][0]
    assert first["iri"].endswith("/organization/idb")
    assert first["url"] == f"{service_url}/doc/organization/idb"
    assert found["facets"]["organization"] >= 1


def test_a_kind_of_entity_narrows_the_search(client: httpx.Client) -> None:
    everything = client.get("/search", params={"q": "data", "limit": 1000}).json()
    projects = client.get("/search", params={"q": "data", "noun": "project", "limit": 1000}).json()
    assert 0 < projects["total"] < everything["total"]
    assert {hit["noun"] for hit in projects["hits"]} == {"project"}
    assert projects["total"] == everything["facets"]["project"]


def test_names_are_shown_in_the_reader_s_language(client: httpx.Client) -> None:
    hit = client.get("/search", params={"q": "Inter-American Development", "lang": "fr"}).json()["hits"][0]
    assert hit["label"] == "Banque interaméricaine de développement"
    assert hit["matched"] == "Inter-American Development Bank"


def test_pages_of_hits_follow_each_other(client: httpx.Client) -> None:
    whole = [hit["iri"] for hit in client.get("/search", params={"q": "data", "limit": 1000}).json()["hits"]]
    paged = [
        hit["iri"]
        for offset in (0, 3, 6)
        for hit in client.get("/search", params={"q": "data", "limit": 3, "offset": offset}).json()["hits"]
    ]
    assert paged == whole[:9]


def test_nothing_found_is_an_answer_and_nothing_asked_is_not(client: httpx.Client) -> None:
    assert client.get("/search", params={"q": "zzzzqqq"}).json()["total"] == 0
    assert client.get("/search").status_code == 422
    assert client.get("/search", params={"q": "data", "noun": "nonsense"}).status_code == 422


def test_where_nothing_is_found_the_nearest_names_are_offered(client: httpx.Client) -> None:
    found = client.get("/search", params={"q": "Inter-Amercan Developmnt Bank"}).json()
    assert (found["total"], found["complete"], found["hits"]) == (0, True, [])
    assert any(hit["url"].endswith("/organization/idb") for hit in found["nearest"])
    page = client.get("/search", params={"q": "Inter-Amercan Developmnt Bank", "lang": "fr"}, headers={"Accept": BROWSER}).text
    assert "Vouliez-vous dire" in page
    assert "Banque interaméricaine de développement" in page


def test_odd_texts_are_searched_for_and_not_executed(client: httpx.Client) -> None:
    for text in ('"', "'", "a OR b", "NEAR(", "*", "-", "name:x", "\\", "%", "\x00", "<script>", "a" * 5000, "日本"):
        answer = client.get("/search", params={"q": text})
        assert answer.status_code in {200, 422}, (text, answer.text)
        page = client.get("/search", params={"q": text}, headers={"Accept": BROWSER})
        assert page.status_code in {200, 422}
        assert "<script>" not in page.text


def test_a_page_groups_the_hits_and_offers_facets(client: httpx.Client) -> None:
    page = client.get("/search", params={"q": "data", "lang": "es"}, headers={"Accept": BROWSER}).text
    assert "Proyectos" in page
    assert "noun=project" in page
    assert "lang=es" in page
