"""One function for each row of the table. What is compared is asked in turns within one run, so that a busy machine hits all alike."""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlencode

import httpx
import pyoxigraph as ox

from benchmarks.engines import Engine
from benchmarks.load import Run, get, run, sparql

_QUERIES: Final = Path(__file__).parent / "queries"
_LONG: Final = 10.0  # seconds; of a query that takes longer one round says enough
JSON: Final = "application/json"
NAMED: Final = "projects-by-funder-and-country"
_LABEL: Final = (
    "SELECT ?label WHERE {{ <https://w3id.org/dpa-kg/id/project/generated-{}> <http://www.w3.org/2000/01/rdf-schema#label> ?label }}"
)


@dataclass(frozen=True)
class Row:
    """One line of the table. `value` is compared with `target`: it must be at least or at most that."""

    what: str
    value: float
    sense: Literal["at least", "at most"]
    target: float
    unit: str = "×"
    details: Mapping[str, Any] = field(default_factory=dict)
    projects: int = 0  # size of the graph; 0 where the row names it, or compares sizes

    @property
    def passes(self) -> bool:
        return self.value >= self.target if self.sense == "at least" else self.value <= self.target


@dataclass(frozen=True)
class Bench:
    """What the rows are measured on: the service, the peers, the version's store, how many projects, how often each thing is asked."""

    ours: Engine
    peers: Sequence[Engine]
    store: ox.Store
    projects: int
    rounds: int
    scale: float

    def count(self, number: int) -> int:
        """How many requests make one round."""
        return max(8, int(number * self.scale))


def text(name: str) -> str:
    """One of the queries beside this module."""
    return (_QUERIES / f"{name}.rq").read_text(encoding="utf-8")


def tiny(bench: Bench) -> Row:
    """The median latency of a lookup over that of the engine called in this process."""
    numbers = [number * 7919 % bench.projects for number in range(bench.count(400))]
    engines = [bench.ours, *_named(bench.peers, "oxigraph serve")]
    medians: dict[str, list[float]] = {name: [] for name in ("floor", *(engine.name for engine in engines))}
    for _ in range(bench.rounds):
        medians["floor"].append(statistics.median(_in_process(bench.store, [_LABEL.format(number) for number in numbers])))
        for engine in engines:
            requests = [sparql(engine.endpoint, _LABEL.format(number)) for number in numbers]
            medians[engine.name].append(statistics.median(run(engine.endpoint, requests, connections=1, count=len(numbers)).latencies))
    median = {name: 1000 * statistics.median(values) for name, values in medians.items()}
    return Row("/sparql, tiny lookup: latency over the floor", median["dpa-kg"] - median["floor"], "at most", 1.5, "ms", median)


def heavy(bench: Bench) -> list[Row]:
    """The throughput of queries that the engine needs 5 ms for or more, against `oxigraph serve`."""
    rows = []
    for peer in _named(bench.peers, "oxigraph serve"):
        for name in ("heavy-funders", "heavy-countries", "heavy-grants"):
            query = text(name)
            floor = 1000 * statistics.median(_until(_LONG, _in_process(bench.store, [query] * 5)))
            count = min(bench.count(200), max(8, int(4000 / floor)))
            requests = {engine.name: (engine.endpoint, [sparql(engine.endpoint, query)], count) for engine in (bench.ours, peer)}
            ratio, details = compare(bench if floor < 1000 * _LONG else replace(bench, rounds=1), requests)
            details |= {"floor": floor, "heavy enough": floor >= 5}
            rows.append(
                Row(f"/sparql, {name.removeprefix('heavy-')}: throughput against oxigraph serve", ratio, "at least", 0.9, "×", details)
            )
    return rows


def named(bench: Bench) -> list[Row]:
    """The named query, asked anew each time and asked again, against the same question with property paths on the best peer."""
    pairs = pairs_of(bench.store)
    paths = text("property-paths")
    asked = [paths.replace("FUNDER", funder).replace("COUNTRY", country) for funder, country in pairs]
    first = {peer.name: _seconds(peer, asked[0]) for peer in bench.peers}
    peers = [peer for peer in bench.peers if first[peer.name] < 20 * min(first.values())]  # others would only take time,
    for peer in set(bench.peers) - set(peers):  # and a processor, for a question that nobody waits for any more
        os.kill(peer.process, signal.SIGKILL)
    if not peers:
        return []
    mean = _anew(bench, peers, pairs, asked)
    best = min(peers, key=lambda peer: mean[peer.name])
    details = {"mean": _ms(mean), "first question": _ms(first)}
    ratio = mean[best.name] / mean[bench.ours.name]
    return [
        Row(f"named query, uncached, against property paths on {best.name}", ratio, "at least", 3, "×", details),
        _again(bench, best, pairs[0], asked[0]),
    ]


def _anew(bench: Bench, peers: Sequence[Engine], pairs: Sequence[tuple[str, str]], asked: Sequence[str]) -> dict[str, float]:
    """The mean seconds of one question after the other, none of which was asked before."""
    count = min(bench.count(40), len(pairs) // bench.rounds)
    seconds: dict[str, list[float]] = {engine.name: [] for engine in (bench.ours, *peers)}
    for turn in range(bench.rounds):
        part = slice(turn * count, (turn + 1) * count)
        seconds[bench.ours.name] += run(
            bench.ours.base, [question(bench, pair) for pair in pairs[part]], connections=1, count=count
        ).latencies
        for peer in peers:
            requests = [sparql(peer.endpoint, query) for query in asked[part]]
            seconds[peer.name] += run(peer.endpoint, requests, connections=1, count=count).latencies
    return {name: statistics.fmean(values) for name, values in seconds.items()}


def _again(bench: Bench, best: Engine, pair: tuple[str, str], query: str) -> Row:
    requests = {
        bench.ours.name: (bench.ours.base, [question(bench, pair)], bench.count(1000)),
        best.name: (best.endpoint, [sparql(best.endpoint, query)], bench.count(40)),
    }
    ratio, details = compare(bench, requests)
    return Row(f"the same named query again, throughput against {best.name}", ratio, "at least", 50, "×", details)


def fields(pair: tuple[str, str]) -> str:
    """The parameters of the named query for a funder and a country."""
    return urlencode({"funder": pair[0], "country": pair[1]})


def question(bench: Bench, pair: tuple[str, str]) -> bytes:
    return get(f"{bench.ours.base}/queries/{NAMED}?{fields(pair)}", JSON)


def cached(bench: Bench) -> list[Row]:
    """An answer from memory, and the word that nothing has changed, against an empty route."""
    funder, country = pairs_of(bench.store)[0]
    url = f"{bench.ours.base}/queries/{NAMED}?{urlencode({'funder': funder, 'country': country, 'limit': 20})}"
    tag = httpx.get(url, headers={"Accept": JSON}, timeout=60).headers["etag"]
    empty = (url, [get(f"{bench.ours.base}/empty", JSON)], bench.count(1000))
    rows = []
    for what, request, target in (
        ("cached answer against an empty route", get(url, JSON), 0.6),
        ("If-None-Match hit against an empty route", get(url, JSON, If_None_Match=tag), 0.8),
    ):
        ratio, details = compare(bench, {"ours": (url, [request], bench.count(1000)), "empty": empty})
        rows.append(Row(what, ratio, "at least", target, "×", details))
    return rows


def full_text(bench: Bench, labels: int) -> list[Row]:
    """The slowest but 5 % of searches. Over a million labels the version holds names and classes only, and no uses to rank by."""
    found = (row["label"].value.split() for row in _solutions(bench.store, _SOME_LABELS))
    words = [(label[0], label[1]) for label in found if len(label) > 2]
    kinds = {
        "two words": [" ".join(pair) for pair in words],
        "a word and a prefix of three letters": [f"{first} {second[:3]}" for first, second in words],
        "one common word": [first for first, _ in words],
    }
    rows = []
    for kind, texts in kinds.items():
        requests = [get(f"{bench.ours.base}/search?{urlencode({'q': one})}", JSON) for one in texts]
        latencies = run(bench.ours.base, requests, connections=1, count=bench.count(200)).latencies
        p95 = 1000 * statistics.quantiles(latencies, n=20)[-1]
        rows.append(
            Row(
                f"full-text search, {labels:,} labels, p95: {kind}",
                p95,
                "at most",
                20,
                "ms",
                {"median": 1000 * statistics.median(latencies)},
            )
        )
    return rows


_SOME_LABELS: Final = """
    SELECT ?label WHERE { ?project a <https://w3id.org/dpa-kg/ontology#Project> ; <http://www.w3.org/2000/01/rdf-schema#label> ?label }
    LIMIT 200
"""


def compare(bench: Bench, requests: Mapping[str, tuple[str, Sequence[bytes], int]]) -> tuple[float, dict[str, Any]]:
    """The median over all rounds of the throughput of the first by that of the second, over 8 connections each."""
    runs: dict[str, list[Run]] = {name: [] for name in requests}
    for _ in range(bench.rounds):
        for name, (url, what, count) in requests.items():
            runs[name].append(run(url, what, connections=8, count=count))
    first, second = runs.values()
    ratio = statistics.median(ours.throughput / theirs.throughput for ours, theirs in zip(first, second, strict=True))
    return ratio, {name: [round(one.throughput, 1) for one in done] for name, done in runs.items()}


def _until(seconds: float, times: Iterable[float]) -> Iterator[float]:
    """Times, until they add up to so many seconds."""
    for one in times:
        yield one
        seconds -= one
        if seconds < 0:
            return


def _in_process(store: ox.Store, queries: Sequence[str]) -> Iterator[float]:
    for query in queries:
        start = time.perf_counter()
        answer = store.query(query)
        if isinstance(answer, ox.QuerySolutions):
            answer.serialize(format=ox.QueryResultsFormat.JSON)
        yield time.perf_counter() - start


def _solutions(store: ox.Store, query: str) -> Iterator[ox.QuerySolution]:
    answer = store.query(query)
    return iter(answer) if isinstance(answer, ox.QuerySolutions) else iter(())


def pairs_of(store: ox.Store) -> list[tuple[str, str]]:
    """The slugs of funders and countries, shuffled by a fixed stride: frequent and rare ones."""
    found = [(row["funder"].value.rpartition("/")[2], row["country"].value.rpartition("/")[2]) for row in _solutions(store, text("pairs"))]
    return [found[number * 7 % len(found)] for number in range(len(found))]


def _named(engines: Sequence[Engine], name: str) -> list[Engine]:
    return [engine for engine in engines if engine.name == name]


def _seconds(engine: Engine, query: str) -> float:
    """How long a peer takes for a question; infinity where it has no answer within two minutes."""
    start = time.perf_counter()
    try:
        answer = httpx.get(engine.endpoint, params={"query": query}, headers={"Accept": "application/sparql-results+json"}, timeout=120)
    except httpx.TransportError:
        return float("inf")
    return time.perf_counter() - start if answer.status_code == 200 else float("inf")


def _ms(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(1000 * value, 2) for name, value in seconds.items()}
