"""Who is forgotten (HOME/forgotten.json): salted SHA-256 of IRIs and of names, so that the file names nobody.

A name counts as its words without accents and case, in its own order and with the last word first. Names of one word are not kept:
in a text they may mean anything.
"""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyoxigraph as ox

from dpa_kg.errors import BuildError, Forbidden
from dpa_kg.graph.metadata import write_json
from dpa_kg.terms import fold

GAP: Final = "[…]"  # stands where a name stood
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Forgotten:
    """The people who are forgotten. `names` are hashes by number of words; `when` is the hash of each IRI, and when it was put there."""

    salt: str
    when: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[int, frozenset[str]] = field(default_factory=dict)
    _seen: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def read(cls, home: Path) -> Forgotten:
        """What HOME/forgotten.json says; nobody where there is none. Raises BuildError where it is damaged."""
        path = home / "forgotten.json"
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            names = {int(count): frozenset(hashes) for count, hashes in content["names"].items()}
            return cls(str(content["salt"]), dict(content["people"]), names)
        except FileNotFoundError:
            return cls(secrets.token_hex(16))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            hint = "Restore it from a backup: without it, who was forgotten comes back with the next build."
            raise BuildError(f"{path} is damaged: {error!r}", hint=hint) from error

    def write(self, home: Path) -> None:
        """Writes HOME/forgotten.json."""
        names = {str(count): sorted(hashes) for count, hashes in sorted(self.names.items())}
        write_json(home / "forgotten.json", {"salt": self.salt, "people": dict(sorted(self.when.items())), "names": names})

    def __bool__(self) -> bool:
        return bool(self.when)

    def adding(self, iri: str, names: Iterable[str], now: datetime | None = None) -> Forgotten:
        """The same and one more person, whose entry keeps its time where there is one already."""
        known = {count: set(hashes) for count, hashes in self.names.items()}
        for words in spellings(names):
            known.setdefault(len(words), set()).add(self._hash(" ".join(words)))
        since = self.when.get(self._hash(iri)) or (now or datetime.now(UTC)).isoformat(timespec="milliseconds")
        return Forgotten(self.salt, {**self.when, self._hash(iri): since}, {count: frozenset(one) for count, one in known.items()})

    def since(self, iri: str) -> str | None:
        """When the entity was forgotten (ISO 8601), or None."""
        return self.when.get(self._hash(iri))

    def is_person(self, iri: str) -> bool:
        """Whether the IRI is that of somebody who is forgotten."""
        if iri not in self._seen:
            self._seen[iri] = self._hash(iri) in self.when
        return self._seen[iri]

    def strike(self, text: str) -> str:
        """The text with a gap where a forgotten name stands; the very text where none does."""
        plain = unicodedata.normalize("NFC", text)
        words = [(match.span(), fold(match[0]).replace(" ", "")) for match in _WORD.finditer(plain)]
        gaps = list(self._gaps(words))
        for first, last in reversed(gaps):
            plain = plain[:first] + GAP + plain[last:]
        return plain if gaps else text

    def stands_in(self, text: str) -> bool:
        """Whether a forgotten name stands in a text, or in an IRI (`…/ana-sol`, `…/Ana_Sol`)."""
        return bool(self.names) and self.strike(unquote(text)) != unquote(text)

    def refuse(self, quads: Iterable[ox.Quad]) -> None:
        """Raises Forbidden where a quad speaks of somebody who is forgotten."""
        for quad in quads if self else ():
            for iri in iris(quad):
                if self.is_person(iri):
                    hint = "Leave the person out. A name in a text is not looked at: others may bear it."
                    raise Forbidden(f"<{iri}> stands for somebody whose data were removed on request.", hint=hint)

    def _gaps(self, words: list[tuple[tuple[int, int], str]]) -> Iterator[tuple[int, int]]:
        """The places of names, from left to right; of several that begin at one word, the longest."""
        position = 0
        while position < len(words):
            for count in sorted(self.names, reverse=True):
                found = words[position : position + count]
                if len(found) == count and self._hash(" ".join(word for _, word in found)) in self.names[count]:
                    yield found[0][0][0], found[-1][0][1]
                    position += count - 1
                    break
            position += 1

    def _hash(self, text: str) -> str:
        return sha256(f"{self.salt}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()


def spellings(names: Iterable[str]) -> set[tuple[str, ...]]:
    """The words of each name of two words or more, and of the same name with its last word first."""
    split = {tuple(fold(name).split()) for name in names}
    return {order for words in split if len(words) > 1 for order in (words, (words[-1], *words[:-1]))}


def iris(quad: ox.Quad | ox.Triple) -> Iterator[str]:
    """The IRIs in a quad, and in the triples that are its terms."""
    terms = [quad.subject, quad.predicate, quad.object, *([quad.graph_name] if isinstance(quad, ox.Quad) else [])]
    for term in terms:
        if isinstance(term, ox.NamedNode):
            yield term.value
        elif isinstance(term, ox.Triple):
            yield from iris(term)
