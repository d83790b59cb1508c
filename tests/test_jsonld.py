"""JSON-LD as the service writes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyld import jsonld

from dpa_kg import resources
from dpa_kg.errors import Forbidden
from dpa_kg.namespaces import DPA, GRAPH, ID, PREFIXES, RDF, XSD
from dpa_kg.representations.jsonld import CANONICAL_CONTEXT, Context, compact

URL = "http://127.0.0.1:8000/context.jsonld"
PROJECT = f"{ID}project/ciudata-segura"


def triples_of(turtle: str) -> list[ox.Triple]:
    prefixes = "\n".join(f"@prefix {prefix}: <{iri}> ." for prefix, iri in PREFIXES.items())
    return [quad.triple for quad in ox.parse(f"{prefixes}\n{turtle}", format=ox.RdfFormat.TURTLE)]


EXAMPLE = triples_of("""
    project:ciudata-segura a dpa:Project ; rdfs:label "Ciudata Segura"@es , "Safe Cities"@en , "Safer Cities"@en ;
        dpa:startDate "2017"^^xsd:gYear , "2018-01"^^xsd:gYearMonth ; dpa:place place:medellin ;
        dpa:participation participation:a , participation:b .
    participation:a a dpa:Participation ; prov:agent organization:idb ; prov:hadRole role:funder .
    participation:b a dpa:Participation ; prov:agent organization:idb ; prov:hadRole role:partner .
    organization:idb a org:Organization ; rdfs:label "Inter-American Development Bank"@en ; dpa:acronym "IDB" .
    grant:g a dpa:Grant ; dpa:funds project:ciudata-segura ; dpa:amount "300000.50"^^xsd:decimal ; dpa:currency "USD" .
""")


def read(document: bytes) -> list[ox.Triple]:
    """The triples of a document, by pyld with a loader that knows the bundled context only."""
    context = Context.bundled(URL)
    options = {"documentLoader": context.loader(), "format": "application/n-quads"}
    return [quad.triple for quad in ox.parse(jsonld.to_rdf(json.loads(document), options), format=ox.RdfFormat.N_QUADS)]


def canonical(triples: Sequence[ox.Triple]) -> set[str]:
    data_set = ox.Dataset(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in triples)
    data_set.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return {str(quad) for quad in data_set}


@pytest.mark.parametrize("root", [None, PROJECT, f"{ID}organization/idb", "https://example.org/no-subject"])
def test_a_document_read_again_is_isomorphic_to_what_went_in(root: str | None) -> None:
    assert canonical(read(compact(EXAMPLE, context_url=URL, root=root))) == canonical(EXAMPLE)


def test_the_root_is_the_document_and_what_it_leads_to_stands_inside() -> None:
    document = json.loads(compact(EXAMPLE, context_url=URL, root=PROJECT))
    assert list(document)[:3] == ["@context", "id", "type"]
    assert (document["@context"], document["id"], document["type"]) == (URL, "project:ciudata-segura", "Project")
    inside = document["participations"]
    assert [participation["hadRole"] for participation in inside] == ["role:funder", "role:partner"]
    assert inside[0]["agent"]["acronym"] in ("IDB", ["IDB"])
    assert inside[1]["agent"] == "organization:idb"


def test_what_the_root_does_not_lead_to_is_included_beside_it() -> None:
    document = json.loads(compact(EXAMPLE, context_url=URL, root=PROJECT))
    (key,) = (name for name in document if name in {"@included", "included"})
    assert [node["id"] for node in document[key]] == ["grant:g"]
    assert list(document)[-1] == key


def test_numbers_keep_their_digits() -> None:
    assert '"300000.50"' in compact(EXAMPLE, context_url=URL, root=PROJECT).decode()


def test_one_subject_is_one_object_and_no_graph() -> None:
    document = json.loads(compact(triples_of('place:peru rdfs:label "Peru"@en .')))
    assert document["@context"] == CANONICAL_CONTEXT
    assert document["id"] == "place:peru"
    assert "@graph" not in document


def test_several_subjects_without_a_root_are_a_graph() -> None:
    document = json.loads(compact(EXAMPLE, context_url=URL))
    assert [node["id"] for node in document["@graph"]] == [
        "grant:g",
        "organization:idb",
        "participation:a",
        "participation:b",
        "project:ciudata-segura",
    ]


def test_the_order_of_the_triples_does_not_change_the_document() -> None:
    assert compact(reversed(EXAMPLE), context_url=URL) == compact(EXAMPLE, context_url=URL)


def test_nothing_at_all_is_an_empty_document() -> None:
    assert json.loads(compact([], context_url=URL)) == {"@context": URL}


def test_a_chain_longer_than_readers_can_nest_is_still_written_whole() -> None:
    chain = triples_of("\n".join(f"place:p{n} dpa:containedIn place:p{n + 1} ." for n in range(3000)))
    document = compact(chain, context_url=URL, root=f"{ID}place/p0")
    assert canonical(read(document)) == canonical(chain)
    assert _depth(json.loads(document)) < 100


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(inner) for inner in value.values()), default=0)
    return max((_depth(inner) for inner in value), default=0) if isinstance(value, list) else 0


def test_a_context_from_elsewhere_is_never_read() -> None:
    document = {"@context": "http://127.0.0.1:9/evil.jsonld", "id": "x"}
    with pytest.raises(jsonld.JsonLdError) as caught:
        jsonld.expand(document, {"documentLoader": Context.bundled(URL).loader()})
    assert "fetches nothing" in str(caught.value) or isinstance(caught.value.__cause__, Forbidden)


LOCAL = st.text("abcxyz0-.é ", min_size=1, max_size=8)
IRIS = st.builds(
    lambda prefix, local: ox.NamedNode(PREFIXES[prefix] + local.replace(" ", "_")),
    st.sampled_from(sorted(PREFIXES)),
    LOCAL,
)
ODD = st.sampled_from(["urn:x:y", f"{GRAPH}lac-page/L44", "http://e.org/", f"{ID}organization/a/b"])
NODES = IRIS | ODD.map(ox.NamedNode) | st.sampled_from([ox.BlankNode("a"), ox.BlankNode("b")])
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
LITERALS = (
    TEXT.map(ox.Literal)
    | st.builds(lambda text, language: ox.Literal(text, language=language), TEXT, st.sampled_from(["en", "es", "pt-br", "it"]))
    | st.builds(
        lambda text, kind: ox.Literal(text, datatype=ox.NamedNode(kind)),
        TEXT,
        st.sampled_from([f"{XSD}gYear", f"{XSD}date", f"{XSD}decimal", f"{XSD}integer", f"{XSD}boolean", f"{DPA}odd"]),
    )
)
LOCAL_NAMES = ("startDate", "participation", "place", "theme", "amount", "acronym", "variantName", "position", "series")
OWN = [f"{DPA}{name}" for name in LOCAL_NAMES]
OTHERS = [f"{RDF}type", PREFIXES["rdfs"] + "label", PREFIXES["prov"] + "agent"]
PREDICATES = st.sampled_from([*OWN, *OTHERS]).map(ox.NamedNode) | IRIS
TRIPLES = st.lists(st.builds(ox.Triple, NODES, PREDICATES, NODES | LITERALS), max_size=12)


@settings(deadline=None, max_examples=60)
@given(TRIPLES)
def test_any_triples_survive_with_and_without_a_root(triples: list[ox.Triple]) -> None:
    root = next((triple.subject.value for triple in triples if isinstance(triple.subject, ox.NamedNode)), None)
    for chosen in {None, root}:
        assert canonical(read(compact(triples, context_url=URL, root=chosen))) == canonical(triples)


def test_the_faster_compaction_says_what_plain_pyld_says() -> None:
    """Over every file of the ontology: the shortcut must not change one key."""
    triples = [quad.triple for path in sorted(resources.folder("ontology").glob("*.ttl")) for quad in ox.parse(path=path)][:1500]
    assert len(triples) == 1500
    ours = json.loads(compact(triples, context_url=URL))
    context = Context.bundled(URL)
    plain = jsonld.compact(json.loads(json.dumps(ours)), dict(context.document), {"documentLoader": context.loader()})
    by_id = {node["id"]: node for node in plain["@graph"]}
    assert len(by_id) > 100
    for node in ours["@graph"]:
        assert node == by_id[node["id"]]
