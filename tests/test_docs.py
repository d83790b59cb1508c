"""The documentation names everything that there is."""

import re
from pathlib import Path

from dpa_kg import __version__, resources
from dpa_kg.http.app import create_app
from dpa_kg.query.catalogue import Catalogue
from dpa_kg.settings import Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
_TOLD_TOGETHER = {"/doc/{noun}/{slug}", "/graphs/{name}", "/graph/{name}"}


def test_every_setting_is_documented_with_its_default() -> None:
    table = (DOCS / "service.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        default = "–" if field.default is None else str(field.default)
        row = next((line for line in table.splitlines() if line.startswith(f"| `DPA_KG_{name.upper()}` |")), "")
        assert field.description
        assert field.description in row, name
        assert field.default_factory or f"| {default} |" in row, name


def test_every_address_is_documented() -> None:
    table = (DOCS / "service.md").read_text("utf-8").partition("## ")[2]
    paths = {path for path in create_app(Settings()).openapi()["paths"] if not path.startswith("/queries/")}
    assert len(paths) > 15
    assert [path for path in sorted(paths) if path not in table and path not in _TOLD_TOGETHER] == []


def test_every_named_query_has_a_line_in_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    names = Catalogue.load(resources.folder("queries"), check=False).queries
    assert [name for name in names if f"`{name}`" not in changelog] == []


def test_links_between_documents_lead_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
            assert target.startswith("http") or (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_release_is_the_newest_in_the_changelog() -> None:
    released = re.findall(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert released[0] == __version__


def test_every_term_is_in_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    files = [path for path in resources.folder("ontology").glob("*.ttl") if path.stem not in {"alignments", "rules", "prefixes"}]
    terms = {term for path in files for term in re.findall(r"^(dpa:\w+) a ", path.read_text("utf-8"), re.MULTILINE)}
    assert len(terms) > 50
    assert sorted(term for term in terms if f"`{term}`" not in changelog) == []
