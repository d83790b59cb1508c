"""Puts findings into words: names for IRIs, and one template per kind of constraint."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import yaml

from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.shapes import Result, Term
from dpa_kg.namespaces import LANGUAGES, RDFS, SH, SKOS, XSD, compact

_NAMES = (ox.NamedNode(f"{RDFS}label"), ox.NamedNode(f"{SKOS}prefLabel"))
_LONGEST = 90  # characters of a text that a message quotes
_LISTED = 12  # values that a message lists


@dataclass(frozen=True)
class Wording:
    """The words for what is in one store."""

    store: OxigraphStore

    @cached_property
    def texts(self) -> dict[str, Any]:
        """messages.yaml, every scalar as a string."""
        text = (Path(__file__).parent / "messages.yaml").read_text(encoding="utf-8")
        content: dict[str, Any] = yaml.load(text, yaml.BaseLoader)  # noqa: S506 (BaseLoader makes strings only)
        return content

    def label(self, iri: str, language: str) -> str | None:
        """The name of an entity, class or property in a language, or in the first of en, es, fr, pt that it has."""
        found: dict[str, str] = {}
        for name in _NAMES:
            for quad in self.store.engine.quads_for_pattern(ox.NamedNode(iri), name, None, ox.DefaultGraph()):
                if isinstance(quad.object, ox.Literal):
                    code = (quad.object.language or "").partition("-")[0]
                    found[code] = min(found.get(code, quad.object.value), quad.object.value)
        return next((found[code] for code in (language, *LANGUAGES, *sorted(found)) if code in found), None)

    def show(self, term: Term | None, language: str) -> str:
        """A term for people: “name” (prefix:local), or a text in quotation marks."""
        if term is None:
            return "—"
        if isinstance(term, ox.NamedNode):
            name = self.label(term.value, language)
            short = compact(term.value)
            return f"“{name}” ({short})" if name else short if short != term.value else f"<{term.value}>"
        if isinstance(term, ox.Literal):
            text = term.value if len(term.value) <= _LONGEST else f"{term.value[:_LONGEST]}…"
            if term.language:
                return f"“{text}”@{term.language}"
            return f"“{text}”" if term.datatype.value == f"{XSD}string" else f"“{text}” ({compact(term.datatype.value)})"
        return str(term)

    def show_path(self, path: str, language: str) -> str:
        """A property path for people."""
        return re.sub(r"<([^>]*)>", lambda match: self.show(ox.NamedNode(match[1]), language), path)

    def show_all(self, terms: Sequence[Term], component: str, language: str) -> str:
        """What a shape allows: a class, a number, a list of values …"""
        shown = [self._allowed(term, component, language) for term in terms]
        return ", ".join(shown[:_LISTED]) + (" …" if len(shown) > _LISTED else "")

    def _allowed(self, term: Term, component: str, language: str) -> str:
        if isinstance(term, ox.NamedNode) and term.value.startswith(SH):
            kind = self.texts["node_kinds"].get(term.value.removeprefix(SH))
            return str(kind[language]) if kind else compact(term.value)
        if isinstance(term, ox.Literal) and component != "In":
            return term.value
        if isinstance(term, ox.NamedNode) and term.value.startswith(XSD):
            return compact(term.value)
        return self.show(term, language)

    def message(self, result: Result, candidates: Sequence[str] = ()) -> dict[str, str]:
        """The sentence for a validation result in every language, with the nearest matches if there are any."""
        template = self.texts.get(result.component, self.texts["Other"])
        if result.path is None and "on_node" in template:
            template = template["on_node"]
        messages = {}
        for language in LANGUAGES:
            focus = self.show(result.focus, language)
            values = {
                "focus": focus,
                "path": self.show_path(result.path, language) if result.path else focus,
                "value": self.show(result.value, language),
                "allowed": self.show_all(result.allowed, result.component, language),
            }
            messages[language] = fill(template[language], values) + self.suggestion(candidates, language)
        return messages

    def suggestion(self, candidates: Sequence[str], language: str) -> str:
        """` Did you mean …?`, or nothing without candidates."""
        if not candidates:
            return ""
        shown = [self.show(ox.NamedNode(iri) if ":" in iri else ox.Literal(iri), language) for iri in candidates]
        return " " + fill(self.texts["suggestion"][language], {"candidates": f" {self.texts['or'][language]} ".join(shown)})

    def severity(self, severity: str, language: str) -> str:
        """The word for a severity."""
        return str(self.texts["severities"][severity][language])


def fill(template: str, values: Mapping[str, str]) -> str:
    """`{name}` replaced by values in one pass, so that a value cannot bring a placeholder of its own; unknown names stay."""
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), template)
