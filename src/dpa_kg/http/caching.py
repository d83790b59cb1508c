"""Entity tags and conditional requests (RFC 9110, section 13), and a small cache of answers. Everything is keyed by version."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dpa_kg import __version__
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.versions import Versions
from dpa_kg.query.lexer import tokens, unescape

Value = TypeVar("Value")
_Key = tuple[str, str, str, str, bytes, tuple[tuple[bytes, bytes], ...]]
_KEY: Final = "answer"  # in the state of a request: under which key its answer is kept
_NEGOTIATED: Final = frozenset({b"accept", b"accept-language", b"host"})  # headers that an answer depends on
SMALL: Final = 1 << 18  # bytes of the largest answer that is kept in memory
_VOLATILE: Final = frozenset({"NOW", "RAND", "UUID", "STRUUID", "BNODE"})
_MAYBE_VOLATILE: Final = re.compile("now|rand|uuid|bnode", re.IGNORECASE)


def entity_tag(version: Version | None, *parts: Any) -> str:
    """A weak tag for the answer to `parts` (question, format, language …; anything JSON can hold) over a version (None: over none)."""
    return tag_of(version.edition if version else "0", *parts)


def tag_of(edition: str, *parts: Any) -> str:
    """The same over an edition of a version: its number, and its generation if it is not the first."""
    text = json.dumps([__version__, edition, *parts], sort_keys=True, default=str)
    return f'W/"{edition}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def is_repeatable(query: str) -> bool:
    """Whether a SPARQL text has the same answer each time: it calls none of NOW, RAND, UUID, STRUUID, BNODE."""
    plain = unescape(query)
    if not _MAYBE_VOLATILE.search(plain):
        return True  # most texts: their tokens need not be looked at
    return not any(token.kind == "word" and token.text.upper() in _VOLATILE for token in tokens(plain))


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


def keep(request: Request, tag: str | None, response: Response) -> Response:
    """Remembers a good and small answer for those who ask the same in the same words, and returns it."""
    key: _Key | None = request.scope["state"].get(_KEY)
    if tag and key and tag.startswith(f'W/"{key[0]}-'):  # otherwise a version was published meanwhile
        request.app.state.metrics.answers["miss"] += 1
        if response.status_code == 200 and 0 < len(response.body) <= SMALL:
            request.app.state.answers.keep(key, _Kept(response, tag, request.scope["route"]))
    return response


@dataclass(frozen=True)
class Named:
    """What measures and logs call the route of a named query."""

    path: str


@dataclass(frozen=True)
class _Kept:
    response: Response
    tag: str
    route: Named


class KeptAnswers:
    """Pure ASGI, before any routing: a question to a named query that was answered before is answered from memory.

    The key is the version and whatever of a request an answer depends on, as it was written: nothing has to be read or negotiated.
    """

    def __init__(self, app: ASGIApp, versions: Versions, answers: Memory[_Kept], counts: Counter[str]) -> None:
        self._app = app
        self._versions = versions
        self._answers = answers
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = self._key(scope)
        found = self._answers.get(key) if key else None
        if found is None:
            scope.setdefault("state", {})[_KEY] = key
            await self._app(scope, receive, send)
            return
        self._counts["hit"] += 1
        scope["route"] = found.route
        await (not_modified(Request(scope), found.tag) or found.response)(scope, receive, send)

    def _key(self, scope: Scope) -> _Key | None:
        """None where the request is none for a named query, or names its version, which may be deleted."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith("/queries/"):
            return None
        version = self._versions.current()
        if version is None or b"version" in scope["query_string"]:
            return None
        headers = tuple(header for header in scope["headers"] if header[0] in _NEGOTIATED)
        return version.edition, version.metadata.created, scope["scheme"], scope["path"], scope["query_string"], headers


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
