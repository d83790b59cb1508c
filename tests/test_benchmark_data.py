"""The graph that benchmarks are measured on."""

from __future__ import annotations

import io
from pathlib import Path

from benchmarks import generate

from dpa_kg import publish
from dpa_kg.settings import Settings


def test_the_same_number_gives_the_same_bytes() -> None:
    first, second = io.StringIO(), io.StringIO()
    generate.write(50, first)
    generate.write(50, second)
    assert first.getvalue() == second.getvalue() != ""


def test_a_project_has_about_twenty_triples() -> None:
    assert 18 <= generate.write(1000, io.StringIO()) / 1000 <= 22


def test_the_data_pass_the_shapes(tmp_path: Path) -> None:
    file = tmp_path / "projects.nq"
    with file.open("w", encoding="utf-8") as output:
        generate.write(50, output)
    report = publish.validate(Settings(home=tmp_path / "home"), [file])
    assert report.conforms
    assert report.count("warning") == 0
