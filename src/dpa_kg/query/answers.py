"""What the query layer answers with: plain frozen values that travel between processes as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

Term = Mapping[str, str]  # as in SPARQL 1.1 Query Results JSON: type, value, and where it applies xml:lang, datatype


@dataclass(frozen=True)
class Column:
    """A column of an answer. `kind` is entity, name, text, number, date or passage; a column `xName` holds the name of column `x`."""

    name: str
    label: str
    kind: str


@dataclass(frozen=True)
class PassageRef:
    """A passage: IRI of its graph, its source, the lines of the source's text file, status (stated, implied) and a note."""

    iri: str
    source: str
    source_label: str
    lines: str
    status: str
    note: str = ""


@dataclass(frozen=True)
class ResolvedValue:
    """What a parameter's text was taken for: the term's value, and a name to show."""

    value: str
    label: str


@dataclass(frozen=True)
class Answer:
    """The answer to a named query: one page of rows out of `total`, what it leaves out, the passages behind each row, the text asked."""

    name: str
    title: str
    description: str
    subject: str
    language: str
    version: int
    parameters: Mapping[str, Sequence[ResolvedValue]]
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Term]]
    total: int
    offset: int
    limit: int
    coverage: Sequence[str] = ()
    evidence: Sequence[Sequence[PassageRef]] = ()
    sparql: str = ""


@dataclass(frozen=True)
class Hit:
    """One entity found by search. `matched` is the name that the search met."""

    iri: str
    noun: str
    label: str
    kind_label: str
    matched: str


@dataclass(frozen=True)
class SearchResult:
    """A page of hits out of `total`, and how many of all hits each noun has; where it is not complete, out of that many at least.

    Where there are none, `nearest` has the entities with the names most like the text.
    """

    hits: Sequence[Hit]
    total: int
    facets: Mapping[str, int]
    complete: bool = True
    nearest: Sequence[Hit] = ()


@dataclass(frozen=True)
class Suggestion:
    """A name that a field can offer."""

    label: str
    iri: str


@dataclass(frozen=True)
class Fact:
    """One value of a property. `iri`, `label` and `noun` are set when it is an entity; `details` are short texts (role, title, period)."""

    value: Term
    label: str
    iri: str = ""
    noun: str = ""
    details: Sequence[str] = ()
    passages: Sequence[PassageRef] = ()


@dataclass(frozen=True)
class Group:
    """The facts of one property; `direction` is `out` (of the entity) or `in` (what links to it)."""

    property: str
    label: str
    direction: str
    facts: Sequence[Fact]


@dataclass(frozen=True)
class Name:
    """A name of an entity. `kind` is label, variant, acronym or code."""

    text: str
    language: str
    kind: str


@dataclass(frozen=True)
class Dossier:
    """Everything that the graph says about one entity, in one language."""

    iri: str
    noun: str
    types: Sequence[Suggestion]
    label: str
    description: str
    names: Sequence[Name]
    groups: Sequence[Group]
    passages: Sequence[PassageRef]
    version: int


@dataclass(frozen=True)
class Payload:
    """A serialized result: small ones in `body`, large ones in the file `path`, which the receiver deletes."""

    media_type: str
    body: bytes = b""
    path: str | None = None


@dataclass(frozen=True)
class Statistics:
    """Counts of one version: triples of the default graph, named graphs, passages, and entities by noun."""

    version: int
    created: str
    triples: int
    graphs: int
    passages: int
    entities: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """What a write has made: the number of the version that holds it, what it added and removed, and whether its graph is new."""

    version: int
    added: int
    removed: int
    created: bool = False


class Wire:
    """Writes and reads the values of this module as JSON. A payload's body travels beside it."""

    _types: ClassVar[tuple[type, ...]] = (Answer, SearchResult, Dossier, Payload, Statistics, Suggestion, Done)

    @classmethod
    def dump(cls, value: Any) -> Any:
        """A value (or a list of values, or a string) for a frame, with the name of its type."""
        if isinstance(value, list):
            return {"type": "list", "value": [cls.dump(item) for item in value]}
        if isinstance(value, str):
            return {"type": "str", "value": value}
        if isinstance(value, Payload):
            return {"type": "Payload", "value": {"media_type": value.media_type, "path": value.path}}
        return {"type": type(value).__name__, "value": value}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Any:
        """The inverse of dump."""
        if data["type"] == "list":
            return [cls.load(item) for item in data["value"]]
        if data["type"] == "str":
            return data["value"]
        kind = next(kind for kind in cls._types if kind.__name__ == data["type"])
        return Payload(**data["value"]) if kind is Payload else _adapter(kind).validate_python(data["value"])


@cache
def _adapter(kind: type) -> Any:
    """Reads the JSON of a type; made once, because making it takes longer than most questions."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - a worker only writes, and starts faster without it

    return TypeAdapter(kind)
