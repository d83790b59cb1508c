"""The process that writes: one change after the other, each through `publish.change`. Run by a `workers.Pool` of one.

What a request sends is parsed and evaluated here and nowhere else: a text that overflows the engine's stack, eats memory or never
ends takes this process with it. Its candidate stays behind without a version.json, and the next writer removes it.
"""

from __future__ import annotations

import gc
import logging
import secrets
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import pyoxigraph as ox

from dpa_kg import publish
from dpa_kg.errors import InputError
from dpa_kg.graph.changes import Delete, Post, Put
from dpa_kg.graph.draft import Change
from dpa_kg.graph.preconditions import OfEverything, OfGraph, Precondition
from dpa_kg.graph.versions import Versions
from dpa_kg.ingest.files import parse
from dpa_kg.query import worker
from dpa_kg.query.answers import Done
from dpa_kg.query.update import Update
from dpa_kg.representations.formats import GRAPH_FORMATS, named
from dpa_kg.settings import Settings

Expects = Mapping[str, Any]
_WAIT = 5.0  # seconds for a worker that was asked last about a version to let go of it
_log = logging.getLogger(__name__)


class Writer(worker.Answerer):
    """Answers the questions of the web process, each of which is a change."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._versions = Versions(settings.home)

    def answer(self, request: dict[str, Any]) -> Any:
        """Makes the change that `request` (method and arguments) asks for."""
        try:
            return getattr(self, request["method"])(**request["arguments"])
        except Exception as error:
            _let_go(error)
            raise

    def update(self, text: str, *, base: str, using: Sequence[str], using_named: Sequence[str], expects: Expects, who: str) -> Done:
        """SPARQL 1.1 Update. `expects`, here and below, are the fields of a `Precondition`."""
        change = Update(text, base, tuple(using), tuple(using_named), self._settings.request_bytes)
        made = publish.change(self._settings, OfEverything(change, _precondition(expects), self._versions), who)
        return Done(made.version.number, made.added, made.removed)

    def put(self, graph: str | None, *, parts: Sequence[Sequence[str]], base: str, expects: Expects, who: str) -> Done:
        """Makes a graph (None: the default graph) hold the triples of some texts, each with the name of its format, and no others."""
        return self._change(graph, Put(graph, _triples(parts, base)), expects, who)

    def post(self, graph: str | None, *, parts: Sequence[Sequence[str]], base: str, expects: Expects, who: str) -> Done:
        """Adds the triples of some texts to a graph."""
        return self._change(graph, Post(graph, _triples(parts, base)), expects, who)

    def delete(self, graph: str | None, *, expects: Expects, who: str) -> Done:
        """Removes a graph."""
        return self._change(graph, Delete(graph), expects, who)

    def rollback(self, number: int, *, who: str) -> Done:
        """Makes an older version the current one. Raises NotFound, or Conflict where it may not be served."""
        return Done(publish.rollback(self._settings, number, who=who).number, 0, 0, False)

    def discard(self, number: int, *, who: str) -> Done:
        """Deletes a version. Raises NotFound, Conflict for the current one, or Overloaded where somebody is reading it."""
        self._versions.delete(number, wait=_WAIT)
        _log.info("Version %s was deleted by %s.", number, who)
        return Done(number, 0, 0, False)

    def _change(self, graph: str | None, change: Change, expects: Expects, who: str) -> Done:
        made = publish.change(self._settings, OfGraph(change, _precondition(expects), self._versions, graph), who)
        return Done(made.version.number, made.added, made.removed, graph in made.graphs)


def _let_go(error: BaseException | None) -> None:
    """Frees what the frames of a failed write hold: while a candidate's store lives, the next one, of the same path, cannot be opened."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
    gc.collect()


def _precondition(fields: Expects) -> Precondition:
    """A precondition from JSON, which has no tuples."""
    versions = {name: tuple(fields[name]) for name in ("match", "none") if name in fields}
    return Precondition(**{**fields, **versions})


def _triples(parts: Sequence[Sequence[str]], base: str) -> tuple[ox.Triple, ...]:
    """The triples of each text; blank nodes are new ones each time. Raises InputError where a text cannot be read."""
    found: list[ox.Triple] = []
    for number, (text, form) in enumerate(parts, 1):
        name = "The body" if len(parts) == 1 else f"Part {number}"
        file = parse(text, named(form, GRAPH_FORMATS).rdf, name, base=base, key=secrets.token_hex(8))
        if any(not isinstance(quad.graph_name, ox.DefaultGraph) for quad in file.quads):
            raise InputError(f"{name} has named graphs, but the request is about one graph.", hint="Send each graph by itself.")
        found += [quad.triple for quad in file.quads]
    return tuple(found)


def main() -> None:
    """The arguments arrive as the first frame, as in `query.worker`."""
    worker.run(_writer)


def _writer(start: dict[str, Any]) -> Writer:
    worker.limit_memory(start["memory"])
    return Writer(Settings(**start["settings"]))


if __name__ == "__main__":
    main()
