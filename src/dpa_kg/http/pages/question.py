"""The page of one named query: its form, the answer, what it leaves out, the evidence, the downloads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from fastapi import Request, Response

from dpa_kg.errors import DpaKgError
from dpa_kg.http import question as asking
from dpa_kg.http.dependencies import page, version
from dpa_kg.http.errors import Problem
from dpa_kg.http.pages.forms import form_of
from dpa_kg.http.pages.rendering import Page
from dpa_kg.http.pages.reporting import Reporting
from dpa_kg.http.pages.table import table_of
from dpa_kg.namespaces import ID
from dpa_kg.query.answers import Answer, Payload, ResolvedValue
from dpa_kg.query.catalogue import NamedQuery, localized
from dpa_kg.representations.formats import CSV, GRAPH_FORMATS, JSON, SPARQL_JSON, SPARQL_XML, TSV, TURTLE, XLSX, Format

if TYPE_CHECKING:
    from dpa_kg.http.question import Question

_DOWNLOADS: Final = (CSV, XLSX, JSON, TSV, SPARQL_JSON, SPARQL_XML)
_MOST_ROWS: Final = 500  # on one page; more are on the next
_MOST_TEXT: Final = 200_000  # characters of a graph


async def question_page(request: Request, query: NamedQuery, question: Question, tag: str | None) -> Response:
    """The form alone where a required parameter is missing; else with the answer, or with what is wrong."""
    shown = page(request)
    current = version(request)
    form = await form_of(request, query, question.parameters, shown, current.edition)
    outcome = await _outcome(request, query, question)
    problem = outcome if isinstance(outcome, Problem) else None
    values = await asyncio.to_thread(_values, request, query, question, outcome)
    return await asyncio.to_thread(
        shown.respond,
        "query.html",
        status=problem.status if problem else 200,
        tag=None if problem else tag,
        headers=problem.headers if problem else asking.links(request, query, question),
        name=query.name,
        title=localized(query.title, shown.language),
        description=localized(query.description, shown.language),
        version=current.number,
        form=form,
        problem=problem,
        **values,
    )


async def _outcome(request: Request, query: NamedQuery, question: Question) -> Answer | Payload | Problem | None:
    if (
        any(parameter.required and not question.parameters.get(parameter.name) for parameter in query.parameters)
        and not question.parameters
    ):
        return None
    try:
        if query.form == "SELECT":
            limit = question.limit if question.limit is None else min(question.limit, _MOST_ROWS)
            return await asking.ask_rows(request, query, replace(question, limit=limit), None)
        payload: Payload = await asking.ask_graph(request, query, question, TURTLE)
        return payload
    except DpaKgError as error:
        return Problem.of(error)


def _values(request: Request, query: NamedQuery, question: Question, outcome: Answer | Payload | Problem | None) -> dict[str, Any]:
    """What the template needs of the outcome."""
    shown = page(request)
    path = f"/queries/{query.name}"
    answer = outcome if isinstance(outcome, Answer) else None
    graph = outcome.body.decode("utf-8")[:_MOST_TEXT] if isinstance(outcome, Payload) else None
    text = answer.sparql if answer else query.text
    return {
        "instead": _instead(question, outcome, path, shown) if isinstance(outcome, Problem) else {},
        "answer": answer,
        "graph": graph,
        "table": table_of(answer, shown) if answer else None,
        "asked": _asked(query, answer, shown) if answer else [],
        "previous": _previous(answer, question, path, shown) if answer else None,
        "following": _following(answer, question, path, shown) if answer else None,
        "downloads": _downloads(query, question, path, shown) if answer or graph is not None else [],
        "citation": asking.cite(request, query, question, answer) if answer or graph is not None else "",
        "reporting": Reporting(shown, question.address(shown.base + path), answer.version) if answer else None,
        "sparql": text,
        "editor": shown.href("/sparql#result", {"query": text}),
    }


def _asked(query: NamedQuery, answer: Answer, shown: Page) -> list[tuple[str, Sequence[ResolvedValue]]]:
    labels = {parameter.name: localized(parameter.label, shown.language) for parameter in query.parameters}
    return [(labels.get(name) or name, values) for name, values in answer.parameters.items()]


def _instead(question: Question, problem: Problem, path: str, shown: Page) -> dict[str, str]:
    """For each name that was perhaps meant, the question with it in the place of the one that was not understood."""
    misread = [(name, value) for name, values in question.parameters.items() for value in values if f"'{value}'" in problem.detail]
    if len(misread) != 1:
        return {}
    name, value = misread[0]
    links = {}
    for candidate in problem.candidates:
        meant = candidate.get("iri", candidate["name"]).removeprefix(ID)
        values = [meant if written == value else written for written in question.parameters[name]]
        links[candidate["name"]] = shown.href(f"{path}#answer", {**question.parameters, name: values})
    return links


def _previous(answer: Answer, question: Question, path: str, shown: Page) -> str | None:
    if answer.offset == 0:
        return None
    return _elsewhere(question, path, shown, max(answer.offset - (answer.limit or 1), 0))


def _following(answer: Answer, question: Question, path: str, shown: Page) -> str | None:
    following = asking.next_offset(answer)
    return _elsewhere(question, path, shown, following) if following else None


def _elsewhere(question: Question, path: str, shown: Page, offset: int) -> str:
    reserved = {"limit": question.limit, "offset": offset or None}
    kept = {name: value for name, value in reserved.items() if value is not None}
    return shown.href(f"{path}#answer", {**{name: list(values) for name, values in question.parameters.items()}, **kept})


def _downloads(query: NamedQuery, question: Question, path: str, shown: Page) -> list[tuple[Format, str]]:
    formats = _DOWNLOADS if query.form == "SELECT" else GRAPH_FORMATS
    given = {name: list(values) for name, values in question.parameters.items()}
    return [(form, shown.href(path, {**given, "format": form.name})) for form in formats]
