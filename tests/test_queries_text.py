"""What can be said of the named queries by reading them: names, prefixes, texts in four languages, order, siblings."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dpa_kg import resources
from dpa_kg.namespaces import LANGUAGES, NOUNS, PREFIXES
from dpa_kg.query.catalogue import split_header
from dpa_kg.query.lexer import tokens

FOLDER = resources.folder("queries")
FILES = sorted(FOLDER.glob("*.rq"))
MAIN = [path for path in FILES if "." not in path.stem]

# what a researcher or a grant writer asks (issue 2, section 4), and the query that answers it
QUESTIONS = {
    "projects by funder and country": "projects-by-funder-and-country",
    "projects by any combination of conditions": "projects-search",
    "funders with totals per currency": "organizations-funders",
    "partners by number of common projects": "organizations-partners",
    "organizations in more than one role": "organizations-in-several-roles",
    "co-participation pairs": "participations-pairs",
    "the dossier of an organization": "organization-dossier",
    "the dossier of a person": "person-dossier",
    "the dossier of a project": "project-dossier",
    "positions of a person over time": "memberships-by-person",
    "title changes between two dates": "memberships-title-changes",
    "the team on a date": "memberships-team-on-date",
    "events by place, year and series": "events-search",
    "series with their editions": "events-editions",
    "publications by author, theme and year": "publications-search",
    "co-authors": "publications-co-authors",
    "projects active on a date": "projects-active-on-date",
    "projects without a stated funder": "projects-without-funder",
    "projects without a stated period": "projects-without-period",
    "projects without a stated place": "projects-without-place",
    "countries per funder": "places-by-funder",
    "themes by country": "themes-by-country",
    "grants by year": "grants-by-year",
    "where sources disagree": "sources-disagreements",
    "the passages behind a statement": "sources-statements-about",
    "initiatives of others by country and kind of data": "initiatives-search",
    "statistics by period": "statistics-by-period",
    "entities that are possibly the same": "sources-possibly-same",
    "everything that a source says": "sources-statements",
    "partners by theme": "organizations-partners-by-theme",
}


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=path.stem) for path in paths]


def header(path: Path) -> dict[str, Any]:
    return yaml.load(split_header(path.read_text("utf-8"))[0], Loader=yaml.BaseLoader) or {}  # noqa: S506 - BaseLoader makes nothing but strings


def selected(path: Path) -> set[str]:
    """The variables of the outermost SELECT, whether plain or named by AS."""
    text = split_header(path.read_text("utf-8"))[1]
    clause = text[text.index("SELECT") : text.index("WHERE")]
    plain = re.sub(r"\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)", "", clause)
    return {*re.findall(r"\?(\w+)", plain), *re.findall(r"AS\s+\?(\w+)\s*\)", clause)}


def test_the_catalogue_is_as_large_as_promised() -> None:
    assert len(MAIN) >= 48


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_promised_question_has_its_query(question: str) -> None:
    assert (FOLDER / f"{QUESTIONS[question]}.rq").is_file()


@pytest.mark.parametrize("path", named(FILES))
def test_a_file_is_named_after_its_noun(path: Path) -> None:
    first = path.stem.split("-")[0]
    assert first in {*NOUNS, *(f"{noun}s" for noun in NOUNS)}


@pytest.mark.parametrize("path", named(FILES))
def test_a_file_declares_exactly_the_prefixes_it_uses_as_the_one_table_has_them(path: Path) -> None:
    text = split_header(path.read_text("utf-8"))[1]
    declared = dict(re.findall(r"^PREFIX ([\w-]+): <([^>]*)>$", text, re.MULTILINE))
    names = [token.text.partition(":")[0] for token in tokens(text) if token.kind == "name"]
    used = {name for name in names if name} - {name for name in declared if names.count(name) == 1}
    assert used == set(declared)
    assert declared == {name: PREFIXES[name] for name in declared}
    assert list(declared) == sorted(declared)


@pytest.mark.parametrize("path", named(MAIN))
def test_title_and_description_are_written_in_four_languages(path: Path) -> None:
    head = header(path)
    for key in ("title", "description"):
        texts = head[key]
        assert list(texts) == list(LANGUAGES)
        assert all(text == text.strip() and text for text in texts.values())
    descriptions = head["description"]
    assert len(set(descriptions.values())) == len(LANGUAGES), "a description was left untranslated"
    assert all(text.endswith((".", "?")) and len(text) > 60 for text in descriptions.values())


@pytest.mark.parametrize("path", named(MAIN))
def test_labels_stand_in_labels_yaml_only(path: Path) -> None:
    assert "label:" not in split_header(path.read_text("utf-8"))[0]


@pytest.mark.parametrize("path", named(MAIN))
def test_examples_say_what_they_ask_and_how_much_they_expect(path: Path) -> None:
    examples = header(path)["examples"]
    assert examples
    for example in examples:
        assert example["title"]["en"]
        assert set(example["rows"]) <= {"min", "max", "exactly"}
        assert int(example["rows"].get("min", example["rows"].get("exactly", 0))) >= 1


@pytest.mark.parametrize("path", named([path for path in FILES if not path.name.endswith(".coverage.rq")]))
def test_rows_come_in_a_stated_order(path: Path) -> None:
    text = split_header(path.read_text("utf-8"))[1]
    if "CONSTRUCT" in text:
        return
    assert re.search(r"^ORDER BY ", text, re.MULTILINE)
    assert len(re.findall(r"^SELECT ", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("path", named(sorted(FOLDER.glob("*.coverage.rq"))))
def test_a_coverage_sentence_counts_in_four_languages(path: Path) -> None:
    texts = header(path)["text"]
    assert list(texts) == list(LANGUAGES)
    assert all(text.count("{count}") == 1 and text.endswith(".") for text in texts.values())
    assert selected(path) == {"count"}


@pytest.mark.parametrize("path", named(sorted(FOLDER.glob("*.evidence.rq"))))
def test_evidence_gives_a_passage_for_columns_of_its_query(path: Path) -> None:
    columns = selected(path)
    assert "passage" in columns
    assert columns - {"passage"}
    assert columns - {"passage"} <= selected(FOLDER / path.name.replace(".evidence", ""))
    assert "graph:provenance" in path.read_text("utf-8"), "only graphs that are passages prove anything"


def test_every_label_is_used_and_written_in_four_languages() -> None:
    labels = yaml.safe_load((FOLDER / "labels.yaml").read_text("utf-8"))
    parameters = {name for path in MAIN for name in (header(path).get("parameters") or {})}
    columns = {name for path in MAIN if "CONSTRUCT" not in path.read_text("utf-8") for name in selected(path)}
    subjects = {header(path)["subject"] for path in MAIN}
    assert set(labels["parameters"]) == parameters
    assert set(labels["subjects"]) == subjects
    assert set(labels["columns"]) <= columns
    assert set(labels["values"]) <= columns
    written = "".join(path.read_text("utf-8") for path in MAIN)
    words = {word: text for texts in labels.pop("values").values() for word, text in texts.items()}
    assert all(f'"{word}"' in written for word in words)
    assert all(list(text) == list(LANGUAGES) for section in (*labels.values(), words) for text in section.values())
