"""Versions on disk: published whole or not at all, held by their readers, never numbered twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyoxigraph as ox
import pytest

from dpa_kg.errors import BuildError, InputError, NotFound, Overloaded
from dpa_kg.graph.locks import exclusive
from dpa_kg.graph.metadata import Candidate, Metadata, Version
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.versions import Versions


def metadata(candidate: Candidate, fingerprint: str = "f") -> Metadata:
    return Metadata(
        number=candidate.number, created="2020-01-01T00:00:00+00:00", fingerprint=fingerprint, engine="e", code="c", triples=1, graphs=1,
        file_graphs=("g",), validated=True, warnings=0, infos=0, parent=candidate.parent.number if candidate.parent else None, who="w",
        changes={"added": 1, "removed": 0},
    )  # fmt: skip


def publish(versions: Versions, fingerprint: str = "f") -> Version:
    with versions.writing(), versions.candidate() as candidate:
        with OxigraphStore.open(candidate.store_path) as store:
            store.engine.add(ox.Quad(ox.NamedNode("u:s"), ox.NamedNode("u:p"), ox.Literal(candidate.number)))
            store.engine.flush()
        return versions.publish(candidate, metadata(candidate, fingerprint))


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path / "home")


@contextmanager
def python(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process that has printed its first line."""
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


READER = """
import sys, time
from pathlib import Path
from dpa_kg.graph.versions import Versions
with Versions(Path(sys.argv[1])).reading(int(sys.argv[2])):
    print("ready", flush=True)
    time.sleep(60)
"""

WRITER = """
import sys, time
from pathlib import Path
from dpa_kg.graph.versions import Versions
versions = Versions(Path(sys.argv[1]))
with versions.writing(), versions.candidate() as candidate:
    (candidate.path / "store").mkdir()
    print("ready", flush=True)
    time.sleep(60)
"""


def test_there_is_no_version_at_first(versions: Versions) -> None:
    assert versions.current() is None
    assert versions.all() == []
    with pytest.raises(NotFound), versions.reading():
        pass


def test_a_published_version_is_the_current_one_and_keeps_what_was_said_of_it(versions: Versions) -> None:
    first, second = publish(versions), publish(versions)
    assert (first.number, second.number) == (1, 2)
    assert versions.current() == second
    assert versions.get(1) == first
    assert [version.number for version in versions.all()] == [2, 1]
    assert second.metadata.parent == 1


def test_the_link_is_relative_so_that_a_home_can_be_moved(versions: Versions) -> None:
    publish(versions)
    moved = versions.home.rename(versions.home.with_name("elsewhere"))
    assert Versions(moved).current() is not None


def test_a_candidate_has_its_final_path_before_it_is_published(versions: Versions) -> None:
    with versions.writing(), versions.candidate() as candidate:
        before = candidate.path.stat().st_ino
        version = versions.publish(candidate, metadata(candidate))
    assert version.path == candidate.path
    assert version.path.stat().st_ino == before


def test_a_candidate_that_is_not_published_leaves_nothing(versions: Versions) -> None:
    publish(versions)
    with pytest.raises(ZeroDivisionError), versions.writing(), versions.candidate() as candidate:
        (candidate.path / "store").mkdir()
        raise ZeroDivisionError
    assert [path.name for path in versions.folder.iterdir()] == ["000001"]
    current = versions.current()
    assert current is not None
    assert current.number == 1


def test_what_a_killed_writer_leaves_is_removed_by_the_next_one(versions: Versions) -> None:
    publish(versions)
    with python(WRITER, versions.home) as writer:
        with pytest.raises(Overloaded, match="Another process"), versions.writing(wait=0.1):
            pass
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert (versions.folder / "000002" / "store").is_dir()
    current = versions.current()
    assert current is not None
    assert current.number == 1
    with versions.writing(wait=0):
        assert not (versions.folder / "000002").exists()
    assert publish(versions).number == 2


def test_a_writer_waits_for_another_one(versions: Versions) -> None:
    order: list[str] = []

    def second() -> None:
        with versions.writing(wait=10):
            order.append("second")

    with versions.writing():
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_version_that_another_process_reads_is_not_deleted(versions: Versions) -> None:
    publish(versions)
    publish(versions)
    with python(READER, versions.home, 1) as reader:
        with pytest.raises(Overloaded, match="being read"):
            versions.delete(1)
        assert (versions.get(1).store_path / "CURRENT").is_file()
        reader.kill()
        reader.wait()
        versions.delete(1)
    with pytest.raises(NotFound):
        versions.get(1)


def test_the_current_version_is_not_deleted(versions: Versions) -> None:
    publish(versions)
    with pytest.raises(InputError, match="current"):
        versions.delete(1)


def test_the_number_of_a_deleted_version_is_not_given_again(versions: Versions) -> None:
    publish(versions)
    publish(versions)
    versions.rollback(1, instead_of="x")
    versions.delete(2)
    assert publish(versions).number == 3


def test_a_reader_that_waits_while_a_version_is_deleted_is_told_that_it_is_gone(versions: Versions) -> None:
    publish(versions)
    publish(versions)
    told: list[str] = []

    def read() -> None:
        try:
            with versions.reading(1):
                told.append("read")
        except NotFound:
            told.append("gone")

    thread = threading.Thread(target=read)
    lock = versions.folder / "000001" / "lock"
    with exclusive(lock, "busy"):
        thread.start()
        time.sleep(0.3)
        assert told == []
        lock.unlink()
    thread.join()
    assert told == ["gone"]


def test_a_reader_of_the_current_version_looks_again_when_it_is_deleted_meanwhile(versions: Versions) -> None:
    publish(versions)
    publish(versions)
    read: list[int] = []

    def reader() -> None:
        with versions.reading() as version:
            read.append(version.number)

    thread = threading.Thread(target=reader)
    lock = versions.folder / "000002" / "lock"
    with exclusive(lock, "busy"):
        thread.start()
        time.sleep(0.3)
        versions.rollback(1, instead_of="x")
        lock.unlink()
    thread.join()
    assert read == [1]


def test_a_reader_that_waits_while_a_version_is_written_again_gets_the_new_generation(versions: Versions) -> None:
    first = publish(versions)
    read: list[str] = []

    def reader() -> None:
        with versions.reading(1) as version:
            read.append(version.edition)

    thread = threading.Thread(target=reader)
    with versions.alone(1):
        thread.start()
        time.sleep(0.3)
        versions.replace(first, replace(first.metadata, generation=1))
    thread.join()
    assert read == ["1.1"]


def test_what_other_generations_left_is_told_apart_from_what_the_version_is(versions: Versions) -> None:
    first = publish(versions)
    for name in ("search.sqlite", "search-delta.sqlite", "search.1.sqlite", "search.1-delta.sqlite", "store.1", "counts.json"):
        (first.path / name).touch()
    assert [path.name for path in versions.former(first)] == ["search.1-delta.sqlite", "search.1.sqlite", "store.1"]
    again = versions.replace(first, replace(first.metadata, generation=1))
    assert [path.name for path in versions.former(again)] == ["counts.json", "search-delta.sqlite", "search.sqlite", "store"]


def test_a_store_that_is_open_answers_while_others_are_published(versions: Versions) -> None:
    publish(versions)
    with versions.reading() as version:
        store = OxigraphStore.open_read_only(version.store_path)
        for _ in range(3):
            publish(versions)
        assert [quad.object.value for quad in store.quads() if isinstance(quad.object, ox.Literal)] == ["1"]


def test_rollback_returns_to_an_older_version_and_remembers_against_which_files(versions: Versions) -> None:
    first = publish(versions, "old")
    publish(versions, "new")
    assert versions.rollback(1, instead_of="new") == first
    assert versions.current() == first
    assert versions.held(first) == "new"
    third = publish(versions, "newer")
    assert versions.held(third) is None
    assert versions.held(first) is None


def test_rollback_to_a_version_that_is_not_there_changes_nothing(versions: Versions) -> None:
    first = publish(versions)
    with pytest.raises(NotFound, match="no version 7"):
        versions.rollback(7, instead_of="x")
    assert versions.current() == first


def test_a_link_that_leads_nowhere_is_told_with_a_hint(versions: Versions) -> None:
    publish(versions)
    (versions.folder / "000001" / "version.json").unlink()
    with pytest.raises(BuildError, match="current version 1") as caught:
        versions.current()
    assert "Roll back" in (caught.value.hint or "")


def test_a_damaged_description_is_told(versions: Versions) -> None:
    version = publish(versions)
    (version.path / "version.json").write_text('{"number": 1')
    with pytest.raises(BuildError, match="damaged"):
        versions.current()
