"""One function for each row of the table. What is compared is asked in turns within one run, so that a busy machine hits all alike."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlencode, urlsplit

import httpx
import pyoxigraph as ox

from benchmarks.engines import Engine
from benchmarks.load import Run, get, run, sparql

_QUERIES: Final = Path(__file__).parent / "queries"
_JSON: Final = "application/json"
_NAMED: Final = "projects-by-funder-and-country"
_RUNAWAYS: Final = 32
_ENDLESS: Final = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . FILTER(STRLEN(STR(?a)) > 1000) }"
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
            floor = 1000 * statistics.median(_in_process(bench.store, [query] * 5))
            count = min(bench.count(200), max(24, int(4000 / floor)))
            requests = {engine.name: (engine.endpoint, [sparql(engine.endpoint, query)], count) for engine in (bench.ours, peer)}
            ratio, details = _compare(bench, requests)
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
    peers = [peer for peer in bench.peers if first[peer.name] < 20 * min(first.values())]  # others would only take time
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
            bench.ours.base, [_question(bench, pair) for pair in pairs[part]], connections=1, count=count
        ).latencies
        for peer in peers:
            requests = [sparql(peer.endpoint, query) for query in asked[part]]
            seconds[peer.name] += run(peer.endpoint, requests, connections=1, count=count).latencies
    return {name: statistics.fmean(values) for name, values in seconds.items()}


def _again(bench: Bench, best: Engine, pair: tuple[str, str], query: str) -> Row:
    requests = {
        bench.ours.name: (bench.ours.base, [_question(bench, pair)], bench.count(1000)),
        best.name: (best.endpoint, [sparql(best.endpoint, query)], bench.count(40)),
    }
    ratio, details = _compare(bench, requests)
    return Row(f"the same named query again, throughput against {best.name}", ratio, "at least", 50, "×", details)


def _question(bench: Bench, pair: tuple[str, str]) -> bytes:
    return get(f"{bench.ours.base}/queries/{_NAMED}?{_fields(pair)}", _JSON)


def cached(bench: Bench) -> list[Row]:
    """An answer from memory, and the word that nothing has changed, against an empty route."""
    funder, country = pairs_of(bench.store)[0]
    url = f"{bench.ours.base}/queries/{_NAMED}?{urlencode({'funder': funder, 'country': country, 'limit': 20})}"
    tag = httpx.get(url, headers={"Accept": _JSON}, timeout=60).headers["etag"]
    empty = (url, [get(f"{bench.ours.base}/empty", _JSON)], bench.count(1000))
    rows = []
    for what, request, target in (
        ("cached answer against an empty route", get(url, _JSON), 0.6),
        ("If-None-Match hit against an empty route", get(url, _JSON, If_None_Match=tag), 0.8),
    ):
        ratio, details = _compare(bench, {"ours": (url, [request], bench.count(1000)), "empty": empty})
        rows.append(Row(what, ratio, "at least", target, "×", details))
    return rows


def under_fire(bench: Bench) -> Row:
    """The slowest but 5 % of named queries that nobody asked before, while 32 queries without end are in flight, from four clients."""
    url = urlsplit(bench.ours.base)
    runaway = urlencode({"query": _ENDLESS})
    questions = [get(f"{bench.ours.base}/queries/{_NAMED}?{_fields(pair)}&limit=37", _JSON) for pair in pairs_of(bench.store)]
    count = min(bench.count(200), len(questions) - 8)
    run(bench.ours.base, questions[count:], connections=4, count=8)  # the workers have read the catalogue
    with ExitStack() as stack:
        for number in range(_RUNAWAYS):
            connection = stack.enter_context(socket.create_connection((url.hostname or "", url.port or 80)))
            client = f"X-Forwarded-For: 192.0.2.{number * 4 // _RUNAWAYS + 1}"
            connection.sendall(f"GET /sparql?{runaway} HTTP/1.1\r\nHost: {url.netloc}\r\n{client}\r\n\r\n".encode())
        _wait_for(lambda: _sample(bench.ours, 'dpa_kg_queue_length{pool="adhoc"}') > 0)
        latencies = run(bench.ours.base, questions, connections=1, count=count).latencies
        waiting = {
            kind: _sample(bench.ours, f"dpa_kg_{kind}") for kind in ('queue_length{pool="adhoc"}', 'workers{pool="adhoc",state="busy"}')
        }
    p95 = 1000 * statistics.quantiles(latencies, n=20)[-1]
    details = {"median": 1000 * statistics.median(latencies), "questions": count, **waiting}
    return Row(f"under fire, {_RUNAWAYS} runaway queries in flight: named query, uncached, p95", p95, "at most", 300, "ms", details)


def web_workers(start: Callable[..., Any], pair: tuple[str, str], rounds: int, scale: float) -> Row:
    """The throughput of cached answers with two web processes against one, over 16 connections.

    The client takes its share of the cores, too.
    """
    runs: dict[int, list[float]] = {1: [], 2: []}
    with ExitStack() as stack:
        engines = {count: stack.enter_context(start(web_workers=count)) for count in runs}
        for engine in engines.values():
            _wait_for(lambda engine=engine: httpx.get(f"{engine.base}/ready", timeout=60).status_code == 200)  # type: ignore[misc]
            for _ in range(20):  # each process has the answer
                httpx.get(f"{engine.base}/queries/{_NAMED}?{_fields(pair)}&limit=20", headers={"Accept": _JSON}, timeout=60)
        for _ in range(rounds):
            for number, engine in engines.items():
                request = get(f"{engine.base}/queries/{_NAMED}?{_fields(pair)}&limit=20", _JSON)
                runs[number].append(run(engine.base, [request], connections=16, count=max(8, int(2000 * scale))).throughput)
    ratio = statistics.median(two / one for one, two in zip(runs[1], runs[2], strict=True))
    return Row(
        "cached answer, two web processes against one: throughput", ratio, "at least", 1.2, "×", {str(n): t for n, t in runs.items()}
    )


def _fields(pair: tuple[str, str]) -> str:
    return urlencode({"funder": pair[0], "country": pair[1]})


def _sample(engine: Engine, name: str) -> float:
    lines = httpx.get(f"{engine.base}/metrics", timeout=60).text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)


def _wait_for(condition: Callable[[], bool]) -> None:
    """Returns when a condition is true. Raises TimeoutError after a minute."""
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


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
        requests = [get(f"{bench.ours.base}/search?{urlencode({'q': one})}", _JSON) for one in texts]
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


def memory(ours: Engine, triples: int, megabytes: int) -> Row:
    """By how much the web process grows while it sends a large result."""
    copies = " ".join(str(copy) for copy in range(max(1, round(megabytes * 1e6 / (triples * 150)))))
    before, most, sent, stop = _resident(ours.process), 0.0, 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not stop.wait(0.02):
            most = max(most, _resident(ours.process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        query = text("large").replace("COPIES", copies)
        with httpx.stream("GET", ours.endpoint, params={"query": query}, headers={"Accept": "text/csv"}, timeout=600) as answer:
            answer.raise_for_status()
            sent = sum(len(chunk) for chunk in answer.iter_raw())
    finally:
        stop.set()
        watcher.join()
    return Row(f"memory of the web process while it sends {sent / 1e6:.0f} MB: growth", most - before, "at most", 50, "MB")


def starts(engines: Mapping[str, Callable[[], Any]], rounds: int) -> list[Row]:
    """From the start of the process to its first answer; against the smallest version, and in seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, start in engines.items():
            with start() as engine:
                seconds[name].append(engine.started)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    (first, least), *others = median.items()
    rows = [Row(f"start of the service, {first}", least, "at most", 2, "s", median)]
    return rows + [Row(f"start of the service, {name} against {first}", value / least, "at most", 1.2) for name, value in others]


def _compare(bench: Bench, requests: Mapping[str, tuple[str, Sequence[bytes], int]]) -> tuple[float, dict[str, Any]]:
    """The median over all rounds of the throughput of the first by that of the second, over 8 connections each."""
    runs: dict[str, list[Run]] = {name: [] for name in requests}
    for _ in range(bench.rounds):
        for name, (url, what, count) in requests.items():
            runs[name].append(run(url, what, connections=8, count=count))
    first, second = runs.values()
    ratio = statistics.median(ours.throughput / theirs.throughput for ours, theirs in zip(first, second, strict=True))
    return ratio, {name: [round(one.throughput, 1) for one in done] for name, done in runs.items()}


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


def _resident(process: int) -> float:
    """Megabytes of memory that a process has."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / 1e6
