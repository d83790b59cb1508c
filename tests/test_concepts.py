"""The concepts: four languages, one scheme each, names that tell them apart, goals and codes that exist."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest
from rdflib import RDF, RDFS, SKOS, Graph, Literal, Namespace, URIRef

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
LANGUAGES = {"en", "es", "fr", "pt"}
DPA = Namespace("https://w3id.org/dpa-kg/ontology#")
ID = "https://w3id.org/dpa-kg/id/"
SDG = "http://metadata.un.org/sdg/"
IATI = "http://reference.iatistandard.org/codelists/"
SCHEMES = {"organization-kind", "role", "project-status", "publication-kind", "event-kind", "programme-kind", "data-kind", "theme"}
MAPPINGS = (SKOS.exactMatch, SKOS.closeMatch, SKOS.broadMatch)

G = Graph()
for _path in (ROOT / "ontology").glob("*.ttl"):
    G.parse(_path)
CONCEPTS = sorted(s for s in G.subjects(RDF.type, SKOS.Concept) if isinstance(s, URIRef))
SCHEME_NODES = sorted(s for s in G.subjects(RDF.type, SKOS.ConceptScheme) if isinstance(s, URIRef))


def languages(subject: URIRef, predicate: URIRef) -> list[str]:
    """The language of each value, sorted; a value without one counts as ''."""
    return sorted(o.language or "" for o in G.objects(subject, predicate) if isinstance(o, Literal))


def short(iri: URIRef) -> str:
    return iri.rsplit("/", 1)[-1]


def test_no_undefined_concept_is_used_anywhere() -> None:
    pattern = re.compile(rf"(?<![\w-])({'|'.join(sorted(SCHEMES))}):([a-z0-9-]+)")
    known = {c.removeprefix(ID).replace("/", ":") for c in CONCEPTS}
    paths = [p for f in ("ontology", "data", "queries") for s in ("ttl", "trig", "rq") for p in (ROOT / f).rglob(f"*.{s}")]
    unknown = {(p.name, f"{m[1]}:{m[2]}") for p in paths for m in pattern.finditer(re.sub(r"(?m)#.*$", "", p.read_text("utf-8")))}
    assert len(paths) > 20
    assert not sorted((name, concept) for name, concept in unknown if concept not in known)


def test_there_is_a_scheme_for_every_kind_of_concept() -> None:
    assert {short(s) for s in SCHEME_NODES} == SCHEMES
    assert len(CONCEPTS) > 200


@pytest.mark.parametrize("node", [*SCHEME_NODES, *CONCEPTS], ids=lambda c: c.removeprefix(ID))
def test_a_concept_has_one_name_and_one_definition_in_each_language(node: URIRef) -> None:
    assert languages(node, SKOS.prefLabel) == sorted(LANGUAGES)
    assert languages(node, SKOS.definition) == sorted(LANGUAGES)
    assert set(languages(node, SKOS.altLabel)) <= LANGUAGES
    for language in LANGUAGES:
        names = [str(o).casefold() for p in (SKOS.prefLabel, SKOS.altLabel) for o in G.objects(node, p) if o.language == language]  # type: ignore[attr-defined]
        assert len(names) == len(set(names)), "no synonym says the name again"


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda c: c.removeprefix(ID))
def test_a_concept_stands_in_its_scheme(concept: URIRef) -> None:
    name = concept.removeprefix(ID).partition("/")[0]
    scheme = URIRef(f"{ID}scheme/{name}")
    kind = DPA["".join(part.capitalize() for part in name.split("-"))]
    assert list(G.objects(concept, SKOS.inScheme)) == [scheme]
    assert (concept, RDF.type, kind) in G
    assert (kind, RDFS.subClassOf, SKOS.Concept) in G
    above = list(G.objects(concept, SKOS.broader))
    assert all((b, SKOS.inScheme, scheme) in G for b in above)
    assert ((concept, SKOS.topConceptOf, scheme) in G) == (not above), "at the top, or below another"
    assert all((r, SKOS.inScheme, scheme) in G for r in G.objects(concept, SKOS.related))
    assert not set(G.objects(concept, SKOS.related)) & set(G.transitive_objects(concept, SKOS.broader))


def test_no_two_concepts_of_a_scheme_have_a_name_in_common() -> None:
    named = defaultdict(set)
    for concept in CONCEPTS:
        for predicate in (SKOS.prefLabel, SKOS.altLabel):
            for o in G.objects(concept, predicate):
                named[G.value(concept, SKOS.inScheme), str(o).casefold()].add(short(concept))
    assert not {name[1]: concepts for name, concepts in named.items() if len(concepts) > 1}


def mapped(prefix: str) -> set[tuple[URIRef, URIRef]]:
    return {(c, o) for c in CONCEPTS for p in MAPPINGS for o in G.objects(c, p) if isinstance(o, URIRef) and o.startswith(prefix)}


def test_every_theme_meets_a_sustainable_development_goal() -> None:
    themes = {c for c in CONCEPTS if c.startswith(f"{ID}theme/")}
    assert themes == {c for c, _ in mapped(SDG)}


def test_the_goals_and_targets_exist() -> None:
    path = SHARED / "samples/un-sdg-goals-targets-indicators.ttl"
    if not path.exists():
        pytest.skip("needs ../shared/samples/un-sdg-goals-targets-indicators.ttl, the goals and targets as the United Nations publish them")
    goals = Graph().parse(path)
    assert len(mapped(SDG)) > 80
    assert not sorted(o for _, o in mapped(SDG) if (o, RDF.type, SKOS.Concept) not in goals)


def test_the_iati_codes_exist() -> None:
    path = SHARED / "samples/iati-codelists.json"
    if not path.exists():
        pytest.skip("needs ../shared/samples/iati-codelists.json, the code lists of IATI")
    lists = json.loads(path.read_text("utf-8"))["en-name"]
    codes = {f"{IATI}{name}/{code}" for name in ("OrganisationType", "OrganisationRole") for code in lists[name]}
    assert not sorted(str(o) for _, o in mapped(IATI) if str(o) not in codes)
    kinds = {c for c in CONCEPTS if c.startswith(f"{ID}organization-kind/")}
    assert kinds == {c for c, o in mapped(f"{IATI}OrganisationType/")}


def test_no_concept_is_broader_than_itself() -> None:
    for concept in CONCEPTS:
        above = {o for parent in G.objects(concept, SKOS.broader) for o in G.transitive_objects(parent, SKOS.broader)}
        assert concept not in above


def test_every_concept_has_a_definition_of_its_own() -> None:
    seen = defaultdict(set)
    for concept in CONCEPTS:
        for o in G.objects(concept, SKOS.definition):
            seen[str(o)].add(concept)
            assert str(o).endswith(".")
    assert not {text: terms for text, terms in seen.items() if len(terms) > 1}
