"""A named query's text as a template: optional parts between `#? if` and `#? end`, and one `VALUES` row per parameter.

A coverage sibling may consist of parts between `#? part` and `#? end`, each of which can be left out. Its count is their sum, and
the sum is kept for each part, so that those which do not depend on some parameter are not counted again for each of its values.

Nothing is ever pasted into the text but RDF terms that the RDF library has written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dpa_kg.errors import BuildError
from dpa_kg.query.lexer import tokens

_CONDITION = re.compile(r"^\s*#\?\s*(?:if\s+(?P<negated>not\s+)?(?P<name>\w+)|(?P<part>part)|(?P<end>end))\s*$")
_VALUES = re.compile(
    r"^(?P<before>.*\bVALUES\s+)(?P<variables>\?\w+|\(\s*\?\w+(?:\s+\?\w+)*\s*\))\s*\{(?P<rows>.*)\}(?P<after>\s*\.?\s*)$", re.I
)

Row = Sequence[str]  # one RDF term per variable, as N-Triples writes it


@dataclass(frozen=True)
class Line:
    """One line with the conditions that keep it, pairs of (parameter, must it be given), and the part that it belongs to (0: to all)."""

    text: str
    conditions: tuple[tuple[str, bool], ...]
    part: int = 0


@dataclass(frozen=True)
class Template:
    """A query text that can be rendered with or without its optional parts."""

    lines: tuple[Line, ...]

    @classmethod
    def parse(cls, text: str, where: str) -> Template:
        """Reads `text`; `where` is named in the BuildError that an unbalanced `#? if` raises."""
        open_conditions: list[tuple[str, bool]] = []
        lines: list[Line] = []
        parts, in_part = 0, False
        for number, line in enumerate(text.splitlines(), 1):
            match = _CONDITION.match(line)
            if not match:
                if line.lstrip().startswith("#?"):
                    raise BuildError(f"{where}: line {number} is neither '#? if NAME', '#? if not NAME', '#? part' nor '#? end'.")
                lines.append(Line(line, tuple(open_conditions), parts if in_part else 0))
            elif match["part"]:
                if in_part or open_conditions:
                    raise BuildError(f"{where}: line {number} begins a part inside of another one.")
                parts, in_part = parts + 1, True
            elif match["end"] and in_part and not open_conditions:
                in_part = False
            elif match["end"]:
                if not open_conditions:
                    raise BuildError(f"{where}: line {number} ends an optional part that never began.")
                open_conditions.pop()
            else:
                open_conditions.append((match["name"], not match["negated"]))
        if open_conditions or in_part:
            what = f"optional part of '{open_conditions[-1][0]}'" if open_conditions else "last part"
            raise BuildError(f"{where}: the {what} never ends.")
        return cls(tuple(lines))

    @cached_property
    def conditions(self) -> frozenset[str]:
        """The parameters that decide on some part."""
        return frozenset(name for line in self.lines for name, _ in line.conditions)

    @cached_property
    def values(self) -> tuple[tuple[str, ...], ...]:
        """The variables of each `VALUES` row, without their question marks, in order of appearance."""
        return tuple(_variables(match["variables"]) for line in self.lines if (match := _VALUES.match(line.text)))

    def render(self, rows: Mapping[tuple[str, ...], Sequence[Row]], given: frozenset[str], part: int | None = None) -> str:
        """The text with the optional parts of `given` parameters, and each `VALUES` row replaced by `rows` of its variables.

        With a `part`, without what stands between `#? part` and `#? end` of the others.
        """
        lines = (line for line in self.lines if part is None or line.part in (0, part))
        kept = (line.text for line in lines if all((name in given) is wanted for name, wanted in line.conditions))
        return "\n".join(_replace(line, rows) for line in kept) + "\n"

    @cached_property
    def parts(self) -> range:
        """The numbers of the parts that can be asked one by one; a text without `#? part` is one part."""
        return range(1, max(1, *(line.part for line in self.lines)) + 1)

    def example(self, given: frozenset[str]) -> str:
        """The text with the example values that stand in the file."""
        return self.render({}, given)


def _variables(written: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\?(\w+)", written))


def _replace(line: str, rows: Mapping[tuple[str, ...], Sequence[Row]]) -> str:
    match = _VALUES.match(line)
    if not match or (variables := _variables(match["variables"])) not in rows:
        return line
    terms = rows[variables]
    tuples = " ".join(row[0] if len(variables) == 1 else f"({' '.join(row)})" for row in terms)
    if len(variables) == 1 and match["variables"].startswith("("):
        tuples = " ".join(f"({row[0]})" for row in terms)
    return f"{match['before']}{match['variables']} {{ {tuples} }}{match['after']}"


def misplaced(text: str) -> list[str]:
    """Variables bound by a `VALUES` row but used where that row does not reach.

    In a nested group (a branch of a UNION, an OPTIONAL, plain braces) a FILTER or BIND does not see the row of the group around it and
    silently matches nothing. Triple patterns join with the row wherever they stand; GRAPH and (NOT) EXISTS groups see it.
    """
    scan = _Scan()
    for token in tokens(text):
        if token.kind != "comment":
            scan.read(token.text, token.kind)
    return sorted({use.variable for use in scan.uses if use.variable in scan.bound and not scan.reached(use)})


@dataclass(frozen=True)
class _Use:
    variable: str
    groups: tuple[int, ...]
    in_expression: bool


class _Scan:
    """Walks over the tokens of a query and keeps which group each variable is bound and used in."""

    def __init__(self) -> None:
        self.bound: dict[str, set[int]] = {}
        self.uses: list[_Use] = []
        self._openers = [""]  # what opened group number i: OPTIONAL, UNION, GRAPH, EXISTS, or something else
        self._groups = [0]
        self._expressions = [0]  # open parentheses of a FILTER or BIND, for each open group
        self._before = ""
        self._in_values = False

    def read(self, text: str, kind: str) -> None:
        if text == "{":
            self._openers.append(self._before)
            self._groups.append(len(self._openers) - 1)
            self._expressions.append(0)
        elif text == "}" and len(self._groups) > 1:
            self._groups.pop()
            self._expressions.pop()
            self._in_values = False
        elif text == "(" and (self._expressions[-1] or self._before in {"FILTER", "BIND"}):
            self._expressions[-1] += 1
        elif text == ")" and self._expressions[-1]:
            self._expressions[-1] -= 1
        elif text.upper() == "VALUES":
            self._in_values = True
        elif kind == "variable" and self._in_values:
            self.bound.setdefault(text, set()).add(self._groups[-1])
        elif kind == "variable":
            self.uses.append(_Use(text, tuple(self._groups), self._expressions[-1] > 0))
        if not (self._before == "GRAPH" and kind in {"variable", "iri", "name"}):
            self._before = text.upper()

    def reached(self, use: _Use) -> bool:
        """Whether a row in this group, or in one that is seen from it, binds the variable (or none around it does at all)."""
        rows = self.bound[use.variable]
        for group in reversed(use.groups):
            if group in rows or not rows & set(use.groups):
                return True
            if use.in_expression and self._openers[group] not in {"GRAPH", "EXISTS"}:
                return False
        return True
