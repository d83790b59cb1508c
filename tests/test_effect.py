"""What the gate says of a change by looking around it is what it would say by looking at everything."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from dpa_kg.graph import merge, rules, search
from dpa_kg.graph.affected import affected
from dpa_kg.graph.checks import Check
from dpa_kg.graph.checks import read as read_checks
from dpa_kg.graph.draft import Draft
from dpa_kg.graph.effect import Effect
from dpa_kg.graph.gate import Gate
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.search import Names
from dpa_kg.ingest.statements import shapes as shapes_of
from dpa_kg.namespaces import DERIVED_GRAPH, GRAPH, ID, ONTOLOGY_GRAPH, RDF, RDFS, SH, SKOS
from dpa_kg.query.reader import Reader
from dpa_kg.terms import into, name_of

ROOT = Path(__file__).parents[1]
EXAMPLES = Path(__file__).parent
MINE = ox.NamedNode("https://example.org/mine")
CHECKS = {check.name: check for check in read_checks(ROOT / "shapes" / "checks")}
NOUNS = sorted(path.name for path in (EXAMPLES / "shapes").iterdir() if path.is_dir() and path.name != "vocabulary")
STRUCTURE = {f"{RDF}type", f"{RDFS}subClassOf", f"{RDFS}isDefinedBy", f"{SKOS}broader"}


@cache
def the_gate() -> Gate:
    quads = [quad for name, found in shapes_of().items() if name != "vocabulary.ttl" for quad in found]
    return Gate.of(quads, (), ROOT / "shapes" / "checks")


@cache
def ontology() -> tuple[ox.Quad, ...]:
    read = (quad for path in sorted((ROOT / "ontology").glob("*.ttl")) for quad in ox.parse(path=str(path)))
    return tuple(
        into(quad, ox.NamedNode(ONTOLOGY_GRAPH))
        for quad in read
        if quad.predicate.value in STRUCTURE or quad.predicate.value.startswith(SH)
    )


@cache
def all_rules() -> tuple[rules.Rule, ...]:
    return rules.read(quad for path in (ROOT / "ontology").glob("*.ttl") for quad in ox.parse(path=str(path)))


def names_of(store: OxigraphStore, folder: Path) -> Names:
    path = folder / "search.sqlite"
    path.unlink(missing_ok=True)
    search.write(store.engine, path)
    return Names(path)


def suffixed(example: Path, number: int) -> list[ox.Quad]:
    """The statements of an example, in one graph of a user, its own entities told apart from those of other examples."""
    parsed = list(ox.parse(path=str(example), base_iri="https://example.org/"))
    own = {quad.subject for quad in parsed if name_of(quad.subject).startswith((ID, GRAPH))}

    def named(term: ox.NamedNode) -> ox.NamedNode:
        return ox.NamedNode(f"{term.value}-{number}") if term in own else term

    return [
        ox.Quad(named(quad.subject), quad.predicate, named(quad.object) if isinstance(quad.object, ox.NamedNode) else quad.object, MINE)
        for quad in parsed
    ]


@pytest.mark.parametrize("noun", NOUNS)
def test_shapes_see_around_a_change_what_they_see_in_the_whole(noun: str, tmp_path: Path) -> None:
    """Each invalid example, brought as a change, violates the shapes that it names, and no others."""
    store = OxigraphStore.memory()
    around = [into(quad, ox.NamedNode("urn:around")) for quad in ox.parse(path=str(EXAMPLES / "shapes" / "surroundings.ttl"))]
    merge.change(store, [*around, *ontology()])
    names, draft = names_of(store, tmp_path), Draft(store, merged=True)
    invalid = sorted((EXAMPLES / "shapes" / noun).glob("invalid-*.ttl"))
    for number, example in enumerate(invalid):
        draft.change(suffixed(example, number))
    gate = Gate(the_gate().shapes, (), ())
    touched = affected(draft, merge.asserted(store, draft.added, ()), gate.sight, names)
    names.close()
    found: dict[int, set[str]] = {number: set() for number in range(len(invalid))}
    for finding in gate.around(store, touched):
        found[int(finding.focus.rsplit("-", 1)[1])].add(finding.rule.rsplit("/", 1)[1])
    expected = {n: set(re.findall(r"shape:(\S+)", example.read_text().splitlines()[0])) for n, example in enumerate(invalid)}
    assert found == expected
    assert invalid


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_check_finds_around_a_change_what_it_finds_in_the_whole(check: Check, tmp_path: Path) -> None:
    """Whatever part of the invalid example is the change, its rows that speak of the change are found."""
    quads = [q for q in ox.parse(path=str(EXAMPLES / "checks" / check.name / "invalid.trig")) if isinstance(q.graph_name, ox.NamedNode)]
    graphs = sorted({name_of(quad.graph_name) for quad in quads} - merge.SYSTEM)
    gate = Gate((), (), (check,))
    for graph in graphs:
        part = [quad for quad in quads if name_of(quad.graph_name) == graph]
        store = OxigraphStore.memory()
        merge.change(store, [*ontology(), *(quad for quad in quads if quad not in part)])
        rules.derive(store, all_rules())
        names, draft = names_of(store, tmp_path), Draft(store, merged=True)
        before = said(gate, store, None)
        draft.change(part)
        effect = Effect.of(draft)
        touched = affected(draft, effect.merged, gate.sight, names)
        names.close()
        after = said(gate, store, None)
        around = {(finding.rule, finding.focus, finding.message()) for finding in gate.around(store, touched)}
        assert after - before <= around <= after
    assert graphs or check.name.startswith(("provenance", "passage-name"))


def said(gate: Gate, store: OxigraphStore, focus: set[str] | None) -> set[tuple[str, str, str]]:
    return {(finding.rule, finding.focus, finding.message()) for finding in gate.check(store, lambda _graph, _node: (), focus)}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_each_check_says_where_it_begins(check: Check) -> None:
    assert re.findall(r"^ *#\? changed \?\w+(?: or \?\w+)?$", check.text, re.MULTILINE)
    assert "#? changed" not in re.sub(r"^ *#\? changed \?\w+(?: or \?\w+)?$", "", check.text, flags=re.MULTILINE)


def test_no_shape_looks_further_than_to_the_types_of_values() -> None:
    """`Sight` gives shapes a node's own statements, the types of its values, and what points at it along an inverse path."""
    shapes = the_gate().shapes
    nested = {quad.object for quad in shapes if quad.predicate.value == f"{SH}node"}
    inside = {f"{SH}{name}" for name in ("qualifiedValueShape", "or", "and", "not", "xone")}
    lists = {f"{RDF}first"}
    below = {quad.object for quad in shapes if quad.predicate.value in inside | lists}
    deep = {quad.predicate.value for quad in shapes if quad.subject in below} & {f"{SH}path", f"{SH}property", f"{SH}sparql", f"{SH}js"}
    paths = {quad.predicate.value.removeprefix(SH) for quad in shapes if quad.predicate.value.endswith("Path")}
    assert not nested
    assert deep <= {f"{SH}path"}
    assert paths <= {"inversePath", "alternativePath", "resultPath"}
    assert not [quad for quad in shapes if quad.predicate.value in {f"{SH}sparql", f"{SH}js", f"{SH}closed", f"{SH}targetObjectsOf"}]


def copied(graph: Reader) -> OxigraphStore:
    return OxigraphStore.memory(OxigraphStore.open_read_only(graph.version.store_path).engine)


def some_changes(store: OxigraphStore) -> Iterable[tuple[str, list[ox.Quad], list[ox.Quad]]]:
    """Changes of the real graph: each kind of thing is described anew, loses a graph, or loses its types."""
    graphs = [graph for graph in store.graphs() if re.search(r"/L[0-9]", graph)]
    for graph in graphs[::220]:
        yield f"without {graph}", [], list(store.quads(graph))
    typed = [quad for quad in store.engine if quad.predicate.value == f"{RDF}type" and re.search(r"/L[0-9]", name_of(quad.graph_name))]
    for quad in sorted(typed, key=str)[::900]:
        yield f"without {quad}", [], [quad]
    for quad in sorted(store.quads(graphs[0]), key=str)[:1]:
        yield f"misspelt {quad}", [ox.Quad(quad.subject, quad.predicate, ox.NamedNode(f"{ID}organization/iadb"), MINE)], []


def test_checks_around_changes_of_the_real_graph_say_what_checks_of_everything_say(graph: Reader, tmp_path: Path) -> None:
    gate = Gate((), (), the_gate().checks)
    base = copied(graph)
    changes = list(some_changes(base))
    known = said(gate, base, None)
    for what, added, removed in changes:
        store = copied(graph)
        draft = Draft(store, merged=True)
        draft.change(added, removed)
        effect = Effect.of(draft)
        touched = affected(draft, effect.merged, gate.sight, graph.names)
        around = {(finding.rule, finding.focus, finding.message()) for finding in gate.around(store, touched)}
        everything = said(gate, store, None)
        assert everything - known <= around <= everything, what
        assert {quad.triple for quad in store.quads(DERIVED_GRAPH)} == derived_anew(store), what
    assert len(changes) > 5


def derived_anew(store: OxigraphStore) -> set[ox.Triple]:
    merge.strip_derived(store)
    rules.derive(store, all_rules())
    return {quad.triple for quad in store.quads(DERIVED_GRAPH)}
