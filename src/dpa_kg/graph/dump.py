"""Writes a version as one file, or what it changed: the same version gives the same bytes."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Final, Literal

import pyoxigraph as ox

from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.sorting import sorted_lines
from dpa_kg.namespaces import PREFIXES

DumpFormat = Literal["nquads", "trig"]
_BATCH: Final = 10_000  # quads that are serialized or parsed at once


def dump(version: Version, format: DumpFormat, output: IO[bytes], scratch: Path | None = None) -> None:
    """Writes the named graphs of a version, sorted.

    A default graph that is their merge is left out; one that was written by itself is written too.
    """
    store = OxigraphStore.open_read_only(version.store_path)
    graphs: list[str | None] = [*([None] if _has_own_default(version) else []), *store.graphs()]
    if format == "trig":
        quads = (quad for graph in graphs for quad in _quads(sorted_lines(_lines(store.quads(graph)), scratch)))
        ox.serialize(quads, output, ox.RdfFormat.TRIG, prefixes=PREFIXES)
        return
    for line in sorted_lines((line for graph in graphs for line in _lines(store.quads(graph))), scratch):
        output.write(line.encode())


def write_gzip(version: Version, format: DumpFormat, output: IO[bytes], scratch: Path | None = None) -> None:
    """The dump, compressed; without a name and a time inside (RFC 1952, section 2.3.1), so that it stays the same."""
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=output, mtime=0) as compressed:
        dump(version, format, compressed, scratch)  # type: ignore[arg-type]  # a GzipFile is enough of a file


def write_difference(version: Version, parent: Version | None, output: IO[bytes], scratch: Path | None = None) -> None:
    """Writes what turns the parent (nothing, without one) into the version: `- ` and a line of N-Quads, then `+ ` and one."""
    new = OxigraphStore.open_read_only(version.store_path)
    old = OxigraphStore.open_read_only(parent.store_path) if parent else OxigraphStore.memory()
    own = _has_own_default(version)

    def only_in(these: OxigraphStore, others: OxigraphStore) -> Iterator[ox.Quad]:
        return (quad for quad in these.engine if (own or quad.graph_name != ox.DefaultGraph()) and quad not in others.engine)

    write_changes(only_in(old, new), only_in(new, old), output, scratch)


def write_changes(removed: Iterable[ox.Quad], added: Iterable[ox.Quad], output: IO[bytes], scratch: Path | None = None) -> None:
    """Writes what went and what came, as `write_difference`."""
    for sign, quads in (("- ", removed), ("+ ", added)):
        for line in sorted_lines(_lines(quads), scratch):
            output.write(f"{sign}{line}".encode())


def _has_own_default(version: Version) -> bool:
    return version.metadata.default_graph == "own"


def _lines(quads: Iterable[ox.Quad]) -> Iterator[str]:
    """The quads as lines of N-Quads, each with its line end."""
    rest = iter(quads)
    while batch := list(islice(rest, _BATCH)):
        written = ox.serialize(batch, format=ox.RdfFormat.N_QUADS) or b""
        yield from (f"{line}\n" for line in written.decode().split("\n") if line)


def _quads(lines: Iterator[str]) -> Iterator[ox.Quad]:
    while batch := "".join(islice(lines, _BATCH)):
        yield from ox.parse(batch, format=ox.RdfFormat.N_QUADS)
