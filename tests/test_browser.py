"""A person with Chromium: asks through the form, by keyboard alone, on a phone; nothing leaves this machine."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

pytestmark = pytest.mark.browser
DESKTOP, PHONE = (1280, 900), (360, 740)
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
QUESTION = "/queries/projects-by-funder-and-country"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        reason = "there is no Chromium on this machine; `apt-get install chromium` un-skips this"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as player:
        opened = player.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


class Watched:
    """A page whose requests and console are watched."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.hosts: set[str | None] = set()
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(request.url))


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def watched(browser: Browser, service_url: str, request: pytest.FixtureRequest) -> Iterator[Watched]:
    width, height = request.param
    context = browser.new_context(
        viewport={"width": width, "height": height}, base_url=service_url, locale="en-GB", java_script_enabled=False
    )
    opened = Watched(context)
    yield opened
    context.close()
    assert opened.hosts - {None} == {"127.0.0.1"}
    assert opened.complaints == []


def test_idb_and_colombia_through_the_form_gives_ciudata_segura(watched: Watched) -> None:
    page = watched.page
    page.goto("/")
    page.get_by_role("link", name="Projects by funder and country").first.click()
    page.get_by_role("textbox", name="Funder").or_(page.get_by_role("combobox", name="Funder")).first.fill("IDB")
    page.get_by_role("combobox", name="Country").first.fill("Colombia")
    page.get_by_role("button", name="Show the answer").click()
    table = page.get_by_role("table", name="Projects by funder and country")
    row = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Ciudata Segura"))
    expect(row.first).to_contain_text("Inter-American Development Bank")
    expect(row.first).to_contain_text("Colombia")
    row.first.locator("summary").click()
    expect(row.first.locator("details li").first).to_contain_text(re.compile(r"lines? \d+.* (stated|implied)"))


def test_the_same_by_keyboard_alone(watched: Watched) -> None:
    page = watched.page
    page.goto(QUESTION)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#funder")).to_be_focused()
    page.keyboard.type("IDB")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator("#country")).to_be_focused()
    page.keyboard.type("Colombia")
    page.keyboard.press("Enter")
    page.wait_for_url("**/queries/**funder=IDB**")
    link = page.get_by_role("rowheader").get_by_role("link", name="Ciudata Segura").first
    for _ in range(60):
        page.keyboard.press("Tab")
        if link.evaluate("element => element === document.activeElement"):
            break
    expect(link).to_be_focused()
    outline = link.evaluate("element => getComputedStyle(element).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ciudata Segura")


def test_no_page_is_wider_than_the_screen_and_targets_are_large_enough(watched: Watched) -> None:
    page = watched.page
    for address in (
        "/",
        "/queries",
        f"{QUESTION}?funder=IDB&country=Colombia",
        "/doc/project/ciudata-segura",
        "/doc/organization/data-pop-alliance",
        "/search?q=data",
        "/ontology",
        "/docs",
        "/sparql?query=SELECT%20%2A%20%7B%3Fs%20%3Fp%20%3Fo%7D%20LIMIT%2020",
    ):
        page.goto(address)
        width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width[0] <= width[1], address
        for box in page.locator("button, input:not([type=hidden]), select").all():
            size = box.bounding_box()
            assert size is not None
            assert size["height"] >= 44, address


def test_a_search_leads_to_an_entity_and_the_language_stays(watched: Watched) -> None:
    page = watched.page
    page.goto("/?lang=es")
    page.get_by_role("searchbox").fill("BID")
    page.get_by_role("button", name="Buscar").click()
    page.get_by_role("link", name="Banco Interamericano de Desarrollo").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Banco Interamericano de Desarrollo")
    assert page.locator("html").get_attribute("lang") == "es"


def test_a_query_runs_in_the_editor(watched: Watched) -> None:
    page = watched.page
    page.goto("/sparql")
    page.get_by_role("textbox", name="Query").fill("SELECT (6 * 7 AS ?answer) {}")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("table")).to_contain_text("42")
