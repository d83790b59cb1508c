"""Runs the official SPARQL test cases over HTTP (protocol, graph store, service description) against a service made for them.

The cases and their runner are no part of this repository: they lie in `../shared/w3c`, or where DPA_KG_W3C says. The service has an
empty home, a plain data set (DPA_KG_DEFAULT_GRAPH=own), a token of its own, and a free port of the loopback interface.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SUITES = "protocol,gsp,service-description"
START_LIMIT = 60.0  # seconds


def cases() -> Path | None:
    """The folder with the cases and the runner, or None where there is none."""
    place = Path(os.environ.get("DPA_KG_W3C") or ROOT.parent / "shared" / "w3c")
    return place if (place / "w3c_http.py").is_file() else None


@contextmanager
def service(token: str) -> Iterator[str]:
    """The address of a new and empty service; its process ends with the context."""
    with tempfile.TemporaryDirectory(prefix="dpa-kg-conformance-") as home, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        own = {"HOME": home, "PORT": str(port), "HOST": "127.0.0.1", "DEFAULT_GRAPH": "own", "WRITE_TOKEN": token}
        environment = os.environ | {f"DPA_KG_{name}": value for name, value in own.items()}
        command = [sys.executable, "-c", "from dpa_kg.cli import app; app()", "serve"]
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=subprocess.DEVNULL)  # noqa: S603
        try:
            _wait(process, f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()  # noqa: S310
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("The service did not start.")


def run(place: Path, suites: str = SUITES, *more: str, quiet: bool = False) -> list[dict[str, Any]]:
    """The verdict on each case: suite, test, verdict (pass, fail, skip), reason. `more` are further arguments of the runner."""
    token = secrets.token_urlsafe(16)
    with service(token) as address, tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable, str(place / "w3c_http.py"), "--tests", str(place / "rdf-tests"), "--query", f"{address}/sparql",
            "--update", f"{address}/update", "--gsp", f"{address}/graphs", "--auth-header", f"Authorization: Bearer {token}",
            "--suites", suites, "--json", str(report), *more,
        ]  # fmt: skip
        done = subprocess.run(command, check=False, capture_output=quiet, text=True)  # noqa: S603
        if not report.is_file():
            raise RuntimeError(f"The runner failed: {done.stdout} {done.stderr}")
        verdicts: list[dict[str, Any]] = json.loads(report.read_text("utf-8"))["tests"]
        return verdicts


def main() -> int:
    """Exit code 1 where a case fails, 2 where there are no cases."""
    place = cases()
    if place is None:
        sys.stderr.write("The official cases are not there: put them into ../shared/w3c, or name their folder with DPA_KG_W3C.\n")
        return 2
    return int(any(verdict["verdict"] == "fail" for verdict in run(place, SUITES, *sys.argv[1:])))


if __name__ == "__main__":
    raise SystemExit(main())
