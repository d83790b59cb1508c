"""What the gate says: one sentence for each kind of constraint, in four languages, about the right node."""

from __future__ import annotations

import re
from pathlib import Path

import pyoxigraph as ox
import pyshacl
import pytest
import yaml
from rdflib import RDF, SH, Graph

from dpa_kg.graph import nearest
from dpa_kg.graph.gate import Gate
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.report import Finding, Report
from dpa_kg.graph.wording import Wording, fill
from dpa_kg.namespaces import LANGUAGES, PREFIXES

HEAD = "".join(f"@prefix {prefix}: <{iri}> .\n" for prefix, iri in PREFIXES.items())
LABELS = """
dpa:startDate rdfs:label "start date"@en , "fecha de inicio"@es . dpa:theme rdfs:label "theme"@en .
dpa:Project rdfs:label "Project"@en , "Proyecto"@es . dpa:Place rdfs:label "Place"@en .
place:norway a dpa:Place ; rdfs:label "Norway"@en , "Noruega"@es . place:sweden a dpa:Place ; rdfs:label "Sweden"@en .
"""


def parse(text: str) -> list[ox.Quad]:
    return list(ox.parse(input=HEAD + text, format=ox.RdfFormat.TRIG))


def findings(shape: str, data: str) -> list[Finding]:
    """What one shape on projects, written in Turtle, finds in data."""
    shapes = parse(f"shape:Project a sh:NodeShape ; sh:targetClass dpa:Project ; {shape} .")
    gate = Gate(tuple(shapes), (), ())
    store = OxigraphStore.memory(parse(f"{LABELS} project:x a dpa:Project . {data}"))
    return gate.validate(store, lambda graph, node: [])


def message(shape: str, data: str, language: str = "en") -> str:
    found = findings(shape, data)
    assert len(found) == 1, [finding.message() for finding in found]
    return found[0].message(language)


START = "sh:property shape:start . shape:start sh:path dpa:startDate"
GIVEN = "given as “start date” (dpa:startDate) of project:x,"


SENTENCES = Path(__file__).parent / "fixtures" / "sentences.yaml"


@pytest.mark.parametrize("case", yaml.safe_load(SENTENCES.read_text(encoding="utf-8")), ids=lambda case: case["shape"])
def test_every_kind_of_constraint_has_its_sentence(case: dict[str, str]) -> None:
    assert message(case["shape"], case["data"]) == case["says"]


def test_a_sentence_names_things_in_the_language_of_the_reader() -> None:
    assert message(f"{START} ; sh:hasValue place:norway", "", "es") == (
        "project:x debe tener “Noruega” (place:norway) como “fecha de inicio” (dpa:startDate)."
    )


def test_a_shape_inside_a_shape_says_what_is_wrong_inside() -> None:
    shape = f"{START} ; sh:node shape:Inner . shape:Inner sh:property [ sh:path dpa:theme ; sh:minCount 1 ]"
    found = findings(shape, "project:x dpa:startDate place:norway .")
    assert [finding.message() for finding in found] == ["“Norway” (place:norway) needs “theme” (dpa:theme): at least 1 must be given."]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("[ sh:inversePath dpa:theme ]", "^“theme” (dpa:theme)"),
        ("( dpa:startDate dpa:theme )", "“start date” (dpa:startDate)/“theme” (dpa:theme)"),
        ("[ sh:alternativePath ( dpa:startDate dpa:theme ) ]", "“start date” (dpa:startDate)|“theme” (dpa:theme)"),
        ("( [ sh:inversePath dpa:theme ] [ sh:zeroOrMorePath dpa:startDate ] )", "^“theme” (dpa:theme)/(“start date” (dpa:startDate))*"),
    ],
)
def test_every_path_can_be_read(path: str, shown: str) -> None:
    assert message(f"sh:property [ sh:path {path} ; sh:minCount 1 ]", "") == f"project:x needs {shown}: at least 1 must be given."


def test_a_message_of_the_shape_is_filled_in_for_each_language() -> None:
    shape = (
        'sh:sparql [ sh:message "{$this} has {?value}, not {?limit}"@en , "{$this} tiene {?value}, no {?limit}"@es ; '
        'sh:select "SELECT $this ?value ?limit WHERE { $this <https://w3id.org/dpa-kg/ontology#theme> ?value BIND(7 AS ?limit) '
        'FILTER(?value > ?limit) }" ]'
    )
    assert "has 9, not 7" in message(shape, "project:x dpa:theme 9 .")
    assert "tiene 9, no 7" in message(shape, "project:x dpa:theme 9 .", "es")
    plain = shape.replace(", not {?limit}", "").replace(", no {?limit}", "")
    assert message(plain, "project:x dpa:theme 9 .", "es") == "project:x tiene “9” (xsd:integer)"


def test_a_message_that_does_not_name_the_node_gets_its_name() -> None:
    shape = f'{START} ; sh:minCount 1 ; sh:message "A start is wanted."@en'
    assert message(shape, "project:x rdfs:label 'X'@en .") == "“X” (project:x): A start is wanted."


def test_the_severity_of_the_shape_is_the_severity_of_the_finding() -> None:
    shape = f"{START} ; sh:minCount 1 ; sh:severity sh:Warning"
    assert [finding.severity for finding in findings(shape, "")] == ["warning"]


def test_a_value_that_is_not_in_the_list_is_answered_with_the_nearest() -> None:
    assert message(f'{START} ; sh:in ("EUR" "USD" "COP")', 'project:x dpa:startDate "USDD" .').endswith("Did you mean “USD”?")


def test_a_value_brings_no_placeholder_of_its_own() -> None:
    assert fill("{value} of {focus}", {"value": "{focus}", "focus": "x"}) == "{focus} of x"


def test_nothing_is_said_twice_and_violations_come_first() -> None:
    one = Finding("warning", "f", "a", {"en": "w"})
    two = Finding("violation", "f", "b", {"en": "v"})
    report = Report.of([one, two, one])
    assert report.findings == (two, one)
    assert (report.conforms, report.count("violation"), report.count("warning"), report.count("info")) == (False, 1, 1, 0)


@pytest.mark.parametrize(
    ("wanted", "candidates", "expected"),
    [
        ("role:fundr", ["role:funder", "role:founder", "role:host"], ["role:funder", "role:founder"]),
        ("organization:iadb", ["organization:idb", "organization:afd"], ["organization:idb"]),
        ("dpa:startdate", ["dpa:startDate", "dpa:endDate"], ["dpa:startDate"]),
        ("place:xanadu", ["place:norway"], []),
    ],
)
def test_the_nearest_names_are_found(wanted: str, candidates: list[str], expected: list[str]) -> None:
    def full(name: str) -> str:
        prefix, _, local = name.partition(":")
        return PREFIXES[prefix] + local

    assert nearest.nearest(full(wanted), [full(name) for name in candidates]) == [full(name) for name in expected]


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_every_template_is_there_in_every_language_with_the_same_placeholders() -> None:
    texts = Wording(OxigraphStore.memory()).texts
    components = [name for name in texts if name[0].isupper()]
    assert len(components) >= 28
    templates = [texts[name] for name in components] + [texts[name]["on_node"] for name in components if "on_node" in texts[name]]
    for template in [*templates, texts["suggestion"]]:
        assert set(template) - {"on_node"} == set(LANGUAGES)
        used = placeholders(template["en"])
        assert all(placeholders(template[language]) == used for language in LANGUAGES), template["en"]
        assert used <= {"focus", "path", "value", "allowed", "candidates"}


def test_every_constraint_of_shacl_has_a_template() -> None:
    shacl = Graph().parse(Path(pyshacl.__file__).parent / "assets" / "shacl.ttl", format="turtle")
    found = shacl.subjects(RDF.type, SH.ConstraintComponent)
    components = {str(one).removeprefix(str(SH)).removesuffix("ConstraintComponent") for one in found}
    assert len(components) > 25
    assert components - {"Property", "JS", "Expression"} <= set(Wording(OxigraphStore.memory()).texts)
