"""How like two folded names are (RapidFuzz)."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz, process

_SHORT = 5  # letters of a text that is perhaps an acronym: parts of longer names are no likeness then
_LIKE = 64.0  # of 100: less is no likeness


def most_alike(text: str, names: Sequence[str], limit: int) -> list[int]:
    """The places of the names most like `text`, best first, then in their order.

    They are compared as a whole where one of the two is short, else also by their words and parts.
    """
    short = range(len(names)) if len(text) <= _SHORT else [place for place, name in enumerate(names) if len(name) <= _SHORT]
    whole = dict.fromkeys(short)
    long = [place for place in range(len(names)) if place not in whole]
    scores: dict[int, float] = {}
    for places, scorers in ((short, (fuzz.ratio,)), (long, (fuzz.WRatio, fuzz.partial_ratio))):
        for scorer in scorers:
            # the loop over all names is the library's own: ten times as fast as a scorer in Python
            for _, score, place in process.extract(text, [names[place] for place in places], scorer=scorer, limit=None, score_cutoff=_LIKE):
                scores[places[place]] = max(score, scores.get(places[place], 0.0))
    return sorted(scores, key=lambda place: (-scores[place], place))[:limit]
