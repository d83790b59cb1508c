"""Sees every request: counts it for `/metrics`, writes a line of the access log, and says where an older version's page has its home."""

from __future__ import annotations

import logging
import time
from typing import Final

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dpa_kg.http.dependencies import base_url
from dpa_kg.http.errors import printable
from dpa_kg.http.metrics import Metrics
from dpa_kg.http.pages.rendering import without_version
from dpa_kg.logs import FIELDS, REQUEST_ID

_LOG: Final = logging.getLogger("dpa_kg.access")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FAILED: Final = 500
_GONE: Final = 499


class Observation:
    """Pure ASGI. Requests without a route count as one, so that nobody can make counters by asking."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        REQUEST_ID.set(scope.get("state", {}).get("request_id", ""))
        start, status, size = time.perf_counter(), _GONE, 0

        async def see(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                _name_home(scope, message)
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, see)
        except Exception:
            status = _FAILED
            raise
        finally:
            self._note(scope, status, time.perf_counter() - start, size)

    def _note(self, scope: Scope, status: int, seconds: float, size: int) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "other")
        self._metrics.observe(method, route, status, seconds)
        if _LOG.isEnabledFor(logging.INFO):
            client = scope["client"][0] if scope.get("client") else ""
            fields = {"status": status, "seconds": round(seconds, 6), "bytes": size, "route": route, "client": client}
            _LOG.info("%s %s", method, printable(scope["path"]), extra={FIELDS: fields})


def _name_home(scope: Scope, message: Message) -> None:
    """An answer from an older version names the address of the current one, so that no crawler takes it for another page (RFC 6596)."""
    if b"version=" not in scope["query_string"]:
        return
    request = Request(scope)
    headers = MutableHeaders(scope=message)
    if "version" in request.query_params and 'rel="canonical"' not in headers.get("link", ""):
        home = base_url(request) + without_version(request).removeprefix(scope.get("root_path", ""))
        headers.append("Link", f'<{home}>; rel="canonical"')
