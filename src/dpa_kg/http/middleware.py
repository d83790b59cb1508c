"""What every response has in common: security headers, open reading from other sites, HEAD, OPTIONS, a request id."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
COMMON_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Location, Content-Location, Retry-After, X-Request-ID",
}
_VERSION: Final = re.compile(r"/versions/[^/]+")
_ROLLBACK: Final = re.compile(r"/versions/[^/]+/rollback")
_ENCODED: Final = [(name.lower().encode(), value.encode()) for name, value in COMMON_HEADERS.items()]
_ALWAYS_OURS: Final = frozenset({b"x-request-id", b"vary"})
_PREFLIGHT: Final = {
    **COMMON_HEADERS,
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Content-Type, If-None-Match",
    "Access-Control-Max-Age": "86400",
}


def allowed_methods(path: str) -> str:
    """The methods that an address knows, as an Allow header has them."""
    if path in {"/sparql", "/validate"}:
        return "GET, HEAD, POST, OPTIONS"
    if path == "/update":
        return "POST, OPTIONS"
    if path == "/graphs" or path.startswith(("/graphs/", "/graph/")):
        return "GET, HEAD, PUT, POST, DELETE, OPTIONS"
    if _ROLLBACK.fullmatch(path):
        return "POST, OPTIONS"
    if _VERSION.fullmatch(path):
        return "GET, HEAD, DELETE, OPTIONS"
    return "GET, HEAD, OPTIONS"


class CommonHeaders:
    """Pure ASGI, so that nothing stands between a route and its client's hang-up.

    HEAD is answered as GET without the body (RFC 9110, section 9.3.2); OPTIONS with what a browser asks before it lets another
    site's script read (Fetch standard, CORS preflight). Writing is never opened to other sites: it needs a token.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        scope["state"]["method"] = scope["method"]
        if scope["method"] == "OPTIONS":
            await _no_content(send, allowed_methods(scope["path"]))
            return
        is_head = scope["method"] == "HEAD"
        inner = {**scope, "method": "GET"} if is_head else scope

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _completed(message.get("headers", ()), request_id)}
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app(inner, receive, finish)


def _completed(headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    """The headers of a response with those that all have; what it says itself stays."""
    own = list(headers)
    names = {name for name, _ in own}
    vary = b", ".join([*(value for name, value in own if name == b"vary"), b"Accept, Accept-Language"])
    return [
        *(header for header in own if header[0] not in _ALWAYS_OURS),
        *(header for header in _ENCODED if header[0] not in names),
        (b"x-request-id", request_id.encode()),
        (b"vary", vary),
    ]


async def _no_content(send: Send, allow: str) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in {**_PREFLIGHT, "Allow": allow}.items()]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
