"""Reads the hostile requests: one file per kind of attack, one entry per request.

    name, tries   what it is called, and what it tries
    method        GET where nothing is said
    path          the target as it is sent, byte for byte; `fields` are added to it percent-encoded
    query         a SPARQL text, sent as the body of a POST to /sparql
    headers       name to value; a name or value is sent as it stands, line ends too
    body          sent with the right Content-Length, unless `headers` says another
    raw           everything that is sent, in place of all of the above
    pieces        like `raw`, sent piece by piece; after the last piece the client is silent, and waits for the answer
    browser       whether it is sent with the Accept header of a browser
    token         whether it is sent by somebody who may write
    status        the statuses that are right; `closed` where the connection may end without an answer
    says, hides   texts that the answer (headers and body) must have, or must not

In a text `{host}` is the address of the server, `{canary}` of one that nobody may ask, `{token}` the token of one who may write.
A text is a string, or a list of strings and of `{times: N, of: TEXT}`, `{bytes: HEX}`, `{numbers: N, as: "text %d"}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

FOLDER = Path(__file__).parent
BROWSER = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
_TEXTS = {"method", "path", "fields", "query", "headers", "body", "raw", "pieces"}
_KEYS = _TEXTS | {"name", "tries", "status", "says", "hides", "browser", "token"}
CLOSED = "closed"


@dataclass(frozen=True)
class Hostile:
    """One request: how it is made, and what may come back."""

    name: str
    entry: Mapping[str, Any]
    status: frozenset[int | str]
    says: tuple[str, ...]
    hides: tuple[str, ...]

    def pieces(self, addresses: Mapping[str, str]) -> list[bytes]:
        """The bytes that are sent, one after the other. `addresses` are put in the place of `{host}` and `{canary}`."""
        filler = _Filler(addresses)
        if "raw" in self.entry:
            return [filler.text(self.entry["raw"])]
        if "pieces" in self.entry:
            return [filler.text(piece) for piece in self.entry["pieces"]]
        return [filler.request(self.entry)]


def corpus() -> Iterator[Hostile]:
    """Every request of every file. Raises ValueError on an entry that is not as it must be."""
    for file in sorted(FOLDER.glob("*.yaml")):
        for entry in yaml.safe_load(file.read_text("utf-8")):
            if unknown := set(entry) - _KEYS:
                raise ValueError(f"{file.name}: {entry['name']}: {unknown} is unknown")
            if not (entry.get("tries") and entry.get("status")):
                raise ValueError(f"{file.name}: {entry['name']}: it does not say what it tries, or what must come of it")
            says, hides = _list(entry.get("says")), _list(entry.get("hides"))
            yield Hostile(f"{file.stem}: {entry['name']}", entry, frozenset(_list(entry["status"])), says, hides)


def _list(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else () if value is None else (value,)


class _Filler:
    """Makes bytes of texts and requests of the corpus."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses

    def text(self, value: Any) -> bytes:
        """The bytes that a text of the corpus stands for."""
        if isinstance(value, str):
            for name, address in self._addresses.items():
                value = value.replace(f"{{{name}}}", address)
            return str(value).encode()
        if isinstance(value, list):
            return b"".join(self.text(part) for part in value)
        if "bytes" in value:
            return bytes.fromhex(value["bytes"])
        if "numbers" in value:
            return "".join(value["as"].replace("%d", str(number)) for number in range(value["numbers"])).encode()
        return self.text(value["of"]) * int(value["times"])

    def request(self, entry: Mapping[str, Any]) -> bytes:
        """An HTTP/1.1 request, byte for byte."""
        headers = {"Host": b"{host}", "Connection": b"close"}
        path, body = self.text(entry.get("path", "/sparql")), self.text(entry.get("body", ""))
        method = entry.get("method", "POST" if "query" in entry else "GET")
        if "query" in entry:
            body, headers["Content-Type"] = self.text(entry["query"]), b"application/sparql-query"
        if "fields" in entry:
            pairs = [(name, self.text(value)) for name, values in entry["fields"].items() for value in _values(values)]
            path += (b"&" if b"?" in path else b"?") + "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs).encode()
        if entry.get("token"):
            headers["Authorization"] = b"Bearer {token}"
        if entry.get("browser"):
            headers["Accept"] = BROWSER.encode()
        if body:
            headers["Content-Length"] = str(len(body)).encode()
        given = {name: self.text(value) for name, value in entry.get("headers", {}).items()}
        lower = {name.lower() for name in given}
        kept = {name: self.text(value.decode()) for name, value in headers.items() if name.lower() not in lower}
        lines = [name.encode() + b": " + value + b"\r\n" for name, value in {**kept, **given}.items()]
        return str(method).encode() + b" " + path + b" HTTP/1.1\r\n" + b"".join(lines) + b"\r\n" + body


def _values(values: Any) -> list[Any]:
    """`fields: {a: [x, y]}` sends `a` once, as the text `xy`; `fields: {a: {all: [x, y]}}` sends it twice."""
    return list(values["all"]) if isinstance(values, dict) and "all" in values else [values]
