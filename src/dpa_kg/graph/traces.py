"""Looks for what still names a person: bytes in files of the home, lines in files of the project, texts with a part of the name."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyoxigraph as ox

from dpa_kg.graph.forgotten import Forgotten
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.resources import folder
from dpa_kg.terms import fold, name_of, noun_of

_SHORT = 3  # letters: a last word that is shorter is an initial
_FOLDERS = ("data", "queries", "ontology", "shapes")


@dataclass(frozen=True)
class Traces:
    """The bytes to look for: the IRI, its end, the names; and the names as `Forgotten` knows them."""

    needles: tuple[bytes, ...]
    forgotten: Forgotten

    @classmethod
    def of(cls, iri: str, names: Iterable[str], forgotten: Forgotten) -> Traces:
        """For the IRI and the names of a person."""
        end = iri.rstrip("/").rpartition("/")[2]
        spelled = {iri, quote(iri, safe=":/#?&="), *names, *([end] if len(end.split("-")) > 1 else [])}
        return cls(tuple(sorted(text.encode() for text in spelled if text)), forgotten)

    def is_in(self, path: Path) -> bool:
        """Whether a file holds any of the bytes."""
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return any(content.find(needle) >= 0 for needle in self.needles)
        except (ValueError, FileNotFoundError):  # it is empty, or gone by now
            return False

    def in_home(self, home: Path) -> Iterator[str]:
        """The files of the home that hold any of the bytes."""
        for path in sorted(home.rglob("*")):
            if path.is_file() and not path.is_symlink() and self.is_in(path):
                yield str(path.relative_to(home))

    def in_project(self, root: Path | None = None) -> Iterator[str]:
        """Lines of the project's files that name the person: `data/statements/x.trig, line 12`."""
        for name in _FOLDERS:
            place = folder(name, root)
            for path in sorted(place.rglob("*")):
                if path.is_file():
                    yield from (f"{path.relative_to(place.parent)}, line {number}" for number in self._lines(path))

    def _lines(self, path: Path) -> Iterator[int]:
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            if any(needle in line for needle in self.needles) or self.forgotten.stands_in(line.decode("utf-8", "replace")):
                yield number


def partly(store: OxigraphStore, names: Iterable[str]) -> set[str]:
    """Texts in the merge that hold the word of a name that tells most, but for the names of other people."""
    words = {_telling(fold(name).split()) for name in names} - {""}
    return {
        f"{name_of(quad.subject)}: {quad.object.value}"
        for quad in store.quads()
        if isinstance(quad.object, ox.Literal)
        and noun_of(name_of(quad.subject)) != "person"
        and not words.isdisjoint(fold(quad.object.value).split())
    }


def _telling(words: list[str]) -> str:
    """The last word, or the longest one if that is short (an initial)."""
    return words[-1] if words and len(words[-1]) >= _SHORT else max(words, key=len, default="")
