"""Locks between processes (flock): they end with the process that holds them, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dpa_kg.errors import NotFound, Overloaded

_POLL = 0.05  # seconds between two attempts


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Holds the file `path` against deletion. Raises NotFound where it is gone, or goes while we wait."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NotFound(f"{path} is gone.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if not _same(descriptor, path):
            raise NotFound(f"{path} is gone.")
        yield
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(path: Path, busy: str, *, wait: float = 0.0) -> Iterator[None]:
    """Holds the file `path`, made where it does not exist, alone. Waits at most `wait` seconds.

    Raises Overloaded, which says `busy`, where others hold it for longer.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        until = time.monotonic() + wait
        while not _acquired(descriptor):
            if time.monotonic() >= until:
                raise Overloaded(busy, hint="Try again when it has ended.")
            time.sleep(_POLL)
        yield
    finally:
        os.close(descriptor)


def _acquired(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
