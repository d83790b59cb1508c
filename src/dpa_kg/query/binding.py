"""From what a caller wrote to RDF terms: entities by IRI, slug or any name, and literals of each type."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyoxigraph as ox
from rapidfuzz import process

from dpa_kg.errors import AmbiguousName, ParameterError, UnknownName
from dpa_kg.graph.search import NameRow, Names
from dpa_kg.namespaces import ID, NOUNS, PREFIXES, SCHEMES, XSD, expand
from dpa_kg.query.answers import ResolvedValue
from dpa_kg.query.catalogue import PERIOD, NamedQuery, Parameter
from dpa_kg.query.template import Row
from dpa_kg.terms import noun_of

_DATE = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{2}))?(?:-(?P<day>\d{2}))?", re.ASCII)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_IRI = re.compile(r"[^\x00-\x20<>\"{}|^`\\]+")
_MOST = 200  # values of one parameter
_INTERVALS = ("since", "until", "earlier", "later")


@dataclass(frozen=True)
class Bound:
    """The parameters of one question: the rows for its template, which are given, and what they were taken for."""

    rows: Mapping[tuple[str, ...], Sequence[Row]]
    given: frozenset[str]
    resolved: Mapping[str, Sequence[ResolvedValue]]


def bind(query: NamedQuery, written: Mapping[str, Sequence[str]], names: Names, language: str) -> Bound:
    """Resolves every parameter. Empty texts count as not given. Raises ParameterError, UnknownName or AmbiguousName."""
    for name in written:
        if query.parameter(name) is None:
            known = [parameter.name for parameter in query.parameters]
            close = process.extractOne(name, known, score_cutoff=60)
            hint = f"Did you mean '{close[0]}'?" if close else f"It takes: {', '.join(known) or 'no parameter'}."
            raise ParameterError(f"The query '{query.name}' has no parameter '{name}'.", hint=hint)
    rows: dict[tuple[str, ...], list[Row]] = {}
    resolved: dict[str, list[ResolvedValue]] = {}
    for parameter in query.parameters:
        texts = [text.strip() for text in written.get(parameter.name, ()) if text.strip()]
        if not texts and parameter.default is not None:
            texts = [parameter.default]
        _check_count(query, parameter, texts)
        for text in texts:
            row, value = _resolve(parameter, text, names, language)
            rows.setdefault(parameter.variables, []).append(row)
            resolved.setdefault(parameter.name, []).append(value)
    _check_order(query, rows)
    return Bound(rows, frozenset(resolved), resolved)


def _check_count(query: NamedQuery, parameter: Parameter, texts: Sequence[str]) -> None:
    if parameter.required and not texts:
        raise ParameterError(
            f"The query '{query.name}' needs the parameter '{parameter.name}'.", hint=f"Give a value for '{parameter.name}'."
        )
    if len(texts) > 1 and not parameter.multiple:
        raise ParameterError(f"'{parameter.name}' takes one value, and {len(texts)} were given.")
    if len(texts) > _MOST:
        raise ParameterError(f"'{parameter.name}' takes at most {_MOST} values, and {len(texts)} were given.")


def _check_order(query: NamedQuery, rows: Mapping[tuple[str, ...], Sequence[Row]]) -> None:
    """Refuses an interval that ends before it begins: it would find nothing, and look like an answer. ISO dates sort as texts."""
    days = {
        name: rows[parameter.variables][0][0] for name in _INTERVALS if (parameter := query.parameter(name)) and parameter.variables in rows
    }
    for first, last in (("since", "until"), ("earlier", "later")):
        if first in days and last in days and days[first] > days[last]:
            raise ParameterError(f"'{first}' is after '{last}'.", hint=f"Exchange the values of '{first}' and '{last}'.")


def _resolve(parameter: Parameter, text: str, names: Names, language: str) -> tuple[Row, ResolvedValue]:
    if parameter.is_entity:
        iri = entity(text, parameter.type, names, what=parameter.name, language=language)
        label = names.labels([iri], language).get(iri, iri)
        return (str(ox.NamedNode(iri)),), ResolvedValue(iri, label)
    terms = _LITERALS[parameter.type](text, parameter)
    return tuple(str(term) for term in terms), ResolvedValue(terms[0].value, text)


def entity(text: str, type_name: str, names: Names, what: str, language: str = "en") -> str:
    """The IRI of the entity of class `type_name` (a prefixed name) that `text` means: an IRI, a prefixed name, a slug, a name or acronym.

    `what` is named in errors. Raises UnknownName with the nearest names, AmbiguousName with the candidates.
    """
    type_iri = expand(type_name)
    for iri in _as_iris(text):
        if names.has_type(iri, type_iri):
            return iri
    matches = names.named(text, type_iri)
    exact = [row for row in matches if row.text == text]
    iris = {row.iri for row in exact or matches}
    if len(iris) == 1:
        return iris.pop()
    if iris:
        raise AmbiguousName(
            f"'{text}' is the name of {len(iris)} entities.",
            hint=f"Say which one by its IRI or its full name in '{what}'.",
            candidates=_candidates(matches, names, language),
        )
    raise _unknown(text, type_iri, names, what, language)


def _unknown(text: str, type_iri: str, names: Names, what: str, language: str) -> UnknownName:
    """Says whether the name is that of something of another kind, or else which names are near."""
    others = _candidates(names.named(text, expand("rdfs:Resource")), names, language)
    if others:
        kinds = {noun_of(other["iri"]) or "term" for other in others}
        wanted = names.labels([type_iri], language).get(type_iri, type_iri)
        hint = f"'{text}' names something else ({', '.join(sorted(kinds))}); '{what}' takes: {wanted}."
        return UnknownName(f"Unknown {what} '{text}'.", hint=hint, candidates=others)
    nearest = _candidates(names.nearest(text, type_iri), names, language)
    quoted = " or ".join(candidate["name"] for candidate in nearest[:2])
    hint = f"Did you mean {quoted}?" if nearest else "Nothing of that kind has a similar name; /search finds names."
    return UnknownName(f"Unknown {what} '{text}'.", hint=hint, candidates=nearest)


def _candidates(rows: Sequence[NameRow], names: Names, language: str) -> list[dict[str, str]]:
    """Each entity once: its name, and in brackets the name that is like what was written."""
    by_iri: dict[str, str] = {}
    for row in rows:
        label = names.labels([row.iri], language).get(row.iri, row.text)
        by_iri.setdefault(row.iri, label if label == row.text else f"{label} ({row.text})")
    return [{"name": name, "iri": iri} for iri, name in by_iri.items()]


def _as_iris(text: str) -> list[str]:
    if not _IRI.fullmatch(text):
        return []
    if _ABSOLUTE.fullmatch(text):
        return [text]
    if ":" in text and text.partition(":")[0] in PREFIXES:
        return [expand(text)]
    if "/" in text:
        return [ID + text]
    return [f"{ID}{noun}/{text}" for noun in (*NOUNS, *SCHEMES)]


def _year(text: str, parameter: Parameter) -> tuple[ox.Literal, ...]:
    if not re.fullmatch(r"[0-9]{4}", text):
        raise ParameterError(f"'{parameter.name}' takes a year such as 2019, and '{text}' is none.")
    return (_typed(text, "gYear"),)


def _date(text: str, parameter: Parameter) -> tuple[ox.Literal, ...]:
    first, last = _days(text, parameter)
    return (_typed(last if parameter.expand == "last" else first, "date"),)


def _period(text: str, parameter: Parameter) -> tuple[ox.Literal, ...]:
    return tuple(_typed(day, "date") for day in _days(text, parameter))


def _days(text: str, parameter: Parameter) -> tuple[str, str]:
    """The first and last day of a year, a month or a day."""
    match = _DATE.fullmatch(text)
    problem = ParameterError(f"'{parameter.name}' takes a date such as 2019, 2019-05 or 2019-05-07, and '{text}' is none.")
    if not match or int(match["year"]) == 0:
        raise problem
    year, month = int(match["year"]), int(match["month"] or 1)
    last_month = month if match["month"] else 12
    if not 1 <= month <= 12:
        raise problem
    length = calendar.monthrange(year, last_month)[1]
    first_day, last_day = (int(match["day"]),) * 2 if match["day"] else (1, length)
    if not 1 <= first_day <= last_day <= length:
        raise problem
    return f"{year:04}-{month:02}-{first_day:02}", f"{year:04}-{last_month:02}-{last_day:02}"


def _number(kind: str, pattern: str) -> Callable[[str, Parameter], tuple[ox.Literal, ...]]:
    def read(text: str, parameter: Parameter) -> tuple[ox.Literal, ...]:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ParameterError(f"'{parameter.name}' takes a number, and '{text}' is none.")
        return (_typed(text, kind),)

    return read


def _string(text: str, parameter: Parameter) -> tuple[ox.Literal, ...]:
    return (ox.Literal(text),)


def _typed(text: str, kind: str) -> ox.Literal:
    return ox.Literal(text, datatype=ox.NamedNode(XSD + kind))


_LITERALS: Mapping[str, Callable[[str, Parameter], tuple[ox.Literal, ...]]] = {
    "xsd:gYear": _year,
    "xsd:date": _date,
    PERIOD: _period,
    "xsd:integer": _number("integer", r"[+-]?\d{1,18}"),
    "xsd:decimal": _number("decimal", r"[+-]?\d{1,18}(\.\d{1,18})?"),
    "xsd:string": _string,
}
