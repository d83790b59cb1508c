"""Triples as compact, readable JSON-LD 1.1, with the bundled context and nothing fetched from anywhere."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from dpa_kg import resources
from dpa_kg.errors import BuildError, Forbidden
from dpa_kg.namespaces import BASE, RDF, XSD
from dpa_kg.representations.formats import JSON_LD

Node = dict[str, Any]
CANONICAL_CONTEXT = f"{BASE}context.jsonld"
_TYPE = f"{RDF}type"
_STRING = f"{XSD}string"
_DEEPEST = 16  # readers of JSON give up somewhere; what lies deeper stands beside, not inside


@dataclass(frozen=True)
class Context:
    """A JSON-LD context: its document (`{"@context": …}`) and the address that written documents refer to."""

    document: Mapping[str, Any]
    url: str

    @classmethod
    def bundled(cls, url: str) -> Context:
        """The context of `ontology/context.jsonld`, served at `url`. Raises BuildError where it is no JSON object."""
        read = json.loads((resources.folder("ontology") / "context.jsonld").read_text("utf-8"))
        if not isinstance(read, dict) or "@context" not in read:
            raise BuildError("ontology/context.jsonld has no @context.")
        return cls(read, url)

    def loader(self) -> Callable[..., dict[str, Any]]:
        """A document loader for pyld that knows this context only; whatever else is asked for raises Forbidden."""

        def load(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
            if url != self.url:
                raise Forbidden(f"The context {url} is not read: this service fetches nothing.", hint=f"Use {self.url}.")
            return {"contentType": JSON_LD.media_type, "contextUrl": None, "documentUrl": url, "document": dict(self.document)}

        return load


def compact(triples: Iterable[ox.Triple], *, context_url: str | None = None, root: str | None = None) -> bytes:
    """The triples as a JSON-LD document in UTF-8 under the bundled context, which the document refers to as `context_url`.

    With `root` (an IRI that is a subject) the document is that node's object, the nodes it leads to stand inside it, and
    the others under `@included`. Without, a single subject is one object, several stand in `@graph`. Order is deterministic.
    """
    from dpa_kg.representations.compaction import Compactor  # noqa: PLC0415 - pyld takes a tenth of a second of every start

    context = Context.bundled(context_url or CANONICAL_CONTEXT)
    nodes = _nodes(triples)
    tree = _tree(nodes, root) if root in nodes else list(nodes.values())
    options = {"documentLoader": context.loader(), "processingMode": "json-ld-1.1", "skipExpansion": True}
    document = Compactor().compact(tree, dict(context.document), options)
    body = {key: value for key, value in document.items() if key != "@context"}
    if isinstance(body.get("@included"), dict):
        body["@included"] = [body["@included"]]  # one or many, it is a list
    return json.dumps({"@context": context.url, **_named_first(body)}, ensure_ascii=False, indent=2).encode()


def _nodes(triples: Iterable[ox.Triple]) -> dict[str, Node]:
    """Expanded node objects by IRI (or `_:` label), sorted."""
    nodes: dict[str, Node] = {}
    for triple in sorted(set(triples), key=str):
        node = nodes.setdefault(_name(triple.subject), {"@id": _name(triple.subject)})
        if triple.predicate.value == _TYPE and isinstance(triple.object, ox.NamedNode):
            node.setdefault("@type", []).append(triple.object.value)
        else:
            node.setdefault(triple.predicate.value, []).append(_value(triple.object))
    return nodes


def _name(term: Any) -> str:
    return f"_:{term.value}" if isinstance(term, ox.BlankNode) else str(term.value)


def _value(term: Any) -> Node:
    if not isinstance(term, ox.Literal):
        return {"@id": _name(term)}
    if term.language:
        return {"@value": term.value, "@language": term.language}
    if term.datatype.value == _STRING:
        return {"@value": term.value}
    return {"@value": term.value, "@type": term.datatype.value}


def _tree(nodes: Mapping[str, Node], root: str | None) -> list[Node]:
    """The root's node, each other node inside the first one (breadth first) that leads to it, the rest in `@included`."""
    placed: set[str] = set()
    first = _place(nodes, str(root), placed)
    rest = [_place(nodes, name, placed) for name in nodes if name not in placed]
    return [{**first, "@included": rest}] if rest else [first]


def _place(nodes: Mapping[str, Node], start: str, placed: set[str]) -> Node:
    placed.add(start)
    top = nodes[start]
    queue = deque([(top, 0)])
    while queue:
        node, depth = queue.popleft()
        for value in (value for key, values in node.items() if not key.startswith("@") for value in values):
            name = value.get("@id")
            if name in nodes and name not in placed and depth < _DEEPEST:
                placed.add(name)
                value.update(nodes[name])
                queue.append((value, depth + 1))
    return top


def _named_first(value: Any) -> Any:
    """Identifier and type before all other keys, what is only included after them, at every depth."""
    if isinstance(value, list):
        return [_named_first(item) for item in value]
    if not isinstance(value, dict):
        return value
    order = {"@id": 0, "id": 0, "@type": 1, "type": 1, "@included": 3, "included": 3}
    return {key: _named_first(value[key]) for key in sorted(value, key=lambda key: order.get(key, 2))}
