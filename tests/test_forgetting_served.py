"""Forgetting a person of the real graph while a real service runs: afterwards neither a file nor an answer has the name."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from dpa_kg import publish
from dpa_kg.graph.forgetting import NAMES
from dpa_kg.graph.forgotten import Forgotten
from dpa_kg.graph.versions import Versions
from dpa_kg.ingest.statements import load
from dpa_kg.namespaces import DPA, ID
from dpa_kg.settings import Settings
from dpa_kg.terms import noun_of

TOKEN = "s3cret"  # noqa: S105 (a token of these tests)
PERSON = f"{ID}person/alex-pentland"  # nobody's example in queries/
NAME = b"pentland"
LIMIT = 400.0
MINE = "https://example.org/mine"
EVERYTHING = "CONSTRUCT { ?s ?p ?o } WHERE { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
PAGES = (
    "/search?q=alex", "/doc/person/alex-pentland.ttl", "/queries/participations-by-role?format=csv&limit=100000",
    "/queries/publications-search?format=json&limit=1000", "/.well-known/void", "/graph/provenance", f"/graphs?graph={MINE}",
)  # fmt: skip


@contextmanager
def running(home: Path) -> Iterator[httpx.Client]:
    """`dpa-kg serve` over `home` as a system runs it, with a client that has a token."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {**os.environ, "DPA_KG_HOME": str(home), "DPA_KG_WRITE_TOKEN": TOKEN, "DPA_KG_CLIENT_QUERIES": "64"}
    command = [sys.executable, "-c", "from dpa_kg.cli import app; app()", "serve", "--no-build", "--port", str(port)]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=LIMIT, headers=headers, follow_redirects=True) as client,
    ):
        try:
            until = time.monotonic() + LIMIT
            while not is_ready(client):
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
            yield client
        finally:
            process.terminate()
            process.wait(LIMIT)


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/ready").status_code == 200
    except httpx.TransportError:
        return False


def dpa_kg(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from dpa_kg.cli import app; app()", *arguments]
    environment = {**os.environ, "DPA_KG_HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)


def naming(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and NAME in path.read_bytes().lower()]


def answers(client: httpx.Client) -> dict[str, httpx.Response]:
    """Every kind of read, of every version."""
    numbers = [one["number"] for one in client.get("/versions").json()["versions"]]
    found = {}
    for number in numbers:
        for page in PAGES:
            found[f"{page} of {number}"] = client.get(page, params={**httpx.URL(page).params, "version": number})
        accept = {"Accept": "application/n-triples"}
        found[f"everything of {number}"] = client.get("/sparql", params={"query": EVERYTHING, "version": number}, headers=accept)
        found[f"diff of {number}"] = client.get(f"/versions/{number}/diff")
        found[f"diff of {number} from 1"] = client.get(f"/versions/{number}/diff?from=1")
        for end in ("nq", "trig"):
            found[f"{end} of {number}"] = client.get(f"/catalog/dumps/{number}.{end}.gz")
    return found


def text_of(answer: httpx.Response) -> bytes:
    content = gzip.decompress(answer.content) if answer.content[:2] == b"\x1f\x8b" else answer.content
    return (b"" if answer.status_code == 404 else content).lower()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("forgetting")
    publish.build(Settings(home=made))
    return made


def test_a_running_service_forgets_and_no_file_and_no_answer_has_the_name(home: Path) -> None:
    facts = f'<{ID}project/mine> a <{DPA}Project> ; <http://www.w3.org/2000/01/rdf-schema#label> "With Pentland, Alex"@en .'
    with running(home) as client:
        put = client.put("/graphs", params={"graph": MINE}, content=facts, headers={"Content-Type": "text/turtle"})
        assert put.status_code == 201, put.text
        assert client.delete("/graphs", params={"graph": MINE}).status_code == 204
        before = answers(client)
        tags = {name: answer.headers["etag"] for name, answer in before.items() if "etag" in answer.headers}
        assert {name for name, answer in before.items() if NAME in text_of(answer)} >= {
            "everything of 1", "everything of 3", "nq of 2", "trig of 3", "diff of 1", "diff of 2", "diff of 3", "diff of 2 from 1",
            "/search?q=alex of 1", "/doc/person/alex-pentland.ttl of 2",
        }  # fmt: skip
        assert naming(home)

        done = dpa_kg(home, "forget", PERSON, "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "data/statements/harnessing-big-data-2017.trig, line" in done.stdout

        assert naming(home) == []
        after = answers(client)
        assert after.keys() == before.keys()
        assert [name for name, answer in after.items() if NAME in text_of(answer)] == []
        assert {answer.status_code for answer in after.values()} <= {200, 404}
        assert len(text_of(after["everything of 1"])) > 1_000_000
        for name, tag in tags.items():
            again = client.get(before[name].request.url, headers={**before[name].request.headers, "If-None-Match": tag})
            assert again.status_code != 304, name
        assert naming(home) == []  # dumps and differences were made again meanwhile
        entries = client.get("/versions").json()["versions"]
        assert [one["generation"] for one in entries] == [1, 1, 1]
        assert all(one["forgotten"][0]["statements"] > 50 for one in entries)

    build = dpa_kg(home, "build", "--force")
    assert build.returncode == 0, build.stdout + build.stderr
    assert naming(home) == []
    assert Versions(home).get(4).metadata.validated


def test_the_gate_passes_the_projects_files_without_each_half_of_the_people(tmp_path: Path) -> None:
    quads = [quad for part in load().parts for quad in part.quads]
    names: dict[str, set[str]] = {}
    for quad in quads:
        if isinstance(quad.subject, ox.NamedNode) and noun_of(quad.subject.value) == "person" and quad.predicate.value in NAMES:
            assert isinstance(quad.object, ox.Literal)
            names.setdefault(quad.subject.value, set()).add(quad.object.value)
    assert len(names) > 70
    for half in (sorted(names)[::2], sorted(names)[1::2]):
        forgotten = Forgotten.read(tmp_path / half[0][-8:])
        for iri in half:
            forgotten = forgotten.adding(iri, names[iri])
        home = tmp_path / half[0][-8:]
        home.mkdir()
        forgotten.write(home)
        report = publish.validate(Settings(home=home))
        assert [finding.message() for finding in report.findings if finding.severity == "violation"] == []
