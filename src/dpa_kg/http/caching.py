"""Entity tags and conditional requests (RFC 9110, section 13), and a small cache of answers. Everything is keyed by version."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Final, Generic, TypeVar

from fastapi import Request, Response

from dpa_kg import __version__
from dpa_kg.graph.metadata import Version
from dpa_kg.query.lexer import tokens, unescape

Value = TypeVar("Value")
SMALL: Final = 1 << 18  # bytes of the largest answer that is kept in memory
_VOLATILE: Final = frozenset({"NOW", "RAND", "UUID", "STRUUID", "BNODE"})


def entity_tag(version: Version | None, *parts: Any) -> str:
    """A weak tag for the answer to `parts` (question, format, language …; anything JSON can hold) over a version (None: over none)."""
    return tag_of(version.edition if version else "0", *parts)


def tag_of(edition: str, *parts: Any) -> str:
    """The same over an edition of a version: its number, and its generation if it is not the first."""
    text = json.dumps([__version__, edition, *parts], sort_keys=True, default=str)
    return f'W/"{edition}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def is_repeatable(query: str) -> bool:
    """Whether a SPARQL text has the same answer each time: it calls none of NOW, RAND, UUID, STRUUID, BNODE."""
    return not any(token.kind == "word" and token.text.upper() in _VOLATILE for token in tokens(unescape(query)))


def not_modified(request: Request, tag: str | None) -> Response | None:
    """A 304 where a GET or HEAD already has the answer with this tag (`If-None-Match`, weak comparison), else None."""
    header = request.headers.get("if-none-match")
    if not tag or not header or request.method not in {"GET", "HEAD"}:
        return None
    known = {candidate.strip().removeprefix("W/") for candidate in header.split(",")}
    if tag.removeprefix("W/") in known or header.strip() == "*":
        return Response(status_code=304, headers=cache_headers(tag))
    return None


def cache_headers(tag: str | None) -> dict[str, str]:
    """Keep and ask again; without a tag, do not keep."""
    return {"ETag": tag, "Cache-Control": "public, no-cache"} if tag else {"Cache-Control": "no-store"}


def kept(request: Request, tag: str | None) -> Response | None:
    """The answer of a named query that was given before, by its tag."""
    answers: Memory[Response] = request.app.state.answers
    found = answers.get(tag) if tag else None
    if tag:
        request.app.state.metrics.answers["miss" if found is None else "hit"] += 1
    return found


def keep(request: Request, tag: str | None, response: Response) -> Response:
    """Remembers a good and small answer by its tag, and returns it."""
    answers: Memory[Response] = request.app.state.answers
    if tag and response.status_code == 200 and 0 < len(response.body) <= SMALL:
        answers.keep(tag, response)
    return response


class Memory(Generic[Value]):
    """The most recently used values, at most `size` of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        """The value kept under `key`, or None."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def keep(self, key: Hashable, value: Value) -> Value:
        """Keeps `value` and returns it; the oldest one goes when there are too many."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)
        return value
