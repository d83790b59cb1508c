"""The shapes, by example: each named shape has a file that passes and a file that fails, and says which in its name."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pyshacl
import pytest
from rdflib import RDF, RDFS, SH, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

ROOT = Path(__file__).parents[1]
EXAMPLES = Path(__file__).parent / "shapes"
SHAPE = Namespace("https://w3id.org/dpa-kg/shape/")
DPA = Namespace("https://w3id.org/dpa-kg/ontology#")
LANGUAGES = {"en", "es", "fr", "pt"}
SEVERITIES = {SH.Violation, SH.Warning, SH.Info}
# the kinds of constraint that a message of the kind alone would not explain
WANTS_MESSAGE = {SH["or"], SH["and"], SH.pattern, SH.lessThanOrEquals, SH.qualifiedValueShape, SH.uniqueLang, SH.languageIn, RDF.langString}

NOUNS = sorted(path.stem for path in (ROOT / "shapes").glob("*.ttl"))
VALID = sorted(EXAMPLES.glob("*/valid-*.ttl"))
INVALID = sorted(EXAMPLES.glob("*/invalid-*.ttl"))


@cache
def shapes_of(noun: str) -> Graph:
    return Graph().parse(ROOT / "shapes" / f"{noun}.ttl")


@cache
def shapes(vocabulary: bool = False) -> Graph:
    """All shapes for data, or those for the vocabulary."""
    graph = Graph()
    for noun in NOUNS:
        if (noun == "vocabulary") == vocabulary:
            graph += shapes_of(noun)
    return graph


@cache
def ontology() -> Graph:
    graph = Graph()
    for path in sorted((ROOT / "ontology").glob("*.ttl")):
        graph.parse(path)
    return graph


@cache
def surroundings() -> Graph:
    """What the examples refer to, with the subclasses of the ontology."""
    graph = Graph().parse(EXAMPLES / "surroundings.ttl")
    for narrow, broad in ontology().subject_objects(RDFS.subClassOf):
        if str(broad).startswith(DPA):
            graph.add((narrow, RDFS.subClassOf, broad))
    return graph


@cache
def data(example: Path) -> Graph:
    graph = Graph().parse(example)
    return graph if example.parent.name == "vocabulary" else graph + surroundings()


def violated(example: Path) -> set[str]:
    """The local names of the shapes that an example violates, of any severity."""
    _, report, _ = pyshacl.validate(data(example), shacl_graph=shapes(example.parent.name == "vocabulary"))
    assert isinstance(report, Graph)
    sources = {report.value(result, SH.sourceShape) for result in report.subjects(RDF.type, SH.ValidationResult)}
    return {str(source).removeprefix(SHAPE) for source in sources}


def named_shapes(noun: str) -> set[str]:
    """Property shapes, and node shapes with a target that constrain by themselves rather than through property shapes."""
    graph = shapes_of(noun)
    properties = set(graph.subjects(RDF.type, SH.PropertyShape))
    targeted = set(graph.subjects(SH.targetClass)) | set(graph.subjects(SH.targetSubjectsOf))
    alone = {node for node in targeted if (node, SH.property, None) not in graph}
    return {str(shape).removeprefix(SHAPE) for shape in properties | alone}


def title(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("example", VALID, ids=title)
def test_valid_example_passes(example: Path) -> None:
    assert violated(example) == set()


@pytest.mark.parametrize("example", INVALID, ids=title)
def test_invalid_example_violates_the_shape_it_names(example: Path) -> None:
    named = set(re.findall(r"shape:(\S+)", example.read_text().splitlines()[0]))
    assert violated(example) == named
    assert any(example.stem.startswith(f"invalid-{shape}") for shape in named)


def test_what_the_examples_refer_to_is_right_in_itself() -> None:
    conforms, _, text = pyshacl.validate(surroundings(), shacl_graph=shapes())
    assert conforms, text


@pytest.mark.parametrize("noun", NOUNS)
def test_each_named_shape_fails_somewhere(noun: str) -> None:
    failing = {path.stem.removeprefix("invalid-") for path in INVALID if path.parent.name == noun}
    assert named_shapes(noun) <= failing
    assert named_shapes(noun)


@pytest.mark.parametrize("noun", NOUNS)
def test_each_property_shape_passes_on_some_value(noun: str) -> None:
    """A valid example without the property would prove nothing; only a shape that forbids the property may have none."""
    graph = shapes_of(noun)
    used: set[Node] = set()
    for example in VALID:
        if example.parent.name == noun:
            used |= set(Graph().parse(example).predicates())
    unproven = {
        shape
        for shape in graph.subjects(RDF.type, SH.PropertyShape)
        if (shape, SH.maxCount, Literal(0)) not in graph and not used & properties_on(graph, graph.value(shape, SH.path))
    }
    assert unproven == set()


def properties_on(graph: Graph, path: Node | None) -> set[Node]:
    """The properties that a path walks along; an inverse path of an example stands in its surroundings."""
    if isinstance(path, URIRef):
        return {path}
    alternatives = graph.value(path, SH.alternativePath)
    return set(graph.items(alternatives)) if alternatives else {DPA.participation}


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_has_the_same_file_name_everywhere(noun: str) -> None:
    assert noun == "vocabulary" or (ROOT / "ontology" / f"{noun}.ttl").exists()
    assert list((EXAMPLES / noun).glob("valid-*.ttl"))


def test_every_example_folder_belongs_to_a_noun() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == set(NOUNS)
    assert len(NOUNS) >= 16
    assert len(INVALID) >= 150


def test_every_shacl_term_exists() -> None:
    """Engines ignore a misspelt term silently."""
    graph = shapes() + shapes(vocabulary=True) + ontology()
    terms = {term for triple in graph for term in triple if isinstance(term, URIRef) and term.startswith(str(SH))}
    assert {term for term in terms if term not in SH} == set()
    assert len(terms) > 20


def test_every_dpa_term_in_the_shapes_is_defined() -> None:
    terms = {term for triple in shapes() for term in triple if isinstance(term, URIRef) and term.startswith(DPA)}
    assert {term for term in terms if (term, RDFS.isDefinedBy, None) not in ontology()} == set()


@pytest.mark.parametrize("noun", NOUNS)
def test_each_constraint_has_a_severity(noun: str) -> None:
    graph = shapes_of(noun)
    for name in named_shapes(noun):
        assert graph.value(SHAPE[name], SH.severity) in SEVERITIES, name


@pytest.mark.parametrize("noun", NOUNS)
def test_messages_stand_where_the_constraint_says_too_little_in_each_language_once(noun: str) -> None:
    graph = shapes_of(noun)
    for name in named_shapes(noun):
        messages = [message.language for message in graph.objects(SHAPE[name], SH.message) if isinstance(message, Literal)]
        constraints = set(graph.predicates(SHAPE[name])) | set(graph.objects(SHAPE[name], SH.datatype))
        wanted = bool(WANTS_MESSAGE & constraints) or graph.value(SHAPE[name], SH.severity) == SH.Info
        assert Counter(messages) in ([Counter(LANGUAGES)] if wanted else [Counter(LANGUAGES), Counter()]), name


@pytest.mark.parametrize("noun", NOUNS)
def test_each_property_shape_is_reached_from_a_node_shape_with_a_target(noun: str) -> None:
    graph = shapes_of(noun)
    assert set(graph.objects(None, SH.property)) == set(graph.subjects(RDF.type, SH.PropertyShape))
    used_as_values = {member for shape in shapes().objects(None, SH["or"]) for member in shapes().items(shape)}
    for node in graph.subjects(RDF.type, SH.NodeShape):
        assert (node, SH.targetClass, None) in graph or (node, SH.targetSubjectsOf, None) in graph or node in used_as_values, node


def test_shapes_carry_no_rules_and_no_queries() -> None:
    """Rules run on Oxigraph (ontology/rules.ttl); joins are checks, which run there too."""
    graph = shapes() + shapes(vocabulary=True)
    assert not set(graph.predicates()) & {SH.rule, SH.sparql, SH.construct, SH.select}


def test_raw_dates_are_never_compared() -> None:
    """Comparing a year with a day raises in pySHACL; the derived bounds are all days."""
    graph = shapes()
    compared = set(graph.subject_objects(SH.lessThanOrEquals)) | set(graph.subject_objects(SH.lessThan))
    assert {graph.value(shape, SH.path) for shape, _ in compared} == {DPA.activeFrom}
    assert {other for _, other in compared} == {DPA.activeUntil}


def test_the_ontology_conforms_to_the_shapes_of_the_vocabulary() -> None:
    graph = Graph()
    for path in sorted((ROOT / "ontology").glob("*.ttl")):
        if path.stem != "rules":
            graph.parse(path)
    conforms, _, text = pyshacl.validate(graph, shacl_graph=shapes(vocabulary=True))
    assert conforms, text
