"""After any change, what is derived around it is what would be derived from everything."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpa_kg.errors import BuildError
from dpa_kg.graph import merge, rederive, rules
from dpa_kg.graph.merge import Difference
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.reads import reads
from dpa_kg.namespaces import DERIVED_GRAPH, DPA, ID, ONTOLOGY_GRAPH, RDF, RDFS, SKOS, XSD
from dpa_kg.terms import into

ROOT = Path(__file__).parents[1]
GRAPHS = [ox.NamedNode(f"https://example.org/{name}") for name in ("one", "two")]
ORG = "http://www.w3.org/ns/org#"
PROV = "http://www.w3.org/ns/prov#"


def iri(text: str) -> ox.NamedNode:
    return ox.NamedNode(text)


@cache
def ontology() -> tuple[ox.Quad, ...]:
    read = (quad for path in sorted((ROOT / "ontology").glob("*.ttl")) for quad in ox.parse(path=str(path)))
    return tuple(ox.Quad(quad.subject, quad.predicate, quad.object, iri(ONTOLOGY_GRAPH)) for quad in read)


@cache
def all_rules() -> tuple[rules.Rule, ...]:
    return rules.read(ontology())


@cache
def vocabulary() -> tuple[ox.Quad, ...]:
    """What the rules read of the ontology: classes above classes, roles above roles."""
    wanted = {f"{RDFS}subClassOf", f"{SKOS}broader"}
    return tuple(quad for quad in ontology() if quad.predicate.value in wanted)


def store_of(quads: set[ox.Quad]) -> OxigraphStore:
    store = OxigraphStore.memory()
    merge.change(store, [*vocabulary(), *quads])
    rules.derive(store, all_rules())
    return store


def contents(store: OxigraphStore) -> tuple[set[ox.Quad], set[ox.Quad]]:
    derived = iri(DERIVED_GRAPH)
    return set(store.engine.quads_for_pattern(None, None, None, derived)), set(store.quads())


def change(store: OxigraphStore, added: set[ox.Quad], removed: set[ox.Quad]) -> Difference:
    """What `publish.change` does with a draft, as far as the rules are concerned."""
    gone, fresh = removed & set(store.engine), {quad for quad in added if quad not in store.engine}
    merge.change(store, fresh, gone)
    return rederive.rederive(store, all_rules(), merge.asserted(store, fresh, gone))


PEOPLE = [iri(f"{ID}person/p{n}") for n in range(3)]
ORGANIZATIONS = [iri(f"{ID}organization/o{n}") for n in range(3)]
PROJECTS = [iri(f"{ID}project/x{n}") for n in range(3)]
PARTS = [iri(f"{ID}participation/i{n}") for n in range(4)]
POSTS = [iri(f"{ID}membership/m{n}") for n in range(3)]
PLACES = [iri(f"{ID}place/l{n}") for n in range(4)]
ROLES = [iri(f"{ID}role/{name}") for name in ("funder", "supporter", "partner", "mine")]
CLASSES = [iri(DPA + name) for name in ("Project", "Publication", "Country", "City", "Region", "Undertaking")]
TEXTS = [ox.Literal(text, language=language) for text in ("A", "B", "Sea") for language in ("en", "es", "de")]
DATES = [
    ox.Literal(text, datatype=iri(XSD + kind)) for text, kind in (("2018", "gYear"), ("2019-05", "gYearMonth"), ("2020-02-29", "date"))
]


def triples(subjects: list[ox.NamedNode], predicate: str, objects: list[ox.NamedNode] | list[ox.Literal]) -> st.SearchStrategy[ox.Triple]:
    return st.builds(ox.Triple, st.sampled_from(subjects), st.just(iri(predicate)), st.sampled_from(objects))


THINGS = [*PROJECTS, *ORGANIZATIONS]
STATEMENTS = st.one_of(
    triples(THINGS, f"{DPA}participation", PARTS),
    triples(PARTS, f"{PROV}agent", [*ORGANIZATIONS, *PEOPLE]),
    triples(PARTS, f"{PROV}hadRole", ROLES),
    triples(ROLES, f"{SKOS}broader", ROLES),
    triples(POSTS, f"{ORG}member", PEOPLE),
    triples(POSTS, f"{ORG}organization", ORGANIZATIONS),
    triples(ORGANIZATIONS, f"{ORG}subOrganizationOf", ORGANIZATIONS),
    triples([*THINGS, *PEOPLE], f"{RDFS}label", TEXTS),
    triples(ROLES, f"{SKOS}prefLabel", TEXTS),
    triples(ORGANIZATIONS, f"{DPA}acronym", [ox.Literal("A"), ox.Literal("Sea")]),
    triples([*PROJECTS, *PLACES], f"{RDF}type", CLASSES),
    triples(PROJECTS, f"{DPA}place", PLACES),
    triples(ORGANIZATIONS, f"{ORG}hasSite", PLACES),
    triples(PLACES, f"{DPA}place", PLACES),
    triples(ORGANIZATIONS, f"{DPA}homeCountry", PLACES),
    triples(PLACES, f"{DPA}containedIn", PLACES),
    triples(PROJECTS, f"{DPA}startDate", DATES),
    triples(PROJECTS, f"{DPA}endDate", DATES),
    triples(PROJECTS, f"{DPA}ongoingAsOf", DATES),
    triples(PROJECTS, "http://purl.org/dc/terms/issued", DATES),
    triples(PROJECTS, f"{DPA}partOf", PROJECTS),
    triples(PROJECTS, f"{DPA}series", PROJECTS),
    triples(PROJECTS, f"{DPA}funder", ORGANIZATIONS),  # derived, mostly; somebody may assert it all the same
    triples(PROJECTS, f"{DPA}unstated", [iri(f"{DPA}country"), iri(f"{DPA}funder")]),  # and this, too
    triples(CLASSES, f"{RDFS}subClassOf", CLASSES),
)
QUADS = st.builds(into, STATEMENTS, st.sampled_from(GRAPHS))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.sets(QUADS, max_size=40), st.lists(st.tuples(st.sets(QUADS, max_size=4), st.integers(0, 6)), min_size=1, max_size=4))
def test_what_is_derived_around_a_change_is_what_follows_from_everything(
    begin: set[ox.Quad], steps: list[tuple[set[ox.Quad], int]]
) -> None:
    asserted, store = set(begin), store_of(begin)
    for added, seed in steps:
        removed = set(sorted(asserted, key=str)[seed::9])
        asserted = (asserted - removed) | added
        change(store, added, removed - added)
        assert contents(store) == contents(store_of(asserted))


def test_the_difference_is_what_the_derived_graph_got_and_lost() -> None:
    agent, part, thing = ORGANIZATIONS[0], PARTS[0], PROJECTS[0]
    quads = {
        ox.Quad(thing, iri(f"{DPA}participation"), part, GRAPHS[0]),
        ox.Quad(part, iri(f"{PROV}agent"), agent, GRAPHS[0]),
    }
    role = ox.Quad(part, iri(f"{PROV}hadRole"), ROLES[0], GRAPHS[0])
    store = store_of(quads)
    came = change(store, {role}, set())
    assert {(triple.predicate.value.removeprefix(DPA), triple.object) for triple in came.added} == {
        ("funder", agent),
        ("supportedBy", agent),
    }
    assert not came.removed
    went = change(store, set(), {role})
    assert (went.added, went.removed) == (frozenset(), came.added)


def test_a_change_that_reaches_too_far_is_derived_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    quads = {ox.Quad(project, iri(f"{DPA}place"), PLACES[0], GRAPHS[0]) for project in PROJECTS}
    country = ox.Quad(PLACES[0], iri(f"{RDF}type"), iri(f"{DPA}Country"), GRAPHS[0])
    store = store_of(quads)
    monkeypatch.setattr(rederive, "MOST", 2)
    found = change(store, {country}, set())
    assert contents(store) == contents(store_of({*quads, country}))
    assert ox.Triple(PROJECTS[0], iri(f"{DPA}country"), PLACES[0]) in found.added


def test_every_rule_can_be_followed_from_a_change() -> None:
    """A rule with an inverse path, a negated path or a free predicate would be derived from everything at each small change."""
    assert {rule.iri for rule in all_rules() if not reads(rule.text).is_bounded} == set()
    assert all(reads(rule.text).writes for rule in all_rules())


def test_the_predicates_of_a_query_are_found_in_paths_and_values() -> None:
    found = reads("""PREFIX : <urn:> CONSTRUCT { ?x :made ?y } WHERE {
      VALUES ?p { :one :two } ?x ?p ?y . ?x (:three/:four*)|:five ?z . ?z a :Thing FILTER(?y != :six) }""")
    assert found.is_bounded
    assert found.writes == {"urn:made"}
    assert found.predicates == {*(f"urn:{name}" for name in ("one", "two", "three", "four", "five")), f"{RDF}type"}
    assert found.meets(ox.Triple(iri("urn:a"), iri(f"{RDF}type"), iri("urn:Thing")))
    assert not found.meets(ox.Triple(iri("urn:a"), iri(f"{RDF}type"), iri("urn:Other")))
    assert not reads("PREFIX : <urn:> CONSTRUCT { ?x :made ?y } WHERE { ?x ^:one ?y }").is_bounded
    assert not reads("PREFIX : <urn:> CONSTRUCT { ?x :made ?y } WHERE { ?x ?free ?y }").is_bounded
    with pytest.raises(BuildError, match=r"any predicate \(\?free\)"):
        reads("CONSTRUCT { ?x ?free ?y } WHERE { ?x ?free ?y }")


def test_what_is_not_there_is_read_too() -> None:
    found = reads("""PREFIX : <urn:> CONSTRUCT { ?x :lacks :one }
      WHERE { ?x a :Thing ; :in :two FILTER NOT EXISTS { ?x :one ?y ; :three ?z } }""")
    assert found.negates
    assert found.predicates == {f"{RDF}type", *(f"urn:{name}" for name in ("in", "one", "three"))}
    assert reads("PREFIX : <urn:> CONSTRUCT { ?x :lacks :one } WHERE { ?x a :Thing MINUS { ?x :one ?y } }").negates
    assert not reads("PREFIX : <urn:> CONSTRUCT { ?x :made ?y } WHERE { ?x :one ?y }").negates


def test_a_rule_that_asks_what_is_not_there_speaks_of_one_thing() -> None:
    """Otherwise a change far away might make it say something else."""
    for where in ("?x a :Thing . ?x :part ?y FILTER NOT EXISTS { ?y :one ?z }", "?x a :Thing MINUS { ?y :one ?x }"):
        with pytest.raises(BuildError, match="must speak of one thing"):
            reads(f"PREFIX : <urn:> CONSTRUCT {{ ?x :lacks :one }} WHERE {{ {where} }}")


def test_a_funder_that_comes_takes_back_that_there_is_none_and_going_brings_it_again() -> None:
    thing, part = PROJECTS[0], PARTS[0]
    quads = {
        ox.Quad(thing, iri(f"{RDF}type"), iri(f"{DPA}Project"), GRAPHS[0]),
        ox.Quad(thing, iri(f"{DPA}participation"), part, GRAPHS[0]),
        ox.Quad(part, iri(f"{PROV}agent"), ORGANIZATIONS[0], GRAPHS[0]),
    }
    missing = {ox.Triple(thing, iri(f"{DPA}unstated"), iri(DPA + name)) for name in ("funder", "supportedBy")}
    role = ox.Quad(part, iri(f"{PROV}hadRole"), ROLES[0], GRAPHS[0])
    store = store_of(quads)
    assert missing <= {quad.triple for quad in store.quads()}
    assert change(store, {role}, set()).removed == missing
    assert missing <= change(store, set(), {role}).added
    assert contents(store) == contents(store_of(quads))
