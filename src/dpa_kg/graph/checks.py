"""The checks: queries that must return nothing (`shapes/checks/NAME-violation.rq`, `-warning.rq`, `-info.rq`).

A line `#? changed ?x` says where the query begins when only what a change touches is looked at: it becomes a VALUES row of the nodes
that are changed, so that the cost follows the change. `#? changed ?x or ?y` asks twice, because either of them may be what is changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import yaml

from dpa_kg.errors import BuildError, QuerySyntaxError
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.report import SEVERITIES, Severity
from dpa_kg.namespaces import LANGUAGES

_CHANGED = re.compile(r"#\? changed (?P<first>\?\w+)(?: or (?P<other>\?\w+))?$", re.MULTILINE)
_BATCH = 1000  # nodes of one query
Row = dict[str, ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple]


@dataclass(frozen=True)
class Check:
    """One check. `message` is a template per language: `{variable}` stands for a variable of the row."""

    name: str
    severity: Severity
    title: Mapping[str, str]
    message: Mapping[str, str]
    text: str

    def run(self, store: OxigraphStore) -> list[Row]:
        """The rows that should not be. Raises BuildError where the query does not parse, or has no `?focus`."""
        return self._rows(store, self.text)

    def run_around(self, store: OxigraphStore, changed: Collection[str]) -> list[Row]:
        """The rows that should not be and that have one of these nodes (IRIs) where the query begins. Raises BuildError, as `run`."""
        nodes = [str(ox.NamedNode(iri)) for iri in sorted(changed)]
        ways = 2 if any(match["other"] for match in _CHANGED.finditer(self.text)) else 1
        batches = [nodes[first : first + _BATCH] for first in range(0, len(nodes), _BATCH)]
        return [row for batch in batches for way in range(ways) for row in self._rows(store, _beginning(self.text, batch, way))]

    def _rows(self, store: OxigraphStore, text: str) -> list[Row]:
        try:
            solutions = store.query(text)
        except QuerySyntaxError as error:
            raise BuildError(f"shapes/checks/{self.name}.rq: {error.detail}") from error
        if not isinstance(solutions, ox.QuerySolutions) or "focus" not in (names := [variable.value for variable in solutions.variables]):
            raise BuildError(f"shapes/checks/{self.name}.rq must be a SELECT query with ?focus.")
        return [{name: solution[name] for name in names if solution[name] is not None} for solution in solutions]


def _beginning(text: str, nodes: Sequence[str], way: int) -> str:
    """The query with its lines `#? changed` made rows of values."""
    values = f"{{ {' '.join(nodes)} }}"
    return _CHANGED.sub(lambda match: f"VALUES {(match['other'] if way else '') or match['first']} {values}", text)


def read(folder: Path) -> tuple[Check, ...]:
    """The checks in a folder, by name. Raises BuildError where a name has no severity, or a header is not complete."""
    return tuple(_check(path) for path in sorted(folder.glob("*.rq")))


def _check(path: Path) -> Check:
    severity = next((one for one in SEVERITIES if path.stem.endswith(f"-{one}")), None)
    if severity is None:
        raise BuildError(f"shapes/checks/{path.name}: the name must end in -violation.rq, -warning.rq or -info.rq.")
    text = path.read_text(encoding="utf-8")
    header = _header(text, path)
    message = header["message"]
    unknown = {name for one in message.values() for name in re.findall(r"\{(\w+)\}", one) if f"?{name}" not in text}
    if unknown:
        raise BuildError(f"shapes/checks/{path.name}: the message names {', '.join(sorted(unknown))}, which the query does not have.")
    return Check(path.stem, severity, header["title"], message, text)


def _header(text: str, path: Path) -> dict[str, Any]:
    lines = [line.removeprefix("#+").removeprefix(" ") for line in text.split("\n") if line.startswith("#+")]
    try:
        header: dict[str, Any] = yaml.load("\n".join(lines), yaml.BaseLoader)  # noqa: S506 (BaseLoader makes strings only)
    except yaml.YAMLError as error:
        raise BuildError(f"shapes/checks/{path.name}: the header is no YAML: {error}") from error
    for part in ("title", "message"):
        if not isinstance(header, dict) or not isinstance(header.get(part), dict) or set(LANGUAGES) - set(header[part]):
            raise BuildError(f"shapes/checks/{path.name}: the header needs a {part} in en, es, fr and pt.")
    return header
