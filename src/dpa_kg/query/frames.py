"""How the web process and a worker talk: frames of a JSON header and a body, over a socket pair.

A frame is two 32-bit lengths (big-endian), the header, the body.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

LENGTHS = struct.Struct(">II")


def encode(header: Any, body: bytes = b"") -> bytes:
    """One frame."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return LENGTHS.pack(len(text), len(body)) + text + body


def decode(header: bytes) -> Any:
    """The header of a frame."""
    return json.loads(header.decode("utf-8", "surrogatepass"))


def receive(read: Callable[[int], bytes]) -> tuple[Any, bytes] | None:
    """Reads one frame with `read(n)`, which gives n bytes or fewer at the end of the stream; None at the end."""
    lengths = read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    header_length, body_length = LENGTHS.unpack(lengths)
    return decode(read(header_length)), read(body_length)
