"""The pages' environment: templates, translations, and what a template needs to know of a request."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import yaml
from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dpa_kg.errors import ParameterError
from dpa_kg.http.caching import cache_headers
from dpa_kg.http.pages.links import Link, link_to, short_name
from dpa_kg.namespaces import LANGUAGES
from dpa_kg.representations.formats import HTML
from dpa_kg.representations.negotiation import negotiate_language

if TYPE_CHECKING:
    from dpa_kg.http.errors import Problem

_FOLDER: Final = Path(__file__).parent
_ADDRESSES: Final = re.compile(r'(\s(?:href|action|src)=")(?=/(?!/))')  # of this service; a value that is put in has no quote
_SEPARATORS: Final = {"en": (",", "."), "es": (".", ","), "fr": ("\u202f", ","), "pt": (".", ",")}
_OF_NO_VERSION: Final = ("/docs", "/static/", "/versions", "/validate", "/catalog")
LANGUAGE_NAMES: Final = {"en": "English", "es": "Español", "fr": "Français", "pt": "Português"}
Texts = Mapping[str, Mapping[str, Any]]


class Pages:
    """Templates, translations and the style sheet, read once when the app is made."""

    def __init__(self) -> None:
        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # in C where there is one: a fifth of a second of each start
        self.texts: Texts = yaml.load((_FOLDER / "translations.yaml").read_text("utf-8"), Loader=loader)  # noqa: S506 - it makes nothing but strings
        self.style = (_FOLDER / "static" / "style.css").read_bytes()
        self.style_tag = hashlib.sha256(self.style).hexdigest()[:12]
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def render(self, template: str, page: Page, **values: Any) -> str:
        """The template as HTML text; whatever is put into it is escaped."""
        html = self._templates.get_template(template).render(page=page, t=page.text, **values)
        root = page.request.scope.get("root_path", "")
        return _ADDRESSES.sub(rf"\g<1>{root}", html) if root else html

    def error(self, request: Request, problem: Problem) -> str:
        """The page for an error; it never fails on the language that was asked for."""
        try:
            language = negotiate_language(request.query_params.get("lang"), request.headers.get("accept-language"))
        except ParameterError:
            language = negotiate_language(None, request.headers.get("accept-language"))
        return self.render("error.html", Page(self, request, language, "", asks_version=False), problem=problem)


@dataclass(frozen=True)
class Page:
    """One page being made: its request, its language, and the address of the service as readers see it."""

    pages: Pages
    request: Request
    language: str
    base: str
    languages: Mapping[str, str] = field(default_factory=lambda: LANGUAGE_NAMES)
    asks_version: bool = True  # whether links keep the version that was asked for; not where it may be none

    def text(self, name: str, count: int | None = None, /, **values: Any) -> str:
        """The string `group.name` in the page's language; `count` chooses between its forms. Raises KeyError on an unknown name."""
        group, _, key = name.partition(".")
        entry = self.pages.texts[group][key]
        if count is not None:
            entry = entry["one" if count == 1 or (count == 0 and self.language == "fr") else "other"]
            values["number"] = self.number(count)
        return str(entry[self.language]).format(**values)

    def noun(self, noun: str) -> str:
        """What the entities of a noun are called; without a noun, the words of the vocabulary."""
        known = noun or "term"
        return self.text(f"noun.{known}" if known in self.pages.texts["noun"] else "noun.other")

    def number(self, value: float | str) -> str:
        """A number with the separators of the page's language; its digits stay as they are."""
        thousands, point = _SEPARATORS[self.language]
        whole, _, fraction = str(value).partition(".")
        sign, digits = ("\u2212", whole[1:]) if whole.startswith("-") else ("", whole)
        if not (digits.isdecimal() and (not fraction or fraction.isdecimal())):
            return str(value)
        return sign + f"{int(digits):,}".replace(",", thousands) + (point + fraction if fraction else "")

    def href(self, path: str, parameters: Mapping[str, Any] | None = None) -> str:
        """An address inside the service; a language and a version that were asked for (`?lang=`, `?version=`) are kept."""
        head, hash_sign, fragment = path.partition("#")
        version = {"version": self.version} if self.version and not head.startswith(_OF_NO_VERSION) else {}
        kept = {**version, **(parameters or {}), **({"lang": self.language} if self.is_language_asked else {})}
        return head + (f"?{urlencode(kept, doseq=True)}" if kept else "") + hash_sign + fragment

    @property
    def version(self) -> str | None:
        """The version that was asked for, if any."""
        asks = self.asks_version and not self.request.url.path.startswith(_OF_NO_VERSION)
        return self.request.query_params.get("version") if asks else None

    @property
    def canonical(self) -> str:
        """This page's address in the current version."""
        return without_version(self.request)

    @property
    def is_language_asked(self) -> bool:
        return self.request.query_params.get("lang") is not None

    def in_language(self, language: str) -> str:
        """This page's address in another language."""
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name != "lang"]
        return f"{quote(self.request.scope['path'])}?{urlencode([*kept, ('lang', language)])}"

    def link(self, iri: str) -> Link | None:
        """The link for an IRI in the data, in the page's language where it leads to one of our pages."""
        link = link_to(iri)
        return link if link is None or link.external else Link(self.href(link.href))

    def short_name(self, iri: str) -> str:
        """What to call an IRI that has no name."""
        return short_name(iri)

    def respond(
        self, template: str, *, status: int = 200, tag: str | None = None, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        """The template as a response in the page's language."""
        html = self.pages.render(template, self, **values)
        common = {"Content-Language": self.language, **cache_headers(tag), **(headers or {})}
        return Response(html, status, common, HTML.content_type)


def without_version(request: Request) -> str:
    """The address of a request, without the version that it asks for."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "version"]
    return quote(request.scope["path"]) + (f"?{urlencode(kept)}" if kept else "")


def is_complete(entry: Mapping[str, Any]) -> bool:
    """Whether a string of translations.yaml has all four languages (in both forms where it has two)."""
    forms = entry.values() if "other" in entry else [entry]
    return all(set(form) == set(LANGUAGES) for form in forms)
