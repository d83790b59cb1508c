"""What several test files share: the real graph, built once for all test processes."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dpa_kg import publish
from dpa_kg.query.reader import Reader
from dpa_kg.settings import Settings
from tests.serving import serving


@pytest.fixture(scope="session")
def built_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A home with the project's own graph. Parallel test processes share it: the first one builds, the others wait for its lock."""
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "built-home"
    publish.build(Settings(home=home))
    return home


@pytest.fixture(scope="session")
def graph(built_home: Path) -> Iterator[Reader]:
    """A reader of the project's own graph."""
    version = publish.build(Settings(home=built_home))
    with Reader(version, built_home / "spool") as reader:
        yield reader


@pytest.fixture(scope="session")
def service_url(built_home: Path) -> Iterator[str]:
    """The address of a running service over the project's own graph."""
    with serving(built_home) as url:
        yield url


@pytest.fixture(scope="session")
def client(service_url: str) -> Iterator[httpx.Client]:
    """An HTTP client of that service; redirects are not followed."""
    with httpx.Client(base_url=service_url, timeout=30) as session:
        yield session
