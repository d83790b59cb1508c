"""What the gate has found, for a caller: a JSON object with one entry for each result, or a `sh:ValidationReport` (SHACL, section 3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyoxigraph as ox

from dpa_kg.graph.report import SEVERITIES, Finding, Report
from dpa_kg.http.paths import Term, Triples, path_node
from dpa_kg.namespaces import LANGUAGES, RDF, SH, XSD
from dpa_kg.representations.formats import JSON_LD, Format
from dpa_kg.representations.graphs import used_prefixes
from dpa_kg.representations.jsonld import compact

_SPARQL_COMPONENT: Final = ox.NamedNode(f"{SH}SPARQLConstraintComponent")


def as_json(report: Report, language: str) -> dict[str, Any]:
    """The report as data, its messages in one language."""
    counts: dict[str, Any] = {severity: report.count(severity) for severity in SEVERITIES}
    return {"conforms": report.conforms, **counts, "results": [entry(finding, language) for finding in report.findings]}


def entry(finding: Finding, language: str) -> dict[str, Any]:
    """One result. `path` is a SPARQL property path; `value` is a term as SPARQL results JSON has it; `graphs` mention the node."""
    return {
        "focusNode": finding.focus,
        "path": finding.path,
        "value": dict(finding.value) if finding.value else None,
        "message": finding.message(language),
        "severity": finding.severity,
        "shape": finding.shape,
        "graphs": [mention.graph for mention in finding.mentions],
    }


def as_graph(report: Report) -> list[ox.Triple]:
    """The report as a `sh:ValidationReport`, its messages in every language."""
    triples: Triples = []
    node = ox.BlankNode("report")
    _say(triples, node, f"{RDF}type", ox.NamedNode(f"{SH}ValidationReport"))
    _say(triples, node, f"{SH}conforms", ox.Literal(str(not report.findings).lower(), datatype=ox.NamedNode(f"{XSD}boolean")))
    results = [ox.BlankNode(f"result{position}") for position in range(len(report.findings))]
    for result in results:
        _say(triples, node, f"{SH}result", result)
    for result, finding in zip(results, report.findings, strict=True):
        _result(triples, result, finding)
    return triples


def _result(triples: Triples, node: ox.BlankNode, finding: Finding) -> None:
    _say(triples, node, f"{RDF}type", ox.NamedNode(f"{SH}ValidationResult"))
    _say(triples, node, f"{SH}focusNode", _node(finding.focus))
    _say(triples, node, f"{SH}resultSeverity", ox.NamedNode(f"{SH}{finding.severity.capitalize()}"))
    _say(triples, node, f"{SH}sourceShape", _node(finding.shape))
    component = ox.NamedNode(f"{SH}{finding.component}ConstraintComponent") if finding.component else _SPARQL_COMPONENT
    _say(triples, node, f"{SH}sourceConstraintComponent", component)
    for language in LANGUAGES:
        if language in finding.messages:
            _say(triples, node, f"{SH}resultMessage", ox.Literal(finding.messages[language], language=language))
    if finding.path:
        _say(triples, node, f"{SH}resultPath", path_node(finding.path, triples))
    if finding.value:
        _say(triples, node, f"{SH}value", _term(finding.value))


def write(report: Report, form: Format, base: str) -> bytes:
    """The `sh:ValidationReport` in one of GRAPH_FORMATS."""
    triples = as_graph(report)
    if form is JSON_LD:
        return compact(triples, context_url=f"{base}/context.jsonld")
    return ox.serialize(triples, format=form.rdf, prefixes=dict(used_prefixes(triples))) or b""


def _node(name: str) -> ox.NamedNode | ox.BlankNode:
    """An IRI, or else the label of a blank node."""
    return ox.NamedNode(name) if ":" in name else ox.BlankNode(name)


def _say(triples: Triples, subject: ox.BlankNode, predicate: str, value: Term) -> None:
    triples.append(ox.Triple(subject, ox.NamedNode(predicate), value))


def _term(binding: Mapping[str, str]) -> Term:
    """A term from SPARQL results JSON."""
    if binding["type"] == "uri":
        return ox.NamedNode(binding["value"])
    if binding["type"] == "bnode":
        return ox.BlankNode(binding["value"])
    if language := binding.get("xml:lang"):
        return ox.Literal(binding["value"], language=language)
    return ox.Literal(binding["value"], datatype=ox.NamedNode(binding.get("datatype", f"{XSD}string")))
