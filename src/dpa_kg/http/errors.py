"""Errors as RFC 9457 problem documents, or as pages for browsers. Whatever goes wrong leaves the service through here."""

from __future__ import annotations

import http
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from dpa_kg.errors import DpaKgError, InputError, NotAcceptable, NotFound, Refused
from dpa_kg.graph.report import Report
from dpa_kg.http import reports
from dpa_kg.http.middleware import COMMON_HEADERS, allowed_methods
from dpa_kg.namespaces import BASE
from dpa_kg.representations.formats import GRAPH_FORMATS, HTML, PROBLEM, Format
from dpa_kg.representations.negotiation import negotiate, negotiate_language

PROBLEM_TYPES: Final = f"{BASE}problem/"
_LOG = logging.getLogger(__name__)
_CLIENT_CLOSED_REQUEST: Final = 499  # nginx's number; nobody is left to read it
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"})
_LONGEST_IN_LOG: Final = 300  # characters
_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {
    503: {"Retry-After": "2"},
    429: {"Retry-After": "2"},
    401: {"WWW-Authenticate": 'Bearer realm="dpa-kg"'},
    415: {"Accept-Encoding": "identity"},
    408: {"Connection": "close"},
}


class UnsupportedMediaType(InputError):
    status, type, title = 415, "unsupported-media-type", "The body has a media type that is not read here"


class AddressTooLong(InputError):
    status, type, title = 414, "address-too-long", "The address is too long"


class HeadersTooLarge(InputError):
    status, type, title = 431, "headers-too-large", "The headers are too large"


class TooSlow(InputError):
    status, type, title = 408, "too-slow", "The request did not arrive in time"


class TooManyQueries(InputError):
    status, type, title = 429, "too-many-queries", "One client asks too much at once"


class MethodNotAllowed(InputError):
    status, type, title = 405, "method-not-allowed", "This address is not used that way"


class ClientGone(Exception):
    """The client hung up before its answer was there."""


@dataclass(frozen=True)
class Problem:
    """A problem document (RFC 9457, section 3) with three extensions.

    `hint`: what to do; `candidates`: what was perhaps meant; `results`: what the gate found, its `report`.
    """

    status: int
    type: str
    title: str
    detail: str
    hint: str | None = None
    candidates: tuple[Mapping[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    report: Report | None = None

    @classmethod
    def of(cls, error: DpaKgError) -> Problem:
        """The problem that an error of this package is."""
        headers = _HEADERS.get(error.status, {})
        report = error.report if isinstance(error, Refused) else None
        found = report if isinstance(report, Report) else None
        return cls(error.status, error.type, error.title, error.detail, error.hint, error.candidates, headers, found)

    def document(self, request_id: str, language: str = "en") -> dict[str, Any]:
        """The members of the JSON document; those without a value are left out. The messages of results are in `language`."""
        members = {
            "type": PROBLEM_TYPES + self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "hint": self.hint,
            "candidates": [dict(candidate) for candidate in self.candidates],
            "results": reports.as_json(self.report, language)["results"] if self.report else [],
            "instance": f"urn:dpa-kg:request:{request_id}",
        }
        return {name: value for name, value in members.items() if value}


def install(app: FastAPI) -> None:
    """Registers a rendering for every kind of error, also those of the framework."""
    app.add_exception_handler(DpaKgError, _own_error)
    app.add_exception_handler(HTTPException, _framework_error)
    app.add_exception_handler(RequestValidationError, _framework_error)
    app.add_exception_handler(ClientGone, _client_gone)
    app.add_exception_handler(ClientDisconnect, _client_gone)
    app.add_exception_handler(Exception, _unexpected)


def printable(text: str) -> str:
    """What a caller wrote as one line of a log: no line ends, no control characters, not too long."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[:_LONGEST_IN_LOG])


def respond(request: Request, problem: Problem) -> Response:
    """The problem as a page where the Accept header prefers one, else as JSON; what the gate found also as a `sh:ValidationReport`."""
    headers = {**problem.headers, "Cache-Control": "no-store"}
    form = _preferred(request, (PROBLEM, HTML, *GRAPH_FORMATS) if problem.report else (PROBLEM, HTML))
    if form is HTML:
        html = request.app.state.pages.error(request, problem)
        return Response(html, problem.status, headers, HTML.content_type)
    if problem.report and form is not PROBLEM:
        base = (request.app.state.settings.public_url or str(request.base_url)).rstrip("/")
        return Response(reports.write(problem.report, form, base), problem.status, headers, form.content_type)
    language = negotiate_language(None, request.headers.get("accept-language"))  # `?lang=` may be what is wrong
    document = problem.document(request.scope.get("state", {}).get("request_id", ""), language)
    return Response(json.dumps(document, ensure_ascii=False, indent=2), problem.status, headers, PROBLEM.media_type)


def _preferred(request: Request, offered: Sequence[Format]) -> Format:
    try:
        return negotiate(request.headers.get("accept"), offered)
    except NotAcceptable:
        return PROBLEM


async def _own_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DpaKgError)  # noqa: S101 - told to the type checker
    if error.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.warning("%s %s: %s", request.method, printable(request.url.path), printable(error.detail))
    return respond(request, Problem.of(error))


async def _framework_error(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        name = ".".join(str(part) for part in first.get("loc", ())[1:])
        return respond(request, Problem(422, "parameter", "A parameter is not right", f"{name}: {first.get('msg', '')}"))
    assert isinstance(error, HTTPException)  # noqa: S101 - told to the type checker
    headers = dict(error.headers or {})
    if error.status_code == NotFound.status:
        return respond(request, Problem.of(NotFound("There is nothing at this address.", hint="The API is described at /docs.")))
    if error.status_code == MethodNotAllowed.status:
        method, allow = request.scope.get("state", {}).get("method", request.method), {"Allow": allowed_methods(request.url.path)}
        if method not in _METHODS:
            return respond(
                request, Problem(501, "not-implemented", "There is no such method", "The method of the request is not known here.")
            )
        return respond(
            request, Problem(405, MethodNotAllowed.type, MethodNotAllowed.title, f"{method} is not possible here.", headers=allow)
        )
    phrase = http.HTTPStatus(error.status_code).phrase
    return respond(request, Problem(error.status_code, phrase.lower().replace(" ", "-"), phrase, str(error.detail), headers=headers))


async def _client_gone(request: Request, error: Exception) -> Response:
    return Response(status_code=_CLIENT_CLOSED_REQUEST)


async def _unexpected(request: Request, error: Exception) -> Response:
    """The last resort: the trace goes to the log, never to the client. It runs outside of CommonHeaders."""
    request_id = request.scope.get("state", {}).get("request_id", "")
    _LOG.error("%s %s failed [%s]", request.method, printable(request.url.path), request_id)
    response = respond(request, Problem(500, DpaKgError.type, DpaKgError.title, "The service met an error that it did not expect."))
    for name, value in COMMON_HEADERS.items():
        response.headers[name] = value
    return response
