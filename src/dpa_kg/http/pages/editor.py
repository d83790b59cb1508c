"""The SPARQL editor: a text field, the answer below it, and the named queries to begin with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response

from dpa_kg.http.dependencies import catalogue
from dpa_kg.http.errors import Problem
from dpa_kg.http.pages.rendering import Page
from dpa_kg.http.pages.table import HtmlTable, table_of_results
from dpa_kg.http.protocol import Operation
from dpa_kg.namespaces import PREFIXES
from dpa_kg.query.answers import Payload
from dpa_kg.query.catalogue import localized
from dpa_kg.query.lexer import query_form
from dpa_kg.representations.formats import GRAPH_FORMATS, RESULT_FORMATS, SPARQL_JSON, Format

_MOST_ROWS: Final = 1000
_MOST_TEXT: Final = 200_000  # characters of a graph shown on the page


@dataclass(frozen=True)
class Result:
    """The answer as the page shows it: a table, or a text, or neither where it is too large; and the ways to take it."""

    downloads: Sequence[tuple[Format, str]]
    table: HtmlTable | None = None
    count: int = 0
    truncated: bool = False
    text: str = ""


async def editor_page(request: Request, page: Page, operation: Operation, outcome: Payload | Problem | None) -> Response:
    """The editor with the query in it and what came of it. Raises NotFound for an unknown `?example=`."""
    queries = catalogue(request)
    example = request.query_params.get("example")
    text = operation.query if operation.query is not None else queries.get(example).text if example else _first_query()
    problem = outcome if isinstance(outcome, Problem) else None
    result = await asyncio.to_thread(_result, outcome, operation, page) if isinstance(outcome, Payload) else None
    return page.respond(
        "editor.html",
        status=problem.status if problem else 200,
        headers=problem.headers if problem else None,
        query=text,
        lines=min(max(text.count("\n") + 2, 12), 30),
        problem=problem,
        result=result,
        formats=[*RESULT_FORMATS, *GRAPH_FORMATS],
        examples=[(localized(query.title, page.language), page.href("/sparql", {"example": query.name})) for query in queries],
        prefixes=PREFIXES,
    )


def _first_query() -> str:
    return (Path(__file__).parent / "templates" / "first-query.rq").read_text("utf-8")


def _result(payload: Payload, operation: Operation, page: Page) -> Result:
    """Reads what the worker wrote; a result that it had to spool is only offered for download."""
    is_graph = query_form(operation.query or "") not in {"SELECT", "ASK"}
    asked = {"query": operation.query, "default-graph-uri": operation.default_graphs, "named-graph-uri": operation.named_graphs}
    formats = GRAPH_FORMATS if is_graph else RESULT_FORMATS
    downloads = [(form, page.href("/sparql", {**asked, "format": form.name})) for form in formats]
    if payload.path is not None:
        Path(payload.path).unlink(missing_ok=True)
        return Result(downloads)
    if payload.media_type != SPARQL_JSON.media_type:
        return Result(downloads, text=payload.body.decode("utf-8")[:_MOST_TEXT])
    read: dict[str, Any] = json.loads(payload.body)
    if "boolean" in read:
        return Result(downloads, text=page.text("query.yes" if read["boolean"] else "query.no"))
    bindings = read["results"]["bindings"]
    table = table_of_results(read["head"]["vars"], bindings[:_MOST_ROWS], page)
    return Result(downloads, table, len(bindings), len(bindings) > _MOST_ROWS)
