"""Who asks, and how much each client may ask at once. Behind a reverse proxy the server has put the client's own address in the scope."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fastapi import Request

from dpa_kg.http.errors import TooManyQueries

_NETWORK: Final = 64  # bits of an IPv6 address that one client has; the rest it chooses itself
_LONGEST: Final = 64  # characters


def client_of(request: Request) -> str:
    """The client's address; of IPv6 only the network, because one client has all addresses of it."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:_LONGEST]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _NETWORK), strict=False))


class Clients:
    """Counts what each client has running or waiting."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._asking: Counter[str] = Counter()

    @contextmanager
    def admit(self, client: str) -> Iterator[None]:
        """Raises TooManyQueries where the client has `most` of them already."""
        if self._asking[client] >= self._most:
            raise TooManyQueries(
                f"One client may have {self._most} queries running or waiting.", hint="Wait for an answer before you ask again."
            )
        self._asking[client] += 1
        try:
            yield
        finally:
            self._asking[client] -= 1
            if not self._asking[client]:
                del self._asking[client]

    def __len__(self) -> int:
        return len(self._asking)
