"""The README's examples give the answers that stand in the README."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from benchmarks.table import table

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"```console\n\$ (?P<command>.*?)\n```", re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """(command, expected output): a command goes on over lines until its quotes are closed."""
    found = []
    for match in BLOCK.finditer((ROOT / "README.md").read_text("utf-8")):
        lines = match["command"].split("\n")
        count = next(number for number in range(1, len(lines) + 1) if "\n".join(lines[:number]).count("'") % 2 == 0)
        found.append(("\n".join(lines[:count]), "\n".join(lines[count:])))
    return found


def test_there_are_at_least_five_examples() -> None:
    assert len(examples()) >= 5
    assert all(expected for _, expected in examples())


@pytest.mark.parametrize(("command", "expected"), examples())
def test_an_example_gives_its_answer(command: str, expected: str, service_url: str, built_home: Path) -> None:
    command = command.replace("http://127.0.0.1:8000", service_url)
    environment = os.environ | {"DPA_KG_HOME": str(built_home), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.strip("\n") == expected, done.stderr


def test_the_measured_table_is_that_of_the_newest_results() -> None:
    results = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    rows = json.loads(results[-1].read_text(encoding="utf-8"))["rows"]
    assert table(rows) in (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(rows) > 10
