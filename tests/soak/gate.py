"""Threads that act again and again, and can all be made to wait while somebody looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Gate:
    """Between two acts every actor passes the gate; while it is shut they wait there."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._shut = False
        self._ended = False
        self._acting = 0

    @contextmanager
    def act(self) -> Iterator[bool]:
        """One act; False when it is time to end."""
        with self._condition:
            self._condition.wait_for(lambda: not self._shut or self._ended)
            ended = self._ended
            self._acting += 1
        try:
            yield not ended
        finally:
            with self._condition:
                self._acting -= 1
                self._condition.notify_all()

    @contextmanager
    def shut(self, patience: float) -> Iterator[None]:
        """Nobody acts while the context lasts. Raises TimeoutError where an act does not end within `patience` seconds."""
        with self._condition:
            self._shut = True
            if not self._condition.wait_for(lambda: self._acting == 0, patience):
                raise TimeoutError(f"{self._acting} acts do not end.")
        try:
            yield
        finally:
            with self._condition:
                self._shut = False
                self._condition.notify_all()

    def end(self) -> None:
        """The last acts are done."""
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def wait(self, seconds: float) -> None:
        """Waits, but not beyond the end."""
        with self._condition:
            self._condition.wait_for(lambda: self._ended, seconds)


def actor(name: str, gate: Gate, act: Callable[[], None], failed: Callable[[str], None], pause: float) -> threading.Thread:
    """A thread that acts until the end, `pause` seconds apart; what nobody foresaw is told by `failed`."""

    def run() -> None:
        while True:
            with gate.act() as goes_on:
                if not goes_on:
                    return
                try:
                    act()
                except Exception as error:  # a thread that ends would make the test weaker without a word
                    failed(f"{name}: {type(error).__name__}: {error}")
                    time.sleep(0.1)
            gate.wait(pause)

    return threading.Thread(target=run, name=name, daemon=True)
