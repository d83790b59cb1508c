"""Makes a graph of N projects in our own ontology, as N-Quads: `python -m benchmarks.generate 50000 --output projects.nq`.

The same N gives the same bytes. Who funds, who takes part, where and on what are skewed as they are in life: a few
organizations, countries and themes have most of the projects (Zipf's law). There are about 20 triples for each project,
all in one named graph.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import IO, Final

import pyoxigraph as ox

from dpa_kg.namespaces import DPA, ID, PREFIXES, RDF, RDFS, XSD
from dpa_kg.resources import folder

GRAPH: Final = "https://example.org/graph/generated"
_SEED: Final = 20190501
_SYLLABLES: Final = "ba ce di fo gu ha je li mo nu pa que ri so tu va xi ya zo lan mer tis por cal"
_WORDS: Final = 4000
_ROLES: Final = ("partner", "implementer", "data-provider", "research-partner", "lead", "beneficiary", "host", "co-lead")
_FUNDING: Final = ("funder", "funder", "funder", "commissioner", "supporter")
_KINDS: Final = ("foundation", "national-ngo", "academic-institution", "government", "private-company", "un-agency", "development-bank")
_CURRENCIES: Final = ("USD", "EUR", "GBP", "COP", "XOF")
_STATUSES: Final = ("finalized", "ongoing", "planned")
_GENERATED: Final = "generated-"  # begins every slug, so that no entity of the project's own files is met


class Zipf:
    """Draws from a sequence; the k-th item comes with a weight of 1/k."""

    def __init__(self, items: Sequence[str], source: random.Random, exponent: float = 1.0) -> None:
        self._items = items
        self._source = source
        self._weights = list(accumulate(1 / rank**exponent for rank in range(1, len(items) + 1)))

    def some(self, count: int) -> list[str]:
        """`count` items, perhaps with repetitions."""
        return self._source.choices(self._items, cum_weights=self._weights, k=count)

    def distinct(self, count: int) -> list[str]:
        """At most `count` different items."""
        return list(dict.fromkeys(self.some(count)))


@dataclass(frozen=True)
class _World:
    """What projects are made of: IRIs between angle brackets, and words."""

    source: random.Random
    countries: Zipf
    places: Zipf
    themes: Zipf
    funders: Zipf
    others: Zipf
    words: Zipf


def quads(projects: int) -> Iterator[str]:
    """The N-Quads of `projects` projects and of what they speak about, line by line."""
    lines = (line for block in _blocks(projects) for line in block)
    return (f"{line} <{GRAPH}> .\n" for line in lines)


def names(projects: int) -> Iterator[str]:
    """The classes and labels alone, as N-Triples."""
    lines = (line for block in _blocks(projects) for line in block)
    return (f"{line} .\n" for line in lines if f" {_TYPE} " in line or f" {_LABEL} " in line)


def write(projects: int, output: IO[str]) -> int:
    """Writes the N-Quads, and returns how many there are."""
    count = 0
    for line in quads(projects):
        output.write(line)
        count += 1
    return count


def iri(name: str) -> str:
    """`dpa:Project` as N-Quads has it."""
    prefix, _, local = name.partition(":")
    return f"<{PREFIXES[prefix]}{local}>"


def _entity(noun: str, number: int | str) -> str:
    return f"<{ID}{noun}/{_GENERATED}{number}>"


_TYPE, _LABEL = f"<{RDF}type>", f"<{RDFS}label>"
_ROLE_OF, _AGENT = iri("prov:hadRole"), iri("prov:agent")


def _blocks(projects: int) -> Iterator[list[str]]:
    source = random.Random(_SEED)  # noqa: S311 - nothing secret is made here
    words = Zipf(_vocabulary(source), source)
    countries = Zipf(_known("reference/places.ttl", "data", f"{DPA}Country", source), source)
    themes = Zipf(_known("concepts.ttl", "ontology", f"{DPA}Theme", source), source)
    cities = [_entity("place", number) for number in range(max(20, projects // 100))]
    organizations = [_entity("organization", number) for number in range(max(40, projects // 25))]
    for city in cities:
        yield _city(city, source, words, countries)
    for organization in organizations:
        yield _organization(organization, source, words, countries)
    funders = Zipf(organizations[: max(10, len(organizations) // 10)], source)
    world = _World(source, countries, Zipf(cities, source), themes, funders, Zipf(organizations[::-1], source, 0.8), words)
    for number in range(projects):
        yield _project(number, world)


def _vocabulary(source: random.Random) -> list[str]:
    syllables = _SYLLABLES.split()
    words = ("".join(source.choices(syllables, k=source.randint(2, 4))) for _ in range(2 * _WORDS))
    return list(dict.fromkeys(words))[:_WORDS]


def _known(file: str, place: str, kind: str, source: random.Random) -> list[str]:
    """What the project's own files know of a class, in an order of its own."""
    wanted = ox.NamedNode(kind)
    found = sorted({str(quad.subject) for quad in ox.parse(path=str(folder(place) / file)) if quad.object == wanted})
    source.shuffle(found)
    return found


def _name(words: Zipf, count: int, number: str) -> str:
    return " ".join([*words.some(count), number]).capitalize()


def _slug(node: str) -> str:
    return node.rpartition("-")[2].removesuffix(">")


def _city(city: str, source: random.Random, words: Zipf, countries: Zipf) -> list[str]:
    return [
        f"{city} {_TYPE} {iri('dpa:City')}",
        f'{city} {_LABEL} "{_name(words, 1, _slug(city))}"@en',
        f"{city} {iri('dpa:containedIn')} {countries.some(1)[0]}",
        f'{city} {iri("schema:latitude")} "{source.uniform(-50, 60):.4f}"^^<{XSD}decimal>',
        f'{city} {iri("schema:longitude")} "{source.uniform(-170, 170):.4f}"^^<{XSD}decimal>',
    ]


def _organization(organization: str, source: random.Random, words: Zipf, countries: Zipf) -> list[str]:
    return [
        f"{organization} {_TYPE} {iri('org:Organization')}",
        f'{organization} {_LABEL} "{_name(words, 2, _slug(organization))}"@en',
        f"{organization} {iri('org:classification')} {iri('organization-kind:' + source.choice(_KINDS))}",
        f"{organization} {iri('dpa:homeCountry')} {countries.some(1)[0]}",
    ]


def _project(number: int, world: _World) -> list[str]:
    source, project = world.source, _entity("project", number)
    funder = world.funders.some(1)[0]
    lines = [
        f"{project} {_TYPE} {iri('dpa:Project')}",
        f'{project} {_LABEL} "{_name(world.words, 4, str(number))}"@en',
        *_period(project, source),
        f"{project} {iri('dpa:projectStatus')} {iri('project-status:' + source.choices(_STATUSES, (6, 3, 1))[0])}",
        *(f"{project} {iri('dpa:theme')} {theme}" for theme in world.themes.distinct(source.choice((1, 1, 2)))),
        *(f"{project} {iri('dpa:place')} {place}" for place in _places(world)),
    ]
    if source.random() < 0.3:
        lines.append(f'{project} {_LABEL} "{_name(world.words, 4, str(number))}"@es')
    agents = [(funder, source.choice(_FUNDING))] if source.random() < 0.8 else []
    agents += [(agent, source.choice(_ROLES)) for agent in world.others.distinct(source.choice((1, 1, 2, 2, 3)))]
    for position, (agent, role) in enumerate(agents):
        lines += _participation(project, _entity("participation", f"{number}-{position}"), agent, role)
    if agents and agents[0] == (funder, "funder") and source.random() < 0.6:
        lines += _grant(project, _entity("grant", number), funder, source)
    return lines


def _places(world: _World) -> list[str]:
    """Two projects of three name a city, the others a country."""
    return (world.places if world.source.random() < 0.66 else world.countries).distinct(world.source.choice((1, 1, 1, 2)))


def _period(project: str, source: random.Random) -> Iterator[str]:
    """A start for nine of ten, an end for two of three; stated as years, months or days."""
    first = 2010 + int(source.triangular(0, 15, 9))
    if source.random() < 0.9:
        yield f"{project} {iri('dpa:startDate')} {_date(first, source)}"
    if source.random() < 0.66:
        yield f"{project} {iri('dpa:endDate')} {_date(first + source.choice((1, 1, 2, 3)), source)}"


def _date(year: int, source: random.Random) -> str:
    form, month, day = source.random(), source.randint(1, 12), source.randint(1, 28)
    if form < 0.5:
        return f'"{year}"^^<{XSD}gYear>'
    return f'"{year}-{month:02d}"^^<{XSD}gYearMonth>' if form < 0.8 else f'"{year}-{month:02d}-{day:02d}"^^<{XSD}date>'


def _participation(project: str, node: str, agent: str, role: str) -> list[str]:
    return [
        f"{project} {iri('dpa:participation')} {node}",
        f"{node} {_TYPE} {iri('dpa:Participation')}",
        f"{node} {_AGENT} {agent}",
        f"{node} {_ROLE_OF} {iri('role:' + role)}",
    ]


def _grant(project: str, grant: str, funder: str, source: random.Random) -> list[str]:
    amount = round(10 ** source.uniform(4, 6.5), -3)
    return [
        f"{grant} {_TYPE} {iri('dpa:Grant')}",
        f"{grant} {iri('dpa:grantor')} {funder}",
        f"{grant} {iri('dpa:funds')} {project}",
        f'{grant} {iri("dpa:amount")} "{amount:.1f}"^^<{XSD}decimal>',
        f'{grant} {iri("dpa:currency")} "{source.choices(_CURRENCIES, (5, 3, 2, 1, 1))[0]}"',
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", type=int, help="how many projects")
    parser.add_argument("--output", type=Path, required=True, help="the file to write (.nq)")
    arguments = parser.parse_args()
    with arguments.output.open("w", encoding="utf-8", newline="\n") as output:
        count = write(arguments.projects, output)
    print(f"{count:,} triples, {count / arguments.projects:.1f} for each project")


if __name__ == "__main__":
    main()
