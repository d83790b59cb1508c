"""The web application, put together: nothing is read or opened before `create_app` and its lifespan."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from fastapi import FastAPI

from dpa_kg import __version__, resources
from dpa_kg.errors import BuildError
from dpa_kg.graph.fingerprint import fingerprint
from dpa_kg.graph.versions import Versions
from dpa_kg.http import (
    catalog,
    entities,
    errors,
    graphs,
    metrics,
    openapi,
    operations,
    queries,
    search,
    sparql,
    updates,
    validate,
    versions,
    vocabulary,
    void,
)
from dpa_kg.http.caching import KeptAnswers, Memory
from dpa_kg.http.clients import Clients
from dpa_kg.http.engine import versions_of, watching
from dpa_kg.http.jobs import Jobs
from dpa_kg.http.limits import RequestLimits
from dpa_kg.http.metrics import Metrics
from dpa_kg.http.middleware import CommonHeaders
from dpa_kg.http.observation import Observation
from dpa_kg.http.pages import home
from dpa_kg.http.pages.rendering import Pages
from dpa_kg.http.siblings import Siblings
from dpa_kg.query.catalogue import Catalogue
from dpa_kg.query.workers import Pool, patient, writing
from dpa_kg.settings import Settings

_DESCRIPTION: Final = (
    "A knowledge graph of the organizations, people and projects around Data-Pop Alliance, with the evidence for every statement. "
    "Errors are problem documents (RFC 9457). Names are understood in English, Spanish, French and Portuguese."
)
_SUGGESTION_LISTS: Final = 128  # kept in memory: one per version, class and language
_ANSWERS: Final = 256  # kept in memory, of at most SMALL bytes each


def create_app(settings: Settings, siblings: Siblings | None = None) -> FastAPI:
    """The service over the versions in `settings.home`, or one web process of it. Its lifespan starts and ends the workers."""
    app = FastAPI(
        title="DPA knowledge graph",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        root_path=settings.root_path,
        telemetry={"tracing": False},
    )
    app.state.settings = settings
    app.state.versions = versions_of(settings)
    app.state.catalogue = Catalogue.load(resources.folder("queries"), check=not _is_checked(settings))
    app.state.pages = Pages()
    app.state.suggestions = Memory(_SUGGESTION_LISTS)
    app.state.answers = Memory(_ANSWERS)
    app.state.siblings = siblings or Siblings.alone()
    app.state.clients = Clients(settings.client_queries, app.state.siblings.places)
    app.state.metrics = Metrics()
    described = (vocabulary, void, catalog, versions, validate)
    surfaces = (updates, graphs, entities, search, *described, operations, metrics, home)
    for router in (sparql.router, queries.router, *(surface.router for surface in surfaces), queries.described(app.state.catalogue)):
        app.include_router(router)  # the first is found fastest
    errors.install(app)
    openapi.install(app)
    state = app.state
    app.add_middleware(KeptAnswers, versions=state.versions, answers=state.answers, counts=state.metrics.answers)
    app.add_middleware(RequestLimits, settings=settings)
    app.add_middleware(Observation, metrics=app.state.metrics)
    app.add_middleware(CommonHeaders)
    return app


def _is_checked(settings: Settings) -> bool:
    """Whether the published version was made from these very files: the build has checked the queries then, which takes half a second."""
    try:
        version = Versions(settings.home).current()
    except BuildError:  # each request says what is wrong
        return False
    return version is not None and version.metadata.fingerprint == fingerprint()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Texts of callers have workers of their own, so that they never keep pages waiting."""
    settings: Settings = app.state.settings
    published: Versions = app.state.versions

    def current() -> int:
        return published.served().number

    app.state.adhoc = Pool(settings, settings.query_workers, current, patient(settings))
    app.state.questions = Pool(settings, settings.question_workers, current)
    app.state.writer = Pool(settings, 1, current, writing(settings))  # started by the first write
    app.state.jobs = Jobs(settings, current)
    try:
        await app.state.questions.start()
        await app.state.adhoc.start()
        async with app.state.siblings.telling(partial(metrics.report, app.state)), watching(published):
            yield
    finally:
        await app.state.jobs.close()
        await app.state.writer.close()
        await app.state.adhoc.close()
        await app.state.questions.close()
