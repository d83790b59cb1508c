"""Dumps and differences: sorted, the same each time, whole."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpa_kg.graph import kept
from dpa_kg.graph.dump import DumpFormat, dump, write_difference, write_gzip
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.sorting import sorted_lines
from dpa_kg.graph.versions import Versions
from tests.tiny import QUADS, make_version


@pytest.fixture
def two(tmp_path: Path) -> tuple[Version, Version]:
    """Two versions; the second one has another name for the lab."""
    return make_version(tmp_path), make_version(tmp_path, QUADS.replace('"Media Lab"', '"Renamed \\u2028 Lab"'))


@given(st.lists(st.text(alphabet="ab\u2028é", max_size=3)), st.integers(1, 4))
def test_lines_are_sorted_however_few_are_held_in_memory(words: list[str], run: int) -> None:
    lines = [f"{word}\n" for word in words]
    assert list(sorted_lines(lines, run=run)) == sorted(lines)


def test_a_dump_of_n_quads_is_sorted_and_has_no_merge(two: tuple[Version, Version]) -> None:
    output = io.BytesIO()
    dump(two[1], "nquads", output)
    lines = output.getvalue().decode().removesuffix("\n").split("\n")
    assert lines == sorted(lines)
    assert all(isinstance(quad.graph_name, ox.NamedNode) for quad in ox.parse(output.getvalue(), format=ox.RdfFormat.N_QUADS))


def test_both_formats_hold_the_same_quads(two: tuple[Version, Version]) -> None:
    found = []
    for form, rdf in (("nquads", ox.RdfFormat.N_QUADS), ("trig", ox.RdfFormat.TRIG)):
        output = io.BytesIO()
        dump(two[1], form, output)  # type: ignore[arg-type]  # one of the two
        found.append(set(ox.parse(output.getvalue(), format=rdf)))
    assert found[0] == found[1]
    assert len(found[0]) > 30


@pytest.mark.parametrize("form", ["nquads", "trig"])
def test_a_compressed_dump_has_neither_a_time_nor_a_name_inside(two: tuple[Version, Version], form: DumpFormat) -> None:
    output, plain = io.BytesIO(), io.BytesIO()
    write_gzip(two[0], form, output)
    dump(two[0], form, plain)
    assert output.getvalue()[3:8] == b"\0\0\0\0\0"  # flags, then the time (RFC 1952)
    assert gzip.decompress(output.getvalue()) == plain.getvalue()


def _difference(version: Version, parent: Version | None) -> list[str]:
    output = io.BytesIO()
    write_difference(version, parent, output)
    return output.getvalue().decode().removesuffix("\n").split("\n")


def test_a_difference_has_what_went_and_then_what_came(two: tuple[Version, Version]) -> None:
    went, came = _difference(two[1], two[0])
    assert went.startswith("- <https://w3id.org/dpa-kg/id/organization/lab>")
    assert '"Media Lab"@en' in went
    assert came.startswith("+ ")
    assert "Renamed" in came


def test_a_difference_makes_the_version_from_its_parent(two: tuple[Version, Version]) -> None:
    old, new = ({str(quad) for quad in _quads(version)} for version in two)
    for line in _difference(two[1], two[0]):
        (quad,) = ox.parse(line[2:], format=ox.RdfFormat.N_QUADS)
        (old.remove if line.startswith("- ") else old.add)(str(quad))
    assert old == new


def _quads(version: Version) -> Iterator[ox.Quad]:
    output = io.BytesIO()
    dump(version, "nquads", output)
    yield from ox.parse(output.getvalue(), format=ox.RdfFormat.N_QUADS)


def test_a_version_without_a_parent_has_only_come(two: tuple[Version, Version]) -> None:
    assert {line[:2] for line in _difference(two[0], None)} == {"+ "}


def test_a_file_that_fails_in_the_making_leaves_nothing(tmp_path: Path) -> None:
    path = kept.folder(tmp_path, 1) / kept.NQUADS_DUMP
    with pytest.raises(ZeroDivisionError), kept.making(path) as output:
        output.write(b"half")
        raise ZeroDivisionError
    assert [file.name for file in path.parent.iterdir()] == ["lock"]


def test_what_a_dead_process_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    path = kept.folder(tmp_path, 1) / kept.NQUADS_DUMP
    path.parent.mkdir(parents=True)
    (path.parent / f"part-{path.name}-dead").touch()
    with kept.making(path) as output:
        output.write(b"whole")
    assert {file.name for file in path.parent.iterdir()} == {path.name, "lock"}


def test_the_files_of_a_deleted_version_go_with_it(tmp_path: Path) -> None:
    for _ in range(2):
        make_version(tmp_path)
    for number in (1, 2):
        with kept.making(kept.folder(tmp_path, number) / kept.DIFFERENCE) as output:
            output.write(b"+ ")
    Versions(tmp_path).delete(1)
    assert [place.name for place in (tmp_path / "dumps").iterdir()] == ["000002"]
    kept.tidy(tmp_path, alive=set())
    assert list((tmp_path / "dumps").iterdir()) == []
