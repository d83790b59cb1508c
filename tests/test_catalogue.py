"""The catalogue refuses a query file that would answer wrongly, and says what is wrong with it."""

from pathlib import Path

import pytest

from dpa_kg import resources
from dpa_kg.errors import BuildError, NotFound
from dpa_kg.namespaces import LANGUAGES, NOUNS
from dpa_kg.query.catalogue import Catalogue

LABELS = """
subjects: {projects: {en: Projects}}
parameters: {country: {en: Country}, since: {en: Since}}
columns: {project: {en: Project}}
"""
HEADER = """#+ title: {en: Projects}
#+ description: {en: All projects.}
#+ subject: projects
#+ parameters:
#+   country: {type: "dpa:Country", multiple: true}
"""
BODY = """PREFIX dpa: <https://w3id.org/dpa-kg/ontology#>
SELECT ?project WHERE {
  #? if country
  VALUES ?country { <https://w3id.org/dpa-kg/id/place/norway> }
  ?project dpa:country ?country .
  #? end
  ?project a dpa:Project .
}
ORDER BY ?project
"""


def load(folder: Path, text: str, name: str = "projects.rq") -> Catalogue:
    (folder / "labels.yaml").write_text(LABELS, encoding="utf-8")
    (folder / name).write_text(text, encoding="utf-8")
    return Catalogue.load(folder)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    query = load(tmp_path, HEADER + BODY).get("projects")
    assert query.columns == ("project",)
    assert query.parameters[0].multiple
    assert query.form == "SELECT"


def test_norway_stays_a_string_in_the_header(tmp_path: Path) -> None:
    examples = "#+ examples:\n#+   - {title: {en: Norway}, parameters: {country: [NO]}, rows: {min: 0}}\n"
    query = load(tmp_path, HEADER + examples + BODY).get("projects")
    assert query.examples[0].parameters == {"country": ("NO",)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("#+ subject: projects\n", ""), "no subject"),
        (("subject: projects", "subject: nonsense"), "unknown subject"),
        (("VALUES ?country", "VALUES ?state"), "no declared parameter"),
        (("#+   country:", "#+   since:"), "no declared parameter"),
        (("  #? if country\n", "  #? if continent\n"), "no declared parameter"),
        (("  #? end\n", ""), "never ends"),
        (("  ?project dpa:country ?country .\n", ""), "used nowhere"),
        (("  ?project dpa:country ?country .\n", "  { ?project dpa:alpha2 ?code FILTER(?code = ?country) }\n"), "does not reach"),
        (("ORDER BY ?project", "ORDER BY"), "does not parse"),
        (("  #? if country\n", ""), "never began"),
        (('type: "dpa:Country"', 'type: "nope:Country"'), "unknown type"),
        (("country: {type", "limit: {type"), "reserved"),
        (("#+ title: {en: Projects}", "#+ title: {en: Projects"), "not YAML"),
    ],
)
def test_a_broken_file_is_refused_with_its_name(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    text = HEADER + BODY
    assert change[0] in text
    with pytest.raises(BuildError, match=message) as caught:
        load(tmp_path, text.replace(*change))
    assert "projects.rq" in caught.value.detail


def test_the_row_of_an_optional_parameter_must_be_optional(tmp_path: Path) -> None:
    text = (HEADER + BODY).replace("  #? if country\n", "").replace("  #? end\n", "")
    with pytest.raises(BuildError, match="outside '#\\? if country'"):
        load(tmp_path, text)


def test_a_sibling_without_its_query_is_refused(tmp_path: Path) -> None:
    (tmp_path / "grants.coverage.rq").write_text(BODY, encoding="utf-8")
    with pytest.raises(BuildError, match="sibling of no query"):
        load(tmp_path, HEADER + BODY)


def test_the_project_s_own_catalogue_is_complete_in_four_languages() -> None:
    catalogue = Catalogue.load(resources.folder("queries"))
    assert len(catalogue.queries) >= 40
    for query in catalogue:
        texts = [query.title, query.description, *(parameter.label for parameter in query.parameters)]
        texts += [query.coverage_text] if query.coverage else []
        assert all(set(text) >= set(LANGUAGES) for text in texts), query.name
        assert query.examples, f"{query.name} has no example"
        for column in query.columns:
            base = column.removesuffix("Name") if column not in catalogue.columns else column
            assert set(catalogue.columns.get(base, {})) >= set(LANGUAGES), f"{query.name}: no label for the column {column}"
        if query.form == "SELECT":
            assert "ORDER BY" in query.text, f"{query.name}: its rows have no order"


def test_an_unknown_query_is_not_found() -> None:
    with pytest.raises(NotFound):
        Catalogue.load(resources.folder("queries"), check=False).get("nonsense")


def test_a_query_is_named_after_a_noun() -> None:
    nouns = {path.stem for path in resources.folder("ontology").glob("*.ttl")} & set(NOUNS)
    names = Catalogue.load(resources.folder("queries"), check=False).queries
    assert [name for name in names if name.split("-")[0].removesuffix("s") not in nouns] == []
