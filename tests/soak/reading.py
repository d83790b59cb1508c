"""Readers: each asks something at random and holds the answer against the version that gave it."""

from __future__ import annotations

import gzip
import json
import random
import re
import time
from collections.abc import Callable, Mapping

import httpx

from tests.soak.model import BASE, GRAPHS, ORGANIZATION, WORTH, Ledger, State, difference, graph_name, large, of_graph
from tests.soak.service import Service

_BUSY = {429, 503, 504}  # what a service under fire may say
_TAG = re.compile(r'(?:W/)?"(\d+)-')
_MINE = f'FILTER(STRSTARTS(STR(?g), "{BASE}"))'
_EVERYTHING = f"SELECT ?g ?s ?p ?o {{ GRAPH ?g {{ ?s ?p ?o }} {_MINE} }}"
_WORTHS = f"SELECT ?s ?o {{ ?s {WORTH} ?o }}"
_SIDE = 100  # by itself is the number of rows of a large answer: more than a MiB, so that it is spooled
_NEWEST = 6  # versions that are asked by number


class Reader:
    """One client. `merged` says whether the default graph is the merge of all."""

    def __init__(self, service: Service, ledger: Ledger, chance: random.Random, *, merged: bool) -> None:
        self._service, self._ledger, self._chance, self._merged = service, ledger, chance, merged
        self._client = httpx.Client(base_url=service.url, timeout=90, limits=httpx.Limits(keepalive_expiry=1.0))
        self._last: tuple[str, str] | None = None  # what was asked, and the tag of the answer
        everywhere = [(self._everything, 6), (self._worths, 4), (self._graph, 6), (self._large, 1), (self._dump, 1), (self._again, 3)]
        of_the_merge = [(self._entity, 4), (self._search, 4), (self._question, 4), (self._page, 2)] if merged else []
        self._acts, self._weights = zip(*everywhere, *of_the_merge, strict=True)

    def act(self) -> None:
        """Asks one thing; waits where the service is known to be down."""
        if self._service.changes % 2:
            time.sleep(0.1)
        ask: Callable[[], None] = self._chance.choices(self._acts, self._weights)[0]
        ask()

    def _get(self, path: str, parameters: Mapping[str, str] | None = None, **headers: str) -> httpx.Response | None:
        """The answer, or None where the service is busy or, for a reason that we know, not there."""
        before = self._service.changes
        self._ledger.count("reads")
        try:
            answer = self._client.get(path, params=parameters, headers={"Accept-Language": "en", **headers})
        except httpx.TransportError as error:
            if before % 2 == 0 and self._service.changes == before:
                self._ledger.blame(f"GET {path}: {type(error).__name__} {error}")
            self._ledger.count("reads without an answer")
            return None
        if answer.status_code in _BUSY:
            self._ledger.count("reads refused by a busy service")
            return None
        self._ledger.count(f"reads with {answer.status_code}")
        return answer

    def _seen(self, what: str, answer: httpx.Response | None, check: Callable[[State], str | None]) -> None:
        """Judges an answer by the version in its tag."""
        if answer is None:
            return
        tag = _TAG.match(answer.headers.get("etag", ""))
        if answer.status_code != 200 or not tag:
            self._ledger.blame(f"{what}: {answer.status_code} {answer.text[:300]}")
            return
        self._ledger.judge(int(tag[1]), what, check)

    def _of_version(
        self, what: str, path: str, parameters: Mapping[str, str], check: Callable[[httpx.Response, State], str | None]
    ) -> None:
        """Asks one of the newest versions by its number, and judges also what is no answer."""
        number = self._chance.choice(self._ledger.known(_NEWEST))
        answer = self._get(path.format(number=number), {**parameters, **({} if "{number}" in path else {"version": str(number)})})
        if answer is None:
            return
        self._ledger.judge(number, what, lambda state: check(answer, state))

    def _table(self, text: str) -> httpx.Response | None:
        return self._get("/sparql", {"query": text}, Accept="text/tab-separated-values")

    def _everything(self) -> None:
        """All statements of the users' graphs."""
        answer = self._table(_EVERYTHING)
        self._seen("all statements", answer, lambda state: _all(answer, state))
        if answer is not None and "etag" in answer.headers:
            self._last = (_EVERYTHING, answer.headers["etag"])

    def _again(self) -> None:
        """The same with If-None-Match: 304 only where the tag is still the one."""
        if self._last is None:
            return
        text, tag = self._last
        answer = self._get("/sparql", {"query": text}, **{"Accept": "text/tab-separated-values", "If-None-Match": tag})
        if answer is None:
            return
        if answer.status_code == 304:
            if answer.headers["etag"] != tag or answer.content:
                self._ledger.blame(f"304 with the tag {answer.headers['etag']} for {tag}, and {len(answer.content)} bytes")
            return
        if answer.headers.get("etag") == tag:
            self._ledger.blame(f"an answer was sent again to one who has it: {tag}")
        self._seen("all statements again", answer, lambda state: _all(answer, state))

    def _worths(self) -> None:
        """The merge has each triple once, however many graphs hold it; without a merge the default graph is empty."""
        answer = self._table(_WORTHS)

        def check(state: State) -> str | None:
            expected = {f"{one.subject}\t{one.value}" for one in state if one.predicate == WORTH} if self._merged else set()
            rows = answer.text.splitlines()[1:] if answer is not None else []
            return difference(expected, set(rows)) or (None if len(rows) == len(expected) else f"{len(rows)} rows for {len(expected)}")

        self._seen("the merge", answer, check)

    def _graph(self) -> None:
        """One graph by the Graph Store Protocol, of a version by its number."""
        graph = graph_name(self._chance.randrange(GRAPHS))

        def check(answer: httpx.Response, state: State) -> str | None:
            expected = of_graph(state, graph)
            if answer.status_code == 404:
                return f"{graph} is not there" if expected else None
            return difference(expected, set(answer.text.splitlines()))

        self._of_version("a graph", "/graphs", {"graph": graph, "format": "ntriples"}, check)

    def _large(self) -> None:
        """An answer of some megabytes, whole."""
        answer = self._get("/sparql", {"query": large(_SIDE)}, Accept="application/sparql-results+json")

        def check(state: State) -> str | None:
            rows = json.loads(answer.content)["results"]["bindings"] if answer is not None else []
            counted = {row["n"]["value"] for row in rows}
            right = (len(rows), counted) == (_SIDE**2, {str(len(state))})
            return None if right else f"{len(rows)} rows that count {counted}, not {len(state)}"

        self._seen("a large answer", answer, check)

    def _dump(self) -> None:
        """A dump of a version."""

        def check(answer: httpx.Response, state: State) -> str | None:
            if answer.status_code != 200:
                return f"{answer.status_code} {answer.text[:200]}"
            lines = gzip.decompress(answer.content).decode().splitlines()
            return difference({one.quad for one in state}, {line for line in lines if f" <{BASE}graph/" in line})

        self._of_version("a dump", "/catalog/dumps/{number}.nq.gz", {}, check)

    def _entity(self) -> None:
        """The document about an organization that may be there."""
        slug = f"{self._chance.randrange(GRAPHS)}"

        def check(answer: httpx.Response, state: State) -> str | None:
            expected = _labels(state, slug)
            if answer.status_code == 404:
                return f"organization {slug} is not there" if expected else None
            return None if expected and all(label in answer.text for label in expected) else f"{answer.status_code}, expected {expected}"

        self._of_version("an entity", f"/doc/organization/soak-{slug}.nt", {}, check)

    def _search(self) -> None:
        """The organizations, found by their name."""
        answer = self._get("/search", {"q": "soaked organization", "limit": "50"}, Accept="application/json")

        def check(state: State) -> str | None:
            hits = json.loads(answer.content)["hits"] if answer is not None else []
            expected = {one.subject.strip("<>") for one in state if one.subject.startswith(f"<{ORGANIZATION}")}
            return difference(expected, {hit["iri"] for hit in hits if hit["iri"].startswith(ORGANIZATION)})

        self._seen("search", answer, check)

    def _question(self) -> None:
        """A named query: the names of an organization that may be there."""
        slug = f"{self._chance.randrange(GRAPHS)}"

        def check(answer: httpx.Response, state: State) -> str | None:
            expected = _labels(state, slug)
            if answer.status_code == 422:
                return f"organization {slug} is unknown" if expected else None
            found = {row["name"] for row in answer.json()["rows"]} if answer.status_code == 200 else set()
            return difference({label.split('"')[1] for label in expected}, found)

        parameters = {"organization": f"{ORGANIZATION}{slug}", "format": "json"}
        self._of_version("a named query", "/queries/organizations-names", parameters, check)

    def _page(self) -> None:
        """A page for people, whole."""
        address = self._chance.choice(["/", "/queries", "/queries/projects-by-funder-and-country?country=CO", "/doc/place/colombia"])
        answer = self._get(address, Accept="text/html")
        if answer is not None and (answer.status_code != 200 or not answer.text.rstrip().endswith("</html>")):
            self._ledger.blame(f"{address}: {answer.status_code}, {len(answer.text)} characters")


def _all(answer: httpx.Response | None, state: State) -> str | None:
    rows = answer.text.splitlines()[1:] if answer is not None else []
    expected = {f"{one.graph}\t{one.subject}\t{one.predicate}\t{one.value}" for one in state}
    return difference(expected, set(rows)) or (None if len(rows) == len(expected) else f"{len(rows)} rows for {len(expected)}")


def _labels(state: State, slug: str) -> set[str]:
    """The names of an organization."""
    return {one.value for one in state if one.subject == f"<{ORGANIZATION}{slug}>" and one.predicate.endswith("label>")}
