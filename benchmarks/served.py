"""The service with one empty route more, first of all routes, to measure answers against: `python -m benchmarks.served`."""

from __future__ import annotations

from fastapi import Response
from fastapi.routing import APIRoute

from dpa_kg.http import server
from dpa_kg.http.app import create_app
from dpa_kg.settings import Settings


async def empty() -> Response:
    """Nothing."""
    return Response()


def main() -> None:
    """Serves as `dpa-kg serve --no-build` does."""
    settings = Settings()
    if settings.web_workers > 1:
        server.serve(settings)  # without the empty route: each process makes its own app
        return
    app = create_app(settings)
    app.router.routes.insert(0, APIRoute("/empty", empty, include_in_schema=False))
    server.run(app, settings)


if __name__ == "__main__":
    main()
