"""Reads the parts of a multipart/form-data body (RFC 7578), each with its media type."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import Message

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from dpa_kg.errors import InputError


@dataclass
class Part:
    """One part: its headers by names in small letters, and its content."""

    headers: dict[str, str] = field(default_factory=dict)
    content: bytearray = field(default_factory=bytearray)


class _Collector:
    """Takes what the parser finds."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.is_complete = False
        self._name = bytearray()
        self._value = bytearray()

    def begin(self) -> None:
        self.parts.append(Part())

    def name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header(self) -> None:
        self.parts[-1].headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name.clear()
        self._value.clear()

    def content(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content += data[start:end]

    def finish(self) -> None:
        self.is_complete = True


def read_parts(body: bytes, content_type: str) -> list[Part]:
    """The parts of a body. Raises InputError where it is broken, or ends too early."""
    header = Message()
    header["content-type"] = content_type
    collector = _Collector()
    try:
        parser = MultipartParser(
            str(header.get_param("boundary", "")),
            {
                "on_part_begin": collector.begin,
                "on_header_field": collector.name,
                "on_header_value": collector.value,
                "on_header_end": collector.header,
                "on_part_data": collector.content,
                "on_end": collector.finish,
            },
        )
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise InputError(f"The multipart body cannot be read: {error}.") from error
    if not collector.is_complete or not collector.parts:
        raise InputError("The multipart body has no part, or ends too early.")
    return collector.parts
