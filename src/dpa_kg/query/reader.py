"""Reads one published version: SPARQL, named queries, search, entities. Synchronous; a worker process or the CLI holds one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Self

import pyoxigraph as ox

from dpa_kg import resources
from dpa_kg.errors import InputError, NotFound
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.search import Found, Names
from dpa_kg.graph.store import Answer as Solutions
from dpa_kg.graph.store import Store
from dpa_kg.namespaces import GRAPH, expand
from dpa_kg.query import data_set, dossier, internal, naming
from dpa_kg.query.answers import Answer, Dossier, Hit, PassageRef, Payload, SearchResult, Statistics, Suggestion
from dpa_kg.query.binding import Bound, bind
from dpa_kg.query.catalogue import Catalogue, NamedQuery, localized
from dpa_kg.query.lexer import guard, query_form
from dpa_kg.query.rows import Evidence, added, columns_of, localize, page
from dpa_kg.query.spool import Spool
from dpa_kg.representations import jsonld
from dpa_kg.representations.formats import GRAPH_FORMATS, JSON_LD, RESULT_FORMATS, Format, named
from dpa_kg.representations.graphs import write_graph
from dpa_kg.representations.negotiation import negotiate
from dpa_kg.terms import noun_of

_COUNTS = 1000  # answers of coverage queries that are kept


@dataclass(frozen=True)
class Limits:
    """What one question may cost: bytes of its text, nesting of its brackets, bytes of its answer, rows of a named query's page."""

    length: int = 65536
    nesting: int = 64
    result_bytes: int = 1 << 30
    page_rows: int = 100
    most_rows: int = 100_000


def own_catalogue() -> Catalogue:
    """The project's named queries. The service and the build have checked them."""
    return Catalogue.load(resources.folder("queries"), check=False)


class Reader:
    """One version, opened read-only. Every method answers with a value of `answers`."""

    def __init__(
        self,
        version: Version,
        spool: Path,
        limits: Limits | None = None,
        queries: Callable[[], Catalogue] | None = None,
        store: Store | None = None,
    ) -> None:
        """`queries` gives the catalogue when it is first asked for; without it, that of the project is read.

        `store` answers in place of the version's own one: a remote engine that holds the same version.
        """
        self.version = version
        self._spool = spool
        self._limits = limits or Limits()
        self._queries = queries or own_catalogue
        self._store: Store = store or OxigraphStore.open_read_only(version.store_path)
        self._counts: dict[str, list[dict[str, str]]] = {}
        self._thread = ThreadPoolExecutor(1)  # starts with its first work
        self.names = Names(version.search_path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._thread.shutdown()
        self.names.close()

    @cached_property
    def catalogue(self) -> Catalogue:
        """The named queries."""
        return self._queries()

    @cached_property
    def passages(self) -> Mapping[str, PassageRef]:
        """Every passage of the version by the IRI of its graph."""
        return {ref.iri: ref for ref in internal.passages(self._store)}

    def sparql(
        self,
        text: str,
        *,
        accept: str | None = None,
        default_graphs: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        base: str | None = None,
    ) -> Payload:
        """Evaluates a caller's query and writes the result in the format that `accept` prefers among those of its form."""
        guard(text, length=self._limits.length, nesting=self._limits.nesting)
        form = query_form(text)
        wanted = negotiate(accept, RESULT_FORMATS if form in {"SELECT", "ASK"} else GRAPH_FORMATS)
        address = f"{base}/sparql" if base else None
        return self._write(self._evaluate(text, default_graphs, named_graphs, address), wanted, base)

    def _evaluate(
        self, text: str, default_graphs: Sequence[str] | None, named_graphs: Sequence[str] | None, address: str | None
    ) -> Solutions:
        if isinstance(self._store, OxigraphStore):  # another engine reads the clauses of a text in its own way
            if default_graphs is None and named_graphs is None:
                default_graphs, named_graphs = data_set.of_text(text, address)
            if default_graphs is not None and len(set(default_graphs)) > 1:
                return data_set.merged(self._store, default_graphs, named_graphs or ()).query_all(text, address)
        return self._store.query(text, default_graph=default_graphs, named_graphs=named_graphs, base=address)

    def _write(self, result: Solutions, wanted: Format, base: str | None, root: str | None = None) -> Payload:
        spool = Spool(self._spool, self._limits.result_bytes)
        if isinstance(result, ox.QuerySolutions | ox.QueryBoolean):
            with spool.filling():
                result.serialize(spool, format=wanted.oxigraph)  # type: ignore[arg-type]  # the form of the query decides the kind of format
        elif wanted is JSON_LD:
            return Payload(JSON_LD.media_type, jsonld.compact(result, context_url=f"{base}/context.jsonld" if base else None, root=root))
        else:
            with spool.filling():
                write_graph(result, spool, wanted)  # type: ignore[arg-type]  # a raw sink is enough
        return spool.payload(wanted.media_type)

    def answer(
        self, name: str, parameters: Mapping[str, Sequence[str]], *, language: str = "en", limit: int | None = None, offset: int = 0
    ) -> Answer:
        """The answer to the named query: rows `offset` to `offset + limit` of all, in a total order."""
        query = self.catalogue.get(name)
        if query.form != "SELECT":
            raise InputError(f"The query '{name}' answers with a graph.", hint="Ask for Turtle or JSON-LD.")
        limit = self._limits.page_rows if limit is None else min(limit, self._limits.most_rows)
        bound = bind(query, parameters, self.names, language)
        text = query.template.render(bound.rows, bound.given)
        coverage = self._beside(partial(self._coverage, query, bound, language))
        rows, total = page(self._store.query(text), offset, limit)
        evidence = Evidence(self._store, self.passages, query, bound)
        return Answer(
            name=name,
            title=localized(query.title, language),
            description=localized(query.description, language),
            subject=query.subject,
            language=language,
            version=self.version.number,
            parameters=bound.resolved,
            columns=columns_of(query, rows, self.catalogue, language),
            rows=localize(rows, query.columns, self.names, self.catalogue, language),
            total=total,
            offset=offset,
            limit=limit,
            coverage=coverage(),
            evidence=evidence.of(rows),
            sparql=text,
        )

    def _beside(self, work: Callable[[], list[str]]) -> Callable[[], list[str]]:
        """Begins to work in another thread, and gives what waits for its end; a remote engine is asked one question at a time, so then."""
        if not isinstance(self._store, OxigraphStore):
            return work
        return self._thread.submit(work).result

    def _coverage(self, query: NamedQuery, bound: Bound, language: str) -> list[str]:
        """One sentence for each row of the coverage sibling that counts something."""
        if query.coverage is None:
            return []
        texts = [query.coverage.render(bound.rows, bound.given, part) for part in query.coverage.parts]
        counted = [self._counted(text) for text in texts]
        rows = added(counted) if len(counted) > 1 else counted[0]
        text = localized(query.coverage_text, language)
        return [text.format_map(row) for row in rows if row.get("count", "0") != "0"]

    def _counted(self, text: str) -> list[dict[str, str]]:
        """The rows of a coverage query or a part of it, which are the same for this version whoever asks."""
        if text not in self._counts:
            rows, _ = page(self._store.query(text), 0, self._limits.page_rows)
            self._counts[text] = [{name: term["value"] for name, term in row.items()} for row in rows]
            if len(self._counts) > _COUNTS:
                del self._counts[next(iter(self._counts))]
        return self._counts[text]

    def construct(
        self,
        name: str,
        parameters: Mapping[str, Sequence[str]],
        *,
        accept: str | None = None,
        language: str = "en",
        base: str | None = None,
    ) -> Payload:
        """The graph that a named CONSTRUCT query makes."""
        query = self.catalogue.get(name)
        wanted = negotiate(accept, GRAPH_FORMATS)
        bound = bind(query, parameters, self.names, language)
        return self._write(self._store.query(query.template.render(bound.rows, bound.given)), wanted, base)

    def search(self, text: str, *, noun: str | None = None, language: str = "en", limit: int = 20, offset: int = 0) -> SearchResult:
        """Entities with a name that holds all words of `text`, the last one as a prefix; else the entities with the nearest names."""
        matches = self.names.search(text, noun, limit, offset)
        near = [] if matches.facets else self.names.nearest(text, expand("rdfs:Resource"))
        found = [*matches.found, *(Found(row.iri, noun_of(row.iri), "", row.text) for row in near)]
        labels = self.names.labels({iri for hit in found for iri in (hit.iri, hit.kind) if iri}, language)
        hits = [Hit(hit.iri, hit.noun, labels.get(hit.iri, hit.matched), labels.get(hit.kind, ""), hit.matched) for hit in found]
        count = len(matches.found)
        return SearchResult(hits[:count], matches.total, matches.facets, matches.complete, hits[count:])

    def suggestions(self, type_name: str, language: str = "en", limit: int = 2000) -> list[Suggestion]:
        """Names for a field that takes entities of the class `type_name` (a prefixed name)."""
        return [Suggestion(label, iri) for label, iri in self.names.suggestions(expand(type_name), language, limit)]

    def label(self, iri: str, language: str = "en") -> str:
        """The name of an entity in a language, or an empty string."""
        return self.names.labels([iri], language).get(iri, "")

    def dossier(self, iri: str, language: str = "en") -> Dossier:
        """Everything said of an entity. Raises NotFound when nothing is."""
        facts = internal.facts(self._store, iri)
        if not any(fact.subject == iri for fact in facts):
            raise NotFound(f"Nothing is known of <{iri}>.", hint="/search finds entities by name.")
        labels = naming.Labels(self.names, language)
        return dossier.compose(iri, facts, names=self.names, labels=labels, passages=self.passages, version=self.version.number)

    def describe(self, iri: str, *, format_name: str, base: str | None = None) -> Payload:
        """The triples about an entity, the nodes that hang on it and what links to it. Raises NotFound when there are none."""
        wanted = next(candidate for candidate in GRAPH_FORMATS if candidate.answers_to(format_name))
        if not self.names.has_type(iri, expand("rdfs:Resource")) and not internal.exists(self._store, iri):
            raise NotFound(f"Nothing is known of <{iri}>.", hint="/search finds entities by name.")
        return self._write(internal.describe(self._store, iri), wanted, base, root=iri)

    def graph(self, name: str, *, format_name: str) -> Payload:
        """One of the project's own graphs (`ontology`, `shapes`, `queries`, `provenance`) as it stands."""
        wanted = next(candidate for candidate in GRAPH_FORMATS if candidate.answers_to(format_name))
        return self._write(internal.whole_graph(self._store, GRAPH + name), wanted, None)

    def named_graph(self, iri: str | None, *, format_name: str, base: str | None = None) -> Payload:
        """A named graph as it stands, or the default graph (None). Raises NotFound where there is none of that name."""
        if iri is not None and not self._store.has_graph(iri):
            raise NotFound(f"There is no graph <{iri}>.")
        wanted = named(format_name, GRAPH_FORMATS)
        triples = (quad.triple for quad in self._store.quads(iri))
        if wanted is JSON_LD:
            return Payload(JSON_LD.media_type, jsonld.compact(triples, context_url=f"{base}/context.jsonld" if base else None))
        spool = Spool(self._spool, self._limits.result_bytes)
        with spool.filling():
            write_graph(triples, spool, wanted)  # type: ignore[arg-type]  # a raw sink is enough
        return spool.payload(wanted.media_type)

    def statistics(self) -> Statistics:
        """How much this version holds."""
        counts = self.version.metadata
        return Statistics(
            version=self.version.number,
            created=str(counts.created),
            triples=counts.triples,
            graphs=counts.graphs,
            passages=len(self.passages),
            entities=internal.entities_by_noun(self._store),
        )
