"""From what a worker answers to an HTTP response: small bodies from memory, large ones from a file that is gone once it is sent."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from dpa_kg.errors import NotFound
from dpa_kg.query.answers import Payload

_CHUNK: Final = 1 << 18
_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class FileResponse(Response):
    """Sends an open file, or `span` of it (first and last byte): what becomes of its name meanwhile makes no difference."""

    def __init__(self, path: str | Path, media_type: str, headers: Mapping[str, str], span: tuple[int, int] | None = None) -> None:
        self._file: IO[bytes] = Path(path).open("rb")  # noqa: SIM115 - closed when it is sent
        size = os.fstat(self._file.fileno()).st_size
        first, last = span or (0, size - 1)
        self._file.seek(first)
        self._left = last - first + 1
        more = {"Content-Range": f"bytes {first}-{last}/{size}"} if span else {}
        super().__init__(None, 206 if span else 200, {**headers, **more, "Content-Length": str(self._left)}, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while chunk := await asyncio.to_thread(self._file.read, min(_CHUNK, self._left)):
                self._left -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except OSError:
            return  # the client hung up
        finally:
            self._file.close()


class SpooledResponse(FileResponse):
    """Its file loses its name before the first byte is sent, so that nothing stays whatever happens after."""

    def __init__(self, path: str, media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(path, media_type, headers)
        Path(path).unlink()


def kept_response(request: Request, path: Path, media_type: str, headers: Mapping[str, str]) -> Response:
    """A file that stays, or the one range of it that is asked for (RFC 9110, section 14); several ranges at once are not given.

    Raises NotFound where the file is gone meanwhile, HTTPException (416) where the range is beyond its end.
    """
    try:
        span = _span(request, path.stat().st_size, headers.get("ETag", ""))
        return FileResponse(path, media_type, {**headers, "Accept-Ranges": "bytes"}, span)
    except FileNotFoundError as error:
        raise NotFound("The version is gone.", hint="/versions lists those that are there.") from error


def _span(request: Request, size: int, tag: str) -> tuple[int, int] | None:
    """The first and the last byte that the request asks for; None where it asks for all, or for what is not given."""
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or not (match[1] or match[2]) or request.headers.get("if-range", tag) != tag:
        return None
    first = int(match[1]) if match[1] else max(size - int(match[2]), 0)
    last = min(int(match[2]), size - 1) if match[1] and match[2] else size - 1
    if match[1] and match[2] and int(match[2]) < first:
        return None
    if first >= size:
        raise HTTPException(416, f"There are {size} bytes.", headers={"Content-Range": f"bytes */{size}"})
    return first, last


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
