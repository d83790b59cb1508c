"""Reads requests of the SPARQL 1.1 Protocol (https://www.w3.org/TR/sparql11-protocol/#query-operation)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Final
from urllib.parse import parse_qsl

import pyoxigraph as ox
from fastapi import Request

from dpa_kg.errors import InputError, TextTooLong
from dpa_kg.http.dependencies import settings
from dpa_kg.http.errors import UnsupportedMediaType
from dpa_kg.representations.formats import FORM_TYPE, SPARQL_QUERY_TYPE

_MOST_FIELDS: Final = 1000
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Operation:
    """One query operation: its text (None where there is none) and the data set it is asked over."""

    query: str | None
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()

    @classmethod
    async def of_body(cls, request: Request) -> Operation:
        """A query by POST, direct or as a form. Raises UnsupportedMediaType, TextTooLong, InputError."""
        media_type = media_type_of(request, (SPARQL_QUERY_TYPE, FORM_TYPE), "query")
        body = await read_body(request, settings(request).query_length * (3 if media_type == FORM_TYPE else 1) + 16384)
        address = read_form(request.scope["query_string"])
        if media_type == FORM_TYPE:
            return read_operation([*address, *read_form(body)])
        if any(name == "query" for name, _ in address):
            raise InputError("The query is sent twice: in the address and in the body.", hint="Send it once.")
        return read_operation([*address, ("query", decode(body))])


def read_form(encoded: bytes) -> Pairs:
    """The fields of a form or of the part of an address after `?`. Raises InputError where they are not UTF-8 or too many."""
    try:
        return parse_qsl(encoded.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:  # UnicodeDecodeError is one
        raise InputError("The fields are not UTF-8, or there are too many.", hint="Percent-encode UTF-8.") from error


def read_operation(pairs: Pairs) -> Operation:
    """The operation that the fields ask for. Raises InputError where it is none, or more than one."""
    queries = [value for name, value in pairs if name == "query"]
    if any(name in {"update", "using-graph-uri", "using-named-graph-uri"} for name, _ in pairs):
        raise InputError("This address takes queries, not updates.", hint="Send SELECT, ASK, CONSTRUCT or DESCRIBE as “query”.")
    if len(queries) > 1:
        raise InputError("There is more than one query.", hint="Send “query” once.")
    for name, value in pairs:
        if name in {"default-graph-uri", "named-graph-uri"}:
            check_iri(name, value)
    return Operation(
        query=queries[0] if queries else None,
        default_graphs=tuple(value for name, value in pairs if name == "default-graph-uri"),
        named_graphs=tuple(value for name, value in pairs if name == "named-graph-uri"),
    )


def check_iri(name: str, value: str) -> None:
    """Raises InputError where `value`, of the field `name`, is no absolute IRI."""
    try:
        ox.NamedNode(value)
    except ValueError as error:
        raise InputError(f"“{name}” takes an absolute IRI, not “{value}”.", hint="Percent-encode it.") from error


def media_type_of(request: Request, accepted: Sequence[str], what: str) -> str:
    """The media type of the body, in small letters. Raises UnsupportedMediaType where it is not accepted, or not UTF-8."""
    kind = Message()
    kind["content-type"] = request.headers.get("content-type", "")
    media_type = kind.get_content_type() if request.headers.get("content-type") else ""
    if media_type not in accepted:
        raise UnsupportedMediaType(
            f"No {what} is read from “{media_type or 'a body without a Content-Type'}”.", hint=f"Send it as {' or '.join(accepted)}."
        )
    if str(kind.get_param("charset", "utf-8")).lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("The body is not UTF-8.", hint="Send it as UTF-8.")
    return media_type


async def read_body(request: Request, limit: int) -> bytes:
    """The body. Raises TextTooLong where it has more than `limit` bytes."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TextTooLong(f"The body is longer than {limit} bytes.", hint="Send less, or in several requests.")
        chunks.append(chunk)
    return b"".join(chunks)


def decode(body: bytes) -> str:
    """The text of a body. Raises InputError where it is not UTF-8."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("The body is not UTF-8.", hint="Send it as UTF-8.") from error
