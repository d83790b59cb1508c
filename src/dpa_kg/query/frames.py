"""How the web process and a worker talk: frames of a JSON header and a body, over a socket pair.

A frame is two 32-bit lengths (big-endian), the header, the body.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable
from dataclasses import fields
from typing import Any, cast

LENGTHS = struct.Struct(">II")


def encode(header: Any, body: bytes = b"") -> bytes:
    """One frame. A dataclass in the header travels as its fields."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), default=_fields).encode("utf-8", "surrogatepass")
    return LENGTHS.pack(len(text), len(body)) + text + body


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}  # `asdict` would copy every cell of a table


def decode(header: bytes | bytearray) -> Any:
    """The header of a frame."""
    return json.loads(header.decode("utf-8", "surrogatepass"))


class Connection(asyncio.Protocol):
    """The web process's end: one question at a time, and its reply."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._reply: asyncio.Future[tuple[Any, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(EOFError())

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) < LENGTHS.size:
            return
        header_length, body_length = LENGTHS.unpack_from(self._received)
        start, end = LENGTHS.size + header_length, LENGTHS.size + header_length + body_length
        if len(self._received) < end or self._reply is None or self._reply.done():
            return
        self._reply.set_result((decode(self._received[LENGTHS.size : start]), bytes(self._received[start:end])))
        del self._received[:end]

    async def ask(self, question: Any) -> tuple[Any, bytes]:
        """The reply to a question. Raises EOFError where the other side is gone, before or while it answers."""
        if self._transport is None:
            raise EOFError
        self._reply = asyncio.get_running_loop().create_future()
        self._transport.write(encode(question))
        return await self._reply

    def close(self) -> None:
        """Ends the connection."""
        if self._transport is not None:
            self._transport.close()


def receive(read: Callable[[int], bytes]) -> tuple[Any, bytes] | None:
    """Reads one frame with `read(n)`, which gives n bytes or fewer at the end of the stream; None at the end."""
    lengths = read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    header_length, body_length = LENGTHS.unpack(lengths)
    return decode(read(header_length)), read(body_length)
