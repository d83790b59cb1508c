"""If-Match and If-None-Match of writes (RFC 9110, sections 13.1.1 and 13.1.2), as versions of the graph.

The tag of a graph is that of any of its representations; the tag of the whole data set is the number of a version in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from fastapi import Request

from dpa_kg.http.caching import tag_of
from dpa_kg.http.dependencies import base_url
from dpa_kg.representations.formats import GRAPH_FORMATS, Format

_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e]{1,100})"')
_EDITION: Final = re.compile(r"(([0-9]{1,9})(?:\.[0-9]{1,9})?)(?:-[0-9a-f]{32})?")
_MOST: Final = 32  # tags that are looked at in one header


def graph_tag(request: Request, graph: str | None, edition: str, form: Format) -> str:
    """The tag of a graph in a format. A strong one: the same edition of a version gives the same bytes."""
    return tag_of(edition, "graph", graph, form.name, base_url(request)).removeprefix("W/")


def of_graph(request: Request, graph: str | None) -> dict[str, Any]:
    """What the request expects of a graph: the fields of `graph.preconditions.Precondition`."""

    def known(tag: str, edition: str) -> bool:
        return any(tag == graph_tag(request, graph, edition, form) for form in GRAPH_FORMATS)

    return _read(request, known)


def of_everything(request: Request) -> dict[str, Any]:
    """What the request expects of the data set: the fields of `graph.preconditions.Precondition`."""
    return _read(request, lambda tag, edition: tag == f'"{edition}"')


def _read(request: Request, known: Callable[[str, str], bool]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for field, name in (("match", "if-match"), ("none", "if-none-match")):
        header = ", ".join(request.headers.getlist(name)).strip()
        if header == "*":
            fields[f"{field}_anything"] = True
        elif name in request.headers:  # one without any tag that we gave matches nothing
            fields[field] = _versions(header, known, weak=field == "none")
    return fields


def _versions(header: str, known: Callable[[str, str], bool], *, weak: bool) -> list[int]:
    """The versions whose tags stand in a header; weak tags only where the comparison is a weak one (section 8.8.3.2)."""
    found = []
    for prefix, opaque in _TAG.findall(header)[:_MOST]:
        edition = _EDITION.fullmatch(opaque)
        if edition and (weak or not prefix) and known(f'"{opaque}"', edition[1]):
            found.append(int(edition[2]))
    return found
