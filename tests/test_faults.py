"""Faults, each brought about for real: killed processes, a full disk, damaged files, two writers. Nothing needs repair afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dpa_kg import publish
from dpa_kg.errors import BuildError, DpaKgError, NotFound
from dpa_kg.graph import candidates, merge
from dpa_kg.graph.metadata import Candidate, Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.versions import Versions
from dpa_kg.namespaces import PREFIXES
from dpa_kg.query.update import Update
from tests.small_project import Project, ask

MINE = "https://example.org/mine"
LIMIT = 120.0  # seconds that a test waits for a process
PREFIX = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())

CHILD = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from dpa_kg import publish
from dpa_kg.graph.versions import Versions
from dpa_kg.query.update import Update
from dpa_kg.settings import Settings

home, root, work, fault, text = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

@contextmanager
def stage(name):
    if fault == "begin " + name:
        die()
    yield
    if fault == "end " + name:
        die()

if fault == "between version and link":
    Versions._point = die
settings = Settings(home=Path(home))
if work == "build":
    publish.build(settings, stage, root=Path(root), force=True)
else:
    publish.change(settings, Update(Path(text).read_text()), "child", stage, root=Path(root))
print("done", flush=True)
"""


def insert(name: str) -> str:
    fact = f"project:{name} a dpa:Project ; dpa:startDate '2020'^^xsd:gYear ; rdfs:label '{name}'@en"
    return f"{PREFIX} INSERT DATA {{ GRAPH <{MINE}> {{ {fact} }} }}"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    publish.build(made.settings, root=made.root)
    return made


def command(project: Project, work: str, fault: str = "", text: str = "", code: str = CHILD) -> list[str]:
    file = project.root.parent / "update.ru"  # as an argument it may be too long
    file.write_text(text)
    return [sys.executable, "-c", code, str(project.settings.home), str(project.root), work, fault, str(file)]


def change(project: Project, name: str) -> Version:
    return publish.change(project.settings, Update(insert(name)), "tests", root=project.root).version


def current(project: Project) -> Version:
    version = Versions(project.settings.home).current()
    assert version is not None
    return version


def has(project: Project, name: str) -> bool:
    return ask(OxigraphStore.open_read_only(current(project).store_path), f"project:{name} rdfs:label '{name}'@en")


def assert_whole(project: Project) -> None:
    """The published version can be read to its last term, its merge is right, and its counts are those that it tells."""
    version = current(project)
    store = OxigraphStore.open_read_only(version.store_path)
    expected = {quad.triple for graph in store.graphs() if graph not in merge.UNMERGED for quad in store.quads(graph)}
    assert Counter(quad.triple for quad in store.quads()) == Counter(expected)
    assert store.triples() == version.metadata.triples


# ---- killed


STAGES = {"build": ("load", "merge", "derive", "validate", "check", "index"), "change": ("change", "derive", "validate", "index")}
LAST = ("begin publish", "between version and link", "end publish")


@pytest.mark.parametrize(
    ("work", "fault"),
    [
        (work, fault)
        for work, stages in STAGES.items()
        for fault in (*(f"{when} {one}" for one in stages for when in ("begin", "end")), *LAST)
    ],
)
def test_a_writer_that_is_killed_leaves_a_whole_version_and_the_next_start_repairs_nothing(project: Project, work: str, fault: str) -> None:
    before = current(project)
    done = subprocess.run(command(project, work, fault, insert("lost")), timeout=LIMIT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (current(project) == before) == (fault != "end publish")
    assert_whole(project)
    assert publish.build(project.settings, root=project.root) == current(project)  # the next start: nothing to do
    change(project, "next")
    assert has(project, "next")
    assert_whole(project)
    complete = {path.parent.name for path in Versions(project.settings.home).folder.glob("*/version.json")}
    assert complete == {path.name for path in Versions(project.settings.home).folder.iterdir()}


WRITING = """
import sys
from pathlib import Path
from dpa_kg import publish
from dpa_kg.query.update import Update
from dpa_kg.settings import Settings

home, root, name, text, count = sys.argv[1:]
for number in range(int(count)):
    publish.change(Settings(home=Path(home)), Update(text.replace("NAME", f"{name}{number}")), name, root=Path(root))
    print(f"{name}{number}", flush=True)
"""


def writing(project: Project, name: str, count: int) -> subprocess.Popen[str]:
    arguments = [str(project.settings.home), str(project.root), name, insert("NAME"), str(count)]
    return subprocess.Popen([sys.executable, "-c", WRITING, *arguments], stdout=subprocess.PIPE, text=True)


def test_no_acknowledged_write_is_lost_when_its_writer_is_killed_at_any_moment(project: Project) -> None:
    acknowledged: list[str] = []
    for turn in range(3):
        with writing(project, f"turn{turn}x", 1000) as process:
            assert process.stdout is not None
            for _ in range(turn + 2):
                acknowledged.append(process.stdout.readline().strip())
            process.kill()
            acknowledged += process.stdout.read().split()
    assert len(acknowledged) >= 9
    assert [name for name in acknowledged if not has(project, name)] == []
    assert_whole(project)
    change(project, "next")


def test_two_writers_at_once_both_succeed_one_after_the_other(project: Project) -> None:
    processes = [writing(project, name, 4) for name in ("left", "right")]
    acknowledged = [name for process in processes for name in process.communicate(timeout=LIMIT)[0].split()]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(acknowledged) == 8
    assert [name for name in acknowledged if not has(project, name)] == []
    known = Versions(project.settings.home).all()
    assert [version.number for version in known] == list(range(9, 0, -1))
    assert [version.metadata.parent for version in known] == [*range(8, 0, -1), None]
    assert_whole(project)


# ---- locks

HOLDING = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
from dpa_kg.graph.versions import Versions
versions = Versions(Path(sys.argv[1]))
with ExitStack() as stack:
    stack.enter_context(versions.reading(1) if sys.argv[2] == "read" else versions.writing())
    print("ready", flush=True)
    time.sleep(600)
"""


@contextmanager
def holding(home: Path, what: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", HOLDING, str(home), what], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSEGV])
def test_the_lock_of_a_writer_ends_with_it(project: Project, end: signal.Signals) -> None:
    with holding(project.settings.home, "write") as holder:
        second = subprocess.Popen(command(project, "change", text=insert("second")), stdout=subprocess.PIPE, text=True)
        holder.send_signal(end)
        holder.wait()
        assert second.communicate(timeout=LIMIT)[0] == "done\n"
    assert has(project, "second")


def test_the_lock_of_a_reader_ends_with_it(project: Project) -> None:
    change(project, "second")
    versions = Versions(project.settings.home)
    with holding(project.settings.home, "read") as holder:
        with pytest.raises(DpaKgError, match="being read"):
            versions.delete(1)
        holder.kill()
        holder.wait()
        versions.delete(1)
    with pytest.raises(NotFound):
        versions.get(1)


# ---- a full disk


@pytest.mark.parametrize("size", [500, 20_000, 100_000])
@pytest.mark.parametrize("work", ["build", "change"])
def test_a_file_that_cannot_grow_leaves_the_current_version(project: Project, work: str, size: int) -> None:
    before = current(project)
    long = insert("big").replace("'big'@en", ", ".join(f"'{'long ' * 20}{number}'@en" for number in range(4000)))
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n{CHILD}"
    done = subprocess.run(command(project, work, text=long, code=limited), capture_output=True, text=True, timeout=LIMIT, check=False)
    if work == "change" or size < 100_000:
        assert "BuildError: " in done.stderr, done.stderr[-2000:]
        assert current(project) == before
    assert_whole(project)
    change(project, "next")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MiB; skipped where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    mounting = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if mount is None or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("work", ["build", "change"])
@pytest.mark.parametrize("free", [0, 40_000, 400_000])
def test_a_full_disk_leaves_the_current_version_and_the_next_write_succeeds(tmp_path: Path, small_disk: Path, work: str, free: int) -> None:
    project = Project(tmp_path)
    project.settings = project.settings.model_copy(update={"home": small_disk / "home"})
    publish.build(project.settings, root=project.root)
    before = current(project)
    filler = small_disk / "filler"
    left = shutil.disk_usage(small_disk).free
    filler.write_bytes(b"x" * max(left - free, 0))
    long = insert("big").replace("'big'@en", ", ".join(f"'{'long ' * 20}{number}'@en" for number in range(8000)))
    done = subprocess.run(command(project, work, text=long), capture_output=True, text=True, timeout=LIMIT, check=False)
    if work == "change" or free < 400_000:
        assert "BuildError: " in done.stderr, done.stderr[-2000:]
        assert current(project) == before
    assert_whole(project)
    filler.unlink()
    change(project, "next")
    assert has(project, "next")
    assert_whole(project)


# ---- a damaged candidate


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [cut, empty, remove])
@pytest.mark.parametrize("work", ["build", "change"])
@pytest.mark.parametrize("pattern", ["*.sst", "MANIFEST-*", "CURRENT"])
def test_a_candidate_that_is_damaged_after_it_was_written_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], pattern: str, work: str
) -> None:
    before = current(project)
    name = "confirm" if work == "change" else "compare"
    check: Callable[..., None] = getattr(candidates, name)

    def damaged(candidate: Candidate, *rest: Any) -> None:
        files = [
            path for path in candidate.store_path.glob(pattern) if path.stat().st_nlink == 1
        ]  # the others are the current version's too
        assert files
        for path in files:
            damage(path)
        check(candidate, *rest)

    monkeypatch.setattr(candidates, name, damaged)
    with pytest.raises(BuildError):
        change(project, "lost") if work == "change" else publish.build(project.settings, root=project.root, force=True)
    monkeypatch.undo()
    assert current(project) == before
    assert [path.name for path in Versions(project.settings.home).folder.iterdir()] == [before.path.name]
    change(project, "next")
    assert_whole(project)


@pytest.mark.parametrize("work", ["build", "change"])
def test_a_candidate_whose_writes_never_reached_the_disk_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch, work: str) -> None:
    before = current(project)
    name = "confirm" if work == "change" else "compare"
    check: Callable[..., None] = getattr(candidates, name)

    def lost(candidate: Candidate, *rest: Any) -> None:
        shutil.rmtree(candidate.store_path)
        OxigraphStore.open_read_only(before.store_path).checkpoint(candidate.store_path)
        check(candidate, *rest)

    monkeypatch.setattr(candidates, name, lost)
    if work == "build":
        project.append("data/reference/places.ttl", 'place:more a dpa:Place ; rdfs:label "More"@en .\n')
    with pytest.raises(BuildError, match="on disk"):
        change(project, "lost") if work == "change" else publish.build(project.settings, root=project.root)
    assert current(project) == before


def test_a_published_version_that_is_damaged_is_told_and_a_rollback_leaves_it(project: Project) -> None:
    first = current(project)
    second = change(project, "second")
    for path in second.store_path.glob("CURRENT"):
        path.unlink()
    with pytest.raises(BuildError, match="cannot be opened"):
        change(project, "third")
    assert publish.rollback(project.settings, first.number, root=project.root) == first
    assert change(project, "third").metadata.parent == first.number
    assert json.loads((second.path / "version.json").read_text())["number"] == second.number


def test_a_reader_of_a_deleted_version_never_sees_half_of_it(project: Project) -> None:
    change(project, "second")
    versions = Versions(project.settings.home)
    until = time.monotonic() + LIMIT
    with holding(project.settings.home, "read") as holder:
        deleting = subprocess.Popen(
            [sys.executable, "-c", f"import sys; from pathlib import Path; from dpa_kg.graph.versions import Versions; "
             f"Versions(Path({str(project.settings.home)!r})).delete(1, wait=60)"],
        )  # fmt: skip
        store = OxigraphStore.open_read_only(versions.get(1).store_path)
        count = len(store.engine)
        holder.kill()
        assert deleting.wait(timeout=LIMIT) == 0
    assert count > 0
    while versions.numbers() != [2] and time.monotonic() < until:
        time.sleep(0.05)
    assert versions.numbers() == [2]
