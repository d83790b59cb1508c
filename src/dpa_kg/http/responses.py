"""From what a worker answers to an HTTP response: small bodies from memory, large ones from a file that is gone once it is sent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from fastapi import Response
from starlette.types import Receive, Scope, Send

from dpa_kg.query.answers import Payload

_CHUNK: Final = 1 << 18


class SpooledResponse(Response):
    """Sends a file. Its name is removed before the first byte is sent, so that nothing stays whatever happens after."""

    def __init__(self, path: str, media_type: str, headers: Mapping[str, str]) -> None:
        self._file: IO[bytes] = Path(path).open("rb")  # noqa: SIM115 - closed when it is sent
        Path(path).unlink()
        size = os.fstat(self._file.fileno()).st_size
        super().__init__(None, 200, {**headers, "Content-Length": str(size)}, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while chunk := await asyncio.to_thread(self._file.read, _CHUNK):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except OSError:
            return  # the client hung up
        finally:
            self._file.close()


def payload_response(payload: Payload, headers: Mapping[str, str]) -> Response:
    """A worker's serialized result as a response. Texts are UTF-8."""
    kind = f"{payload.media_type}; charset=utf-8" if payload.media_type.startswith("text/") else payload.media_type
    if payload.path is not None:
        return SpooledResponse(payload.path, kind, headers)
    return Response(payload.body, 200, headers, kind)


def read_payload(payload: Payload) -> bytes:
    """The bytes of a worker's result; its file, where it has one, is removed."""
    if payload.path is None:
        return payload.body
    body = Path(payload.path).read_bytes()
    Path(payload.path).unlink()
    return body
