"""Who asks, and how much each client may ask at once. Behind a reverse proxy the server has put the client's own address in the scope."""

from __future__ import annotations

import fcntl
import hashlib
import ipaddress
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import IO, Final

from fastapi import Request

from dpa_kg.http.errors import TooManyQueries

_NETWORK: Final = 64  # bits of an IPv6 address that one client has; the rest it chooses itself
_LONGEST: Final = 64  # characters
_CLIENTS: Final = 1 << 40  # numbers that clients have; two with the same one would share their places


def client_of(request: Request) -> str:
    """The client's address; of IPv6 only the network, because one client has all addresses of it."""
    return _client(request.client.host if request.client else "")


@lru_cache(maxsize=1024)
def _client(host: str) -> str:
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
    """The places of each client, `most` of them: one for each query that it has running or waiting.

    A place is a byte of `file` that is locked (fcntl, record locks); nothing is ever written there. All web processes lock bytes of the
    same file, so that the limit holds for all of them together, and a place is free when its process has ended, however it ended.
    """

    def __init__(self, most: int, file: IO[bytes]) -> None:
        self._most = most
        self._file = file
        self._ours: defaultdict[str, set[int]] = defaultdict(set)  # locks do not keep a process out of its own places

    @contextmanager
    def admit(self, client: str) -> Iterator[None]:
        """Raises TooManyQueries where the client has no place left."""
        first = int.from_bytes(hashlib.sha256(client.encode("utf-8", "replace")).digest()[:8]) % _CLIENTS * self._most
        place = next((place for place in range(first, first + self._most) if self._take(client, place)), None)
        if place is None:
            raise TooManyQueries(
                f"One client may have {self._most} queries running or waiting.", hint="Wait for an answer before you ask again."
            )
        try:
            yield
        finally:
            self._leave(client, place)

    def _take(self, client: str, place: int) -> bool:
        if client in self._ours and place in self._ours[client]:
            return False
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:  # another process has it
            return False
        self._ours[client].add(place)
        return True

    def _leave(self, client: str, place: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
        self._ours[client].discard(place)
        if not self._ours[client]:
            del self._ours[client]

    def __len__(self) -> int:
        return len(self._ours)
