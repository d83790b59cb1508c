"""What the gate found, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from dpa_kg.namespaces import LANGUAGES, SHAPE

Severity = Literal["violation", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("violation", "warning", "info")
_CHECKS: Final = f"{SHAPE}check/"


@dataclass(frozen=True, order=True)
class Mention:
    """A graph (a passage, mostly) that mentions a node, and the files that write this graph; none for a user's graph."""

    graph: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    `path` is a SPARQL property path with full IRIs; `value` is a term as SPARQL results JSON has it; `messages` are
    sentences by language; `rule` is the IRI of the shape or the name of the check.
    """

    severity: Severity
    focus: str
    rule: str
    messages: Mapping[str, str]
    path: str | None = None
    value: Mapping[str, str] | None = None
    mentions: tuple[Mention, ...] = ()
    component: str = ""  # of SHACL, without `ConstraintComponent`; none for a check

    def message(self, language: str = "en") -> str:
        """The sentence in a language, or else in the first of en, es, fr, pt that there is."""
        return next((self.messages[code] for code in (language, *LANGUAGES) if code in self.messages), self.rule)

    @property
    def shape(self) -> str:
        """The IRI of the shape, or of the check, that the finding is about; a blank node's label where the shape has no name."""
        return f"{_CHECKS}{self.rule}" if not self.component and ":" not in self.rule else self.rule

    def to_json(self) -> dict[str, Any]:
        """For JSON, in the words of SHACL (section 3.6): `mentions` as a list of {graph, files}."""
        return {
            "severity": self.severity,
            "focusNode": self.focus,
            "path": self.path,
            "value": dict(self.value) if self.value else None,
            "shape": self.shape,
            "messages": dict(self.messages),
            "mentions": [{"graph": mention.graph, "files": list(mention.files)} for mention in self.mentions],
            "component": self.component,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """What `to_json` wrote."""
        renamed = {"focus": data["focusNode"], "rule": data["shape"].removeprefix(_CHECKS)}
        mentions = tuple(Mention(mention["graph"], tuple(mention["files"])) for mention in data["mentions"])
        same = {name: value for name, value in data.items() if name not in {"focusNode", "shape"}}
        return cls(**{**same, **renamed, "mentions": mentions})


@dataclass(frozen=True)
class Report:
    """All findings, violations first."""

    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, findings: list[Finding]) -> Report:
        """A report in a fixed order: by severity, then rule, focus and message; nothing twice."""
        ordered = sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), f.rule, f.focus, f.path or "", f.message()))
        unique = {(f.severity, f.rule, f.focus, f.path, f.message()): f for f in ordered}
        return cls(tuple(unique.values()))

    def count(self, severity: Severity) -> int:
        """How many findings have this severity."""
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def conforms(self) -> bool:
        """Whether nothing stands against publishing."""
        return not self.count("violation")

    def to_json(self) -> dict[str, Any]:
        """The report for JSON, with the counts."""
        return {"conforms": self.conforms, **{severity: self.count(severity) for severity in SEVERITIES},
                "results": [finding.to_json() for finding in self.findings]}  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """What `to_json` wrote."""
        return cls(tuple(Finding.from_json(finding) for finding in data["results"]))
