"""The errors that a user can meet, drawn as a tree.

    DpaKgError
    ├── InputError            400  what was sent cannot be understood
    │   ├── QuerySyntaxError  400  the SPARQL text does not parse, or is nested too deeply to be parsed
    │   ├── UnknownName       422  a name that no entity has; candidates are the nearest ones
    │   ├── AmbiguousName     422  a name that several entities have; candidates are those
    │   ├── ParameterError    422  a parameter that is unknown, missing, or not of its type
    │   ├── Conflict          409  something that does not go with how things are (deleting the current version)
    │   ├── LimitExceeded     422  an answer with more rows or bytes than one answer may have
    │   └── TextTooLong       413  a text longer than the service reads
    ├── Unauthorized          401  a write without a token, or with one that is not known here
    ├── Forbidden             403  something that no request may do (SERVICE, LOAD, writing without a token)
    ├── NotFound              404
    ├── NotAcceptable         406  none of the media types that were asked for can be produced
    ├── QueryTimeout          504
    ├── Overloaded            503  the queue is full, or a worker ran out of memory
    ├── PreconditionFailed    412  what a write expects (If-Match, If-None-Match) is not so
    ├── NotSupported          501  what this deployment cannot do: writing, where a remote engine answers
    ├── EngineFailed          502  the remote engine refused us, or gave an answer that is none
    ├── EngineUnavailable     503  the remote engine cannot be reached or is busy, or holds no version that can be served
    ├── Refused               422  the gate found violations; nothing was published
    └── BuildError            500  ontology, shapes, queries, data or a version on disk are broken

Every error carries what RFC 9457 asks for: a type (a slug, made an IRI by the HTTP layer), a title, a status and a detail;
and, where it helps, a hint (what to do) and candidates (what was perhaps meant).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class DpaKgError(Exception):
    """Base of all errors of this package.

    `detail` is one sentence for a person. `hint` says what to do. `candidates` are mappings with `name` and `iri`.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, *, hint: str | None = None, candidates: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.candidates = tuple(dict(candidate) for candidate in candidates)


class InputError(DpaKgError):
    status, type, title = 400, "bad-request", "The request cannot be understood"


class QuerySyntaxError(InputError):
    type, title = "query-syntax", "The query does not parse"


class UnknownName(InputError):
    status, type, title = 422, "unknown-name", "No entity has this name"


class AmbiguousName(InputError):
    status, type, title = 422, "ambiguous-name", "Several entities have this name"


class ParameterError(InputError):
    status, type, title = 422, "parameter", "A parameter is not right"


class Conflict(InputError):
    status, type, title = 409, "conflict", "This does not go with how things are"


class LimitExceeded(InputError):
    status, type, title = 422, "limit-exceeded", "The answer is larger than one answer may be"


class TextTooLong(InputError):
    status, type, title = 413, "too-long", "The text is too long"


class Unauthorized(DpaKgError):
    status, type, title = 401, "unauthorized", "A token is needed"


class Forbidden(DpaKgError):
    status, type, title = 403, "forbidden", "This is not allowed"


class NotFound(DpaKgError):
    status, type, title = 404, "not-found", "There is nothing here"


class NotAcceptable(DpaKgError):
    status, type, title = 406, "not-acceptable", "No such representation"


class QueryTimeout(DpaKgError):
    status, type, title = 504, "timeout", "The query took too long"


class Overloaded(DpaKgError):
    status, type, title = 503, "overloaded", "The service is busy"


class PreconditionFailed(DpaKgError):
    status, type, title = 412, "precondition-failed", "The graph is not what the request expects"


class NotSupported(DpaKgError):
    status, type, title = 501, "not-supported", "This service cannot do that"


class EngineFailed(DpaKgError):
    status, type, title = 502, "engine-failed", "The SPARQL engine failed"


class EngineUnavailable(DpaKgError):
    status, type, title = 503, "engine-unavailable", "The SPARQL engine is not available"


class Refused(DpaKgError):
    """`report` is the gate's report (`dpa_kg.graph.report.Report`)."""

    status, type, title = 422, "refused", "The data were refused"

    def __init__(self, detail: str, *, report: object = None, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.report = report


class BuildError(DpaKgError):
    type, title = "build", "The graph cannot be built"
