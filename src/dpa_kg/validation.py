"""Holds data that somebody brings against the shapes and checks of the gate, as if they were added to a version. Nothing is changed.

The version is copied (by hard links), the copy is changed, and judged around the change, just as a write is; then it is thrown away.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyoxigraph as ox

from dpa_kg.graph import candidates
from dpa_kg.graph.draft import Draft
from dpa_kg.graph.effect import Effect
from dpa_kg.graph.gate import Gate, spoken_of
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.report import Finding, Report
from dpa_kg.ingest.files import parse
from dpa_kg.ingest.statements import shapes as shapes_of
from dpa_kg.representations.formats import DATASET_FORMATS, GRAPH_FORMATS, named
from dpa_kg.resources import folder

POSTED: Final = "urn:dpa-kg:posted"  # the graph of triples that came without one


def validate(version: Version, text: str, format_name: str, base: str, scratch: Path) -> Report:
    """What is wrong with what a text (in one of the graph or data-set formats) speaks of, and what it makes wrong elsewhere.

    `scratch` is an empty folder of the file system that the version lies on. Raises InputError where the text cannot be read,
    BuildError where another engine made the version.
    """
    form = named(format_name, (*GRAPH_FORMATS, *DATASET_FORMATS))
    quads = [_somewhere(quad) for quad in parse(text, form.rdf, "The data", base=base).quads]
    gate = Gate.of_files(shapes_of(), folder("shapes") / "checks")
    with candidates.copy(version, scratch / "store") as store:
        draft = Draft(store, merged=True, thrown_away=True)
        draft.change(quads)
        effect = Effect.of(draft)
        draft.added.update(quads)  # what the version says already is judged, too
        effect = effect.judged(draft, gate, version)
        focus = spoken_of(quads, store)
    known = {_key(finding) for finding in effect.before.findings}
    return Report.of([found for found in effect.report.findings if found.focus in focus or _key(found) not in known])


def _somewhere(quad: ox.Quad) -> ox.Quad:
    in_default = isinstance(quad.graph_name, ox.DefaultGraph)
    return ox.Quad(quad.subject, quad.predicate, quad.object, ox.NamedNode(POSTED)) if in_default else quad


def _key(finding: Finding) -> tuple[str, str, str | None, str]:
    return finding.rule, finding.focus, finding.path, str(finding.value)
