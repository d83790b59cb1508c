"""The curator's tool: writes the provenance block at the end of a file of statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.errors import BuildError, InputError
from dpa_kg.ingest.files import RdfFile, parse
from dpa_kg.ingest.passages import Document, Lines, passage_of
from dpa_kg.namespaces import DPA, GRAPH, ID, PROVENANCE_GRAPH
from dpa_kg.terms import name_of

MARKER = "# ---- provenance (written by dpa-kg evidence --stamp)"
_PREFIXES = {"dpa": DPA, "source": f"{ID}source/"}
_STATUS, _NOTE = f"{DPA}status", f"{DPA}note"

Notes = dict[str, set[tuple[str, str]]]  # passage -> (property, value as N-Triples writes it)


def stamp(path: Path, documents: Mapping[str, Document]) -> int:
    """Rewrites the block at the end of the file at `path`; what stands above the marker stays as it is.

    Every passage graph of the file gets its source, lines, SHA-256 and status (`dpa:stated` unless the file says
    otherwise). Status and note that stand above the marker are not repeated below it; those that a curator wrote
    into the block are kept. Returns the number of passages. Raises BuildError or InputError, and writes nothing, where
    the file does not parse, a line is not in the document, or a note is on no passage.
    """
    text = path.read_text(encoding="utf-8")
    above, _, below = text.partition(MARKER)
    written = parse(above, ox.RdfFormat.TRIG, str(path))
    whole = parse(above + below, ox.RdfFormat.TRIG, str(path))
    passages, faults = _passages(written, documents)
    faults += _faults(written, passages)
    if faults:
        raise BuildError("\n".join([f"{path} cannot be stamped:", *faults]))
    block = _Block(written, documents, _notes(written.quads), _notes(set(whole.quads) - set(written.quads)))
    path.write_text(f"{above.rstrip()}\n\n{MARKER}\n{block.text(passages)}", encoding="utf-8")
    return len(passages)


@dataclass(frozen=True)
class _Passage:
    iri: str
    source: str
    lines: Lines


def _passages(file: RdfFile, documents: Mapping[str, Document]) -> tuple[list[_Passage], list[str]]:
    """The passages of the file in the order of the document, and what is wrong with others."""
    found, faults = [], []
    for iri in sorted({name_of(quad.graph_name) for quad in file.quads} - {PROVENANCE_GRAPH}):
        try:
            slug, lines = passage_of(iri) or ("", Lines(()))
            if slug not in documents:
                raise InputError(f"there is no document for it; a graph here is named {GRAPH}<source>/L<lines>.")
            documents[slug].text(lines)
        except InputError as error:
            faults.append(f"{file.place(iri)}: {iri or 'the default graph'}: {error.detail}")
        else:
            found.append(_Passage(iri, slug, lines))
    return sorted(found, key=lambda passage: (passage.source, passage.lines.ranges)), faults


def _faults(file: RdfFile, passages: Iterable[_Passage]) -> list[str]:
    known = {passage.iri for passage in passages}
    described = [(name_of(quad.subject), quad.predicate.value) for quad in file.quads if name_of(quad.graph_name) == PROVENANCE_GRAPH]
    return sorted(
        {f"{file.place(iri)}: {iri} is described, but no graph of that name is in the file." for iri, _ in described if iri not in known}
        | {f"{file.place(iri)}: leave dpa:{name.removeprefix(DPA)} to --stamp." for iri, name in described if name not in (_STATUS, _NOTE)}
    )


def _notes(quads: Iterable[ox.Quad]) -> Notes:
    notes: Notes = {}
    for quad in quads:
        if name_of(quad.graph_name) == PROVENANCE_GRAPH and quad.predicate.value in (_STATUS, _NOTE):
            notes.setdefault(name_of(quad.subject), set()).add((quad.predicate.value, str(quad.object)))
    return notes


@dataclass(frozen=True)
class _Block:
    """Writes the block of one file. `hand` are the notes above the marker, `kept` those in the block so far."""

    file: RdfFile
    documents: Mapping[str, Document]
    hand: Notes
    kept: Notes

    def text(self, passages: Iterable[_Passage]) -> str:
        head = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in _PREFIXES.items() if self.file.prefixes.get(name) != iri)
        return f"{head}<{PROVENANCE_GRAPH}> {{\n{''.join(self._entry(passage) for passage in passages)}}}\n"

    def _entry(self, passage: _Passage) -> str:
        digest = self.documents[passage.source].digest(passage.lines)
        return (
            f"  {self._name(passage)} a dpa:Passage ; dpa:source source:{passage.source} ; "
            f'dpa:lines "{passage.lines}"{self._said(passage.iri)} ;\n    dpa:sha256 "{digest}" .\n'
        )

    def _name(self, passage: _Passage) -> str:
        namespace = f"{GRAPH}{passage.source}/"
        prefix = min((name for name, iri in self.file.prefixes.items() if iri == namespace), default=None)
        return f"<{passage.iri}>" if prefix is None or "," in passage.iri else f"{prefix}:L{passage.lines}"

    def _said(self, iri: str) -> str:
        """Status and notes, unless the curator's own stand above."""
        if any(name == _STATUS for name, _ in self.hand.get(iri, ())):
            return ""
        said = set(self.kept.get(iri, ()))
        if not any(name == _STATUS for name, _ in said):
            said.add((_STATUS, f"<{DPA}stated>"))
        shown = sorted(((name, re.sub(rf"^<{DPA}(\w+)>$", r"dpa:\1", value)) for name, value in said), reverse=True)
        return "".join(f" ; dpa:{name.removeprefix(DPA)} {value}" for name, value in shown)
