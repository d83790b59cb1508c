"""`/.well-known/void`: what a version holds, counted (VoID, https://www.w3.org/TR/void/, section 7.2)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

import pyoxigraph as ox
from fastapi import APIRouter, Request, Response

from dpa_kg.graph import kept
from dpa_kg.graph.metadata import Version
from dpa_kg.http import openapi
from dpa_kg.http.caching import cache_headers, entity_tag, not_modified
from dpa_kg.http.dependencies import base_url, chosen, version, wants_page
from dpa_kg.http.descriptions import Description, moment, number
from dpa_kg.http.jobs import kept_file
from dpa_kg.namespaces import ID
from dpa_kg.query.counts import Counts
from dpa_kg.representations.formats import GRAPH_FORMATS, TURTLE, Format

router = APIRouter(tags=["Data set"])
_FEATURES: Final = "http://www.w3.org/ns/formats/"
_WRITTEN: Final = ("Turtle", "N-Triples", "JSON-LD", "RDF_XML")
_ROUTE: Final = {
    "parameters": [openapi.format_parameter(GRAPH_FORMATS), openapi.VERSION],
    "responses": openapi.answers(GRAPH_FORMATS, (404, 406, 422, 503, 504)),
}


@router.get("/.well-known/void", summary="The data set, counted (VoID)", openapi_extra=_ROUTE, response_class=Response)
async def describe(request: Request) -> Response:
    """Triples, entities, classes, properties, linksets, vocabularies, and where the data are."""
    form = TURTLE if wants_page(request, GRAPH_FORMATS) else chosen(request, GRAPH_FORMATS)
    described = version(request)
    tag = entity_tag(described, "void", form.name, base_url(request))
    if found := not_modified(request, tag):
        return found
    counts = await kept_file(request, described, kept.COUNTS)
    body = await asyncio.to_thread(_body, counts, described, base_url(request), form)
    return Response(body, headers=cache_headers(tag), media_type=form.content_type)


def _body(path: Path, described: Version, base: str, form: Format) -> bytes:
    counts = Counts.from_json(json.loads(path.read_bytes()))
    description = Description(base)
    document, data_set = description.at(f"/.well-known/void?version={described.number}"), description.at(f"/versions/{described.number}")
    description.add(document, "rdf:type", "void:DatasetDescription")
    description.add(document, "foaf:primaryTopic", data_set)
    description.add(data_set, "rdf:type", "void:Dataset")
    description.add(data_set, "dcterms:isVersionOf", description.at("/catalog#dataset"))
    description.add(data_set, "dcterms:issued", moment(described.metadata.created))
    description.add(data_set, "void:sparqlEndpoint", description.at("/sparql"))
    description.add(data_set, "void:dataDump", *(description.at(f"/catalog/dumps/{described.number}.{end}.gz") for end in ("nq", "trig")))
    description.add(data_set, "void:feature", *(ox.NamedNode(_FEATURES + name) for name in _WRITTEN))
    description.add(data_set, "void:uriSpace", ox.Literal(ID))
    _count(description, data_set, counts)
    return description.write(form)


def _count(description: Description, data_set: ox.NamedNode, counts: Counts) -> None:
    description.add(data_set, "void:triples", number(counts.triples))
    description.add(data_set, "void:entities", number(counts.entities))
    description.add(data_set, "void:distinctSubjects", number(counts.subjects))
    description.add(data_set, "void:distinctObjects", number(counts.objects))
    description.add(data_set, "void:classes", number(len(counts.classes)))
    description.add(data_set, "void:properties", number(len(counts.properties)))
    description.add(data_set, "void:exampleResource", *(ox.NamedNode(iri) for iri in counts.examples))
    names = [*(name for name, _ in counts.classes), *(name for name, *_ in counts.properties)]
    description.add(data_set, "void:vocabulary", *(ox.NamedNode(iri) for iri in sorted({_namespace(name) for name in names})))
    for position, (name, entities) in enumerate(counts.classes):
        part = ox.BlankNode(f"class{position}")
        description.add(data_set, "void:classPartition", part)
        description.add(part, "void:class", ox.NamedNode(name))
        description.add(part, "void:entities", number(entities))
    for position, (name, triples, subjects, objects) in enumerate(counts.properties):
        part = ox.BlankNode(f"property{position}")
        description.add(data_set, "void:propertyPartition", part)
        description.add(part, "void:property", ox.NamedNode(name))
        for term, value in (("triples", triples), ("distinctSubjects", subjects), ("distinctObjects", objects)):
            description.add(part, f"void:{term}", number(value))
    _link(description, data_set, counts)


def _link(description: Description, data_set: ox.NamedNode, counts: Counts) -> None:
    """One linkset for each property and each site that it leads to."""
    for position, (name, site, triples) in enumerate(counts.linksets):
        links, target = ox.BlankNode(f"links{position}"), ox.BlankNode(f"target{position}")
        description.add(data_set, "void:subset", links)
        description.add(links, "rdf:type", "void:Linkset")
        description.add(links, "void:linkPredicate", ox.NamedNode(name))
        description.add(links, "void:subjectsTarget", data_set)
        description.add(links, "void:objectsTarget", target)
        description.add(links, "void:triples", number(triples))
        description.add(target, "rdf:type", "void:Dataset")
        description.add(target, "void:uriSpace", ox.Literal(site))


def _namespace(iri: str) -> str:
    """The vocabulary of a term: what stands before its local name."""
    return iri[: max(iri.rfind("/"), iri.rfind("#")) + 1]
