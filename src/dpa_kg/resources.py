"""Finds the folders that travel with the package: ontology, shapes, queries, data.

In a wheel they lie inside the package; in a checkout (an editable install) beside `src/`.
"""

from __future__ import annotations

from pathlib import Path

from dpa_kg.errors import BuildError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


def checkout() -> Path | None:
    """The root of the checkout that this package runs from, or None when it runs from a wheel."""
    return _CHECKOUT if (_CHECKOUT / "ontology" / "dpa.ttl").is_file() else None


def folder(name: str, root: Path | None = None) -> Path:
    """The folder `name` (`ontology`, `shapes`, `queries` or `data`), of another project when its root is given.

    Raises BuildError where it is missing.
    """
    for place in (_PACKAGE / "resources", _CHECKOUT) if root is None else (root,):
        if (place / name).is_dir():
            return place / name
    raise BuildError(f"The folder {name}/ is missing from this installation.", hint="Install the package again.")
