"""JSON-LD that refers to our context by its address, read without fetching anything: the bundled context takes the place of the address."""

from __future__ import annotations

import json
from typing import Any, Final

from dpa_kg import resources
from dpa_kg.errors import Forbidden
from dpa_kg.representations.jsonld import CANONICAL_CONTEXT

_NAME: Final = "context.jsonld"


def with_bundled_context(text: str, base: str | None = None) -> str:
    """The text with our context inside. Its nesting has been looked at before; what is no JSON is left to the parser.

    Raises Forbidden where it refers to any other context.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    known = {CANONICAL_CONTEXT, _NAME, f"/{_NAME}", *([f"{base.rstrip('/')}/{_NAME}"] if base else [])}
    return json.dumps(_inlined(document, frozenset(known)), ensure_ascii=False) if _refers(document) else text


def _refers(value: Any) -> bool:
    """Whether some `@context` is, or has, an address."""
    if isinstance(value, list):
        return any(_refers(item) for item in value)
    if not isinstance(value, dict):
        return False
    context = value.get("@context")
    given = context if isinstance(context, list) else [context]
    return any(isinstance(one, str) for one in given) or any(_refers(item) for item in value.values())


def _inlined(value: Any, known: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_inlined(item, known) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _context(item, known) if name == "@context" else _inlined(item, known) for name, item in value.items()}


def _context(value: Any, known: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_context(item, known) for item in value]
    if not isinstance(value, str):
        return _inlined(value, known)
    if value not in known:
        raise Forbidden(f"The context {value} is not read: nothing is fetched.", hint=f"Write it out, or use {CANONICAL_CONTEXT}.")
    return json.loads((resources.folder("ontology") / _NAME).read_text("utf-8"))["@context"]
