"""What the service should know: for each version the statements of the users' graphs, and what was seen of them.

An answer may be there before the writer has heard that its version is published; it is judged when both are known.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

BASE = "https://example.org/soak/"
WORTH = f"<{BASE}worth>"
ORGANIZATION = "https://w3id.org/dpa-kg/id/organization/soak-"
GRAPHS = 8
_SHOWN = 20  # wrong answers that are told in full


@dataclass(frozen=True, order=True)
class Statement:
    """A quad, its terms as N-Triples has them."""

    graph: str
    subject: str
    predicate: str
    value: str

    @property
    def triple(self) -> str:
        """The line of N-Triples."""
        return f"{self.subject} {self.predicate} {self.value} ."

    @property
    def quad(self) -> str:
        """The line of N-Quads."""
        return f"{self.subject} {self.predicate} {self.value} {self.graph} ."


def large(rows: int) -> str:
    """A query with `rows` times `rows` rows, each with the number of statements in the users' graphs."""
    numbers = " ".join(map(str, range(rows)))
    mine = f'{{ SELECT (COUNT(*) AS ?n) {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(STRSTARTS(STR(?g), "{BASE}")) }} }}'
    return f"SELECT * {{ VALUES ?x {{ {numbers} }} VALUES ?y {{ {numbers} }} {mine} }}"


State = frozenset[Statement]
Check = Callable[[State], str | None]  # what is wrong, or None


def graph_name(number: int) -> str:
    """The IRI of one of the users' graphs."""
    return f"{BASE}graph/{number}"


def of_graph(state: State, graph: str) -> set[str]:
    """The triples of one graph as lines of N-Triples."""
    return {statement.triple for statement in state if statement.graph == f"<{graph}>"}


def difference(expected: set[str], found: set[str]) -> str | None:
    """What is missing and what is too much, in words."""
    if expected == found:
        return None
    missing, extra = sorted(expected - found), sorted(found - expected)
    return f"{len(missing)} missing {missing[:2]}, {len(extra)} too much {extra[:2]}"


class Ledger:
    """Versions and what was seen of them. Used from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[int, State] = {}
        self._waiting: dict[int, list[tuple[str, Check]]] = defaultdict(list)
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    def record(self, version: int, state: State) -> None:
        """A version and what it holds; judges what was seen of it before."""
        with self._lock:
            if self._states.setdefault(version, state) != state:
                self._blame(f"version {version} was published twice, with different statements")
            waiting = self._waiting.pop(version, [])
        for what, check in waiting:
            self.judge(version, what, check)

    def judge(self, version: int, what: str, check: Check) -> None:
        """Holds an answer of a version against the model, now or when the version is known."""
        with self._lock:
            state = self._states.get(version)
            if state is None:
                self._waiting[version].append((what, check))
                return
        problem = check(state)
        with self._lock:
            self.counts["answers checked"] += 1
            if problem:
                self._blame(f"{what} (version {version}): {problem}")

    def count(self, what: str) -> None:
        """Counts something that happened."""
        with self._lock:
            self.counts[what] += 1

    def blame(self, problem: str) -> None:
        """Something that must not happen, has."""
        with self._lock:
            self._blame(problem)

    def known(self, newest: int) -> list[int]:
        """The newest versions: they are kept."""
        with self._lock:
            return sorted(self._states)[-newest:]

    def state(self, version: int) -> State:
        """What a version holds."""
        with self._lock:
            return self._states[version]

    def close(self) -> None:
        """At the end nothing may wait: an answer of a version that nobody has made is wrong."""
        with self._lock:
            for version, waiting in sorted(self._waiting.items()):
                self._blame(f"{len(waiting)} answers are of version {version}, which no write has made ({waiting[0][0]})")

    def _blame(self, problem: str) -> None:
        self.counts["wrong"] += 1
        if len(self.wrong) < _SHOWN:
            self.wrong.append(problem)
