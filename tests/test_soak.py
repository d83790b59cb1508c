"""A short soak of a real service (`make soak` is the long one): everything that it does is done, and nothing is wrong."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.soak.course import Plan, run
from tests.soak.model import WORTH, Ledger, Statement, graph_name

ONE = Statement(f"<{graph_name(1)}>", "<urn:a>", WORTH, '"1"')
TWO = Statement(f"<{graph_name(1)}>", "<urn:b>", WORTH, '"2"')


@pytest.mark.xdist_group("soak")
def test_a_service_that_is_read_written_killed_and_restarted_gives_no_wrong_answer_and_leaks_nothing(tmp_path: Path) -> None:
    lines: list[str] = []
    outcome = run(Plan(seconds=15, seed=1, default_graph="own", readers=3, between=5), tmp_path, lines.append)
    assert outcome.ledger.wrong == []
    assert len(lines) == len(outcome.looks) >= 2
    counts = outcome.ledger.counts
    done = ("answers checked", "writes acknowledged", "kills of workers", "restarts", "crashes of the web process", "runaway queries")
    assert [what for what in (*done, "clients that hung up", "clients that hung up midway") if not counts[what]] == []
    assert outcome.looks[-1].spooled == outcome.looks[-1].unfinished == 0


def test_an_answer_is_judged_by_the_version_that_gave_it_also_when_that_is_known_only_later() -> None:
    ledger = Ledger()
    ledger.record(1, frozenset())
    ledger.judge(2, "an answer", lambda state: None if state == {ONE} else "wrong")
    ledger.judge(1, "an answer", lambda state: "wrong" if state else None)
    assert ledger.counts["answers checked"] == 1
    ledger.record(2, frozenset({TWO}))
    assert ledger.wrong == ["an answer (version 2): wrong"]


def test_a_version_that_nobody_has_made_and_one_that_changes_are_wrong() -> None:
    ledger = Ledger()
    ledger.record(1, frozenset({ONE}))
    ledger.record(1, frozenset({TWO}))
    ledger.judge(3, "an answer", lambda state: None)
    ledger.close()
    assert len(ledger.wrong) == 2
    assert "published twice" in ledger.wrong[0]
    assert "no write has made" in ledger.wrong[1]


def test_the_reader_of_the_soak_sees_a_statement_that_is_missing_or_too_much() -> None:
    from tests.soak.reading import _all

    def answer(*rows: Statement) -> httpx.Response:
        lines = ["?g\t?s\t?p\t?o", *(f"{row.graph}\t{row.subject}\t{row.predicate}\t{row.value}" for row in rows)]
        return httpx.Response(200, text="\n".join(lines))

    assert _all(answer(ONE, TWO), frozenset({ONE, TWO})) is None
    for rows in ([ONE], [ONE, TWO, TWO], [ONE, TWO, Statement(ONE.graph, "<urn:c>", WORTH, '"3"')]):
        assert _all(answer(*rows), frozenset({ONE, TWO})) is not None
