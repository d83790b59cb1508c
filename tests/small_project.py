"""A small project (tests/fixtures/project) with its own ontology, shapes, query, data and documents, copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.namespaces import PREFIXES
from dpa_kg.settings import Settings

FIXTURE = Path(__file__).parent / "fixtures" / "project"


class Project:
    """The copy: `root` holds the files, `settings` a home beside them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        shutil.copytree(FIXTURE, self.root)
        self.settings = Settings(home=folder / "home")

    @property
    def documents(self) -> Path:
        return self.root / "documents"

    def replace(self, file: str, old: str, new: str) -> None:
        """Replaces `old`, which must be there, in one file."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def append(self, file: str, text: str) -> None:
        """Adds a text to the end of a file."""
        with (self.root / file).open("a", encoding="utf-8") as output:
            output.write(text)


def ask(store: OxigraphStore, pattern: str) -> bool:
    """Whether the pattern, with the project's prefixes, is in the store."""
    prefixes = "".join(f"PREFIX {prefix}: <{iri}> " for prefix, iri in PREFIXES.items())
    return bool(store.query(f"{prefixes} ASK {{ {pattern} }}"))
