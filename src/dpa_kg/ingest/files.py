"""Reads one RDF file: format by extension, guards before the parser, errors with file and line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from dpa_kg.errors import InputError
from dpa_kg.namespaces import RDF
from dpa_kg.representations.contexts import with_bundled_context

_NESTING = 100  # deepest JSON-LD: the parser crashes at some thousands
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')


@dataclass(frozen=True)
class RdfFile:
    """The content of one file. `name` is how people are told of it."""

    name: str
    text: str
    quads: tuple[ox.Quad, ...]
    prefixes: Mapping[str, str]

    def line_of(self, iri: str) -> int | None:
        """The first line that writes `iri`, in full or with a prefix of the file; None where no line does."""
        spellings = [f"<{iri}>", *(f"{prefix}:{iri.removeprefix(ns)}" for prefix, ns in self.prefixes.items() if iri.startswith(ns))]
        found = (re.search(rf"(?<![\w.-]){re.escape(spelling)}(?![\w-])", self.text) for spelling in spellings)
        starts = [match.start() for match in found if match]
        return self.text.count("\n", 0, min(starts)) + 1 if starts else None

    def place(self, iri: str | None = None) -> str:
        """`name, line 12` for the first line that writes `iri`, or the name alone."""
        line = self.line_of(iri) if iri else None
        return f"{self.name}, line {line}" if line else self.name


def read(path: Path, name: str | None = None) -> RdfFile:
    """Reads Turtle, TriG, N-Triples, N-Quads, JSON-LD or RDF/XML (UTF-8) by extension. Nothing is ever fetched.

    Blank nodes get labels that depend on `name` and their order only, so that two readings are equal.
    Raises InputError, with file and line, where the file cannot be read.
    """
    name = name or str(path)
    rdf_format = ox.RdfFormat.from_extension(path.suffix.lstrip("."))
    if rdf_format is None:
        raise InputError(f"{name}: '{path.suffix}' is no extension of an RDF format.", hint="Use ttl, trig, nt, nq, jsonld or rdf.")
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{name}: there is no such file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: this is not UTF-8 text (byte {error.start} cannot be read).") from error
    return parse(text, rdf_format, name)


def parse(text: str, rdf_format: ox.RdfFormat, name: str, *, base: str | None = None, key: str | None = None) -> RdfFile:
    """As `read`, from a text. Relative IRIs are resolved against `base`; blank nodes get labels by `key`, or else by `name`."""
    _guard(text, rdf_format, name)
    try:
        read = with_bundled_context(text, base) if rdf_format == ox.RdfFormat.JSON_LD else text
        parser = ox.parse(input=read, format=rdf_format, base_iri=base)
        quads = tuple(_relabelled(parser, name, key or name))
    except SyntaxError as error:
        reason = re.sub(r"^Parser error at line \d+ (column \d+|between columns \d+ and \d+): ", "", str(error.msg))
        place = f"{name}, line {error.lineno}" if error.lineno else name
        raise InputError(f"{place}: {reason}") from error
    return RdfFile(name, text, quads, dict(parser.prefixes))


def _guard(text: str, rdf_format: ox.RdfFormat, name: str) -> None:
    """Refuses what the parser would choke on: entities in XML, bottomless JSON."""
    if rdf_format == ox.RdfFormat.RDF_XML and re.search(r"<!DOCTYPE", text, re.IGNORECASE):
        raise InputError(f"{name}: RDF/XML with a DOCTYPE is not read.", hint="Write the IRIs out in full, without entities.")
    if rdf_format == ox.RdfFormat.JSON_LD:
        depth = 0
        for match in _BRACKETS.finditer(text):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match[0], 0)
            if depth > _NESTING:
                raise InputError(f"{name}: this JSON-LD is nested more than {_NESTING} levels deep.")


def _relabelled(parser: ox.QuadParser, name: str, key: str) -> list[ox.Quad]:
    prefix = sha256(key.encode()).hexdigest()[:12]
    labels: dict[ox.BlankNode, ox.BlankNode] = {}

    def stable(term: Any) -> Any:
        if isinstance(term, ox.BlankNode):
            return labels.setdefault(term, ox.BlankNode(f"b{prefix}n{len(labels)}"))
        if isinstance(term, ox.Triple) or (isinstance(term, ox.Literal) and term.datatype.value == f"{RDF}dirLangString"):
            raise InputError(f"{name}: {term} is RDF 1.2, which is not taken here.")
        return term

    return [ox.Quad(stable(q.subject), q.predicate, stable(q.object), stable(q.graph_name)) for q in parser]
