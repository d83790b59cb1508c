"""The rows of the table that are about the whole service under strain: runaway queries, several web processes, memory, starts."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx

from benchmarks.engines import Engine
from benchmarks.load import get, run
from benchmarks.measures import JSON, NAMED, Bench, Row, fields, pairs_of, text

_RUNAWAYS: Final = 32
_ENDLESS: Final = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . FILTER(STRLEN(STR(?a)) > 1000) }"


def under_fire(bench: Bench) -> Row:
    """The slowest but 5 % of named queries that nobody asked before, while 32 queries without end are in flight, from four clients."""
    url = urlsplit(bench.ours.base)
    runaway = urlencode({"query": _ENDLESS})
    questions = [get(f"{bench.ours.base}/queries/{NAMED}?{fields(pair)}&limit=37", JSON) for pair in pairs_of(bench.store)]
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
                httpx.get(f"{engine.base}/queries/{NAMED}?{fields(pair)}&limit=20", headers={"Accept": JSON}, timeout=60)
        for _ in range(rounds):
            for number, engine in engines.items():
                request = get(f"{engine.base}/queries/{NAMED}?{fields(pair)}&limit=20", JSON)
                runs[number].append(run(engine.base, [request], connections=16, count=max(8, int(2000 * scale))).throughput)
    ratio = statistics.median(two / one for one, two in zip(runs[1], runs[2], strict=True))
    return Row(
        "cached answer, two web processes against one: throughput", ratio, "at least", 1.2, "×", {str(n): t for n, t in runs.items()}
    )


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


def memory(ours: Engine, triples: int, megabytes: int) -> Row:
    """By how much the web process grows while it sends a large result."""
    rows = round(megabytes * 1e6 / 150)  # of about so many bytes each
    copies = " ".join(str(copy) for copy in range(1 + rows // triples))
    before, most, sent, stop = _resident(ours.process), 0.0, 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not stop.wait(0.02):
            most = max(most, _resident(ours.process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        query = f"{text('large').replace('COPIES', copies)} LIMIT {rows}"
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


def _resident(process: int) -> float:
    """Megabytes of memory that a process has."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / 1e6
