"""pyld's compaction, faster."""

from __future__ import annotations

from typing import Any

from pyld import jsonld


class Compactor(jsonld.JsonLdProcessor):  # type: ignore[misc]  # pyld has no types
    """JSON-LD 1.1 compaction, but an IRI is compacted once: pyld looks at every prefix for every IRI, which was half of its time."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[int, str, bool], Any] = {}
        self._prefixes: dict[int, dict[str, str]] = {}

    def _compact_iri(  # noqa: PLR0917 - pyld calls it so
        self, active_ctx: Any, iri: Any, value: Any = None, vocab: bool = False, base: Any = None, reverse: bool = False
    ) -> Any:
        if value is not None or reverse or not isinstance(iri, str):
            return super()._compact_iri(active_ctx, iri, value=value, vocab=vocab, base=base, reverse=reverse)
        key = (id(active_ctx), iri, vocab)
        if key not in self._known:
            curie = None if vocab else self._curie(active_ctx, iri)
            self._known[key] = curie or super()._compact_iri(active_ctx, iri, vocab=vocab, base=base)
        return self._known[key]

    def _curie(self, active_ctx: Any, iri: str) -> str | None:
        """`prefix:local` where the context has a prefix for everything up to the last `/` or `#`, and no term of that name."""
        terms = active_ctx["mappings"]
        if id(active_ctx) not in self._prefixes:
            known = sorted(((name, term) for name, term in terms.items() if term and term.get("_prefix")), reverse=True)
            self._prefixes[id(active_ctx)] = {term["@id"]: name for name, term in known}
        local = iri[max(iri.rfind("/"), iri.rfind("#")) + 1 :]
        prefix = self._prefixes[id(active_ctx)].get(iri[: len(iri) - len(local)])
        curie = f"{prefix}:{local}"
        return curie if prefix and local and curie not in terms else None
