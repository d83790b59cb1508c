"""What was perhaps meant: the existing names most like one that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyoxigraph as ox
from rapidfuzz import fuzz, process

from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.namespaces import RDF
from dpa_kg.terms import fold, name_of

_ALIKE = 72.0  # of 100: `idb`/`iadb` pass, `idb`/`afd` do not
_TYPE = ox.NamedNode(f"{RDF}type")


def of_class(store: OxigraphStore, iri: str) -> list[str]:
    """The IRIs of the instances of a class."""
    return sorted(name_of(quad.subject) for quad in store.engine.quads_for_pattern(None, _TYPE, ox.NamedNode(iri), ox.DefaultGraph()))


def siblings(store: OxigraphStore, iri: str) -> list[str]:
    """The IRIs of everything with a type in the namespace of `iri`."""
    namespace = iri[: max(iri.rfind("/"), iri.rfind("#")) + 1]
    quads = store.engine.quads_for_pattern(None, _TYPE, None, ox.DefaultGraph())
    return sorted({name for quad in quads if (name := name_of(quad.subject)).startswith(namespace) and name != iri})


def has_type(store: OxigraphStore, iri: str) -> bool:
    """Whether the node is described at all."""
    return any(True for _ in store.engine.quads_for_pattern(ox.NamedNode(iri), _TYPE, None, ox.DefaultGraph()))


def nearest(wanted: str, candidates: Iterable[str], limit: int = 2) -> list[str]:
    """The candidates (IRIs, compared by their last segment, or texts) most like `wanted`, best first; none if none is alike."""
    spelled = {candidate: _key(candidate) for candidate in candidates if candidate != wanted}
    found = process.extract(_key(wanted), spelled, scorer=fuzz.ratio, limit=limit, score_cutoff=_ALIKE)
    return [candidate for _, _, candidate in found]


def _key(text: str) -> str:
    local = re.split(r"[/#]", text)[-1] if "://" in text else text
    return fold(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", local))
