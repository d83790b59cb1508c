"""One hash of everything that a version is made from, so that nothing is built twice."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from dpa_kg.graph.oxigraph import engine
from dpa_kg.resources import folder

_PACKAGE = Path(__file__).resolve().parent.parent
_FILES = ("ontology", "shapes", "queries", "data")
_CODE = ("graph", "ingest", "query", "publish.py", "namespaces.py", "terms.py", "errors.py")


def fingerprint(root: Path | None = None) -> str:
    """SHA-256 over ontology, shapes, rules, queries, data, the code that builds, and the version of the engine."""
    digest = sha256(engine().encode())
    for base, files in [*_project(root), *_code()]:
        for path in files:
            content = path.read_bytes()
            digest.update(f"\0{path.relative_to(base).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def _project(root: Path | None) -> list[tuple[Path, list[Path]]]:
    folders = [folder(name, root) for name in _FILES]
    return [(place.parent, sorted(path for path in place.rglob("*") if path.is_file())) for place in folders]


def _code() -> list[tuple[Path, list[Path]]]:
    places = [_PACKAGE / name for name in _CODE]
    files = [path for place in places for path in ([place] if place.is_file() else place.rglob("*"))]
    return [(_PACKAGE, sorted(path for path in files if path.is_file() and "__pycache__" not in path.parts))]
