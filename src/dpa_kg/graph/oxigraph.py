"""Oxigraph as a store: in memory, or one version on disk."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Self

import pyoxigraph as ox

from dpa_kg.errors import BuildError, InputError, QuerySyntaxError
from dpa_kg.graph.store import Answer
from dpa_kg.namespaces import PREFIXES

_PLACE = re.compile(r"error at (?P<line>\d+):(?P<column>\d+): (?P<rest>.*)", re.DOTALL)
_CLASSES = re.compile(r"\['[^\]]*\](?:, )?", re.DOTALL)  # a class of characters
_MESSAGE = 300  # characters of a parser's message


def engine() -> str:
    """The engine whose format the stores on disk have, with its version."""
    return f"pyoxigraph {version('pyoxigraph')}"


@contextmanager
def _translated(what: str, text: str = "") -> Iterator[None]:
    try:
        with _translated_syntax(text):
            yield
    except (OSError, RuntimeError) as error:  # RuntimeError is how pyoxigraph says "corruption"
        raise BuildError(f"The store cannot {what}: {error}") from error


def _syntax_error(message: str, text: str) -> QuerySyntaxError:
    """The parser's complaint in fewer words: it lists every character class that it would have taken."""
    match = _PLACE.match(message)
    if not match:
        return QuerySyntaxError(f"The query does not parse: {message}")
    line, column = int(match["line"]), int(match["column"])
    where = f"The query does not parse at line {line}, column {column}"
    if "Prefix not found" in message:
        before = [*text.splitlines(), *[""] * line][line - 1][: column - 1]
        prefix = found[1] if (found := re.search(r"([\w.-]*):[^\s:]*$", before)) else ""
        return QuerySyntaxError(f"{where}: the prefix '{prefix}:' is not declared.", hint=f"PREFIX {prefix}: <{PREFIXES.get(prefix, '…')}>")
    expected = [word for word in _CLASSES.sub("", match["rest"]).split(", ") if word.strip()]
    return QuerySyntaxError(f"{where}: {', '.join(expected)[:_MESSAGE]}")


def check_syntax(text: str, base: str | None = None) -> None:
    """Raises QuerySyntaxError where a query does not parse. Nothing is evaluated.

    The engine has no parser to be called alone; but it looks for the variable that a value is given for after it has parsed
    and before it evaluates.
    """
    missing = ox.Variable(f"v{secrets.token_hex(8)}")
    with suppress(RuntimeError), _translated_syntax(text):
        ox.Store().query(text, base_iri=base, substitutions={missing: ox.Literal("")})


@contextmanager
def _translated_syntax(text: str) -> Iterator[None]:
    try:
        yield
    except SyntaxError as error:
        raise _syntax_error(error.msg, text) from error


class OxigraphStore:
    """A `Store`. `engine` is the pyoxigraph store itself, for code inside `graph/`."""

    def __init__(self, store: ox.Store) -> None:
        self.engine = store

    @classmethod
    def memory(cls, quads: Iterable[ox.Quad] = ()) -> OxigraphStore:
        """A store in memory that holds `quads`."""
        store = ox.Store()
        store.bulk_extend(quads)
        return cls(store)

    @classmethod
    def open_read_only(cls, path: Path) -> OxigraphStore:
        """The store of a published version. Raises BuildError where there is none, or where it is damaged."""
        with _translated(f"be opened from {path}"):
            return cls(ox.Store.read_only(str(path)))

    @classmethod
    def open(cls, path: Path) -> OxigraphStore:
        """The store of a candidate, made where it does not exist. Raises BuildError where it cannot be opened."""
        with _translated(f"be opened at {path}"):
            return cls(ox.Store(str(path)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Closes the store. It must not be opened read-only before: RocksDB tidies up in the background and deletes files."""
        del self.engine

    def query(
        self,
        text: str,
        *,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        base: str | None = None,
    ) -> Answer:
        """See `Store.query`. Raises BuildError where the files of the store cannot be read."""
        with _translated("be read", text):
            if default_graph is None and named_graphs is None:
                return self.engine.query(text, base_iri=base)
            return self.engine.query(
                text,
                base_iri=base,
                default_graph=[ox.NamedNode(iri) for iri in default_graph or ()],
                named_graphs=[ox.NamedNode(iri) for iri in named_graphs or ()],
            )

    def query_with(self, text: str, graph: str, base: str | None = None) -> Answer:
        """Evaluates a query with another default graph, and every named graph (SPARQL 1.1 Update, section 3.1.3, WITH)."""
        with _translated("be read"):
            return self.engine.query(text, base_iri=base, default_graph=ox.NamedNode(graph))

    def query_all(self, text: str, base: str | None = None) -> Answer:
        """Evaluates a query over the whole store, whatever data set its text names."""
        with _translated("be read"):
            names: list[ox.NamedNode | ox.BlankNode] = list(self.engine.named_graphs())
            return self.engine.query(text, base_iri=base, default_graph=ox.DefaultGraph(), named_graphs=names)

    def update(self, text: str, base: str | None = None) -> None:
        """Evaluates a SPARQL 1.1 Update, all of it or nothing.

        Raises QuerySyntaxError where it does not parse, InputError where it cannot be done (a graph that is not there), and
        BuildError where the store cannot be written.
        """
        with _translated("be written"):
            try:
                self.engine.update(text, base_iri=base)
            except RuntimeError as error:
                if "exist" not in str(error):
                    raise
                raise InputError(f"The update cannot be done: {error}.", hint="SILENT goes on where there is nothing to do.") from error

    def quads(self, graph: str | None = None) -> Iterator[ox.Quad]:
        """The quads of one named graph, or of the default graph."""
        name = ox.NamedNode(graph) if graph is not None else ox.DefaultGraph()
        return self.engine.quads_for_pattern(None, None, None, name)

    def has_graph(self, graph: str) -> bool:
        """Whether there is a named graph of that IRI, be it empty."""
        try:
            return self.engine.contains_named_graph(ox.NamedNode(graph))
        except ValueError:  # no IRI
            return False

    def graphs(self) -> list[str]:
        """The IRIs of the named graphs, sorted."""
        return sorted(name.value for name in self.engine.named_graphs() if isinstance(name, ox.NamedNode))

    def triples(self) -> int:
        """How many triples the default graph, the merge, has."""
        return sum(1 for _ in self.quads())

    def checkpoint(self, path: Path) -> None:
        """Copies the store to a new directory by hard links; the copy may be written, this store stays as it is."""
        with _translated(f"be copied to {path}"):
            self.engine.backup(str(path))
