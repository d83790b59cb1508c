"""The writer: one change after the other, good ones and bad ones, some cut off; afterwards it knows what must be published."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx

from dpa_kg.graph.locks import exclusive
from tests.soak.model import GRAPHS, ORGANIZATION, WORTH, Ledger, State, Statement, graph_name
from tests.soak.service import TOKEN, Service

_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"
_KIND = "<http://www.w3.org/ns/org#Organization>"
_PATIENCE = 120.0  # seconds until a write that nobody waits for must have ended


class Writer:
    """Its acts come from one thread; nobody else writes."""

    def __init__(self, service: Service, ledger: Ledger, chance: random.Random, *, merged: bool) -> None:
        self._service, self._ledger, self._chance, self._merged = service, ledger, chance, merged
        self._client = self._new_client()
        self._number, self._state = self._current(), State()
        ledger.record(self._number, self._state)
        self._seconds = 1.0  # that a write takes
        acts = [(self.replace, 6), (self._insert, 6), (self._delete, 3), (self._refused, 5), (self._cut_off, 3)]
        acts += [(self._killed, 2), (self._rollback, 1)]
        acts += [(self._rebuild, 1)] if merged else []
        self._acts, self._weights = zip(*acts, strict=True)

    def act(self) -> None:
        """One change, or what is none; before it, what was acknowledged must still be there."""
        self._expect("before a write")
        act: Callable[[], None] = self._chance.choices(self._acts, self._weights)[0]
        act()

    def replace(self) -> None:
        """PUT or POST of a graph."""
        graph, statements = self._statements()
        method = self._chance.choice(["PUT", "POST"])
        kept = [one for one in self._state if one.graph != f"<{graph}>" or method == "POST"]
        self._send(State([*kept, *statements]), method, "/graphs", graph, "\n".join(one.triple for one in statements))

    def _insert(self) -> None:
        """An update that takes some statements away and adds others."""
        graph, statements = self._statements()
        gone = self._chance.sample(sorted(self._state), min(len(self._state), 3)) if self._chance.random() < 0.5 else []
        gone = [one for one in gone if one.predicate == WORTH]
        removed = "".join(f"GRAPH {one.graph} {{ {one.triple} }} " for one in gone)
        added = "".join(f"GRAPH <{graph}> {{ {one.triple} }} " for one in statements)
        wanted = State((self._state - set(gone)) | set(statements))
        self._send(wanted, "POST", "/update", None, f"DELETE DATA {{ {removed} }} ; INSERT DATA {{ {added} }}")

    def _delete(self) -> None:
        """DELETE of a graph, which may not be there."""
        graph = graph_name(self._chance.randrange(GRAPHS))
        kept = State(one for one in self._state if one.graph != f"<{graph}>")
        self._send(kept, "DELETE", "/graphs", graph, "", missing=kept == self._state)

    def _refused(self) -> None:
        """What must change nothing."""
        graph, statements = self._statements()
        body = "\n".join(one.triple for one in statements)
        kind = "text/turtle"
        bad: list[tuple[int, str, str, str, dict[str, str]]] = [
            (400, "PUT", "/graphs", body[:-5], {}),
            (401, "PUT", "/graphs", body, {"Authorization": "Bearer wrong"}),
            (412, "PUT", "/graphs", body, {"If-Match": '"0-none"'}),
            (415, "PUT", "/graphs", body, {"Content-Type": "image/png"}),
            (403, "POST", "/update", "LOAD <http://127.0.0.1:9/> INTO GRAPH <urn:x>", {}),
            (412, "POST", "/update", f"INSERT DATA {{ GRAPH <{graph}> {{ {body} }} }}", {"If-Match": f'"{self._number + 1}"'}),
        ]
        if self._merged:
            nameless = f"<{ORGANIZATION}nameless> {_TYPE} {_KIND} ."
            bad += [(422, "PUT", "/graphs", nameless, {}), (403, "POST", "/update", "INSERT DATA { <urn:a> <urn:b> 1 }", {})]
        status, method, path, text, headers = self._chance.choice(bad)
        kind = "application/sparql-update" if path == "/update" else kind
        answer = self._request(method, path, None if path == "/update" else graph, text, {"Content-Type": kind, **headers})
        if answer is None or answer.status_code in {503, 504}:
            self._settle(self._state)
            return
        if answer.status_code != status:
            self._ledger.blame(f"{method} {path} answered {answer.status_code} in the place of {status}: {answer.text[:200]}")
        self._ledger.count(f"writes refused with {answer.status_code}")
        self._expect("after a refused write")

    def _cut_off(self) -> None:
        """A client that hangs up in the middle of its write, or while it waits for the answer."""
        graph, statements = self._statements()
        body = "\n".join(one.triple for one in statements).encode()
        wanted = State([one for one in self._state if one.graph != f"<{graph}>"] + statements)
        head = f"PUT /graphs?graph={graph} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: text/turtle\r\n"
        whole = self._chance.random() < 0.7
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._service.port), timeout=10) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + (body if whole else body[:-3]))
            time.sleep(self._chance.random() * self._seconds)
        self._ledger.count("writes cut off")
        self._settle(wanted if whole else self._state)

    def _killed(self) -> None:
        """kill -9 of the process that writes, while it does."""
        graph, statements = self._statements()
        body = "\n".join(one.triple for one in statements)
        wanted = State([one for one in self._state if one.graph != f"<{graph}>"] + statements)
        killer = threading.Timer(self._chance.random() * self._seconds, self._kill)
        killer.start()
        began = time.monotonic()
        answer = self._request("PUT", "/graphs", graph, body, {"Content-Type": "text/turtle"})
        self._seconds = max(0.05, time.monotonic() - began)  # so that the next kill comes at any stage of a write
        killer.cancel()
        killer.join()
        if answer is not None and answer.is_success:
            self._acknowledged(wanted)
        else:
            self._settle(wanted)

    def _kill(self) -> None:
        for process in self._service.processes():
            if process.role == "writer":
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
                    self._ledger.count("kills of the writer")

    def _rollback(self) -> None:
        """Returns to an older version; the next write goes on from there."""
        number = self._chance.choice(self._ledger.known(4))
        done = self._service.command("versions", "rollback", str(number))
        if done.returncode:
            self._ledger.blame(f"rollback to {number}: {done.stderr[-300:]}")
            return
        self._ledger.count("rollbacks")
        self._number, self._state = number, self._ledger.state(number)
        self._expect("after a rollback")

    def _rebuild(self) -> None:
        """Builds from the files; what came through the interface stays."""
        done = self._service.command("build", "--force")
        if done.returncode:
            self._ledger.blame(f"build: {done.stderr[-300:]}")
            return
        self._ledger.count("builds")
        self._acknowledged(self._state)

    def _statements(self) -> tuple[str, list[Statement]]:
        """A graph, and something new to say in it: some of it is said in other graphs too."""
        number = self._chance.randrange(GRAPHS)
        graph = graph_name(number)
        things = [f"<{graph_name(self._chance.randrange(GRAPHS))}/{self._chance.randrange(6)}>" for _ in range(self._chance.randint(1, 6))]
        said = [Statement(f"<{graph}>", thing, WORTH, f'"{self._chance.randrange(40)}"') for thing in things]
        if self._chance.random() < 0.6:
            subject, label = f"<{ORGANIZATION}{number}>", f'"Soaked organization {number}"@en'
            said += [Statement(f"<{graph}>", subject, _TYPE, _KIND), Statement(f"<{graph}>", subject, _LABEL, label)]
        return graph, list(dict.fromkeys(said))

    def _send(self, wanted: State, method: str, path: str, graph: str | None, body: str, *, missing: bool = False) -> None:
        kind = "application/sparql-update" if path == "/update" else "text/turtle"
        answer = self._request(method, path, graph, body, {"Content-Type": kind})
        if answer is not None and answer.is_success:
            self._acknowledged(wanted)
            if path == "/update" and answer.json()["version"] != self._number:
                self._ledger.blame(f"an update says version {answer.json()['version']}, but {self._number} is current")
        elif answer is None or answer.status_code in {503, 504}:
            self._settle(wanted)
        elif not (missing and answer.status_code == 404):
            self._ledger.blame(f"{method} {path}: {answer.status_code} {answer.text[:300]}")

    def _request(self, method: str, path: str, graph: str | None, body: str, headers: dict[str, str]) -> httpx.Response | None:
        parameters = {"graph": graph} if graph else None
        self._ledger.count("writes")
        try:
            return self._client.request(method, path, params=parameters, content=body.encode(), headers=headers)
        except httpx.TransportError:
            self._client.close()
            self._client = self._new_client()
            return None

    def _acknowledged(self, wanted: State) -> None:
        """The service has said that it is done: a new version, or the same one where nothing is different."""
        self._ledger.count("writes acknowledged")
        number = self._current()
        if wanted != self._state and number == self._number:
            self._ledger.blame(f"a write was acknowledged, but the version is still {number}")
        self._number, self._state = number, wanted
        self._ledger.record(number, wanted)

    def _settle(self, wanted: State) -> None:
        """Nobody has said what became of a write. Once it has ended, all of it is there, or nothing."""
        self._ledger.count("writes without an answer")
        deadline = time.monotonic() + _PATIENCE
        while self._service.changes % 2 or not self._is_quiet():
            if time.monotonic() > deadline:
                self._ledger.blame(f"a write that nobody waits for has not ended after {_PATIENCE} seconds")
                return
            time.sleep(0.05)
        with exclusive(self._service.home / "write.lock", "somebody writes", wait=_PATIENCE):
            number = self._current()
        if number != self._number:
            self._number, self._state = number, wanted
            self._ledger.record(number, wanted)
            self._ledger.count("writes published without an answer")

    def _is_quiet(self) -> bool:
        """Whether no write is at work or waiting."""
        with suppress(httpx.TransportError):
            lines = httpx.get(f"{self._service.url}/metrics", timeout=10).text.splitlines()
            busy = [
                line
                for line in lines
                if line.startswith(('dpa_kg_workers{pool="writer",state="busy"', 'dpa_kg_queue_length{pool="writer"'))
            ]
            return bool(busy) and all(float(line.rpartition(" ")[2]) == 0 for line in busy)
        return False

    def _expect(self, when: str) -> None:
        number = self._current()
        if number != self._number:
            self._ledger.blame(f"{when}: version {number} is current, not {self._number}")
            self._number, self._state = number, self._ledger.state(number)

    def _current(self) -> int:
        return int(Path(self._service.home / "current").readlink().name)

    def _new_client(self) -> httpx.Client:
        limits = httpx.Limits(keepalive_expiry=1.0)
        return httpx.Client(base_url=self._service.url, timeout=180, headers={"Authorization": f"Bearer {TOKEN}"}, limits=limits)
