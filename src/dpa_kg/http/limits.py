"""What no request may exceed, whatever it asks: address, headers, body, parts, time. Each limit has its setting."""

from __future__ import annotations

import asyncio
import re
from email.message import Message as Header
from typing import Final

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dpa_kg.errors import DpaKgError, InputError, TextTooLong
from dpa_kg.http.errors import AddressTooLong, HeadersTooLarge, Problem, TooSlow, UnsupportedMediaType, respond
from dpa_kg.settings import Settings

_MOST_HEADERS: Final = 100
_DIGITS: Final = 20  # of a length
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class RequestLimits:
    """Pure ASGI: refuses what can be refused by its head at once, and watches the body while it is read."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            scope = _under_root(scope)
            _check_head(scope, self._settings)
            body = _Body(scope, receive, self._settings)
        except DpaKgError as error:
            await respond(Request(scope), Problem.of(error))(scope, receive, send)
            return
        await self._app(scope, body.receive, send)


def _under_root(scope: Scope) -> Scope:
    """The path without the root path, whether the reverse proxy has cut that off or not."""
    root: str = scope.get("root_path", "")
    if not root or not f"{scope['path']}/".startswith(f"{root}/"):
        return scope
    return {**scope, "path": scope["path"][len(root) :] or "/", "raw_path": scope["raw_path"][len(root) :] or b"/"}


def _check_head(scope: Scope, settings: Settings) -> None:
    """Raises AddressTooLong, HeadersTooLarge, UnsupportedMediaType, TextTooLong or InputError."""
    headers = Headers(scope=scope)
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > settings.address_length:
        raise AddressTooLong(f"The address is longer than {settings.address_length} bytes.", hint="Send a long query by POST.")
    size = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    if size > settings.header_bytes or len(scope["headers"]) > _MOST_HEADERS:
        raise HeadersTooLarge(f"The headers are more than {_MOST_HEADERS}, or larger than {settings.header_bytes} bytes.")
    hosts = headers.getlist("host")
    if len(hosts) != 1 and not (scope["http_version"] == "1.0" and not hosts):
        raise InputError("A request has one Host header.")
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise InputError("The Host header is not the name of a host.")
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"identity", ""}:
        raise UnsupportedMediaType("A compressed body is not read here.", hint="Send it without Content-Encoding.")
    if headers.get("transfer-encoding", "chunked").strip().lower() != "chunked":
        raise InputError("A body is sent as it is or in chunks.", hint="Send it without other transfer codings.")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()) or len(length) > _DIGITS:
        raise InputError("The length of the body is no number, or has too many digits.")
    if int(length) > settings.request_bytes:
        raise _too_large(settings)


def _too_large(settings: Settings) -> TextTooLong:
    return TextTooLong(f"The body is larger than {settings.request_bytes} bytes.", hint="Send it in smaller pieces.")


class _Body:
    """Counts the bytes, the parts and the seconds of a body while a route reads it."""

    def __init__(self, scope: Scope, receive: Receive, settings: Settings) -> None:
        self._receive = receive
        self._settings = settings
        self._size = 0
        self._complete = False
        self._deadline = asyncio.get_running_loop().time() + settings.body_timeout
        self._parts = _Parts(_boundary(scope), settings.multipart_parts)

    async def receive(self) -> Message:
        """The next message. Raises TextTooLong or TooSlow; after the body it only waits for the client to hang up."""
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise TooSlow(f"The body took more than {self._settings.body_timeout:g} seconds to arrive.") from None
        chunk = message.get("body", b"")
        self._size += len(chunk)
        self._parts.see(chunk)
        if self._size > self._settings.request_bytes:
            raise _too_large(self._settings)
        self._complete = not message.get("more_body", False)
        return message


def _boundary(scope: Scope) -> bytes:
    """What separates the parts of a multipart body; empty where the body is none."""
    kind = Headers(scope=scope).get("content-type")
    if kind is None:
        return b""
    header = Header()
    header["content-type"] = kind
    if header.get_content_maintype() != "multipart":
        return b""
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not 0 < len(boundary) <= 70:  # RFC 2046, section 5.1.1
        raise InputError("The multipart body has no boundary, or one that is too long.")
    return b"--" + boundary.encode("latin-1", "replace")


class _Parts:
    """Counts the boundaries of a multipart body that comes in chunks."""

    def __init__(self, boundary: bytes, most: int) -> None:
        self._boundary = boundary
        self._most = most
        self._seen = 0
        self._rest = b""

    def see(self, chunk: bytes) -> None:
        """Raises TextTooLong at the first part too many."""
        if not self._boundary:
            return
        text = self._rest + chunk
        self._seen += text.count(self._boundary)
        self._rest = text[-len(self._boundary) + 1 :]  # too short to hold a boundary that was counted
        if self._seen > self._most + 1:  # one more than parts: the last one closes
            raise TextTooLong(f"The body has more than {self._most} parts.", hint="Send it in several requests.")
