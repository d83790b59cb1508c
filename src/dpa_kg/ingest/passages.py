"""A passage is some lines of one document; its graph IRI says which (`…/graph/<source>/L425-427,431`)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.errors import BuildError, InputError
from dpa_kg.namespaces import DPA, GRAPH, ID, RDF, RDFS

_RANGES = re.compile(r"[1-9]\d*(?:-[1-9]\d*)?(?:,[1-9]\d*(?:-[1-9]\d*)?)*")
_PASSAGE = re.compile(re.escape(GRAPH) + r"([a-z0-9]+(?:-[a-z0-9]+)*)/L(.+)")


@dataclass(frozen=True)
class Lines:
    """Ranges of line numbers, counted from 1, both ends included, in the order in which they are hashed."""

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, text: str) -> Lines:
        """`425-427,431` as ranges. Raises InputError where a range runs backwards, has one line (`5-5`), or meets another."""
        if not _RANGES.fullmatch(text):
            raise InputError(f"'{text}' is not a list of lines such as 425-427,431.")
        ranges: list[tuple[int, int]] = []
        for part in text.split(","):
            first, dash, last = part.partition("-")
            start, end = int(first), int(last or first)
            if dash and start >= end:
                raise InputError(f"The range {part} in '{text}' must run from a smaller line number to a larger one.")
            if any(start <= b and a <= end for a, b in ranges):
                raise InputError(f"The range {part} in '{text}' covers a line twice.")
            ranges.append((start, end))
        return cls(tuple(ranges))

    def __str__(self) -> str:
        return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in self.ranges)

    def __len__(self) -> int:
        return sum(b - a + 1 for a, b in self.ranges)

    def numbers(self) -> Iterable[int]:
        """The line numbers, in order."""
        for first, last in self.ranges:
            yield from range(first, last + 1)


def passage_of(graph: str) -> tuple[str, Lines] | None:
    """The slug of the source and the lines that a graph IRI names; None for a graph that is no passage.

    Raises InputError where the IRI looks like a passage but its lines make no sense.
    """
    match = _PASSAGE.fullmatch(graph)
    return (match[1], Lines.parse(match[2])) if match else None


@dataclass(frozen=True)
class Document:
    """The text file of a source, line by line, without line ends."""

    name: str
    lines: tuple[str, ...]
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Document:
        """Reads a UTF-8 file; only LF ends a line. Raises BuildError where the file is not UTF-8."""
        content = path.read_bytes()
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BuildError(f"{path.name} is not UTF-8 text: byte {error.start} cannot be read.") from error
        return cls(path.name, tuple(text.removesuffix("\n").split("\n")), hashlib.sha256(content).hexdigest())

    def text(self, lines: Lines) -> list[tuple[int, str]]:
        """The lines with their numbers. Raises InputError where one lies behind the end of the document."""
        beyond = next((number for number in lines.numbers() if number > len(self.lines)), None)
        if beyond is not None:
            raise InputError(f"{self.name} has {len(self.lines)} lines; there is no line {beyond}.")
        return [(number, self.lines[number - 1]) for number in lines.numbers()]

    def digest(self, lines: Lines) -> str:
        """SHA-256, in hexadecimal, of the lines in UTF-8, each followed by one LF, the last one too."""
        return hashlib.sha256("".join(f"{text}\n" for _, text in self.text(lines)).encode()).hexdigest()


@dataclass(frozen=True)
class Source:
    """A document that statements come from, as the provenance graph describes it."""

    slug: str
    label: str
    file: str
    sha256: str

    @property
    def iri(self) -> str:
        return f"{ID}source/{self.slug}"


def sources(quads: Iterable[ox.Quad]) -> dict[str, Source]:
    """The sources that the quads (of sources.ttl, or of a provenance graph) describe, by slug."""
    facts: dict[str, dict[str, str]] = {}
    for quad in quads:
        if isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(f"{ID}source/"):
            if quad.predicate.value == f"{RDF}type" or isinstance(quad.object, (ox.BlankNode, ox.Triple)):
                continue
            facts.setdefault(quad.subject.value.removeprefix(f"{ID}source/"), {})[quad.predicate.value] = quad.object.value
    return {
        slug: Source(slug, of.get(f"{RDFS}label", slug), of.get(f"{DPA}file", ""), of.get(f"{DPA}sha256", ""))
        for slug, of in sorted(facts.items())
    }


def read_documents(folder: Path, described: Mapping[str, Source]) -> dict[str, Document]:
    """The documents of the sources that lie in `folder`, by slug. Raises BuildError where none does."""
    if not folder.is_dir():
        raise BuildError(f"There is no folder {folder} with documents.")
    found = {slug: Document.read(folder / of.file) for slug, of in described.items() if of.file and (folder / of.file).is_file()}
    if not found:
        names = ", ".join(of.file for of in described.values())
        raise BuildError(f"None of the documents ({names}) is in {folder}.", hint="Give the folder of the documents with --documents.")
    return found


def outline(texts: Sequence[tuple[int, str]]) -> str:
    """Lines of a document with their numbers in front, for people."""
    return "\n".join(f"{number:>5}  {text}" for number, text in texts)
