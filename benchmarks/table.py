"""Writes results as a table for people: `python -m benchmarks.table benchmarks/results/2026-01-31.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_HEAD = ("| graph | what | measured | must reach | |", "|---|---|---|---|---|")


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Markdown, one line for each row of the results, in their order."""
    return "\n".join([*_HEAD, *(_line(row) for row in rows)]) + "\n"


def _line(row: Mapping[str, Any]) -> str:
    size = f"{row['projects']:,} projects" if row["projects"] else ""
    verdict = "" if row["passes"] else "missed"
    return (
        f"| {size} | {row['what']} | {_number(row['value'])} {row['unit']} | {row['sense']} {row['target']:g} {row['unit']} | {verdict} |"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def main() -> None:
    """The newest results, or the file that is named."""
    results = sorted((Path(__file__).parent / "results").glob("*.json"))
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else results[-1]
    print(table(json.loads(path.read_text(encoding="utf-8"))["rows"]), end="")


if __name__ == "__main__":
    main()
