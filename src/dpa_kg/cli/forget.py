"""`dpa-kg forget`: removes a person's data, and says what was done and what was not."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from dpa_kg import forget as work
from dpa_kg.cli import show
from dpa_kg.settings import Settings

app = typer.Typer()
_AROUND = 80  # characters of a text that are shown before and after the name


@app.command()
def forget(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="IRI, slug or name of the person.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for those who read the old files.")] = work.WAIT,
) -> None:
    """Remove a person's data from every version that is kept, from dumps, differences and the search index; for good.

    What goes: statements on the person and those that point there, the person's memberships and participations, texts that repeat the
    name, the provenance of passages that are empty then. Labels of other things keep a gap “[…]” in the place of the name. The person
    does not come back with a build: only hashes are kept for that, in forgotten.json. Exit code 1 while something still reads old files.
    """
    settings = Settings()
    who = work.person(settings, person)
    going = work.plan(settings, who, show.stages())
    _show_plan(who, going)
    if dry_run:
        return
    if not yes:
        typer.confirm("Remove all of it? This cannot be undone.", abort=True)
    outcome = work.forget(settings, who, show.stages(), wait=wait)
    _show_outcome(outcome)
    if outcome.read:
        typer.echo(f"When they have ended, run it again: dpa-kg forget {shlex.quote(who.iri)}", err=True)
        raise typer.Exit(1)


def _show_plan(who: work.Person, going: Sequence[work.Going]) -> None:
    show.lines(f"To forget: {who.iri}", sorted(who.names))
    found = [
        f"version {one.number}: {one.statements:,} statements, {len(one.texts):,} texts" for one in going if one.statements or one.texts
    ]
    show.lines("What goes", found)
    texts = Counter((text.subject, text.before, text.after) for one in going for text in one.texts)
    show.lines(
        "Texts that repeat the name (in all versions)",
        [_becomes(*text) for text in sorted(texts, key=str)],
    )
    if again := [str(one.number) for one in going if one.again]:
        show.lines("Versions to be written again", [", ".join(again)])
    show.lines("Perhaps the same person, to be forgotten too if so", sorted(who.possibly_same))
    show.lines("Others of the same name, who stay", sorted(who.namesakes - who.possibly_same))


def _becomes(subject: str, before: str, after: str | None) -> str:
    """What a text becomes; of a long one, what stands around the first change."""
    place = 0 if after is None else next((at for at, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), 0)
    first = max(place - _AROUND, 0)
    cut = [" ".join(text[first : place + _AROUND].split()) for text in (before, after or "")]
    return f"{subject}: “{cut[0]}” {'goes' if after is None else f'becomes “{cut[1]}”'}"


def _show_outcome(outcome: work.Outcome) -> None:
    again = [one.number for one in outcome.versions if one.again]
    typer.echo(f"Removed from {len(again)} versions; dumps, differences and counts are made again when they are asked for.")
    show.lines("The project's files still name the person; a build leaves it out", outcome.project)
    show.lines("Files in the home that still name the person", outcome.home)
    show.lines("IRIs of other things that spell the name, and stay", outcome.spelled)
    show.lines("Texts of the current version with a part of the name, to be read by somebody", outcome.partly)
    show.lines("Versions whose old files are still being read", [str(number) for number in outcome.read])
