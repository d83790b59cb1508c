"""Where the IRIs in answers lead: this service's pages for what is ours, the web for http(s), nowhere for anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from dpa_kg.namespaces import DPA, GRAPH, ID, compact

_ENTITY = re.compile(re.escape(ID) + r"([\w-]+)/([^/?#]+)")
_PASSAGE = re.compile(re.escape(GRAPH) + r"([\w-]+)/L([\d,-]+)")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True)
class Link:
    """An address and whether it leaves this service."""

    href: str
    external: bool = False


def link_to(iri: str) -> Link | None:
    """The link for an IRI. Only http and https ever become one: `javascript:` and `data:` are IRIs too."""
    if match := _ENTITY.fullmatch(iri):
        return Link(f"/doc/{match[1]}/{quote(match[2], safe='%')}")
    if match := _PASSAGE.fullmatch(iri):
        return Link(f"/doc/source/{match[1]}")
    if iri.startswith(DPA):
        return Link(f"/ontology#{quote(iri[len(DPA) :], safe='%')}")
    try:
        parts = urlsplit(iri)
    except ValueError:
        return None
    if parts.scheme.lower() in {"http", "https"} and parts.hostname and not _UNSAFE.search(iri) and "@" not in parts.netloc:
        return Link(iri, external=True)
    return None


def short_name(iri: str) -> str:
    """What to call an IRI that has no name: a passage by source and lines, an entity by its slug, a term by its prefixed name."""
    if match := _PASSAGE.fullmatch(iri):
        return f"{match[1]} {match[2]}"
    if match := _ENTITY.fullmatch(iri):
        return match[2]
    return compact(iri)
