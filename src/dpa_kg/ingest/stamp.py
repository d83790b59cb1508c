"""The curator's tool: writes the provenance block at the end of a file of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyoxigraph as ox

from dpa_kg.errors import BuildError, InputError
from dpa_kg.ingest.passages import Document, Lines, passage_of
from dpa_kg.namespaces import DPA, GRAPH, ID, PROVENANCE_GRAPH

MARKER = "# ---- provenance (written by dpa-kg evidence --stamp)"
_PREFIXES = {"dpa": DPA, "source": f"{ID}source/"}
_BY_HAND = (f"{DPA}status", f"{DPA}note")

Note = dict[str, list[ox.Quad]]


def stamp(path: Path, documents: Mapping[str, Document]) -> int:
    """Rewrites the block at the end of the file at `path`; what stands above the marker stays byte for byte.

    Every passage graph of the file gets its source, lines, SHA-256 and status (`dpa:stated` unless the file says
    otherwise). Status and note that stand above the marker are not repeated below it; those that a curator wrote
    into the block are kept. Returns the number of passages. Raises BuildError with one line per fault.
    """
    text = path.read_text(encoding="utf-8")
    above, _, below = text.partition(MARKER)
    quads, prefixes = _parse(path, above)
    old, _ = _parse(path, above + below)
    passages, faults = _passages(quads, documents)
    hand, block = _notes(quads), _notes(set(old) - set(quads))
    faults += [f"{iri} has a status or a note, but no graph of that name is in the file." for iri in hand if iri not in passages]
    faults += [
        f"{quad.subject.value} has {quad.predicate.value.removeprefix(DPA)} written by hand; leave that to --stamp."
        for quad in quads
        if quad.graph_name == ox.NamedNode(PROVENANCE_GRAPH) and quad.predicate.value not in _BY_HAND and isinstance(quad.subject, ox.NamedNode)
    ]
    if faults:
        raise BuildError("\n".join([f"{path} cannot be stamped:", *faults]))
    body = "\n".join(_entry(iri, passages[iri], documents, prefixes, hand, block) for iri in sorted(passages, key=lambda i: _order(passages[i])))
    head = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in _PREFIXES.items() if prefixes.get(name) != iri)
    path.write_text(f"{above.rstrip()}\n\n{MARKER}\n{head}<{PROVENANCE_GRAPH}> {{\n{body}\n}}\n", encoding="utf-8")
    return len(passages)


def _parse(path: Path, text: str) -> tuple[list[ox.Quad], dict[str, str]]:
    parser = ox.parse(input=text, format=ox.RdfFormat.TRIG)
    try:
        return list(parser), dict(parser.prefixes)
    except SyntaxError as error:
        raise BuildError(f"{path}, line {error.lineno}: {error.msg}") from error


def _passages(quads: Sequence[ox.Quad], documents: Mapping[str, Document]) -> tuple[dict[str, tuple[str, Lines]], list[str]]:
    found: dict[str, tuple[str, Lines]] = {}
    faults = []
    for iri in sorted({quad.graph_name.value for quad in quads if isinstance(quad.graph_name, ox.NamedNode)} - {PROVENANCE_GRAPH}):
        try:
            passage = passage_of(iri)
            if passage is None:
                raise InputError(f"it is not named {GRAPH}<source>/L<lines>.")
            if passage[0] not in documents:
                raise InputError(f"there is no document for the source '{passage[0]}'.")
            documents[passage[0]].text(passage[1])
        except InputError as error:
            faults.append(f"{iri}: {error.detail}")
        else:
            found[iri] = passage
    return found, faults


def _notes(quads: Sequence[ox.Quad] | set[ox.Quad]) -> Note:
    notes: Note = defaultdict(list)
    for quad in quads:
        if quad.graph_name == ox.NamedNode(PROVENANCE_GRAPH) and quad.predicate.value in _BY_HAND and isinstance(quad.subject, ox.NamedNode):
            notes[quad.subject.value].append(quad)
    return notes


def _order(passage: tuple[str, Lines]) -> tuple[str, tuple[tuple[int, int], ...]]:
    return passage[0], passage[1].ranges


def _entry(
    iri: str, passage: tuple[str, Lines], documents: Mapping[str, Document], prefixes: Mapping[str, str], hand: Note, block: Note
) -> str:
    slug, lines = passage
    said = {(quad.predicate.value, str(quad.object)) for quad in block.get(iri, ())}
    if any(quad.predicate.value == f"{DPA}status" for quad in hand.get(iri, ())):
        said = set()
    elif not any(predicate == f"{DPA}status" for predicate, _ in said):
        said.add((f"{DPA}status", f"<{DPA}stated>"))
    extra = "".join(f" ; dpa:{predicate.removeprefix(DPA)} {term.replace(f'<{DPA}stated>', 'dpa:stated')}" for predicate, term in sorted(said, reverse=True))
    name = next((f"{prefix}:L{lines}" for prefix, ns in sorted(prefixes.items()) if ns == f"{GRAPH}{slug}/" and "," not in str(lines)), f"<{iri}>")
    return f'  {name} a dpa:Passage ; dpa:source source:{slug} ; dpa:lines "{lines}"{extra} ;\n    dpa:sha256 "{documents[slug].digest(lines)}" .'
