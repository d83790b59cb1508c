"""Writing: asks for a token first, then the process that writes."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from dpa_kg.access import Scope, authorize
from dpa_kg.errors import NotSupported
from dpa_kg.http.dependencies import cancellable, settings
from dpa_kg.query.answers import Done
from dpa_kg.query.workers import Pool


def authorized(request: Request, scope: Scope = "write") -> str:
    """The name of the token that lets this request write. Raises Unauthorized or Forbidden, and NotSupported over a remote engine."""
    if settings(request).store is not None:
        hint = "Write to a service without DPA_KG_STORE over the home that is pushed from, and push the new version."
        raise NotSupported("This service reads from a remote engine, and writes nothing.", hint=hint)
    return authorize(settings(request), request.headers.get("authorization"), scope)


async def write(request: Request, method: str, *, scope: Scope = "write", **arguments: Any) -> Done:
    """Calls a method of the writer, in the name of the request's token. Raises as `authorized`, and whatever the method raises.

    A client that hangs up ends the write; either all of it is published by then, or nothing.
    """
    who = authorized(request, scope)
    writer: Pool = request.app.state.writer
    await writer.start()
    done: Done = await cancellable(request, writer.call(method, who=who, **arguments))
    return done
