"""The JSON-LD that an entity's page carries for search engines: a few schema.org properties, nothing that the page does not show."""

from __future__ import annotations

import json
from typing import Any, Final

from markupsafe import Markup

from dpa_kg.query.answers import Dossier

_TYPES: Final = {
    "organization": "Organization",
    "person": "Person",
    "project": "Project",
    "initiative": "Project",
    "programme": "Project",
    "grant": "MonetaryGrant",
    "event": "Event",
    "publication": "CreativeWork",
    "place": "Place",
    "theme": "DefinedTerm",
    "source": "DigitalDocument",
}


def schema_org(dossier: Dossier, address: str) -> Markup:
    """A schema.org description of the entity, as text that is safe inside a script element."""
    others = sorted({name.text for name in dossier.names if name.text != dossier.label})
    document: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": _TYPES.get(dossier.noun, "Thing"),
        "@id": dossier.iri,
        "name": dossier.label,
        "url": address,
        **({"alternateName": others} if others else {}),
        **({"description": dossier.description} if dossier.description else {}),
    }
    text = json.dumps(document, ensure_ascii=True)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped just here
