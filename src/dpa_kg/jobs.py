"""The process for what takes longer than a question: dumps, differences, counts, the validation of posted data. Run by a `workers.Pool`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dpa_kg import validation
from dpa_kg.graph import kept
from dpa_kg.graph.dump import write_difference, write_gzip
from dpa_kg.graph.metadata import Version
from dpa_kg.graph.versions import Versions
from dpa_kg.query import worker
from dpa_kg.query.counts import Counts
from dpa_kg.query.spool import scratch

_DUMPS: Final[Mapping[str, Any]] = {kept.NQUADS_DUMP: "nquads", kept.TRIG_DUMP: "trig"}


class Jobs(worker.Answerer):
    """Answers the web process: with the path of a file that is kept, or with a report."""

    def __init__(self, home: Path, spool: Path) -> None:
        self._versions = Versions(home)
        self._spool = spool

    def answer(self, request: dict[str, Any]) -> str:
        """Does what `request` (version, method, arguments) asks for, while the version cannot be deleted."""
        with self._versions.reading(request["version"]) as version:
            answer: str = getattr(self, request["method"])(version, **request["arguments"])
            return answer

    def make(self, version: Version, *, name: str) -> str:
        """Makes one of the files of `graph.kept` unless it is there. Raises NotFound where the parent of a difference is gone."""
        home = self._versions.home
        kept.tidy(home, {known.number for known in self._versions.all()})
        path = kept.folder(home, version.number, version.generation) / name
        if not path.is_file():
            with kept.making(path) as output:
                if name in _DUMPS:
                    write_gzip(version, _DUMPS[name], output, path.parent)
                elif name == kept.DIFFERENCE:
                    self._difference(version, output, path.parent)
                else:
                    output.write(json.dumps(Counts.of(version).to_json()).encode())
        return str(path)

    def compare(self, version: Version, *, other: int) -> str:
        """Makes the difference between any two versions unless it is there. Raises NotFound where the other one is gone."""
        home = self._versions.home
        with self._versions.reading(other) as old:
            path = kept.folder(home, version.number, version.generation) / kept.comparison(old.edition)
            if not path.is_file():
                with kept.making(path) as output:
                    write_difference(version, old, output, path.parent)
        kept.bound(home, path)
        return str(path)

    def _difference(self, version: Version, output: Any, scratch: Path) -> None:
        if version.metadata.parent is None:
            write_difference(version, None, output, scratch)
            return
        with self._versions.reading(version.metadata.parent) as parent:
            write_difference(version, parent, output, scratch)

    def validate(self, version: Version, *, text: str, format_name: str, base: str) -> str:
        """The report on a text, as JSON."""
        with scratch(self._spool) as place:
            return json.dumps(validation.validate(version, text, format_name, base, place).to_json())


def main() -> None:
    """The arguments arrive as the first frame, as in `query.worker`."""
    worker.run(lambda start: Jobs(Path(start["home"]), Path(start["spool"])))


if __name__ == "__main__":
    main()
