"""The vocabulary is complete: four languages everywhere, nothing undefined, one table of prefixes, one version."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest
from rdflib import DCTERMS, OWL, RDF, RDFS, SKOS, XSD, Graph, Literal, Namespace, URIRef

from dpa_kg import namespaces

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "ontology").glob("*.ttl"))
LANGUAGES = {"en", "es", "fr", "pt"}
ONTOLOGY = URIRef("https://w3id.org/dpa-kg/ontology")
DPA = Namespace(f"{ONTOLOGY}#")
ID = "https://w3id.org/dpa-kg/id/"
SCHEMA = Namespace("https://schema.org/")
SH = Namespace("http://www.w3.org/ns/shacl#")
VANN = Namespace("http://purl.org/vocab/vann/")
KINDS = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty, OWL.NamedIndividual, RDFS.Datatype)


def merged(paths: list[Path]) -> Graph:
    graph = Graph()
    for path in paths:
        graph.parse(path)
    return graph


G = merged(FILES)
TERMS = sorted({s for kind in KINDS for s in G.subjects(RDF.type, kind) if isinstance(s, URIRef)})
OWN = [t for t in TERMS if t.startswith(DPA)]


def languages(subject: URIRef, predicate: URIRef) -> list[str]:
    """The language of each value, sorted; a value without one counts as ''."""
    return sorted(o.language or "" for o in G.objects(subject, predicate) if isinstance(o, Literal))


def short(iri: URIRef) -> str:
    return iri.rsplit("/", 1)[-1]


# ---- the files


def test_there_is_a_file_for_every_noun() -> None:
    nouns = {*namespaces.NOUNS, "undertaking"} - {"site"}  # a site belongs to its organization
    assert {p.stem for p in FILES} == nouns | {"dpa", "concepts", "alignments", "rules", "prefixes"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_both_engines_read_the_same_triples(path: Path) -> None:
    assert len(Graph().parse(path)) == len(set(ox.parse(path=str(path), format=ox.RdfFormat.TURTLE))) > 0


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_file_declares_the_prefixes_it_uses_as_the_table_has_them(path: Path) -> None:
    text = path.read_text("utf-8")
    declared = dict(re.findall(r"^@prefix\s+([a-z0-9-]+):\s+<([^>]+)>", text, re.M))
    table = prefix_table()
    assert not {p: iri for p, iri in declared.items() if table.get(p, iri) != iri}
    body = re.sub(r"(?m)^@prefix.*", "", text)
    assert not set(declared) - set(re.findall(r"(?<![\w-])([a-z][a-z0-9-]*):", body)), "declared but not used"


# ---- the header


def test_the_header_is_complete() -> None:
    for predicate in (DCTERMS.title, DCTERMS.description):
        assert languages(ONTOLOGY, predicate) == sorted(LANGUAGES)
    assert (ONTOLOGY, RDF.type, OWL.Ontology) in G
    assert (ONTOLOGY, DCTERMS.license, URIRef("https://creativecommons.org/licenses/by/4.0/")) in G
    assert (ONTOLOGY, VANN.preferredNamespacePrefix, Literal("dpa")) in G
    assert (ONTOLOGY, VANN.preferredNamespaceUri, Literal(str(DPA))) in G
    assert G.value(ONTOLOGY, DCTERMS.created).datatype == XSD.date  # type: ignore[union-attr]


def test_the_versions_agree() -> None:
    version = str(G.value(ONTOLOGY, OWL.versionInfo))
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert (ONTOLOGY, OWL.versionIRI, URIRef(f"{ONTOLOGY}/{version}")) in G
    package = re.search(r'^__version__\s*(?::.*)?=\s*"([^"]+)"', (ROOT / "src/dpa_kg/__init__.py").read_text("utf-8"), re.M)
    assert package is not None
    assert package[1] == version
    changelog = ROOT / "CHANGELOG.md"
    if not changelog.exists():
        pytest.skip("no CHANGELOG.md yet; it will be compared once it is there")
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", changelog.read_text("utf-8"), re.M)
    assert newest is not None
    assert newest[1] == version


# ---- the prefixes


def prefix_table() -> dict[str, str]:
    table = Graph().parse(ROOT / "ontology/prefixes.ttl")
    return {str(table.value(d, SH.prefix)): str(table.value(d, SH.namespace)) for d in table.objects(ONTOLOGY, SH.declare)}


def test_the_table_declares_each_prefix_once_as_a_literal_any_uri() -> None:
    table = Graph().parse(ROOT / "ontology/prefixes.ttl")
    nodes = list(table.objects(ONTOLOGY, SH.declare))
    assert len(prefix_table()) == len(set(prefix_table().values())) == len(nodes) > 30
    assert {table.value(d, SH.namespace).datatype for d in nodes} == {XSD.anyURI}  # type: ignore[union-attr]


def test_the_table_has_a_prefix_for_every_noun_and_scheme() -> None:
    table = prefix_table()
    for name in (*namespaces.NOUNS, *namespaces.SCHEMES, "scheme"):
        assert table[name] == f"{ID}{name}/"


def test_python_knows_the_prefixes_of_the_table() -> None:
    assert prefix_table() == namespaces.PREFIXES


# ---- every term


@pytest.mark.parametrize("term", TERMS, ids=short)
def test_a_term_has_label_and_definition_in_four_languages(term: URIRef) -> None:
    assert languages(term, RDFS.label) == sorted(LANGUAGES)
    assert languages(term, SKOS.definition) == sorted(LANGUAGES)


@pytest.mark.parametrize("term", TERMS, ids=short)
def test_a_term_says_where_it_is_defined_and_what_it_follows(term: URIRef) -> None:
    homes, sources = list(G.objects(term, RDFS.isDefinedBy)), list(G.objects(term, DCTERMS.source))
    assert len(homes) == 1
    assert (homes == [ONTOLOGY]) == term.startswith(DPA), "own terms are defined here, those of others elsewhere"
    assert sources
    assert all(isinstance(s, URIRef) and not s.startswith(DPA) for s in sources)


def test_the_terms_are_many() -> None:
    assert len(OWN) > 105
    assert len(TERMS) - len(OWN) > 25


@pytest.mark.parametrize("term", OWN, ids=short)
def test_a_property_says_what_it_joins(term: URIRef) -> None:
    ends = (RDFS.range, SCHEMA.rangeIncludes)
    if (term, RDF.type, OWL.DatatypeProperty) in G:
        spans = {o for p in ends for o in G.objects(term, p)}
        assert spans
        assert all(str(o).startswith((str(XSD), str(RDF))) for o in spans)
    for predicate in (RDFS.domain, RDFS.range):
        assert len(list(G.objects(term, predicate))) <= 1, "two of them would mean both at once"


def test_classes_and_properties_do_not_go_round_in_circles() -> None:
    for predicate in (RDFS.subClassOf, RDFS.subPropertyOf):
        for term in set(G.subjects(predicate, None)):
            above = {o for parent in G.objects(term, predicate) for o in G.transitive_objects(parent, predicate)}
            assert term not in above, term


def test_definitions_are_sentences_of_their_own() -> None:
    seen = defaultdict(set)
    for term in OWN:
        for o in G.objects(term, SKOS.definition):
            seen[str(o)].add(term)
            assert str(o).endswith("."), (term, o)
            assert str(o) == str(o).strip()
    assert not {text: terms for text, terms in seen.items() if len(terms) > 1}


@pytest.mark.parametrize("name", ["funder", "partner", "country", "activeFrom", "displayName", "outputOf", "hasGrant", "participatesIn"])
def test_a_derived_property_says_so(name: str) -> None:
    assert languages(DPA[name], SKOS.note) == sorted(LANGUAGES)


def test_every_property_that_the_rules_write_says_that_it_is_derived() -> None:
    heads = re.findall(r"CONSTRUCT\s*\{([^}]*)\}", (ROOT / "ontology/rules.ttl").read_text("utf-8"))
    written = {name for head in heads for name in re.findall(r"(?<=\s)dpa:(\w+)", head)}
    properties = {DPA[name] for name in written if name[0].islower()}
    assert len(properties) > 20
    assert not sorted(p for p in properties if not list(G.objects(p, SKOS.note)))


# ---- nothing undefined

USED = re.compile(r"(?<![\w-])dpa:([A-Za-z]\w*)")


def used() -> Iterator[tuple[Path, str]]:
    """Every `dpa:name` in the files of the repository, outside short strings and comments of Turtle (but inside the text of rules)."""
    folders = ("ontology", "data", "shapes", "queries", "src", "tests/context")
    for path in sorted(p for f in folders for s in ("ttl", "trig", "rq", "jsonld") for p in (ROOT / f).rglob(f"*.{s}")):
        text = path.read_text("utf-8")
        if path.suffix in (".ttl", ".trig"):
            text = re.sub(r"(?m)^\s*#.*$", "", text)
            text = re.sub(r'(?<!")"(?!")(?:[^"\\\n]|\\.)*"(?!")', "", text)
        for name in USED.findall(text):
            yield path, name


def test_no_undefined_term_is_used_anywhere() -> None:
    found = list(used())
    assert {p.parent.name for p, _ in found} >= {"ontology"}
    assert len(found) > 500
    known = {str(t).removeprefix(str(DPA)) for t in OWN}
    assert not sorted({(str(p.relative_to(ROOT)), name) for p, name in found if name not in known})


def test_an_undefined_term_would_be_found() -> None:
    assert USED.findall("?x dpa:fundr ?y ; xdpa:funder ?z .") == ["fundr"]


# ---- the alignments


def looked_up() -> set[str]:
    rows = [line.split() for line in (ROOT / "tests/ontology/alignment-terms.txt").read_text("utf-8").splitlines() if line[:1] != "#"]
    return {f"{namespace}{name}" for _, namespace, *names in rows for name in names}


def test_the_alignments_name_terms_that_were_looked_up() -> None:
    alignments = Graph().parse(ROOT / "ontology/alignments.ttl")
    named = {str(o) for o in alignments.objects()}
    assert named == looked_up(), "each term of the list is used, each term used is in the list"
    assert {str(s) for s in alignments.subjects()} <= {str(t) for t in TERMS}
    assert not [o for o in named if o.startswith(DPA)]


def test_the_noun_files_leave_other_models_of_research_to_the_alignments() -> None:
    models = (
        "http://vivoweb.org/",
        "http://data.europa.eu/s66#",
        "https://w3id.org/dingo#",
        "http://purl.org/cerif/frapo/",
        "http://linked.data.gov.au/def/project#",
    )
    nouns = merged([p for p in FILES if p.stem != "alignments"])
    assert not [t for t in nouns for term in t if str(term).startswith(models)]
