"""A Python client of the service: SPARQL by SPARQLWrapper, named queries as lists of dictionaries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from SPARQLWrapper import JSON, SPARQLWrapper

from dpa_kg.errors import DpaKgError

Value = str | Iterable[str]


class ServiceError(DpaKgError):
    """What the service answered instead: its status and the fields of its problem document."""

    title = "The service refused"

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail", "")), hint=problem.get("hint"), candidates=problem.get("candidates", ()))
        self.code = status


@dataclass(frozen=True)
class Client:
    """The service at `address`, e.g. `http://127.0.0.1:8000`. `timeout` is in seconds."""

    address: str
    timeout: float = 60.0

    def query(self, name: str, *, lang: str = "en", limit: int | None = None, **parameters: Value) -> list[dict[str, Any]]:
        """The rows of a named query. Raises ServiceError with the service's own explanation.

        >>> Client("http://127.0.0.1:8000").query("projects-by-funder-and-country", funder="IDB", country=["CO", "MX"])  # doctest: +SKIP
        """
        pairs = [(key, text) for key, value in parameters.items() for text in ([value] if isinstance(value, str) else value)]
        options = [("lang", lang), *([("limit", str(limit))] if limit is not None else [])]
        rows: list[dict[str, Any]] = self._get(f"/queries/{name}", [*pairs, *options])["rows"]
        return rows

    def search(self, text: str, *, noun: str | None = None, lang: str = "en") -> list[dict[str, Any]]:
        """Entities by name."""
        found: list[dict[str, Any]] = self._get("/search", [("q", text), ("lang", lang), *([("noun", noun)] if noun else [])])["hits"]
        return found

    def select(self, text: str) -> list[dict[str, str]]:
        """The solutions of a SPARQL SELECT query, each variable's value as text."""
        wrapper = SPARQLWrapper(f"{self.address}/sparql")
        wrapper.setTimeout(int(self.timeout))
        wrapper.setReturnFormat(JSON)
        wrapper.setQuery(text)
        answer: Any = wrapper.queryAndConvert()
        bindings = answer["results"]["bindings"]
        return [{name: term["value"] for name, term in row.items()} for row in bindings]

    def _get(self, path: str, pairs: list[tuple[str, str]]) -> Any:
        request = Request(f"{self.address}{path}?{urlencode(pairs)}", headers={"Accept": "application/json"})  # noqa: S310 - the caller's own service
        try:
            with urlopen(request, timeout=self.timeout) as response:  # noqa: S310
                return json.load(response)
        except HTTPError as error:
            with error:
                raise ServiceError(error.code, json.load(error)) from error
