"""A tiny published version for tests of the query layer: made by hand, without the gate, in a few milliseconds."""

from pathlib import Path

import pyoxigraph as ox

from dpa_kg.graph import search
from dpa_kg.graph.metadata import Metadata, Version
from dpa_kg.graph.versions import Versions
from dpa_kg.namespaces import PREFIXES

QUADS = """
graph:report/L1 {
  project:alpha a dpa:Project, dpa:Undertaking ; rdfs:label "Alpha"@en , "Alfa"@es ; dpa:startDate "2018"^^xsd:gYear ;
    dpa:participation participation:alpha-bank-funder , participation:alpha-lab-partner .
  participation:alpha-bank-funder a dpa:Participation ; prov:agent organization:bank ; prov:hadRole role:funder .
  participation:alpha-lab-partner a dpa:Participation ; prov:agent organization:lab ; prov:hadRole role:partner .
  organization:bank a org:Organization ; rdfs:label "Inter-American Development Bank"@en , "Banco Interamericano de Desarrollo"@es ;
    dpa:acronym "IDB" , "BID" .
  organization:lab a org:Organization ; rdfs:label "Media Lab"@en ; dpa:variantName "The Media Laboratory"@en .
}
graph:report/L2 { project:alpha dpa:place place:norway . project:beta a dpa:Project ; rdfs:label "Beta"@en . }
graph:reference/places {
  place:norway a dpa:Country, dpa:Place ; rdfs:label "Norway"@en , "Noruega"@es ; dpa:alpha2 "NO" .
  place:georgia a dpa:Country, dpa:Place ; rdfs:label "Georgia"@en ; dpa:alpha2 "GE" .
  place:georgia-usa a dpa:Region, dpa:Place ; rdfs:label "Georgia"@en .
  role:funder a dpa:Role ; skos:prefLabel "funder"@en , "financiador"@es .
  role:partner a dpa:Role ; skos:prefLabel "partner"@en , "socio"@es .
}
graph:derived {
  project:alpha dpa:country place:norway ; dpa:funder organization:bank .
  participation:alpha-bank-funder dpa:participationIn project:alpha .
  participation:alpha-lab-partner dpa:participationIn project:alpha .
}
graph:provenance {
  graph:report\\/L1 a dpa:Passage ; dpa:source source:report ; dpa:lines "1" ; dpa:status dpa:stated .
  graph:report\\/L2 a dpa:Passage ; dpa:source source:report ; dpa:lines "2" ; dpa:status dpa:implied ; dpa:note "by its heading"@en .
  source:report a dpa:Source ; rdfs:label "The Report"@en .
}
"""


def make_version(home: Path, text: str = QUADS) -> Version:
    """Publishes a version with the quads of `text` (TriG without its prefixes) and their merge."""
    prefixes = "\n".join(f"@prefix {prefix}: <{iri}> ." for prefix, iri in PREFIXES.items())
    escaped = text.replace("graph:report/L", "graph:report\\/L").replace("graph:reference/places", "graph:reference\\/places")
    quads = list(ox.parse(f"{prefixes}\n{escaped}", format=ox.RdfFormat.TRIG))
    versions = Versions(home)
    with versions.writing(), versions.candidate() as candidate:
        store = ox.Store(str(candidate.store_path))
        store.bulk_extend(quads)
        merged = {ox.Quad(quad.subject, quad.predicate, quad.object) for quad in quads if not quad.graph_name.value.endswith("/provenance")}
        store.bulk_extend(merged)
        search.write(store, candidate.search_path)
        store.flush()
        del store
        metadata = Metadata(
            number=candidate.number, created="2026-01-01T00:00:00+00:00", fingerprint="tiny", engine="", code="", triples=len(merged),
            graphs=5, file_graphs=(), validated=True, warnings=0, infos=0, parent=None, who="tests", changes={},
        )  # fmt: skip
        return versions.publish(candidate, metadata)
