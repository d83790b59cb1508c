"""The catalogue of named queries: one `.rq` file per question, read and checked at start."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import yaml

from dpa_kg.errors import BuildError, NotFound
from dpa_kg.namespaces import LANGUAGES, PREFIXES
from dpa_kg.query.lexer import query_form, tokens
from dpa_kg.query.template import Template, misplaced

RESERVED = frozenset({"lang", "version", "limit", "offset", "format"})
LITERAL_TYPES = frozenset({"xsd:gYear", "xsd:integer", "xsd:decimal", "xsd:string", "xsd:date", "dpa:Period"})
PERIOD = "dpa:Period"

Text = Mapping[str, str]  # language -> text


def localized(text: Text, language: str) -> str:
    """`text` in `language`, or else in the first of en, es, fr, pt that it has."""
    return next((text[code] for code in (language, *LANGUAGES) if code in text), "")


@dataclass(frozen=True)
class Parameter:
    """One parameter. `type` is a class of entities or a literal type, as a prefixed name; `expand` (first, last) fills up short dates."""

    name: str
    type: str
    label: Text
    multiple: bool = False
    required: bool = False
    default: str | None = None
    expand: str = "first"

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of this parameter's `VALUES` row."""
        return (f"{self.name}First", f"{self.name}Last") if self.type == PERIOD else (self.name,)

    @property
    def is_entity(self) -> bool:
        return self.type not in LITERAL_TYPES


@dataclass(frozen=True)
class Example:
    """A question that the tests ask. `rows` may hold min, max or exactly."""

    title: Text
    parameters: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]


@dataclass(frozen=True)
class NamedQuery:
    """One question of the catalogue with its siblings: `coverage` counts what it leaves out, `evidence` gives passages.

    A column of the answer in a `VALUES` row of the evidence, between `#? if COLUMN` and `#? end`, stands for its values on the page.
    """

    name: str
    subject: str
    title: Text
    description: Text
    parameters: tuple[Parameter, ...]
    examples: tuple[Example, ...]
    columns: tuple[str, ...]
    form: str
    text: str
    template: Template
    coverage: Template | None
    coverage_text: Text
    evidence: Template | None

    def parameter(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


@dataclass(frozen=True)
class Catalogue:
    """All named queries by name, with the labels of subjects, parameters and columns."""

    queries: Mapping[str, NamedQuery]
    subjects: Mapping[str, Text]
    columns: Mapping[str, Text]
    values: Mapping[str, Mapping[str, Text]]  # by column and value: the few words that queries themselves write

    @classmethod
    def load(cls, folder: Path, *, check: bool = True) -> Catalogue:
        """Reads every query of `folder`, and checks them unless that has been done. Raises BuildError: which file, what is wrong."""
        labels = _yaml((folder / "labels.yaml").read_text("utf-8"), "labels.yaml")
        files = sorted(path for path in folder.glob("*.rq") if "." not in path.stem)
        queries = {path.stem: _read(path, labels, check=check) for path in files}
        for path in folder.glob("*.*.rq"):
            name, kind = path.stem.split(".", 1)
            if name not in queries or kind not in {"coverage", "evidence"}:
                raise BuildError(f"queries/{path.name} is the sibling of no query.")
        return cls(queries, labels["subjects"], labels["columns"], labels.get("values", {}))

    def __iter__(self) -> Iterator[NamedQuery]:
        return iter(self.queries.values())

    def get(self, name: str) -> NamedQuery:
        """The query `name`. Raises NotFound with a hint."""
        if name not in self.queries:
            raise NotFound(f"There is no named query '{name}'.", hint="The catalogue at /queries lists them all.")
        return self.queries[name]

    def by_subject(self) -> dict[str, list[NamedQuery]]:
        """The queries under each subject, subjects in the order of labels.yaml."""
        return {subject: [query for query in self if query.subject == subject] for subject in self.subjects}

    def column_label(self, name: str, language: str) -> str:
        """The heading of the column `name`; `projectName` is headed like `project`."""
        text = self.columns.get(name) or self.columns.get(name.removesuffix("Name")) or {}
        return localized(text, language) or name


def split_header(text: str) -> tuple[str, str]:
    """The YAML of the `#+ ` lines, and the rest of a query file."""
    lines = text.splitlines()
    header = [line[2:].removeprefix(" ") for line in lines if line.startswith("#+")]
    return "\n".join(header), "\n".join(line for line in lines if not line.startswith("#+"))


def _yaml(text: str, where: str) -> dict[str, Any]:
    try:
        read = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506 - BaseLoader makes nothing but strings
    except yaml.YAMLError as error:
        raise BuildError(f"queries/{where}: the header is not YAML: {error}") from error
    if not isinstance(read, dict):
        raise BuildError(f"queries/{where}: the header is not a mapping.")
    return read


def _read(path: Path, labels: Mapping[str, Any], *, check: bool) -> NamedQuery:
    where = path.name
    source = path.read_text("utf-8")
    yaml_text, text = split_header(source)
    header = _yaml(yaml_text, where)
    for key in ("title", "description", "subject"):
        if key not in header:
            raise BuildError(f"queries/{where}: the header has no {key}.")
    if header["subject"] not in labels["subjects"]:
        raise BuildError(f"queries/{where}: unknown subject {header['subject']!r}; labels.yaml has {', '.join(labels['subjects'])}.")
    parameters = tuple(_parameter(name, spec, labels, where) for name, spec in (header.get("parameters") or {}).items())
    template = Template.parse(text, f"queries/{where}")
    coverage, coverage_text = _sibling(path, "coverage")
    evidence, _ = _sibling(path, "evidence")
    columns = _columns(template, parameters, where)
    if check:
        _check(template, parameters, where, every=True)
        if coverage:
            _check(coverage, parameters, f"{path.stem}.coverage.rq", every=False)
        if evidence:
            of_page = evidence.conditions & set(columns) - {parameter.name for parameter in parameters}
            known = (*parameters, *(Parameter(column, "rdfs:Resource", {}) for column in sorted(of_page)))
            _check(evidence, known, f"{path.stem}.evidence.rq", every=False)
    return NamedQuery(
        name=path.stem,
        subject=header["subject"],
        title=header["title"],
        description=header["description"],
        parameters=parameters,
        examples=tuple(_example(example) for example in header.get("examples") or ()),
        columns=columns,
        form=query_form(text),
        text=source,
        template=template,
        coverage=coverage,
        coverage_text=coverage_text,
        evidence=evidence,
    )


def _parameter(name: str, spec: Mapping[str, Any], labels: Mapping[str, Any], where: str) -> Parameter:
    if name in RESERVED:
        raise BuildError(f"queries/{where}: the parameter name '{name}' is reserved.")
    if name not in labels["parameters"]:
        raise BuildError(f"queries/{where}: labels.yaml has no label for the parameter '{name}'.")
    kind = spec.get("type", "xsd:string")
    if kind not in LITERAL_TYPES and kind.partition(":")[0] not in PREFIXES:
        raise BuildError(f"queries/{where}: the parameter '{name}' has the unknown type '{kind}'.")
    return Parameter(
        name=name,
        type=kind,
        label=labels["parameters"][name],
        multiple=spec.get("multiple") == "true",
        required=spec.get("required") == "true",
        default=spec.get("default"),
        expand=spec.get("expand", "first"),
    )


def _example(spec: Mapping[str, Any]) -> Example:
    parameters = spec.get("parameters") or {}
    return Example(
        title=spec.get("title") or {},
        parameters={name: tuple(value) if isinstance(value, list) else (value,) for name, value in parameters.items()},
        rows={bound: int(number) for bound, number in (spec.get("rows") or {}).items()},
    )


def _sibling(path: Path, kind: str) -> tuple[Template | None, Text]:
    sibling = path.with_name(f"{path.stem}.{kind}.rq")
    if not sibling.is_file():
        return None, {}
    yaml_text, text = split_header(sibling.read_text("utf-8"))
    template = Template.parse(text, f"queries/{sibling.name}")
    return template, (_yaml(yaml_text, sibling.name).get("text", {}) if yaml_text.strip() else {})


def _check(template: Template, parameters: tuple[Parameter, ...], where: str, *, every: bool) -> None:
    """Each parameter has a row that it is used with, each row a parameter, each optional part a name; the text parses."""
    by_variables = {parameter.variables: parameter for parameter in parameters}
    names = {parameter.name for parameter in parameters}
    for variables in template.values:
        if variables not in by_variables:
            raise BuildError(f"queries/{where}: VALUES ?{' ?'.join(variables)} belongs to no declared parameter.")
    if unknown := template.conditions - names:
        raise BuildError(f"queries/{where}: '#? if {min(unknown)}' names no declared parameter.")
    if every and (unused := set(by_variables) - set(template.values)):
        raise BuildError(f"queries/{where}: the parameter ?{min(unused)[0]} has no VALUES row.")
    for line in template.lines:
        _check_optional(line.text, dict(line.conditions), by_variables, where)
    text = template.example(frozenset(names))
    uses = Counter(token.text for token in tokens(text) if token.kind == "variable")
    if idle := [variable for variables in template.values for variable in variables if uses[f"?{variable}"] < 2]:
        raise BuildError(f"queries/{where}: ?{idle[0]} is bound by its VALUES row and used nowhere.")
    if lost := misplaced(text):
        raise BuildError(f"queries/{where}: {', '.join(lost)} is used in a group that its VALUES row does not reach.")
    for given in (frozenset(names), frozenset(parameter.name for parameter in parameters if parameter.required)):
        _parse(template.example(given), where)


def _check_optional(line: str, conditions: Mapping[str, bool], by_variables: Mapping[tuple[str, ...], Parameter], where: str) -> None:
    match = re.match(r"^\s*VALUES\s+\(?\s*((?:\?\w+\s*)+)\)?\s*\{", line, re.I)
    parameter = by_variables.get(tuple(re.findall(r"\w+", match[1]))) if match else None
    if parameter and not (parameter.required or parameter.default) and conditions.get(parameter.name) is not True:
        raise BuildError(f"queries/{where}: the row of the optional parameter '{parameter.name}' stands outside '#? if {parameter.name}'.")


def _parse(text: str, where: str) -> Any:
    try:
        return ox.Store().query(text)
    except SyntaxError as error:
        raise BuildError(f"queries/{where} does not parse: {error}") from error


def _columns(template: Template, parameters: tuple[Parameter, ...], where: str) -> tuple[str, ...]:
    result = _parse(template.example(frozenset(parameter.name for parameter in parameters)), where)
    return tuple(variable.value for variable in result.variables) if isinstance(result, ox.QuerySolutions) else ()
