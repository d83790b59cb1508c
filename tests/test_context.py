"""JSON-LD written with `ontology/context.jsonld` says again, to every reader, exactly what went in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from pyld import jsonld
from rdflib import OWL, RDF, RDFS, XSD

ROOT = Path(__file__).parent.parent
ONTOLOGY = ROOT / "ontology"
CONTEXT: dict[str, Any] = json.loads((ONTOLOGY / "context.jsonld").read_text("utf-8"))
TERMS: dict[str, Any] = CONTEXT["@context"]
DPA = "https://w3id.org/dpa-kg/ontology#"
ID = "https://w3id.org/dpa-kg/id/"
SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")
TYPE = ox.NamedNode(str(RDF.type))
# Keys that differ from the local name of their property, because that name is a prefix.
RENAMED = {"participation": "participations", "place": "places", "theme": "themes", "source": "sourceDocument"}

Term = ox.NamedNode | ox.BlankNode | ox.Literal


# ---- writing and reading


def expanded(triples: Iterable[ox.Triple]) -> list[dict[str, Any]]:
    """The triples as expanded JSON-LD, made by hand so that the context alone is under test."""
    nodes: dict[str, dict[str, Any]] = {}
    for s, p, o in triples:
        node = nodes.setdefault(named(s), {"@id": named(s)})
        if p == TYPE:
            node.setdefault("@type", []).append(named(o))
        else:
            node.setdefault(p.value, []).append(value(o))
    return list(nodes.values())


def named(term: Any) -> str:
    return f"_:{term.value}" if isinstance(term, ox.BlankNode) else str(term.value)


def value(term: Any) -> dict[str, str]:
    if not isinstance(term, ox.Literal):
        return {"@id": named(term)}
    if term.language:
        return {"@value": term.value, "@language": term.language}
    plain = term.datatype.value == str(XSD.string)
    return {"@value": term.value} if plain else {"@value": term.value, "@type": term.datatype.value}


def compacted(triples: Iterable[ox.Triple]) -> dict[str, Any]:
    """The JSON-LD document, once through JSON text as a client would get it."""
    document = jsonld.compact(expanded(triples), CONTEXT, {"processingMode": "json-ld-1.1"})
    read: dict[str, Any] = json.loads(json.dumps(document, ensure_ascii=False))
    return read


def canonical(triples: Iterable[ox.Triple]) -> set[str]:
    """The triples with canonical blank nodes, so that equal sets are isomorphic graphs."""
    dataset = ox.Dataset(ox.Quad(t.subject, t.predicate, t.object) for t in triples)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return {str(quad) for quad in dataset}


def read_by_oxigraph(document: dict[str, Any]) -> list[ox.Triple]:
    return [q.triple for q in ox.parse(json.dumps(document), format=ox.RdfFormat.JSON_LD)]


def read_by_pyld(document: dict[str, Any]) -> list[ox.Triple]:
    text = jsonld.to_rdf(document, {"format": "application/n-quads"})
    return [q.triple for q in ox.parse(text, format=ox.RdfFormat.N_QUADS)]


def read_by_rdflib(document: dict[str, Any]) -> list[ox.Triple]:
    text = rdflib.Graph().parse(data=json.dumps(document), format="json-ld").serialize(format="nt")
    return [q.triple for q in ox.parse(text, format=ox.RdfFormat.N_TRIPLES)]


def triples_of(path: Path) -> list[ox.Triple]:
    return [q.triple for q in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE)]


def assert_same(triples: list[ox.Triple]) -> None:
    document, before = compacted(triples), canonical(triples)
    for reader in (read_by_pyld, read_by_oxigraph):
        after = canonical(reader(document))
        assert before == after, (reader.__name__, sorted(before ^ after), document)


# ---- what there is in the world: any property with any value


def definition(key: str) -> dict[str, Any]:
    entry = TERMS[key]
    return entry if isinstance(entry, dict) else {"@id": entry}


def full(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{TERMS[prefix]}{local}" if isinstance(TERMS.get(prefix), str) else name


PREFIXES = {key: iri for key, iri in TERMS.items() if isinstance(iri, str) and iri.startswith("http")}
KEYS = [key for key in TERMS if key not in PREFIXES and key not in ("@version", "id", "type")]
CLASSES = sorted({full(TERMS[key]) for key in KEYS if isinstance(TERMS[key], str)})
PROPERTIES = sorted({full(definition(key)["@id"]) for key in KEYS if isinstance(TERMS[key], dict)})

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8).filter(lambda s: not s.startswith("-"))
iris = st.one_of(
    st.builds(lambda ns, slug: f"{ns}{slug}", st.sampled_from(sorted(PREFIXES.values())), names),
    st.builds(lambda slug: f"https://example.org/a/{slug}?q=1#{slug}", names),
    st.sampled_from(["mailto:a@example.org", "urn:isbn:0451450523", f"{ID}place/a/b", DPA]),
).map(ox.NamedNode)
blanks = st.integers(0, 2).map(lambda n: ox.BlankNode(f"n{n}"))
texts = st.text(st.characters(codec="utf-8"), max_size=12)
tags = st.sampled_from(["en", "es", "fr", "pt", "it", "pt-br", "zh-hant"])
LEXICAL = [
    ("300000.0", XSD.decimal), ("300000.00", XSD.decimal), ("-0.50", XSD.decimal), ("40", XSD.integer), ("007", XSD.integer),
    ("2017", XSD.gYear), ("2018-01", XSD.gYearMonth), ("2019-02-28", XSD.date), ("P12M", XSD.duration), ("true", XSD.boolean),
    ("1.0E3", XSD.double), ("late 2018", XSD.date), ("a", "https://example.org/type"),
]  # fmt: skip
typed = st.sampled_from(LEXICAL).map(lambda pair: ox.Literal(pair[0], datatype=ox.NamedNode(str(pair[1]))))
literals = st.one_of(texts.map(ox.Literal), st.builds(lambda text, tag: ox.Literal(text, language=tag), texts, tags), typed)
subjects = st.one_of(iris, blanks)
predicates = st.sampled_from([*PROPERTIES, "https://example.org/p", f"{DPA}unknown", str(RDFS.member)]).map(ox.NamedNode)
facts = st.builds(ox.Triple, subjects, predicates, st.one_of(iris, blanks, literals))
types = st.builds(ox.Triple, subjects, st.just(TYPE), st.one_of(st.sampled_from(CLASSES).map(ox.NamedNode), iris))


# ---- the tests


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(facts, types), min_size=1, max_size=12))
def test_whatever_goes_in_comes_out_again(triples: list[ox.Triple]) -> None:
    assert_same(triples)


def literal(text: str, datatype: Any) -> ox.Literal:
    return ox.Literal(text, datatype=ox.NamedNode(str(datatype)))


@pytest.mark.parametrize("predicate", PROPERTIES, ids=lambda p: p.split("/")[-1])
def test_each_property_keeps_every_sort_of_value(predicate: str) -> None:
    objects: list[Term] = [
        ox.NamedNode(f"{ID}place/bogota"), ox.NamedNode("https://example.org/x"), ox.BlankNode("b"),
        ox.Literal("plain"), ox.Literal("x", language="en"), ox.Literal("y", language="en"), ox.Literal("z", language="pt"),
        *(literal(*pair) for pair in LEXICAL),
    ]  # fmt: skip
    assert_same([ox.Triple(ox.NamedNode(f"{ID}project/a"), ox.NamedNode(predicate), o) for o in objects])


EXAMPLES = sorted((ROOT / "tests/context").glob("*.ttl"))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_comes_out_again_and_reads_well(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rdflib, "NORMALIZE_LITERALS", False)  # else rdflib itself writes P12M as P1Y
    triples = triples_of(path)
    assert_same(triples)
    document = compacted(triples)
    assert canonical(read_by_rdflib(document)) == canonical(triples)
    nodes = document["@graph"]
    assert {key for node in nodes for key in node} <= {*KEYS, "id", "type"}, "every key is a plain word"
    assert not [node["id"] for node in nodes if node["id"].startswith("http")], "every IRI is compact"


@pytest.mark.parametrize("path", sorted(ONTOLOGY.glob("*.ttl")), ids=lambda p: p.stem)
def test_the_ontology_itself_comes_out_again(path: Path) -> None:
    assert_same(triples_of(path))


DATA = sorted(p for pattern in ("*.ttl", "*.trig") for p in (ROOT / "data").rglob(pattern))


@pytest.mark.parametrize("path", DATA, ids=lambda p: p.stem)
def test_the_data_come_out_again(path: Path) -> None:
    triples = {quad.triple for quad in ox.parse(path=str(path))}
    document = compacted(sorted(triples, key=str))
    assert canonical(read_by_oxigraph(document)) == canonical(triples)


def one(slug: str, predicate: str, term: Term) -> dict[str, Any]:
    return compacted([ox.Triple(ox.NamedNode(ID + slug), ox.NamedNode(predicate), term)])


def test_names_are_language_maps_with_lists() -> None:
    document = one("organization/idb", str(RDFS.label), ox.Literal("Inter-American Development Bank", language="en"))
    assert document["label"] == {"en": ["Inter-American Development Bank"]}
    assert document["id"] == "organization:idb"


def test_a_date_shows_how_precise_it_is() -> None:
    document = one("project/opal", f"{DPA}startDate", literal("2017", XSD.gYear))
    assert document["startDate"] == {"type": "xsd:gYear", "@value": "2017"}


def test_an_amount_keeps_its_digits() -> None:
    assert one("grant/a", f"{DPA}amount", literal("300000.00", XSD.decimal))["amount"] == "300000.00"


def test_a_link_is_a_compact_name() -> None:
    document = one("project/opal", f"{DPA}place", ox.NamedNode(f"{ID}place/bogota"))
    assert document["places"] == "place:bogota"


def test_the_prefixes_are_those_of_the_table() -> None:
    table = rdflib.Graph().parse(ONTOLOGY / "prefixes.ttl")
    declared = {str(table.value(d, SH.prefix)): str(table.value(d, SH.namespace)) for d in table.objects(None, SH.declare)}
    assert declared == PREFIXES


def test_every_term_of_the_ontology_has_a_key() -> None:
    graph = rdflib.Graph()
    for path in ONTOLOGY.glob("*.ttl"):
        graph.parse(path)
    kinds = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty)
    terms = {str(s) for kind in kinds for s in graph.subjects(RDF.type, kind) if str(s).startswith(DPA)}
    assert len(terms) > 100
    assert not sorted(terms - {*CLASSES, *PROPERTIES})


def test_a_key_is_the_local_name_of_its_property_but_for_the_names_that_are_prefixes() -> None:
    own = {key: definition(key)["@id"] for key in KEYS if definition(key)["@id"].startswith("dpa:")}
    assert own == {RENAMED.get(name, name): f"dpa:{name}" for name in (iri.partition(":")[2] for iri in own.values())}


def test_links_are_links_and_typed_values_have_their_range() -> None:
    graph = rdflib.Graph()
    for path in ONTOLOGY.glob("*.ttl"):
        graph.parse(path)
    for key in KEYS:
        term, entry = rdflib.URIRef(full(definition(key)["@id"])), definition(key)
        if not str(term).startswith(DPA) or (term, RDF.type, OWL.Class) in graph:
            continue
        spans = set(graph.objects(term, RDFS.range))
        if (term, RDF.type, OWL.ObjectProperty) in graph:
            assert entry.get("@type") == "@id", key
        elif RDF.langString in spans:
            assert entry.get("@container") == ["@language", "@set"], key
        elif spans & {XSD.date, XSD.duration, XSD.integer} or key == "amount":
            assert full(entry["@type"]) == str(next(iter(spans))), key
        else:
            assert "@type" not in entry, key
