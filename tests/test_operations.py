"""What those who run the service rely on: readiness, counters, logs, an end that cuts nobody off."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dpa_kg import __version__, logs
from dpa_kg.http.metrics import Metrics
from dpa_kg.query.frames import encode, receive
from tests.serving import serving
from tests.tiny import make_version

SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\.)*"(,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? -?[0-9.e+-]+')


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("operations")
    make_version(home)
    with serving(home, query_workers=1, question_workers=1) as url, httpx.Client(base_url=url, timeout=60) as session:
        session.get("/health")
        session.get("/sparql?query=ASK%7B%7D")
        yield session


def samples(client: httpx.Client) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in client.get("/metrics").text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


# ---- readiness


def test_a_service_with_workers_and_a_version_is_ready(tiny: httpx.Client) -> None:
    answer = tiny.get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "release": __version__, "version": 1}


def test_a_service_without_a_version_is_not_ready(tmp_path: Path) -> None:
    with serving(tmp_path, query_workers=1, question_workers=1) as url:
        assert httpx.get(f"{url}/ready").status_code == 503


# ---- counters


def test_every_line_of_the_counters_is_in_the_text_format(tiny: httpx.Client) -> None:
    answer = tiny.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert len(lines) > 30
    assert [line for line in lines if not line.startswith(("# HELP ", "# TYPE ")) and not SAMPLE.fullmatch(line)] == []
    declared = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    used = {re.sub(r"_(bucket|sum|count)$", "", re.split(r"[{ ]", line)[0]) for line in lines if not line.startswith("#")}
    assert used <= declared


def test_requests_are_counted_by_route_and_status(tiny: httpx.Client) -> None:
    name = 'dpa_kg_http_requests_total{method="GET",route="/doc/{noun}/{slug}",status="200"}'
    before = samples(tiny).get(name, 0)
    tiny.get("/doc/organization/lab.ttl")
    tiny.get("/doc/organization/bank.ttl")
    after = samples(tiny)
    assert after[name] == before + 2
    buckets = [value for key, value in after.items() if 'bucket{route="/doc/{noun}/{slug}"' in key]
    assert buckets == sorted(buckets)
    assert buckets[-1] == after['dpa_kg_http_request_duration_seconds_count{route="/doc/{noun}/{slug}"}']


def test_addresses_that_are_none_make_one_counter(tiny: httpx.Client) -> None:
    for number in range(5):
        tiny.get(f"/nowhere/{number}")
    routes = {match[1] for name in samples(tiny) if (match := re.search(r'route="([^"]*)"', name))}
    assert "other" in routes
    assert not any("nowhere" in route for route in routes)


def test_the_cache_the_version_and_the_workers_are_counted(tiny: httpx.Client) -> None:
    for _ in range(2):
        tiny.get("/queries/projects-by-funder-and-country?funder=IDB")
    found = samples(tiny)
    assert found['dpa_kg_cache_lookups_total{result="hit"}'] >= 1
    assert found['dpa_kg_cache_lookups_total{result="miss"}'] >= 1
    assert found["dpa_kg_version"] == 1
    assert found["dpa_kg_triples"] > 10
    assert found['dpa_kg_workers{pool="adhoc",state="idle"}'] == 1
    assert found['dpa_kg_queue_length{pool="questions"}'] == 0


def test_workers_that_end_at_a_query_are_counted_by_cause(tmp_path: Path) -> None:
    make_version(tmp_path)
    heavy = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n2 ?o }"
    with serving(tmp_path, query_timeout=1.0, query_workers=1, question_workers=1) as url, httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/sparql", params={"query": heavy}).status_code == 504
        chain = client.post("/sparql", data={"query": f"SELECT ({'+'.join(['1'] * 30_000)} AS ?x) {{}}"})
        assert chain.status_code == 400
        found = samples(client)
    assert found['dpa_kg_worker_kills_total{pool="adhoc",cause="time"}'] == 1


def test_labels_are_escaped() -> None:
    metrics = Metrics()
    metrics.observe("GET", '/a"b\\c\n', 200, 0.5)
    assert 'route="/a\\"b\\\\c\\n"' in "\n".join(metrics.lines())


# ---- logs


def _line(message: str, **fields: object) -> str:
    record = logging.LogRecord("dpa_kg.test", logging.INFO, "", 0, message, (), None)
    setattr(record, logs.FIELDS, fields)
    return logs.JsonLines().format(record)


def test_a_record_is_one_line_of_json_whatever_a_caller_wrote() -> None:
    line = _line('GET /a\n{"level": "error"}\u2028', status=200)
    assert len(line.splitlines()) == 1
    read = json.loads(line)
    assert (read["level"], read["status"], read["logger"]) == ("info", 200, "dpa_kg.test")


def test_a_trace_is_a_member_of_its_record() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines())
    logger = logging.Logger("t")
    logger.addHandler(handler)
    try:
        raise ValueError("odd")
    except ValueError:
        logger.exception("It failed.")
    assert "ValueError: odd" in json.loads(stream.getvalue())["trace"]


# ---- a real process


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`dpa-kg serve` over a tiny version, as a system runs it; and its address."""
    make_version(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {**os.environ, "DPA_KG_HOME": str(tmp_path), "DPA_KG_QUERY_WORKERS": "1", "DPA_KG_QUESTION_WORKERS": "1"}
    command = [sys.executable, "-c", "from dpa_kg.cli import app; app()", "serve", "--no-build", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_ready(url)
            yield running, url
        finally:
            running.kill()


def _wait_until_ready(url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the service did not become ready")


def test_an_answer_in_flight_is_finished_when_the_service_is_stopped(process: tuple[subprocess.Popen[str], str]) -> None:
    running, url = process
    slow = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . FILTER(STRLEN(STR(?a)) >= 0) }"
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(httpx.get(f"{url}/sparql", params={"query": slow}, timeout=60)))
    asking.start()
    time.sleep(0.3)
    running.send_signal(signal.SIGTERM)
    asking.join(60)
    assert running.wait(60) in {0, -signal.SIGTERM}
    assert answers
    assert answers[0].status_code == 200
    assert int(answers[0].json()["results"]["bindings"][0]["n"]["value"]) > 1000


def test_the_log_has_a_line_of_json_for_each_request_with_the_id_that_the_client_got(process: tuple[subprocess.Popen[str], str]) -> None:
    running, url = process
    answer = httpx.get(f"{url}/nowhere%0A%7B%7D")
    running.send_signal(signal.SIGTERM)
    _, text = running.communicate(timeout=60)
    lines = [json.loads(line) for line in text.splitlines()]
    (line,) = (line for line in lines if line.get("request") == answer.headers["x-request-id"] and line["logger"] == "dpa_kg.access")
    assert (line["status"], line["route"]) == (404, "other")
    assert line["seconds"] > 0
    assert answer.json()["instance"].endswith(line["request"])


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], socket.socket]]:
    """A worker process over a tiny version, and the connection that it is asked over."""
    make_version(tmp_path)
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "dpa_kg.query.worker", str(theirs.fileno())]
    with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE, text=True) as running:
        theirs.close()
        ours.settimeout(60)
        first = {"parent": os.getpid(), "home": str(tmp_path), "spool": str(tmp_path / "spool"), "limits": {}, "memory": 1 << 30, "nice": 0}
        first |= {"named": True, "engine": None}
        ours.sendall(encode({**first, "settings": {"log_level": "info"}}))
        assert receive(ours.makefile("rb", buffering=0).read) == ({"ready": True}, b"")
        try:
            yield running, ours
        finally:
            running.kill()


def test_what_a_worker_logs_is_json_too_whatever_a_caller_wrote(worker: tuple[subprocess.Popen[str], socket.socket]) -> None:
    running, connection = worker
    connection.sendall(encode({"version": 1, "method": "none\n{forged}", "arguments": {}}))
    assert receive(connection.makefile("rb", buffering=0).read) is not None
    connection.close()
    _, text = running.communicate(timeout=60)
    (line,) = text.splitlines()
    assert json.loads(line)["message"] == "none\n{forged} failed"


def test_a_worker_whose_parent_is_gone_in_the_middle_of_an_answer_ends_without_a_word(
    worker: tuple[subprocess.Popen[str], socket.socket],
) -> None:
    running, connection = worker
    connection.sendall(encode({"version": 1, "method": "statistics", "arguments": {}}))
    assert select.select([connection], [], [], 60)[0]
    connection.close()  # with an answer that nobody has read: the other side sees a reset
    _, text = running.communicate(timeout=60)
    assert (running.returncode, text) == (0, "")
