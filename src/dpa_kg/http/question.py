"""A question to a named query as an address asks it, and the calls that answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request

from dpa_kg.errors import ParameterError
from dpa_kg.http.dependencies import ask, base_url, language
from dpa_kg.query.answers import Answer
from dpa_kg.query.catalogue import RESERVED, NamedQuery
from dpa_kg.representations.formats import Format

_DIGITS: Final = 9


@dataclass(frozen=True)
class Question:
    """What was asked: the values of the query's own parameters as they were written, and the page of the answer."""

    parameters: Mapping[str, Sequence[str]]
    limit: int | None
    offset: int

    @classmethod
    def read(cls, request: Request) -> Question:
        """Reads the address. Empty values count as not given. Raises ParameterError where a reserved parameter is no number."""
        given: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            if name not in RESERVED:
                given.setdefault(name, []).extend([value] if value.strip() else [])
        return cls(given, _whole_number(request, "limit"), _whole_number(request, "offset") or 0)

    def address(self, path: str, **more: Any) -> str:
        """The address of this question, with other reserved parameters."""
        given = {name: values for name, values in self.parameters.items() if values}
        fields = urlencode({**given, **{name: value for name, value in more.items() if value is not None}}, doseq=True)
        return f"{path}?{fields}" if fields else path


async def ask_rows(request: Request, query: NamedQuery, question: Question, default_limit: int | None) -> Answer:
    """The rows that were asked for."""
    limit = question.limit if question.limit is not None else default_limit
    answer: Answer = await ask(
        request, "answer", name=query.name, parameters=question.parameters, language=language(request), limit=limit, offset=question.offset
    )
    return answer


async def ask_graph(request: Request, query: NamedQuery, question: Question, form: Format) -> Any:
    """The graph that a CONSTRUCT query makes."""
    return await ask(
        request,
        "construct",
        name=query.name,
        parameters=question.parameters,
        accept=form.media_type,
        language=language(request),
        base=base_url(request),
    )


def extra_of(request: Request, query: NamedQuery, question: Question, answer: Answer) -> dict[str, Any]:
    """Where the answer can be had again, how to cite it, and where it goes on."""
    path = f"{base_url(request)}/queries/{query.name}"
    extra = {"url": question.address(path, lang=answer.language, version=answer.version), "citation": citation(answer, path, question)}
    if following := next_offset(answer):
        extra["next"] = question.address(path, lang=answer.language, limit=question.limit, offset=following)
    return extra


def citation(answer: Answer, path: str, question: Question) -> str:
    """One line that says what was asked of which version, with an address that asks again."""
    address = question.address(path, version=answer.version)
    return f"Data-Pop Alliance knowledge graph (dpa-kg), version {answer.version}: {answer.title}. {address}"


def next_offset(answer: Answer) -> int | None:
    """Where the next page of the answer begins, or None on the last one."""
    end = answer.offset + len(answer.rows)
    return end if answer.rows and end < answer.total else None


def _whole_number(request: Request, name: str) -> int | None:
    values = [value for value in request.query_params.getlist(name) if value.strip()]
    if not values:
        return None
    if len(values) > 1 or not (values[0].isascii() and values[0].isdecimal()) or len(values[0]) > _DIGITS:
        raise ParameterError(f"“{name}” takes one whole number, not “{', '.join(values)}”.", hint=f"Write ?{name}=100.")
    return int(values[0])
