"""Content negotiation: which of the offered formats, and which language, a request asks for (RFC 9110, sections 12.4 and 12.5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from dpa_kg.errors import NotAcceptable, ParameterError
from dpa_kg.namespaces import LANGUAGES
from dpa_kg.representations.formats import Format

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_RANGE = re.compile(rf"({_WORD})(?:/({_WORD}))?")
_QUALITY = re.compile(r"(?:0?(?:\.\d*)?|1(?:\.0*)?)")
_QUOTED = r'"(?:[^"\\]|\\.)*"|"'
_ELEMENTS = re.compile(rf'(?:[^,"]|{_QUOTED})+')
_PARTS = re.compile(rf'(?:[^;"]|{_QUOTED})+')
_LONGEST, _MOST_RANGES = 4096, 100

ANYTHING, TYPE, LOOSE, EXACT = range(4)  # how closely a range fits: */*, text/*, text/csv;header=present, text/csv


@dataclass(frozen=True)
class MediaRange:
    """One element of an Accept header: `text/csv;q=0.5` is `("text", "csv", False, 0.5)`."""

    type: str
    subtype: str
    has_parameters: bool
    quality: float

    def fit(self, media_type: str) -> int | None:
        """How closely this range fits a media type, or None where it does not."""
        main, _, sub = media_type.partition("/")
        if self.type == "*":
            return ANYTHING
        if self.type != main:
            return None
        if self.subtype == "*":
            return TYPE
        if self.subtype != sub:
            return None
        return LOOSE if self.has_parameters else EXACT


def media_ranges(accept: str) -> tuple[MediaRange, ...]:
    """The elements of an Accept header. What is malformed is left out; at most a hundred elements are read."""
    elements = _ELEMENTS.findall(accept[:_LONGEST])[:_MOST_RANGES]
    return tuple(found for element in elements if (found := _media_range(element)))


def _media_range(element: str) -> MediaRange | None:
    head, *parameters = [part.strip() for part in _PARTS.findall(element)] or [""]
    match = _RANGE.fullmatch(head)
    if not match or (match[2] is None and match[1] != "*"):
        return None
    quality, others = 1.0, False
    for parameter in parameters:
        key, _, value = (side.strip().lower() for side in parameter.partition("="))
        if key == "q":
            if not value or value == "." or not _QUALITY.fullmatch(value):
                return None
            quality = float(value)
        elif key and not (key == "charset" and value.strip('"') in {"utf-8", "utf8"}):
            others = True
    return MediaRange(match[1].lower(), (match[2] or "*").lower(), others, quality)


def preference(offer: Format, ranges: Sequence[MediaRange]) -> tuple[float, int]:
    """Quality (0 excludes) and closeness of the range that decides about `offer`: the closest one, not the best one.

    A range that names an alias (`application/json` for SPARQL JSON) raises the quality of an offer whose own type is not named.
    """
    fits = [(fit, choice.quality) for choice in ranges if (fit := choice.fit(offer.media_type)) is not None]
    closeness, quality = max(fits, default=(-1, 0.0))
    if closeness < LOOSE:
        named = [choice.quality for choice in ranges for alias in offer.aliases if (choice.fit(alias) or 0) >= LOOSE]
        if named and max(named) >= quality > -1:
            return max(named), LOOSE
    return quality, closeness


def negotiate(accept: str | None, offered: Sequence[Format]) -> Format:
    """The offered format that an Accept header asks for; the first offered one where there is no usable header.

    The highest quality wins, then the closest range (`text/csv, */*` means CSV), then the order of `offered`.
    Raises NotAcceptable where none is acceptable, with the media types there are as candidates.
    """
    return _negotiated((accept or "")[:_LONGEST], tuple(offered))


@lru_cache(maxsize=256)
def _negotiated(accept: str, offered: tuple[Format, ...]) -> Format:
    """Clients say the same again and again."""
    ranges = media_ranges(accept)
    if not ranges:
        return offered[0]
    scores = [preference(offer, ranges) for offer in offered]
    best = max(scores)
    if best[0] <= 0:
        raise NotAcceptable(
            "None of the media types in the Accept header can be produced here.",
            hint="Ask for one of: " + ", ".join(offer.media_type for offer in offered) + ".",
            candidates=[{"name": offer.label, "iri": offer.media_type} for offer in offered],
        )
    return offered[scores.index(best)]


def negotiate_language(lang: str | None, accept_language: str | None) -> str:
    """One of en, es, fr, pt: what `?lang=` says, else the best of an Accept-Language header, else English.

    Regions are ignored (`pt-BR` is `pt`). Raises ParameterError where `lang` names another language.
    """
    if lang:
        primary = lang.strip().lower().replace("_", "-").partition("-")[0]
        if primary in LANGUAGES:
            return primary
        raise ParameterError(
            f"Nothing here is written in the language “{lang}”.",
            hint="Use one of: " + ", ".join(LANGUAGES) + ".",
            candidates=[{"name": language} for language in LANGUAGES],
        )
    ranges = media_ranges(_as_ranges(accept_language or ""))
    best, language = 0.0, LANGUAGES[0]
    for choice in ranges:
        primary = choice.type.partition("-")[0]
        if primary in LANGUAGES and choice.quality > best:
            best, language = choice.quality, primary
    return language


def _as_ranges(accept_language: str) -> str:
    """`es-MX,es;q=0.9` in the shape of media ranges, `es-MX/*,es/*;q=0.9`, so that one parser reads both."""
    parts = (element.partition(";") for element in accept_language[:_LONGEST].split(","))
    return ",".join(f"{head.strip()}/*{semicolon}{rest}" for head, semicolon, rest in parts if head.strip())
