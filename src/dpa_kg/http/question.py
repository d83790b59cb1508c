"""A question to a named query as an address asks it, and the calls that answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request

from dpa_kg.errors import ParameterError
from dpa_kg.http.dependencies import ask, base_url, language, version
from dpa_kg.query.answers import Answer
from dpa_kg.query.catalogue import RESERVED, NamedQuery
from dpa_kg.query.citation import citation
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
    extra = {
        "url": question.address(path, lang=answer.language, version=answer.version),
        "citation": cite(request, query, question, answer),
    }
    if following := next_offset(answer):
        extra["next"] = question.address(path, lang=answer.language, limit=question.limit, offset=following)
    return extra


def cite(request: Request, query: NamedQuery, question: Question, answer: Answer | None) -> str:
    """The citation of an answer in the reader's language."""
    address = _cited(request, query, question)
    return citation(query, question.parameters, answer, version=version(request).metadata, address=address, language=language(request))


def links(request: Request, query: NamedQuery, question: Question, following: int | None = None) -> dict[str, str]:
    """A Link header (RFC 8288): the address to cite the answer by (RFC 8574), and the next page where there is one."""
    found = [f'<{_cited(request, query, question)}>; rel="cite-as"']
    if following:
        same = {name: request.query_params.get(name) for name in ("lang", "format", "version")}
        address = question.address(f"{base_url(request)}/queries/{query.name}", limit=question.limit, offset=following, **same)
        found.append(f'<{address}>; rel="next"')
    return {"Link": ", ".join(found)}


def _cited(request: Request, query: NamedQuery, question: Question) -> str:
    """The address that gives the same answer again."""
    return question.address(f"{base_url(request)}/queries/{query.name}", version=version(request).number)


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
