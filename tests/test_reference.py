"""What stands in data/reference: places, kinds and names of organizations, and pairs that are possibly the same."""

from __future__ import annotations

import runpy
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pycountry
import pyoxigraph as ox
import pytest

from dpa_kg.namespaces import DPA, ID, LANGUAGES, PREFIXES, RDF, RDFS, REFERENCE_GRAPHS, SCHEMA

ROOT = Path(__file__).resolve().parents[1]
PLACE, ORGANIZATION, KIND = (f"{ID}{noun}/" for noun in ("place", "organization", "organization-kind"))
TYPE, LABEL, VARIANT, ACRONYM = f"{RDF}type", f"{RDFS}label", f"{DPA}variantName", f"{DPA}acronym"
CONTAINED, HOME, SAME = f"{DPA}containedIn", f"{DPA}homeCountry", f"{DPA}possiblySame"
CLASSIFICATION, PARENT = f"{PREFIXES['org']}classification", f"{PREFIXES['org']}subOrganizationOf"
CONTINENTS = {f"{PLACE}{name}" for name in ("africa", "americas", "asia", "europe", "oceania")}
REFERENCE_FILES = sorted((ROOT / "data" / "reference").glob("*.ttl"))
STATEMENT_FILES = sorted((ROOT / "data" / "statements").glob("*.trig"))

Fact = tuple[str, str, str | ox.Literal]  # an object is an IRI or a literal


class Facts:
    """Facts, asked by subject and property, or by property alone."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.all = frozenset(facts)
        self._links: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._texts: dict[tuple[str, str], list[ox.Literal]] = defaultdict(list)
        for s, p, o in self.all:
            if isinstance(o, str):
                self._links[s, p].add(o)
            else:
                self._texts[s, p].append(o)

    def links(self, subject: str, predicate: str) -> set[str]:
        return self._links.get((subject, predicate), set())

    def texts(self, subject: str, predicate: str) -> list[ox.Literal]:
        return self._texts.get((subject, predicate), [])

    def languages(self, subject: str, predicate: str = LABEL) -> list[str | None]:
        return [text.language for text in self.texts(subject, predicate)]

    def pairs(self, predicate: str) -> set[tuple[str, str]]:
        return {(s, o) for (s, p), objects in self._links.items() if p == predicate for o in objects}

    def of_type(self, iri: str) -> set[str]:
        return {thing for thing, kind in self.pairs(TYPE) if kind == iri}

    def used(self, namespace: str) -> set[str]:
        return {node for s, _, o in self.all for node in (s, o) if isinstance(node, str) and node.startswith(namespace)}

    def owners(self, namespace: str) -> dict[str, set[str]]:
        """Who is called what, in any language, lower case."""
        found: dict[str, set[str]] = defaultdict(set)
        for (s, p), texts in self._texts.items():
            if p in (LABEL, VARIANT, ACRONYM) and s.startswith(namespace):
                for text in texts:
                    found[text.value.casefold()].add(s)
        return found

    def within(self, place: str) -> set[str]:
        """Everything that contains the place, step by step."""
        found: set[str] = set()
        todo = {place}
        while todo := {larger for one in todo for larger in self.links(one, CONTAINED)} - found:
            found |= todo
        return found


def read(path: Path) -> list[Fact]:
    facts: list[Fact] = []
    for quad in ox.parse(path=str(path)):
        assert isinstance(quad.subject, ox.NamedNode)
        assert isinstance(quad.object, ox.NamedNode | ox.Literal)
        facts.append(
            (quad.subject.value, quad.predicate.value, quad.object.value if isinstance(quad.object, ox.NamedNode) else quad.object)
        )
    return facts


@pytest.fixture(scope="module")
def places() -> Facts:
    return Facts(read(ROOT / "data" / "reference" / "places.ttl"))


@pytest.fixture(scope="module")
def reference() -> Facts:
    return Facts(fact for path in REFERENCE_FILES for fact in read(path))


@pytest.fixture(scope="module")
def statements() -> Facts:
    return Facts(fact for path in STATEMENT_FILES for fact in read(path))


@pytest.fixture(scope="module")
def everything(reference: Facts, statements: Facts) -> Facts:
    return Facts(reference.all | statements.all)


def short(iris: Iterable[str]) -> list[str]:
    return sorted(iri.removeprefix(ID) for iri in iris)


def country(name: str) -> str:
    return f"{PLACE}{name}"


# ---- where from


@pytest.mark.parametrize("path", REFERENCE_FILES, ids=lambda path: path.stem)
def test_a_reference_file_says_first_where_it_is_from(path: Path) -> None:
    facts = read(path)
    graph = REFERENCE_GRAPHS + path.stem
    assert facts[0][0] == graph
    said = {p.removeprefix(PREFIXES["dcterms"]): o for s, p, o in facts if s == graph}
    assert set(said) == {"title", "description", "source"}
    assert [text.language for text in (said["title"], said["description"]) if isinstance(text, ox.Literal)] == ["en", "en"]


def test_the_reference_files_are_the_four_that_are_maintained() -> None:
    assert [path.stem for path in REFERENCE_FILES] == ["names", "organization-kinds", "places", "possibly-same"]


def test_places_are_what_the_generator_writes() -> None:
    written = runpy.run_path(str(ROOT / "scripts" / "reference_places.py"))["turtle"]()
    assert written == (ROOT / "data" / "reference" / "places.ttl").read_text("utf-8"), "run `make reference`"


# ---- countries and regions


def test_countries_are_those_of_iso_3166(places: Facts) -> None:
    found = places.of_type(f"{DPA}Country")
    codes = [[text.value for name in ("alpha2", "alpha3") for text in places.texts(one, DPA + name)] for one in found]
    assert sorted(codes) == sorted([each.alpha_2, each.alpha_3] for each in pycountry.countries)
    assert len(found) == 249


@pytest.mark.parametrize(
    ("slug", "code"),
    [("bolivia", "BO"), ("ivory-coast", "CI"), ("south-korea", "KR"), ("tanzania", "TZ"), ("turkey", "TR"), ("united-kingdom", "GB")],
)
def test_a_country_has_the_slug_of_its_short_english_name(places: Facts, slug: str, code: str) -> None:
    assert [text.value for text in places.texts(country(slug), f"{DPA}alpha2")] == [code]


@pytest.mark.parametrize(
    ("slug", "names"),
    [
        ("algeria", {"en": "Algeria", "es": "Argelia", "fr": "Algérie", "pt": "Argélia"}),
        ("brazil", {"en": "Brazil", "es": "Brasil", "fr": "Brésil", "pt": "Brasil"}),
        ("kenya", {"en": "Kenya", "es": "Kenia", "fr": "Kenya", "pt": "Quênia"}),
        ("turkey", {"en": "Turkey", "es": "Turquía", "fr": "Turquie", "pt": "Turquia"}),
    ],
)
def test_a_country_is_named_as_people_name_it(places: Facts, slug: str, names: dict[str, str]) -> None:
    assert {text.language: text.value for text in places.texts(country(slug), LABEL)} == names


def test_countries_and_regions_have_one_name_in_each_language(places: Facts) -> None:
    wanted = places.of_type(f"{DPA}Country") | places.of_type(f"{DPA}Region")
    assert len(wanted) > 260
    assert short(place for place in wanted if sorted(map(str, places.languages(place))) != sorted(LANGUAGES)) == []


def test_every_country_but_antarctica_is_on_one_continent(places: Facts) -> None:
    continents = {one: places.within(one) & CONTINENTS for one in places.of_type(f"{DPA}Country")}
    assert short(one for one, found in continents.items() if len(found) != 1) == ["place/antarctica"]


@pytest.mark.parametrize(
    ("place", "regions"),
    [
        ("bogota", ["americas", "colombia", "latin-america", "latin-america-and-the-caribbean", "south-america"]),
        ("haiti", ["americas", "caribbean", "latin-america", "latin-america-and-the-caribbean"]),
        ("mexico", ["americas", "latin-america", "latin-america-and-the-caribbean"]),
        ("jamaica", ["americas", "caribbean", "latin-america-and-the-caribbean"]),
        ("togo", ["africa", "sub-saharan-africa"]),
        ("tunis", ["africa", "middle-east-and-north-africa", "tunisia"]),
        ("lebanon", ["asia", "middle-east-and-north-africa"]),
        ("united-states", ["americas", "northern-america"]),
    ],
)
def test_a_place_lies_in_its_regions(places: Facts, place: str, regions: list[str]) -> None:
    assert sorted(region.removeprefix(PLACE) for region in places.within(PLACE + place)) == regions


def test_no_two_places_of_the_reference_share_a_name(places: Facts) -> None:
    owners = places.owners(PLACE)
    assert len(owners) > 1000
    assert {name: short(found) for name, found in owners.items() if len(found) > 1} == {}


# ---- places that the documents use


def test_every_place_that_the_documents_use_is_described(statements: Facts, everything: Facts) -> None:
    found = statements.used(PLACE)
    assert len(found) > 70
    assert short(place for place in found if not everything.links(place, TYPE) or not everything.texts(place, LABEL)) == []


def test_every_city_has_coordinates_and_a_country(everything: Facts) -> None:
    cities, countries = everything.of_type(f"{DPA}City"), everything.of_type(f"{DPA}Country")
    assert len(cities) > 25
    coordinates = {city: [len(everything.texts(city, SCHEMA + name)) for name in ("latitude", "longitude")] for city in cities}
    assert short(city for city, counts in coordinates.items() if counts != [1, 1]) == []
    assert short(city for city in cities if len(everything.within(city) & countries) != 1) == []


def test_every_city_of_the_reference_is_used(places: Facts, statements: Facts) -> None:
    assert short(places.of_type(f"{DPA}City") - statements.used(PLACE)) == []


def test_regions_that_no_single_country_contains_have_names_in_four_languages(everything: Facts) -> None:
    countries = everything.of_type(f"{DPA}Country")
    regions = {region for region in everything.of_type(f"{DPA}Region") if not everything.within(region) & countries}
    assert f"{PLACE}amazon-rainforest" in regions
    assert short(region for region in regions if set(everything.languages(region)) != set(LANGUAGES)) == []


# ---- organizations


def test_kinds_and_names_are_only_of_organizations_that_a_document_names(reference: Facts, statements: Facts) -> None:
    known = statements.of_type(f"{PREFIXES['org']}Organization")
    assert len(known) > 100
    assert short(reference.used(ORGANIZATION) - known) == []


def test_kinds_home_countries_and_parents_exist(reference: Facts) -> None:
    concepts = Facts(read(ROOT / "ontology" / "concepts.ttl")).of_type(f"{DPA}OrganizationKind")
    kinds, homes, parents = reference.pairs(CLASSIFICATION), reference.pairs(HOME), reference.pairs(PARENT)
    assert len(kinds) > 100
    assert short({kind for _, kind in kinds} - concepts) == []
    assert short({home for _, home in homes} - reference.of_type(f"{DPA}Country")) == []
    for pairs in (kinds, homes, parents):
        assert [organization for organization, count in Counter(organization for organization, _ in pairs).items() if count > 1] == []


def test_home_countries_do_not_contradict_the_documents(everything: Facts) -> None:
    homes = Counter(organization for organization, _ in everything.pairs(HOME))
    assert short(organization for organization, count in homes.items() if count > 1) == []


def test_a_name_added_here_fills_a_language_that_the_documents_leave_empty(reference: Facts, statements: Facts) -> None:
    added = {iri: reference.languages(iri) for iri in reference.used(ORGANIZATION) if reference.texts(iri, LABEL)}
    assert len(added) > 25
    assert short(iri for iri, languages in added.items() if len(languages) != len(set(languages))) == []
    assert short(iri for iri, languages in added.items() if set(languages) & set(statements.languages(iri))) == []


@pytest.mark.parametrize("name", ["IDB", "BID", "IADB", "Banco Interamericano de Desarrollo", "Inter-American Development Bank"])
def test_the_bank_is_found_by_any_of_its_names(everything: Facts, name: str) -> None:
    assert short(everything.owners(ORGANIZATION)[name.casefold()]) == ["organization/idb"]


def test_a_name_or_acronym_means_one_organization(everything: Facts) -> None:
    owners = everything.owners(ORGANIZATION)
    assert len(owners) > 250
    assert {name: short(found) for name, found in owners.items() if len(found) > 1} == {}


# ---- possibly the same


def test_both_ends_of_a_suspicion_exist_and_are_of_one_noun(reference: Facts, statements: Facts) -> None:
    pairs = reference.pairs(SAME)
    assert len(pairs) > 10
    assert short(end for pair in pairs for end in pair if not statements.links(end, TYPE)) == []
    assert [(a, b) for a, b in pairs if a == b or (b, a) in pairs] == []
    assert [(a, b) for a, b in pairs if a.rpartition("/")[0] != b.rpartition("/")[0]] == []


def test_every_suspicion_says_why() -> None:
    lines = (ROOT / "data" / "reference" / "possibly-same.ttl").read_text("utf-8").splitlines()
    pairs = [number for number, line in enumerate(lines) if " dpa:possiblySame " in line]
    assert len(pairs) > 10
    assert [lines[number] for number in pairs if not lines[number - 1].startswith("# ")] == []
