"""`/search`: entities by any of their names."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from dpa_kg.errors import ParameterError
from dpa_kg.http import openapi
from dpa_kg.http.caching import cache_headers, entity_tag, not_modified
from dpa_kg.http.dependencies import ask, base_url, chosen, language, page, version
from dpa_kg.http.pages.links import link_to
from dpa_kg.http.pages.rendering import Page
from dpa_kg.http.question import Question
from dpa_kg.namespaces import NOUNS, SCHEMES
from dpa_kg.query.answers import Hit, SearchResult
from dpa_kg.representations.formats import HTML, JSON

router = APIRouter(tags=["Search"])
_HITS: Final = 50  # on one page
_MOST_HITS: Final = 1000
_LONGEST: Final = 200  # characters


@router.get("/search", summary="Find entities by name", openapi_extra=openapi.SEARCH, response_class=Response)
async def search(request: Request) -> Response:
    """Names in all languages, acronyms and spelling variants; every word must occur, the last one may be the beginning of one."""
    form, current, asked = chosen(request, (JSON, HTML)), version(request), Question.read(request)
    text, noun = _one(asked, "q")[:_LONGEST], _noun(asked)
    limit = min(asked.limit if asked.limit is not None else _HITS, _MOST_HITS)
    tag = entity_tag(current, "search", form.name, language(request), base_url(request), str(request.query_params))
    if found := not_modified(request, tag):
        return found
    if not text and form is JSON:
        raise ParameterError("“q” is missing.", hint="Write ?q= and a part of a name.")
    arguments: dict[str, Any] = {"text": text, "noun": noun, "language": language(request), "limit": limit, "offset": asked.offset}
    result: SearchResult | None = await ask(request, "search", **arguments) if text else None
    if form is HTML:
        return _page(request, _Shown(text, noun, result, asked.offset, limit), tag)
    body = {"q": text, "noun": noun, "version": current.number, "limit": limit, "offset": asked.offset, **_data(request, result)}
    return Response(json.dumps(body, ensure_ascii=False, indent=2), headers=cache_headers(tag), media_type=JSON.media_type)


def _one(asked: Question, name: str) -> str:
    values = asked.parameters.get(name, ())
    return values[0].strip() if values else ""


def _noun(asked: Question) -> str | None:
    noun = _one(asked, "noun")
    known = {*NOUNS, *SCHEMES, "scheme"}
    if noun and noun not in known:
        raise ParameterError(f"There is no kind of entity “{noun}”.", hint=f"There are: {', '.join(sorted(known))}.")
    return noun or None


def _data(request: Request, result: SearchResult | None) -> dict[str, Any]:
    if result is None:
        return {"total": 0, "complete": True, "facets": {}, "hits": [], "nearest": []}
    hits, nearest = ([{**asdict(hit), "url": _address(request, hit.iri)} for hit in some] for some in (result.hits, result.nearest))
    return {"total": result.total, "complete": result.complete, "facets": dict(result.facets), "hits": hits, "nearest": nearest}


@dataclass(frozen=True)
class _Shown:
    """What the page shows: the text and kind that were asked for, and one page of hits."""

    text: str
    noun: str | None
    result: SearchResult | None
    offset: int
    limit: int

    @property
    def groups(self) -> list[tuple[str, list[Hit]]]:
        """The hits by noun; the noun of the best hit comes first."""
        groups: dict[str, list[Hit]] = {}
        for hit in self.result.hits if self.result else ():
            groups.setdefault(hit.noun, []).append(hit)
        return list(groups.items())

    @property
    def facets(self) -> list[tuple[str, int]]:
        """The nouns of all hits with their numbers, the most frequent first; words of the vocabulary have none."""
        found = self.result.facets if self.result else {}
        return sorted(((noun, count) for noun, count in found.items() if noun), key=lambda facet: -facet[1])

    def address(self, page: Page, offset: int) -> str:
        """The same search from another row on."""
        own = {"q": self.text, **({"noun": self.noun} if self.noun else {}), **({"offset": offset} if offset else {})}
        return page.href("/search", own)


def _address(request: Request, iri: str) -> str:
    """Where this service tells about an IRI."""
    link = link_to(iri)
    return iri if link is None or link.external else base_url(request) + link.href


def _page(request: Request, shown: _Shown, tag: str) -> Response:
    view = page(request)
    end = shown.offset + (len(shown.result.hits) if shown.result else 0)
    more = shown.result is not None and bool(shown.result.hits) and end < shown.result.total
    return view.respond(
        "search.html",
        tag=tag,
        version=version(request).number,
        shown=shown,
        previous=shown.address(view, max(shown.offset - shown.limit, 0)) if shown.offset else None,
        following=shown.address(view, end) if more else None,
    )
