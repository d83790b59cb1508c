"""Sorts more lines than should be held in memory: sorted runs in temporary files, merged while they are read."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, Final

RUN: Final = 200_000  # lines that are sorted in memory, some 50 MB


def sorted_lines(lines: Iterable[str], scratch: Path | None = None, run: int = RUN) -> Iterator[str]:
    """The lines, each with its line end, by code point. `scratch` is the folder for temporary files, which have no names."""
    rest = iter(lines)
    with ExitStack() as stack:
        files: list[IO[str]] = []
        while chunk := sorted(islice(rest, run)):
            if not files and len(chunk) < run:
                yield from chunk
                return
            file = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=scratch))
            file.writelines(chunk)
            file.seek(0)
            files.append(file)
        yield from heapq.merge(*files)
