"""One of several web processes: `python -m dpa_kg.http.process`, started by `http.supervisor` with its arguments on standard input."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

from dpa_kg.http import server
from dpa_kg.http.app import create_app
from dpa_kg.http.siblings import Siblings
from dpa_kg.query.worker import die_with_parent
from dpa_kg.settings import Settings


def main() -> None:
    """Ends as if it were stopped when its parent is gone, so that answers in flight are finished even then."""
    first = json.load(sys.stdin.buffer)
    die_with_parent(first["parent"], signal.SIGTERM)
    settings = Settings(**first["settings"])
    siblings = Siblings(settings.web_workers, Path(first["folder"]), os.fdopen(first["places"], "r+b", buffering=0))
    listener = socket.socket(fileno=first["listener"])
    server.run(create_app(settings, siblings), settings, [listener])


if __name__ == "__main__":
    main()
