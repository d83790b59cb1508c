"""The official SPARQL cases that are about HTTP, run against a service made for them (`make conformance`)."""

from __future__ import annotations

from collections import Counter

import pytest
from scripts import conformance

KNOWN_FAILURES: dict[str, str] = {}  # case -> why it fails; a case that passes must not stand here
CASES = {"sparql11/protocol": 34, "sparql11/graph-store-protocol": 13, "sparql11/service-description": 3}


@pytest.mark.skipif(conformance.cases() is None, reason="the official cases are not in ../shared/w3c, nor where DPA_KG_W3C says")
def test_every_official_case_passes_but_those_that_are_known() -> None:
    place = conformance.cases()
    assert place is not None
    verdicts = conformance.run(place, quiet=True)
    assert Counter(verdict["suite"] for verdict in verdicts) == CASES
    failed = {verdict["test"]: verdict["reason"] for verdict in verdicts if verdict["verdict"] != "pass"}
    assert set(failed) == set(KNOWN_FAILURES), failed
