"""What a write expects of what it changes (RFC 9110, section 13.1), looked at under the write lock, before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass

from dpa_kg.errors import NotFound, PreconditionFailed
from dpa_kg.graph.draft import Change, Draft
from dpa_kg.graph.oxigraph import OxigraphStore
from dpa_kg.graph.versions import Versions

_AGAIN = "Read it again, and send the change for what is there now."


@dataclass(frozen=True)
class Precondition:
    """The versions in which a client has seen what it changes. `None`: it does not ask; `anything` stands for `*`.

    `match` (If-Match): it must still be as in one of these. `none` (If-None-Match): it must not be as in any of these.
    """

    match: tuple[int, ...] | None = None
    none: tuple[int, ...] | None = None
    match_anything: bool = False
    none_anything: bool = False


@dataclass(frozen=True)
class OfGraph:
    """A change of one graph (None: the default graph), made where its precondition holds."""

    change: Change
    precondition: Precondition
    versions: Versions
    graph: str | None

    def apply(self, draft: Draft) -> None:
        """See `Change`. Raises PreconditionFailed; Forbidden comes first, as it would without a precondition."""
        draft.allow([self.graph])
        wanted, exists = self.precondition, draft.has(self.graph)
        if wanted.match_anything and not exists:
            raise PreconditionFailed("There is no such graph.", hint="Leave out If-Match to make it.")
        if wanted.none_anything and exists:
            raise PreconditionFailed("There is such a graph already.", hint="Leave out If-None-Match to change it.")
        if wanted.match is not None and not any(self._is_as_in(number, draft) for number in wanted.match):
            raise PreconditionFailed("The graph is not as the request has seen it.", hint=_AGAIN)
        if any(self._is_as_in(number, draft) for number in wanted.none or ()):
            raise PreconditionFailed("The graph is as the request does not want it.", hint=_AGAIN)
        self.change.apply(draft)

    def _is_as_in(self, number: int, draft: Draft) -> bool:
        """Whether the graph holds what it held in a version. A change elsewhere makes no difference."""
        if not draft.has(self.graph):
            return False
        try:
            with self.versions.reading(number) as version:
                before = OxigraphStore.open_read_only(version.store_path)
                return set(before.quads(self.graph)) == set(draft.store.quads(self.graph))
        except NotFound:  # deleted meanwhile: nobody can tell
            return False


@dataclass(frozen=True)
class OfEverything:
    """A change of any graphs, made where the current version is one that the precondition names."""

    change: Change
    precondition: Precondition
    versions: Versions

    def apply(self, draft: Draft) -> None:
        """See `Change`. Raises PreconditionFailed."""
        wanted, current = self.precondition, self.versions.current()
        number = current.number if current else 0
        if wanted.none_anything or number in (wanted.none or ()):
            raise PreconditionFailed(f"The current version is {number}; the request wants another one.", hint="Leave out If-None-Match.")
        if wanted.match is not None and number not in wanted.match:
            raise PreconditionFailed(f"The current version is {number}, not the one that the request has seen.", hint=_AGAIN)
        self.change.apply(draft)
