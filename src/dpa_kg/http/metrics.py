"""`/metrics`: what the service has done, in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

import os
import resource
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.datastructures import State

from dpa_kg import __version__
from dpa_kg.graph.metadata import Version
from dpa_kg.http import openapi
from dpa_kg.http.caching import cache_headers
from dpa_kg.http.siblings import Report, Siblings
from dpa_kg.query.workers import Pool
from dpa_kg.representations.formats import PLAIN_TEXT

router = APIRouter(tags=["Operations"])
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_ROUTE: Final = {"responses": openapi.answers((PLAIN_TEXT,), ())}
Labels = tuple[tuple[str, str], ...]


@dataclass
class _Latency:
    """How many requests took at most as long as each bucket says, and how long all of them took."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BUCKETS) + 1))
    total: float = 0.0


class Metrics:
    """Counters of one web process."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.answers: Counter[str] = Counter()  # `hit` and `miss` of the cache of answers
        self._latencies: dict[str, _Latency] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request."""
        self.requests[method, route, status] += 1
        latency = self._latencies.setdefault(route, _Latency())
        latency.counts[bisect_left(_BUCKETS, seconds)] += 1
        latency.total += seconds

    def lines(self) -> Iterator[str]:
        """The counters in the text format."""
        counted = [((("method", m), ("route", r), ("status", str(s))), n) for (m, r, s), n in sorted(self.requests.items())]
        yield from _family("dpa_kg_http_requests_total", "counter", "Requests by method, route and status.", counted)
        name = "dpa_kg_http_request_duration_seconds"
        yield from _family(name, "histogram", "Seconds from a request to the end of its answer.", ())
        for route, latency in sorted(self._latencies.items()):
            below = 0
            for bound, count in zip((*map(str, _BUCKETS), "+Inf"), latency.counts, strict=True):
                below += count
                yield _line(f"{name}_bucket", (("route", route), ("le", bound)), below)
            yield _line(f"{name}_sum", (("route", route),), latency.total)
            yield _line(f"{name}_count", (("route", route),), below)
        found = [((("result", result),), self.answers[result]) for result in ("hit", "miss")]
        yield from _family("dpa_kg_cache_lookups_total", "counter", "Lookups in the cache of answers.", found)


@router.get("/metrics", summary="Counters for Prometheus", openapi_extra=_ROUTE, response_class=Response)
async def metrics(request: Request) -> Response:
    """Requests, latencies, queues, workers that were ended and why, the cache, the version; of all web processes together."""
    state = request.app.state
    siblings: Siblings = state.siblings
    lines = [*siblings.summed(report(state)), *_of_service(state.versions.current(), siblings.running())]
    return Response("\n".join(lines) + "\n", headers=cache_headers(None), media_type=_CONTENT_TYPE)


def report(state: State) -> Report:
    """What this process tells its siblings. It is ready when each pool that answers has a worker."""
    pools: dict[str, Pool] = {"adhoc": state.adhoc, "questions": state.questions, "writer": state.writer}
    ready = all(pools[name].busy + pools[name].idle for name in ("adhoc", "questions"))
    pools |= {"making": state.jobs.making, "validating": state.jobs.validating}
    known: Metrics = state.metrics
    return Report(ready, "\n".join([*known.lines(), *_of_pools(pools), *_of_process()]))


def _of_pools(pools: Mapping[str, Pool]) -> Iterator[str]:
    waiting = [((("pool", name),), pool.waiting) for name, pool in pools.items()]
    yield from _family("dpa_kg_queue_length", "gauge", "Questions that wait for a worker.", waiting)
    workers = [
        ((("pool", name), ("state", state)), count)
        for name, pool in pools.items()
        for state, count in (("busy", pool.busy), ("idle", pool.idle))
    ]
    yield from _family("dpa_kg_workers", "gauge", "Worker processes.", workers)
    kills = [((("pool", name), ("cause", cause)), count) for name, pool in pools.items() for cause, count in sorted(pool.kills.items())]
    yield from _family("dpa_kg_worker_kills_total", "counter", "Workers that ended at a question, by cause.", kills)


def _of_service(version: Version | None, processes: int) -> Iterator[str]:
    yield from _family("dpa_kg_web_processes", "gauge", "Web processes that run.", [((), processes)])
    if version is not None:
        yield from _family("dpa_kg_version", "gauge", "Number of the published version.", [((), version.number)])
        yield from _family("dpa_kg_triples", "gauge", "Triples of its default graph.", [((), version.metadata.triples)])
    yield from _family("dpa_kg_info", "gauge", "The release that runs.", [((("release", __version__),), 1)])


def _of_process() -> Iterator[str]:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    memory, files = pages * resource.getpagesize(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only
    yield from _family("process_resident_memory_bytes", "gauge", "Memory of the web processes.", [((), memory)])
    yield from _family("process_open_fds", "gauge", "Open files of the web processes.", [((), files)])


def _family(name: str, kind: str, meaning: str, samples: Iterable[tuple[Labels, float]]) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield _line(name, labels, value)


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    return f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
