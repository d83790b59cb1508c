"""Several web processes are one service: one address, one count, one limit for a client, one end."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from dpa_kg.http.clients import Clients
from dpa_kg.http.errors import TooManyQueries
from dpa_kg.http.siblings import Report, Siblings
from dpa_kg.http.supervisor import divided
from dpa_kg.settings import Settings
from tests.tiny import make_version

ASK = {"query": "ASK {}"}
# some seconds, so that what each process tells once a second is seen while it lasts
SLOW = {"query": "SELECT (COUNT(*) AS ?n) { VALUES ?k { 1 2 3 } ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?l ?m ?o . FILTER(STRLEN(STR(?a)) >= 0) }"}
ENDLESS = {"query": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n2 ?o }"}
PATIENCE = 120.0  # seconds


@dataclass(frozen=True)
class Service:
    """A running `dpa-kg serve` with two web processes."""

    home: Path
    parent: subprocess.Popen[bytes]
    url: str

    def web(self) -> list[int]:
        """The web processes."""
        return children(self.parent.pid)

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Asks on a connection of its own, which any of the processes may take."""
        return httpx.get(self.url + path, timeout=PATIENCE, **more)

    def update(self, text: str) -> int:
        """The status of a write."""
        headers = {"Authorization": "Bearer a secret"}
        return httpx.post(f"{self.url}/update", data={"update": text}, headers=headers, timeout=PATIENCE).status_code

    def sample(self, name: str) -> float:
        """A sample of `/metrics`; 0 where it is not there."""
        lines = self.get("/metrics").text.splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name + " ")), 0.0)

    def told(self, name: str) -> float:
        """The sum of a sample over what the processes have written down."""
        texts = (json.loads(path.read_text())[1] for path in self.home.glob("spool/*/*.json"))
        return sum(float(line.rpartition(" ")[2]) for text in texts for line in text.splitlines() if line.startswith(name + " "))


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    with suppress(FileNotFoundError):
        return [int(child) for task in Path(f"/proc/{process}/task").iterdir() for child in (task / "children").read_text().split()]
    return []


def runs(process: int) -> bool:
    """Whether a process is there and has not ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    return False


def until(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true in time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(httpx.TransportError):
            if condition():
                return True
        time.sleep(0.05)
    return False


@contextmanager
def started(home: Path, *options: str, **settings: Any) -> Iterator[Service]:
    """`dpa-kg serve` with two web processes over a home."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    given = {"home": home, "port": port, "web_workers": 2, "query_timeout": 300, "shutdown_timeout": 120, "log_level": "error", **settings}
    environment = {**os.environ, **{f"DPA_KG_{name.upper()}": str(value) for name, value in given.items()}}
    command = [sys.executable, "-c", "from dpa_kg.cli import app; app()", "serve", *options]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as parent:
        running = Service(home, parent, f"http://127.0.0.1:{port}")
        try:
            assert until(lambda: running.get("/ready").status_code == 200)
            yield running
        finally:
            parent.kill()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    make_version(tmp_path)
    with started(tmp_path, "--no-build", client_queries=1) as running:
        yield running


def test_requests_are_counted_whichever_process_answers(service: Service) -> None:
    assert len(service.web()) == 2
    for _ in range(20):
        assert service.get("/sparql", params=ASK).json()["boolean"] is True
    assert until(lambda: service.sample('dpa_kg_http_requests_total{method="GET",route="/sparql",status="200"}') == 20)
    assert service.sample("dpa_kg_web_processes") == 2
    assert service.sample('dpa_kg_workers{pool="adhoc",state="idle"}') == 2
    assert service.sample("dpa_kg_version") == 1


def test_a_process_that_is_killed_is_replaced_and_what_it_counted_stays(service: Service) -> None:
    name = 'dpa_kg_http_requests_total{method="GET",route="/sparql",status="200"}'
    for _ in range(20):
        service.get("/sparql", params=ASK)
    assert until(lambda: service.told(name) == 20)
    killed, other = service.web()
    workers = children(killed)
    os.kill(killed, signal.SIGKILL)
    assert until(lambda: service.get("/sparql", params=ASK).status_code == 200)
    assert until(lambda: len(service.web()) == 2 and killed not in service.web())
    assert until(lambda: service.get("/ready").status_code == 200)
    assert other in service.web()
    assert service.sample(name) >= 21
    assert service.sample("dpa_kg_web_processes") == 2
    assert len(workers) >= 2
    assert until(lambda: not any(map(runs, workers)))


def test_a_stop_finishes_answers_in_flight_and_leaves_no_process_behind(service: Service) -> None:
    everyone = [service.parent.pid, *service.web(), *(worker for web in service.web() for worker in children(web))]
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(service.get("/sparql", params=SLOW)))
    asking.start()
    assert until(lambda: service.sample('dpa_kg_workers{pool="adhoc",state="busy"}') == 1)
    service.parent.send_signal(signal.SIGTERM)
    asking.join(PATIENCE)
    assert service.parent.wait(PATIENCE) == 0
    assert answers
    assert int(answers[0].json()["results"]["bindings"][0]["n"]["value"]) > 1000
    assert len(everyone) >= 7
    assert not any(map(runs, everyone))


def test_no_process_outlives_a_parent_that_was_killed(service: Service) -> None:
    everyone = [*service.web(), *(worker for web in service.web() for worker in children(web))]
    assert len(everyone) >= 6
    service.parent.kill()
    assert until(lambda: not any(map(runs, everyone)))


def test_a_client_has_one_limit_for_all_processes(service: Service) -> None:
    address = httpx.URL(service.url)
    with socket.create_connection((address.host, address.port)) as endless:
        endless.sendall(f"GET /sparql?{httpx.QueryParams(ENDLESS)} HTTP/1.1\r\nHost: {address.host}\r\n\r\n".encode())
        assert until(lambda: service.get("/sparql", params=ASK).status_code == 429)
        assert {service.get("/sparql", params=ASK).status_code for _ in range(20)} == {429}
    assert until(lambda: service.get("/sparql", params=ASK).status_code == 200)


def test_writes_at_the_same_time_through_several_processes_are_all_made(tmp_path: Path) -> None:
    def write(number: int) -> None:
        answered.append(service.update(f"INSERT DATA {{ <urn:s> <urn:p> {number} }}"))

    answered: list[int] = []
    writing = [threading.Thread(target=write, args=[number]) for number in range(6)]
    with started(tmp_path, default_graph="own", write_token="a secret") as service:  # noqa: S106
        for one in writing:
            one.start()
        for one in writing:
            one.join(PATIENCE)
        assert [200 <= status < 300 for status in answered] == [True] * 6
        counted = service.get("/sparql", params={"query": "SELECT (COUNT(*) AS ?n) { <urn:s> <urn:p> ?o }"}).json()
        assert counted["results"]["bindings"][0]["n"]["value"] == "6"


# ---- the parts

_HEADS = [[f"# HELP {name} Things.", f"# TYPE {name} {kind}"] for name, kind in (("c", "counter"), ("g", "gauge"), ("h", "counter"))]


def _holding(path: str, places: Any, ready: Any, done: Any) -> None:
    with Path(path).open("r+b") as file, Clients(places, file).admit("a client"):
        ready.set()
        done.wait(PATIENCE)


def test_places_are_counted_over_processes_and_freed_when_one_is_killed(tmp_path: Path) -> None:
    (tmp_path / "places").touch()
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_holding, args=(str(tmp_path / "places"), 2, ready, done))
    other.start()
    assert ready.wait(PATIENCE)
    with (tmp_path / "places").open("r+b") as file:
        clients = Clients(2, file)
        with clients.admit("a client"), pytest.raises(TooManyQueries), clients.admit("a client"):
            pass
        with clients.admit("another"), clients.admit("another"):
            pass
        assert other.pid is not None
        os.kill(other.pid, signal.SIGKILL)
        other.join()
        with clients.admit("a client"), clients.admit("a client"):
            pass


def test_counters_of_processes_that_have_ended_are_added_and_their_gauges_are_not(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    text = "\n".join([*_HEADS[0], 'c{{a="1"}} {0}', *_HEADS[1], "g {0}", *_HEADS[2], "h {0}"])
    with (tmp_path / "places").open("w+b") as places:
        siblings = Siblings(2, tmp_path, places)
        siblings.tell(Report(True, text.format(3)))
        (tmp_path / f"{os.getpid()}.json").rename(tmp_path / f"{ended.pid}.json")
        assert not siblings.are_ready(Report(True, ""))
        found = list(siblings.summed(Report(True, text.format(1.5))))
    assert [line for line in found if not line.startswith("#")] == ['c{a="1"} 4.5', "g 1.5", "h 4.5"]
    assert len([line for line in found if line.startswith("#")]) == 6


def test_workers_and_queues_are_divided_among_the_processes() -> None:
    shared = divided(Settings(web_workers=2, query_workers=5, question_workers=1, query_queue=0, client_queries=8))
    assert (shared.query_workers, shared.question_workers, shared.query_queue, shared.client_queries) == (3, 1, 0, 8)


def test_an_address_that_is_taken_is_said_and_ends_the_service(tmp_path: Path) -> None:
    make_version(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        environment = {**os.environ, "DPA_KG_HOME": str(tmp_path), "DPA_KG_WEB_WORKERS": "2"}
        port = str(listener.getsockname()[1])
        command = [sys.executable, "-c", "from dpa_kg.cli import app; app()", "serve", "--no-build", "--port", port]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 3
    assert re.search(rf"127\.0\.0\.1:{port} cannot be listened on", ended.stderr)
